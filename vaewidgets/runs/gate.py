"""Requests to a loop in another thread, served between two of its steps.

The loop calls `may_step` before each step. Without a request that only reads a flag; a request
sets the flag under the lock, and the loop then takes the lock, too.

While a loop is under way nobody but its own thread serves requests: so no interrupt of the thread that asked
can leave the loop waiting, nor can a step begin while the weights are being copied. Where no loop is under
way, whoever asks serves itself, under the lock that a loop takes before it begins.

The thread that asks may be interrupted at any instruction (see `vaewidgets.concurrency`). Under the
lock the flag is set and the loop is woken first, which does no harm by itself; the request is the one
assignment that follows.

A loop with a thread of its own blocks in `may_step` while it is paused. One that is interleaved with others
in one thread (`share`) never does: it leaves, and halts between two slices, where that thread serves
requests.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from vaewidgets.concurrency import MOMENT_SECONDS, BackgroundThread, Latch, Lock, Wakeup

Status = Literal["created", "running", "paused", "stopped", "finished", "failed"]
ENDED = ("stopped", "finished", "failed")

# A slowed loop catches up at most so much after a delay, and a longer halt is announced.
LONG_SECONDS = 0.1


class Ask:
    """Something to be done between two steps, and what came of it. To do it twice must do no harm."""

    def __init__(self, action: Callable[[], Any]) -> None:
        self._action = action
        self.done = Latch()
        self._result: Any = None
        self._error: BaseException | None = None

    def serve(self) -> None:
        """Do it, unless that is done."""
        if self.done.is_set:
            return
        try:
            self._result = self._action()
        except KeyboardInterrupt:  # belongs to the thread that serves
            raise
        except BaseException as error:  # belongs to who asked, not to the loop
            self._error = error
        self.done.set()

    def result(self) -> Any:
        """What the action returned; raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._result


class Loop:
    """One stretch of training, from its start to its end."""

    def __init__(self, ident: int | None = None) -> None:
        self.done = Latch()  # set when all is put in order
        self.work: BackgroundThread | None = None  # its own or a shared one; None where it is the user's
        self.ident = ident  # of the thread that takes the steps, once it does
        self.takes_steps = True  # False once it puts things in order after its last step
        self.is_over = False  # whether it leaves the weights alone for good


class _State(NamedTuple):
    """What is replaced as a whole, so that nobody ever meets half of a change."""

    status: Status
    steps_left: int | None = None  # until it pauses by itself
    loop: Loop | None = None  # the one under way, or the last one
    is_closed: bool = False


class Gate:
    """Where a loop halts, and serves requests, between two steps.

    Without the lock, the loop's thread calls `before_halt` before a halt that a person would notice, and
    whichever thread served requests calls `served`. The lock guards everything here, and what the owner keeps
    beside it.
    """

    def __init__(
        self, *, before_halt: Callable[[], None], served: Callable[[], None], status: Status = "created"
    ) -> None:
        self.lock = Lock()
        self._before_halt = before_halt
        self._served = served
        self._state = _State(status)
        self._attention = False
        self._halted = False  # whether the loop waits in here, or for its next slice
        self._asks: deque[Ask] = deque()
        self._pace: tuple[float | None, float] = (None, 0.0)  # as asked for, and in seconds a step
        self._next_due = 0.0
        self._wakeup = Wakeup()
        self._ring = self._wakeup.set
        self._is_shared = False

    @property
    def status(self) -> Status:
        return self._state.status

    @property
    def loop(self) -> Loop | None:
        """The loop under way, or the last one."""
        return self._state.loop

    @property
    def has_ended(self) -> bool:
        """Whether it is stopped, finished or failed, and all is put in order."""
        status, _, loop, _ = self._state
        return status in ENDED and (loop is None or loop.done.is_set)

    @property
    def is_closed(self) -> bool:
        """Whether it was closed: nothing starts it again."""
        return self._state.is_closed

    @property
    def is_open(self) -> bool:
        """Whether a loop takes steps, and will hear of a request."""
        loop = self._state.loop
        return loop is not None and loop.takes_steps

    @property
    def is_busy(self) -> bool:
        """Whether a loop takes steps, or puts things in order after its last."""
        loop = self._state.loop
        return loop is not None and not loop.is_over

    @property
    def is_mine(self) -> bool:
        """Whether the loop under way is that of the calling thread."""
        loop = self._state.loop
        return loop is not None and loop.ident == threading.get_ident() and not loop.is_over

    @property
    def is_halted(self) -> bool:
        """Whether the loop waits in here, or for its next slice."""
        return self._halted

    @property
    def speed(self) -> float | None:
        """As given to `slow_down`."""
        return self._pace[0]

    def share(self, ring: Callable[[], None]) -> None:
        """From the next `go` on, loop in slices; `ring` is called, with the lock held, at each request."""
        with self.lock:
            self._is_shared = True
            self._ring = ring

    def go(self, steps: int | None = None, start: Callable[[Loop], None] | None = None) -> None:
        """Go on, for `steps` on top of those that are left, or without end.

        Where no loop is under way, `start` starts the thread of a new one, which calls `begin`.
        """
        with self.lock:
            state = self._state
            loop = state.loop
            if loop is not None and loop.takes_steps:
                if steps is not None and state.status == "running":
                    steps += state.steps_left or 0
            elif start is not None:
                loop = Loop()
                start(loop)
            self._next_due = 0.0
            self._set(state._replace(status="running", steps_left=steps, loop=loop))

    def change(self, to: Status, *of: Status) -> None:
        """Set the status, if it is one of `of` or `of` is empty: the loop halts or leaves before a step."""
        with self.lock:
            if not of or self._state.status in of:
                self._set(self._state._replace(status=to))

    def close(self) -> None:
        with self.lock:
            state = self._state
            status = state.status if state.status in ENDED else "stopped"
            self._set(state._replace(status=status, is_closed=True))

    def slow_down(self, speed: float | None, seconds_a_step: float) -> None:
        """Take a step at most every so many seconds."""
        with self.lock:
            self._call()
            self._next_due = 0.0
            self._pace = (speed, seconds_a_step)

    def _set(self, state: _State) -> None:
        self._call()
        self._state = state

    def _call(self) -> None:
        """Before a request, with the lock held: the loop takes the lock as soon as it is free."""
        self._attention = True
        self._ring()

    def post(self, ask: Ask) -> None:
        """Have something done between two steps: at once if none can be under way, else soon."""
        with self.lock:
            if self._is_between_steps():
                ask.serve()
            else:
                self._call()
                self._asks.append(ask)
        if ask.done.is_set:
            self._served()

    def call(self, action: Callable[[], Any], timeout: float) -> Any:
        """Have something done between two steps, and return what it returned.

        TimeoutError if the step under way does not end within `timeout` seconds.
        """
        if self._halted:  # it answers as soon as its thread wakes up
            timeout = max(timeout, MOMENT_SECONDS)
        end = time.monotonic() + timeout
        ask = Ask(action)
        self.post(ask)
        while not ask.done.wait(min(MOMENT_SECONDS, max(0.0, end - time.monotonic()))):
            with self.lock:
                if ask.done.is_set:
                    break
                if self._is_between_steps():  # a loop that left in the middle of things
                    ask.serve()
                elif time.monotonic() >= end:
                    self._asks = deque(other for other in self._asks if other is not ask)
                    raise TimeoutError(f"the training step under way did not end within {timeout:g} s.")
        return ask.result()

    def _is_between_steps(self) -> bool:
        return not self.is_busy or self.is_mine

    def serve(self) -> None:
        """Do what was asked for; in the loop's thread, between two steps."""
        with self.lock:
            served = self._serve()
        if served:
            self._served()

    def _serve(self) -> bool:
        served = False
        while self._asks:
            # It stays until it is done: a loop in the main thread may be interrupted in the middle.
            self._asks[0].serve()
            self._asks.popleft()
            served = True
        return served

    def begin(self, loop: Loop) -> bool:
        """Whether the loop is wanted; its steps are taken in the calling thread."""
        with self.lock:
            if self._state.loop is not loop:  # who started it was interrupted
                return False
            loop.ident = threading.get_ident()
            self._halted = False
            self._attention = True
            return True

    def enter(self) -> None:
        """The calling thread's own loop begins; paused, if the run is."""
        loop = Loop(threading.get_ident())
        with self.lock:
            self._set(_State("paused" if self.status == "paused" else "running", None, loop))

    def leave(self, status: Status) -> None:
        """That loop has ended so."""
        with self.lock:
            loop = self._state.loop
            self._set(_State(status))
            if loop is not None:
                loop.done.set()
            self._serve()

    def end(self, loop: Loop) -> None:
        """The loop takes no more steps, but has something to put in order still."""
        with self.lock:
            loop.takes_steps = False

    def finish(self, loop: Loop, status: Status) -> None:
        """The loop has ended so; if it was begun anew meanwhile, that one's status stands."""
        with self.lock:
            loop.takes_steps = False
            if self._state.loop is loop:
                self._state = self._state._replace(status=status, steps_left=None)
            loop.is_over = True
            self._serve()

    def may_step(self) -> bool:
        """Whether to take the next step; blocks while paused, and until the step is due.

        In slices it does not block: False then also means that the slice is over; see `is_open`.
        """
        return not self._attention or self._attend(stepping=True)

    def may_go_on(self) -> bool:
        """Whether to go on with something that is no step; blocks while paused."""
        return not self._attention or self._attend(stepping=False)

    def seconds_until_due(self) -> float:
        """Seconds until a slice makes sense; 0 for at once (to step, or to end), infinite while paused."""
        with self.lock:
            return 0.0 if self.status == "stopped" else max(0.0, self._delay(stepping=True))

    def end_slice(self) -> None:
        """The loop halts between two steps."""
        self.serve()
        self._halted = True

    def _attend(self, *, stepping: bool) -> bool:
        announced = False
        while True:
            with self.lock:
                served = self._serve()
                loop = self._state.loop
                leaves = self._state.status == "stopped"
                delay = 0.0 if leaves else self._delay(stepping)
                if leaves and loop is not None:
                    loop.takes_steps = False
                elif delay <= 0:
                    self._take(stepping)
            if served:
                self._served()
                announced = False
            if leaves or delay <= 0 or self._is_shared:
                return not leaves and delay <= 0
            if announced or delay < LONG_SECONDS:
                self._halt(min(delay, MOMENT_SECONDS))
            else:
                self._before_halt()
                announced = True

    def _halt(self, seconds: float) -> None:
        self._halted = True
        try:
            self._wakeup.wait(seconds)
        finally:  # an interrupt, where the loop is in the main thread
            self._halted = False

    def _delay(self, stepping: bool) -> float:
        if stepping and self._state.steps_left == 0:
            self._state = self._state._replace(status="paused", steps_left=None)
        if self._state.status == "paused":
            return math.inf
        return self._next_due - time.monotonic() if stepping and self._pace[1] else 0.0

    def _take(self, stepping: bool) -> None:
        state, seconds = self._state, self._pace[1]
        if stepping and state.steps_left is not None:
            state = self._state = state._replace(steps_left=state.steps_left - 1)
        if stepping and seconds:
            earliest = time.monotonic() - LONG_SECONDS
            self._next_due = max(self._next_due, earliest) + seconds
        self._attention = state.steps_left is not None or seconds > 0
