"""Requests to a loop in another thread, served between two of its steps.

The loop calls `may_step` before each step. As long as nobody wants anything that is one look at a flag; a
request sets the flag under the lock, and the loop then takes the lock too.

A loop with a thread of its own blocks in `may_step` while it is paused. One that takes turns with others in
one thread (`share`) never does: it is told to leave, and halts between two turns, where requests are served.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Any

__all__ = ["Ask", "Gate"]

# A slowed loop catches up at most so much after a delay, and a longer halt is announced.
LONG_SECONDS = 0.1
# Not every platform lets an interrupt through to a wait without end.
MOMENT_SECONDS = 0.5


class Ask:
    """Something to be done between two steps, and what came of it."""

    def __init__(self, action: Callable[[], Any]) -> None:
        self._action = action
        self.done = False
        self._result: Any = None
        self._error: BaseException | None = None

    def serve(self) -> None:
        """Do it."""
        try:
            self._result = self._action()
        except BaseException as error:  # belongs to who asked, not to the loop
            self._error = error
        self.done = True

    def result(self) -> Any:
        """What the action returned; raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._result


class Gate:
    """Where a loop halts, and is asked, between two steps.

    Parameters
    ----------
    before_halt : callable
        Called by the loop's thread, without the lock, before a halt that a person would notice.
    served : callable
        Called by whichever thread served requests, without the lock.
    on_pause : callable
        Called under the lock when the last of the steps that were asked for is done.

    Attributes
    ----------
    lock : Condition
        Guards everything here, and what its owner keeps beside it.
    """

    def __init__(
        self, *, before_halt: Callable[[], None], served: Callable[[], None], on_pause: Callable[[], None]
    ) -> None:
        self.lock = threading.Condition()
        self._before_halt = before_halt
        self._served = served
        self._on_pause = on_pause
        self._attention = False
        self._thread: threading.Thread | None = None  # the loop's, while it may take steps
        self._busy = False  # between `open` and `close`
        self._halted = False
        self._paused = False
        self._stopping = False
        self._steps_left: int | None = None
        self._asks: list[Ask] = []
        self._seconds_a_step = 0.0
        self._next_due = 0.0
        self._wake: Callable[[], None] | None = None

    # requests; with the lock held -------------------------------------------------------------

    def open(self, thread: threading.Thread) -> None:
        """`thread` is about to loop."""
        self._thread = thread
        self._busy = True
        self._attention = True
        self._halted = self._wake is not None

    def share(self, wake: Callable[[], None]) -> None:
        """From the next `open` on, loop in turns; `wake` is called, with the lock held, at each request."""
        self._wake = wake

    def end(self) -> None:
        """The loop takes no more steps, but has something to put in order still."""
        self._thread = None

    def close(self) -> None:
        """The loop has left."""
        self._thread = None
        self._busy = False
        self._serve()

    @property
    def is_open(self) -> bool:
        """Whether a loop takes steps, and will hear of a request."""
        return self._thread is not None

    @property
    def is_busy(self) -> bool:
        """Whether a loop takes steps, or puts things in order after its last."""
        return self._busy

    @property
    def steps_left(self) -> int | None:
        """Steps until it pauses by itself; None if it does not."""
        return self._steps_left

    def go(self, steps: int | None = None) -> None:
        """Go on, for so many steps or without end."""
        self._paused = self._stopping = False
        self._steps_left = steps
        self._next_due = 0.0
        self._call()

    def pause(self) -> None:
        """Halt before the next step."""
        self._paused = True
        self._call()

    def stop(self) -> None:
        """Let the next question be answered with no."""
        self._stopping = True
        self._call()

    def slow_down(self, seconds_a_step: float) -> None:
        """Take a step at most every so many seconds."""
        self._seconds_a_step = seconds_a_step
        self._next_due = 0.0
        self._call()

    def _call(self) -> None:
        self._attention = True
        self.lock.notify_all()
        if self._wake is not None:
            self._wake()

    # requests; without the lock ---------------------------------------------------------------

    def post(self, ask: Ask) -> None:
        """Have something done between two steps: at once if none is under way, else soon."""
        with self.lock:
            self._asks.append(ask)
            if self._is_between_steps():
                self._serve()
            else:
                self._call()
        if ask.done:
            self._served()

    def call(self, action: Callable[[], Any], timeout: float) -> Any:
        """Have something done between two steps, and return what it returned.

        Raises
        ------
        TimeoutError
            If the step under way does not end within `timeout` seconds.
        """
        ask = Ask(action)
        self.post(ask)
        with self.lock:
            if not self.lock.wait_for(lambda: ask.done, timeout):
                self._asks = [other for other in self._asks if other is not ask]
                raise TimeoutError(f"the training step under way did not end within {timeout:g} s.")
        return ask.result()

    def _is_between_steps(self) -> bool:
        return not self._busy or self._halted or threading.current_thread() is self._thread

    def _serve(self) -> bool:
        if not self._asks:
            return False
        asks, self._asks = self._asks, []
        for ask in asks:
            ask.serve()
        self.lock.notify_all()
        return True

    # turns ------------------------------------------------------------------------------------

    def seconds_until_due(self) -> float:
        """Seconds until a turn makes sense; 0 for at once (to step, or to end), infinite while paused."""
        with self.lock:
            return 0.0 if self._stopping else max(0.0, self._delay(stepping=True))

    def begin_turn(self) -> None:
        """The loop may step from now on."""
        with self.lock:
            self._halted = False

    def end_turn(self) -> None:
        """The loop halts between two steps."""
        with self.lock:
            self._halted = True
            served = self._serve()
        if served:
            self._served()

    # the loop's side --------------------------------------------------------------------------

    def may_step(self) -> bool:
        """Whether to take the next step; blocks while paused, and until the step is due.

        In turns it does not block: False then also means that the turn is over; see `is_open`.
        """
        return not self._attention or self._attend(stepping=True)

    def may_go_on(self) -> bool:
        """Whether to go on with something that is no step; blocks while paused."""
        return not self._attention or self._attend(stepping=False)

    def _attend(self, *, stepping: bool) -> bool:
        announced = False
        while True:
            with self.lock:
                served = self._serve()
                if self._stopping:
                    self.end()
                    verdict = "leave"
                elif (delay := self._delay(stepping)) <= 0:
                    self._take(stepping)
                    verdict = "go"
                elif self._wake is not None:
                    verdict = "leave"
                elif announced or delay < LONG_SECONDS:
                    self._halt(min(delay, MOMENT_SECONDS))
                    verdict = "again"
                else:
                    verdict = "announce"
            if served:
                self._served()
            if verdict == "announce":
                self._before_halt()
                announced = True
            elif verdict != "again":
                return verdict == "go"

    def _halt(self, seconds: float) -> None:
        self._halted = True
        try:
            self.lock.wait(seconds)
        finally:  # an interrupt, where the loop is in the main thread
            self._halted = False

    def _delay(self, stepping: bool) -> float:
        """Seconds until the loop may go on."""
        if stepping and self._steps_left == 0:
            self._steps_left = None
            self._paused = True
            self._on_pause()
        if self._paused:
            return math.inf
        return self._next_due - time.monotonic() if stepping and self._seconds_a_step else 0.0

    def _take(self, stepping: bool) -> None:
        if stepping and self._steps_left is not None:
            self._steps_left -= 1
        if stepping and self._seconds_a_step:
            earliest = time.monotonic() - LONG_SECONDS
            self._next_due = max(self._next_due, earliest) + self._seconds_a_step
        self._attention = self._steps_left is not None or self._seconds_a_step > 0
