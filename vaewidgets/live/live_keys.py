"""Live keys: what a widget shows, as a plain dict that is sent whole and kept in the widget's state.

Live data do not travel as synced traits: written from a training thread those tear, get lost inside
`hold_sync` and come back from the browser as echoes. A widget keeps its newest state in a plain dict, sends
it as one `update` message under a lock, and merges it into `get_state`: a reload, a saved notebook and an
exported page hold the same picture.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping
from contextvars import Context
from pathlib import Path
from typing import Any

import anywidget
from ipywidgets.widgets.widget import _remove_buffers

from vaewidgets.cells import at_cell_end, at_moments, by_marimo
from vaewidgets.concurrency import Lock
from vaewidgets.live.bundle import STATIC, bundle
from vaewidgets.live.hosts import threads_reach_page
from vaewidgets.live.pull import News, may_send
from vaewidgets.live.size_limit import SizeLimit

UNSEEN_SECONDS = 5.0  # between frames of a run in training that no page shows


class LiveKeys(anywidget.AnyWidget):
    """A widget with live keys, of which `frame` is its picture (abstract)."""

    _css = bundle(STATIC / "vaewidgets.css")

    def __init_subclass__(cls, **options: Any) -> None:
        path = cls.__dict__.get("_esm")
        if isinstance(path, Path):
            cls._esm = bundle(path)
        super().__init_subclass__(**options)

    def __init__(self, **traits: Any) -> None:
        # views of one widget know each other by its name
        self._live: dict[str, Any] = {"widget_id": uuid.uuid4().hex[:12], "ack": 0}
        self._live_lock = Lock()
        self._send_context: Context | None = None
        self._hellos = 0  # each view says it twice, see js/host/commands.js
        self._unsent: set[str] = set()
        self._news: News | None = None  # none: what threads send reaches the page
        self._next_unseen = 0.0
        self._frame_number = 0
        self._size_limit = SizeLimit()
        self._before_open()
        self._live["view_state"] = self._view_state()
        if threads_reach_page() is False:
            self._be_pulled()
        if by_marimo():
            self._live["acts"] = 0  # the page counts there what its reader did
        super().__init__(**traits)

    def _before_open(self) -> None:
        """Make a first frame: there before the comm opens, it shows even if the kernel is blocked then."""

    def _view_state(self) -> dict[str, Any]:
        return {"set": 0, "values": {}}

    @property
    def frame(self) -> dict[str, Any] | None:
        """The newest frame: one complete picture, as the page gets it."""
        return self._live.get("frame")

    @property
    def is_pulled(self) -> bool:
        """Whether the page asks for what is new: the host shows nothing that a thread sends."""
        return self._news is not None

    @property
    def _pages_differ(self) -> bool:
        """Whether a page has to be told what was turned in another, or in itself before it was reloaded.

        marimo shows a reloaded page what was sent to the page before, and nothing else.
        """
        return self.is_pulled or "acts" in self._live

    @property
    def thinned(self) -> str | None:
        """What is left out of its state to keep notebooks small, in words; None: nothing."""
        return self._size_limit.note

    def __getattr__(self, name: str) -> Any:
        # ipywidgets.embed reads each key of the state as an attribute.
        live = self.__dict__.get("_live", {})
        if name in live:
            return live[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _publish_frame(
        self,
        sections: Mapping[str, Any],
        others: Mapping[str, Any] | None = None,
        *,
        ack: int,
        may_wait: bool = False,
    ) -> None:
        """Number a frame, and send it together with other live keys.

        `ack` is the number of the last command that was obeyed before the sections were made.
        """
        with self._live_lock:
            self._frame_number += 1
            frame = {"seq": self._frame_number, **sections}
            ack = max(ack, self._live["ack"])
            self._publish({**(others or {}), "ack": ack, "frame": frame}, may_wait=may_wait)

    def _publish(self, state: dict[str, Any], *, may_wait: bool = False) -> None:
        """Keep and send live keys; what `may_wait` is sent seldom as long as no view has opened.

        Nobody sees it then but who reads the messages to save a notebook. Others read them when a cell has
        ended, and lose some where there are thousands.
        """
        with self._live_lock:
            state = self._size_limit.apply(self._live, state)
            self._live.update(state)
            if self._news is not None and state:
                self._live["news"] = self._news.note([*state, "news"])
            if getattr(self, "comm", None) is None:
                return  # not open yet, or closed: get_state brings it along
            self._unsent.update(state)
            if self._news is not None and not may_send():
                return
            now = time.monotonic()
            if may_wait and not self._hellos and now < self._next_unseen:
                return
            self._next_unseen = now + UNSEEN_SECONDS
            self._send_live(self._unsent)

    def _send_live(self, keys: Iterable[str]) -> None:
        """Send live keys as they are now, in one message; call under the lock."""
        names = {*keys, "news"} if self._news is not None else keys
        stripped, paths, buffers = _remove_buffers({key: self._live[key] for key in names})
        self._unsent.clear()
        self._send_in_context({"method": "update", "state": stripped, "buffer_paths": paths}, buffers)

    def _be_pulled(self) -> None:
        """From now on the page asks for what is new: the live key `news` tells it so."""
        if self._news is None:
            with self._live_lock:
                self._news = News(self._live)
                self._live["news"] = 0
            at_moments(self._send_unsent)
            at_cell_end(self._send_unsent)
            self._publish({"news": 0})

    def _send_unsent(self) -> None:
        """Send what a thread published; on the main thread."""
        if self._unsent:
            self._publish({})

    def _answer_pull(self, have: int) -> None:
        """Send a page what is newer than what it has."""
        with self._live_lock:
            news = [] if self._news is None else self._news.since(have)
            if news and getattr(self, "comm", None) is not None:
                self._send_live(news)
        self.send({"type": "pulled"})

    def _send_in_context(self, message: dict[str, Any], buffers: list[Any]) -> None:
        # ipykernel 7.4 sends the browser's next message to the subshell from which we sent last; a message
        # sent in the context of a handler keeps commands flowing while a cell blocks the main shell.
        context = self._send_context
        if context is None or self._news is not None:  # it is sent in the context of now
            self._send(message, buffers)
        else:
            context.copy().run(self._send, message, buffers)

    def get_state(
        self, key: str | Iterable[str] | None = None, drop_defaults: bool = False
    ) -> dict[str, Any]:
        """Widget state with the newest live keys in it.

        `drop_defaults` is ignored: it would drop `_esm`, without which an embedded widget is dead.
        marimo asks for all of it when the widget opens, and from then on where a cell reads
        ``mo.ui.anywidget(widget).value``: that is `small_state`.
        """
        del drop_defaults
        if key is None and "acts" in self._live and getattr(self, "comm", None) is not None:
            return self.small_state()
        return self.whole_state(key)

    def small_state(self) -> dict[str, Any]:
        """What a cell of marimo reads of the widget; small."""
        return {}

    def whole_state(self, key: str | Iterable[str] | None = None) -> dict[str, Any]:
        """Traits and live keys, by name: what a page needs to draw the widget."""
        everything = [*self.keys, *self._live]
        names = everything if key is None else [key] if isinstance(key, str) else list(key)
        with self._live_lock:
            live = {name: self._live[name] for name in names if name in self._live}
        state = super().get_state([name for name in names if name not in live])
        return {**state, **live}
