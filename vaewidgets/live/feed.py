"""One thread a run that turns its newest state into frames for its widgets, and ends when idle.

Latest wins: a frame that would come too soon is never built. How soon is too soon is a share of the
processor, since on a laptop the frames are built by the cores that train.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch

from vaewidgets.cells import at_cell_end
from vaewidgets.concurrency import BackgroundThread, Lock, leave_if_exiting
from vaewidgets.contract.frame import LiveState, Sections
from vaewidgets.engine import Snapshot
from vaewidgets.live.messages import Question
from vaewidgets.live.networks import PageNetworks
from vaewidgets.live.unit_costs import UnitCosts
from vaewidgets.live.view import SHARED, View
from vaewidgets.runs import Run, release_cores
from vaewidgets.runs.progress import counting_bar
from vaewidgets.sections.state import explain

if TYPE_CHECKING:
    from vaewidgets.live.run_widget import RunWidget

FRAME_SECONDS = 0.1  # a frame at most each
ACK_SECONDS = 0.25  # an acknowledgement of what changes no frame at most each
TIME_SECONDS = 2.0  # the time line at most each
WEIGHTS_SECONDS = 1.0  # weights at most each: they are the heaviest part
SLOW_SECONDS = 0.5  # how far a measurement has come at most each
MEASURE_SECONDS, MEASURE_EVERY = 0.03, 0.3  # of measuring beside a run that trains, and how often at least
IDLE_SECONDS = 2.0  # nothing new for so long: the thread ends, the next news starts another
# Share of the time that frames may cost, of the processor seconds per wall-clock second that training uses.
HISTORY_SHARE = 0.015
SNAPSHOT_SHARE = 0.025
PULLED_SHARE = 0.05  # of histories, where a page asks five times a second: it is to find a new one each time


class Feed:
    """Feeds the widgets of one run; there is one feed a run."""

    _feeds: ClassVar[weakref.WeakKeyDictionary[Run, Feed]] = weakref.WeakKeyDictionary()
    _feeds_lock = Lock()

    def __init__(self, run: Run) -> None:
        self._run = weakref.ref(run)
        self.view = View(SHARED)  # of all widgets of the run
        self._lock = Lock()
        self._building = Lock()
        self._widgets: list[RunWidget] = []
        self._questions: dict[int, tuple[RunWidget, Question]] = {}
        self._unacknowledged: dict[int, RunWidget] = {}
        self._faults: dict[int, str] = {}  # what went wrong with a widget's newest picture
        self._news = threading.Condition(self._lock)
        self._has_news = False
        self._is_urgent = False
        self._thread: BackgroundThread | None = None
        self._remove_listener: Any = None
        self._forget_cells: Any = None
        self._drawn: Snapshot | None = None
        self._sent_weights: Callable[[], Snapshot | None] = _nothing  # whose: it need not live for that
        self._weights_forgotten = False
        self.unit_costs = UnitCosts()
        self.networks = PageNetworks()
        self._next_history = self._next_snapshot = self._next_weights = self._next_time = 0.0
        self._next_ack = 0.0

    @classmethod
    def of(cls, run: Run) -> Feed:
        with cls._feeds_lock:
            feed = cls._feeds.get(run)
            if feed is None:
                feed = cls._feeds[run] = cls(run)
            return feed

    @classmethod
    def release(cls, run: Run, widget: RunWidget) -> None:
        """Stop feeding a widget that is closed, or that the garbage collector finalizes.

        The collector can run at any allocation, also while this thread holds a lock of this module: a widget
        that no feed holds, such as one that its constructor refused, is left without taking one.
        """
        feed = cls._feeds.get(run)
        if feed is None:
            return
        feed._faults.pop(id(widget), None)  # else the next widget at this address would show it
        if any(one is widget for one in list(feed._widgets)):
            feed.unsubscribe(widget)

    def first_frame(self, widget: RunWidget, *, whole: bool = False) -> None:
        """Build the first frame of `widget` here and now; `whole`: with what is measured between frames."""
        run = self._run()
        if run is None:
            return
        drawn: Sections = {}
        weights: LiveState = {}
        try:
            snapshot = run.snapshot()
            with self._building:
                drawn = widget._snapshot_state(run, snapshot)
                weights = {**widget._weights_state(run, snapshot), **widget._time_state(run)}
            if whole:
                self._measure_all()
                weights |= widget._slow_state(run, snapshot)
        except Exception as error:
            self._faults[id(widget)] = explain(error)
        widget._compose(run, drawn, weights, self._faults.get(id(widget)))
        release_cores()

    def subscribe(self, widget: RunWidget) -> None:
        run = self._run()
        with self._lock:
            self._widgets.append(widget)
            if self._remove_listener is None and run is not None:
                self._remove_listener = run.add_listener(self.wake)
                # whoever waits for the end in a cell gets the pictures within that cell
                self._forget_cells = at_cell_end(self._renew_pictures)
        self.wake()

    def unsubscribe(self, widget: RunWidget) -> None:
        """No more frames for `widget`; with the last one the feed stops listening."""
        with self._lock:
            self._widgets = [other for other in self._widgets if other is not widget]
            self._questions.pop(id(widget), None)
            self._unacknowledged.pop(id(widget), None)
            self._faults.pop(id(widget), None)
            if not self._widgets and self._remove_listener is not None:
                self._remove_listener()
                self._forget_cells()
                self._remove_listener = self._forget_cells = None
            self._news.notify_all()

    def let_go(self, widget: RunWidget) -> None:
        """Unsubscribe a widget that will show another run, once what is being built for it has ended.

        It would write what it keeps of this run, such as its plane, into the widget of the other.
        """
        self.unsubscribe(widget)
        with self._building:
            pass

    def wake(self, *, urgent: bool = False) -> None:
        """Have a frame composed: something is new (any thread; returns at once)."""
        with self._lock:
            self._has_news |= bool(self._widgets)
            self._is_urgent |= urgent and bool(self._widgets)
            self._run_thread()

    def ask(self, widget: RunWidget, question: Question) -> None:
        """Have the kernel decode points for a page that cannot; the newest question of a widget wins."""
        with self._lock:
            known = any(one is widget for one in self._widgets)
            if known and not widget.is_pulled:
                self._questions[id(widget)] = (widget, question)
                self._run_thread()
        run = self._run()
        if known and widget.is_pulled and run is not None:
            widget._answer(question, lambda: self._drawn or run.snapshot())

    def acknowledge(self, widget: RunWidget) -> None:
        """Have `widget` send an acknowledgement alone, soon: a page waits for a second before it says so."""
        if widget.is_pulled:
            widget._send_acknowledgement()
            return
        with self._lock:
            if id(widget) not in self._unacknowledged and any(one is widget for one in self._widgets):
                self._unacknowledged[id(widget)] = widget
                self._run_thread()

    def forget_weights(self) -> None:
        """Send what goes with the weights once more, at the next occasion (any thread)."""
        with self._lock:
            self._weights_forgotten = True  # the round that may be under way was begun before
        self.wake()

    def _loop(self, thread: BackgroundThread) -> None:
        with self._lock:
            if self._thread is not thread:  # who started it was interrupted
                return
        while (due := self._wait_for_news()) != "nothing":
            run = self._run()
            if run is None:
                break
            fresh, weights_due = None, False
            try:
                self._answer(run)
                if due == "a frame":
                    fresh, weights_due = self._due(run)
            except Exception as error:  # in a thread nobody reads a traceback: into the panels
                self._blame_all(error)
            if due == "a frame":
                self._round(run, fresh, weights_due)
            self._measure(run)
            release_cores()  # packing weights and answering take some, too
            del run
        with self._lock:
            self._thread = None
            # what came while this thread was leaving
            if self._has_news or self._questions or self._unacknowledged:
                self._run_thread()
        self._renew_pictures()

    def _end(self) -> None:
        """Wake the thread: the interpreter ends."""
        with self._lock:
            self._news.notify_all()

    def _renew_pictures(self) -> None:
        """Show in the pictures that the notebook keeps where the run rests."""
        with self._lock:
            widgets = list(self._widgets)
        for widget in widgets:
            leave_if_exiting()
            widget._renew_picture()

    def _run_thread(self) -> None:
        """Start the thread if there is none, and wake it; call under the lock."""
        if self._thread is None and self._widgets:
            thread = BackgroundThread("vaewidgets-feed", stop=self._end, may_leave=True)
            with contextlib.suppress(RuntimeError):  # the interpreter ends
                thread.start(self._loop, thread)
                self._thread = thread
        self._news.notify_all()

    def _wait_for_news(self) -> Literal["nothing", "messages", "a frame"]:
        """Wait until something is to be sent; after "nothing" the thread may end."""
        idle = time.monotonic() + IDLE_SECONDS
        # a little is measured at a time beside a run that trains
        resume = time.monotonic() + MEASURE_EVERY if self.unit_costs.is_pending else math.inf
        with self._lock:
            while self._widgets:
                leave_if_exiting()
                stale = self._sent_weights() is not self._drawn
                frame = min(resume, self._next_weights if stale else math.inf)
                frame = max(-math.inf if self._has_news else frame, self._next_history)
                message = self._next_ack if self._unacknowledged else math.inf
                now = time.monotonic()
                if now >= frame or self._is_urgent:
                    self._has_news = self._is_urgent = False
                    return "a frame"
                if now >= message or self._questions:
                    return "messages"
                if frame == message == math.inf and now >= idle:
                    return "nothing"
                at = min(frame, message)
                self._news.wait((idle if at == math.inf else at) - now)
        return "nothing"

    def _blame_all(self, error: Exception) -> None:
        with self._lock:
            for widget in self._widgets:
                self._faults[id(widget)] = explain(error)

    def _due(self, run: Run) -> tuple[Snapshot | None, bool]:
        """Return a snapshot if one is to be drawn now, and whether weights are to go along."""
        with self._lock:
            if self._weights_forgotten:
                self._weights_forgotten, self._sent_weights = False, _nothing
        rests = run.status != "running"
        fresh = self._due_snapshot(run, rests)
        drawn = self._drawn if fresh is None else fresh
        return fresh, drawn is not self._sent_weights() and (rests or time.monotonic() >= self._next_weights)

    def _round(self, run: Run, fresh: Snapshot | None, weights_due: bool) -> None:
        """One frame for each widget; what needs a forward pass or carries weights only when it is due."""
        with self._lock:
            widgets = list(self._widgets)
        cost = _Cost()
        rests = run.status != "running"
        drawn = self._drawn if fresh is None else fresh
        sections: dict[int, Sections] = {}
        weights: dict[int, LiveState] = {}
        time_due = rests or time.monotonic() >= self._next_time
        for widget in widgets:
            leave_if_exiting()
            try:
                with self._building:
                    if all(one is not widget for one in self._widgets):
                        continue  # it was let go since
                    if fresh is not None:
                        sections[id(widget)] = widget._snapshot_state(run, fresh)
                        self._faults.pop(id(widget), None)
                    sent = weights[id(widget)] = {}
                    if weights_due and drawn is not None:
                        sent |= widget._weights_state(run, drawn)
                    if time_due:  # after the snapshot, which may have turned the plane
                        sent |= widget._time_state(run)
            except Exception as error:
                self._faults[id(widget)] = explain(error)
        self._drawn = drawn
        if fresh is not None:
            self._next_snapshot = time.monotonic() + max(FRAME_SECONDS, cost.seconds() / SNAPSHOT_SHARE)
        if time_due:
            self._next_time = time.monotonic() + max(TIME_SECONDS, cost.seconds() / SNAPSHOT_SHARE)
        if weights_due:
            self._sent_weights = _nothing if drawn is None else weakref.ref(drawn)
            self._next_weights = time.monotonic() + WEIGHTS_SECONDS
        cost = _Cost()
        for widget in widgets:
            try:
                fault = self._faults.get(id(widget))
                widget._compose(run, sections.get(id(widget)), weights.get(id(widget)), fault)
            except Exception as error:  # a closed comm must not end the feed of the others
                self._faults[id(widget)] = explain(error)
        share = PULLED_SHARE if any(widget.is_pulled for widget in widgets) else HISTORY_SHARE
        self._next_history = time.monotonic() + max(FRAME_SECONDS, cost.seconds() / share)

    def _measure(self, run: Run) -> None:
        """Measure what takes long until something is new; while the run trains, for a moment a round."""
        start = time.monotonic()
        next_news = start + SLOW_SECONDS
        while self.unit_costs.is_pending:
            leave_if_exiting()
            self.unit_costs.advance()
            now = time.monotonic()
            if now >= next_news or not self.unit_costs.is_pending:
                self._show_measured(run)
                next_news = now + SLOW_SECONDS
            if (
                now - start >= MEASURE_SECONDS
                if run.status == "running"
                else self._has_news or self._questions
            ):
                break

    def _show_measured(self, run: Run) -> None:
        snapshot = self._drawn
        if snapshot is None:
            return
        with self._lock:
            widgets = list(self._widgets)
        for widget in widgets:
            state: LiveState = {}
            try:
                state = widget._slow_state(run, snapshot)
            except Exception as error:
                self._faults[id(widget)] = explain(error)
            if state or id(widget) in self._faults:
                widget._compose(run, None, state, self._faults.get(id(widget)))

    def _measure_all(self) -> None:
        """Measure it here, to the end."""
        with counting_bar("measuring units") as count:
            while self.unit_costs.is_pending:
                self.unit_costs.advance()
                count(*self.unit_costs.progress)

    def _due_snapshot(self, run: Run, rests: bool) -> Snapshot | None:
        """Return a snapshot that is due and not drawn yet; while the run trains, ask for the next one."""
        if rests:
            # Asking for a snapshot is news itself: asked for at each round, it would keep this thread going.
            return None if self._drawn is not None and run.step == self._drawn.step else run.snapshot()
        if time.monotonic() < self._next_snapshot:
            return None
        latest = run.latest_snapshot
        if latest is None or latest is self._drawn:
            run.request_snapshot()
            return None
        return latest

    def _answer(self, run: Run) -> None:
        """Answer the questions of pages that cannot decode, and acknowledge what changed no frame."""
        with self._lock:
            questions = list(self._questions.values())
            self._questions.clear()
            unacknowledged: list[RunWidget] = []
            if time.monotonic() >= self._next_ack:
                unacknowledged = list(self._unacknowledged.values())
                self._unacknowledged.clear()
                self._next_ack = time.monotonic() + ACK_SECONDS
        for widget in unacknowledged:
            widget._send_acknowledgement()
        for widget, question in questions:
            widget._answer(question, lambda: self._drawn or run.snapshot())


def _nothing() -> Snapshot | None:
    return None


class _Cost:
    """Processor seconds of this thread, and at most those of the threads that torch uses for it."""

    def __init__(self) -> None:
        self._started = time.thread_time()

    def seconds(self) -> float:
        return (time.thread_time() - self._started) * torch.get_num_threads()
