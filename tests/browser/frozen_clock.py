"""A page's clock that stands still and is moved from outside: a slow machine draws what a quick one draws."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

__all__ = ["Clock"]

# Until the clock is frozen all is as ever.
_PROGRAM = """(() => {
    if (globalThis.frozenClock) return;
    const ask = globalThis.requestAnimationFrame.bind(globalThis);
    const cancel = globalThis.cancelAnimationFrame.bind(globalThis);
    const real = performance.now.bind(performance);
    const waiting = new Map();
    let time = null, last = 0;
    performance.now = () => time ?? real();
    globalThis.requestAnimationFrame = draw => {
        if (time === null) return ask(draw);
        waiting.set(--last, draw);
        return last;
    };
    globalThis.cancelAnimationFrame = number => { waiting.delete(number) || cancel(number); };
    globalThis.frozenClock = {
        // what was asked of the browser before is drawn before
        freeze: () => new Promise(done => ask(() => { time = real(); ask(done); })),
        thaw() {
            time = null;
            for (const draw of waiting.values()) ask(draw);
            waiting.clear();
        },
        frame(ms) {
            time += ms;
            const due = [...waiting.values()];
            waiting.clear();
            for (const draw of due) draw(time);
        },
    };
})()"""


class Clock:
    """The clock of a page, for what reads it at each frame, as our drawing does; timers run on."""

    def __init__(self, page: Any) -> None:
        self.page = page
        page.evaluate(_PROGRAM)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[Clock]:
        """Have time stand still, but for `frame`."""
        self.page.evaluate("frozenClock.freeze().then(() => null)")
        try:
            yield self
        finally:
            self.page.evaluate("frozenClock.thaw()")

    def frame(self, ms: float) -> None:
        """Let so much time pass, and one frame be drawn."""
        self.page.evaluate("ms => frozenClock.frame(ms)", ms)
