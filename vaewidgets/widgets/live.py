"""What every widget has in common: live keys, commands from the page, the view, pictures to keep.

Live data do not travel as synced traits: written from a training thread those tear, get lost
inside `hold_sync` and come back from the browser as echoes. A widget keeps its newest state in a
plain dict, sends it whole as one `update` message under a lock, and merges it into `get_state`, so
that a reload, a saved notebook and an exported page hold the same picture.
"""

from __future__ import annotations

import os
import re
import threading
import time
import uuid
from collections.abc import Hashable, Iterable, Mapping
from contextvars import Context, copy_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets
from ipywidgets.widgets.widget import _remove_buffers

from vaewidgets.errors import OptionError
from vaewidgets.widgets.bound import Bound
from vaewidgets.widgets.picture import Picture
from vaewidgets.widgets.view import View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["STATIC", "LiveWidget"]

STATIC = Path(__file__).parents[1] / "static"
UNSEEN_SECONDS = 5.0  # between frames of a run in training that no page shows


class LiveWidget(anywidget.AnyWidget):
    """A widget whose picture is one live key, `frame` (abstract).

    A subclass names its bundle (`_esm`), publishes frames, and answers commands by overriding `_command`
    and `_answered`.

    Attributes
    ----------
    view : dict
        What was turned and pointed at in the page, as small JSON: read it, keep it, assign it.
    """

    _css = STATIC / "vaewidgets.css"

    options = traitlets.Dict(help="How the view is drawn; small, JSON only. Owner: Python.").tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        # views of one widget know each other by its name
        self._live: dict[str, Any] = {"widget_id": uuid.uuid4().hex[:12]}
        self._live_lock = threading.RLock()
        self._send_context: Context | None = None
        self._hellos = 0  # views say it twice, see js/lib/link.js
        self._unsent: set[str] = set()
        self._next_unseen = 0.0
        self._frame_number = 0
        self._ack = 0
        self._obey_lock = threading.RLock()
        self._newest: dict[str, int] = {}
        self._own_view = View()
        self._picture = Picture(self)
        self._bound = Bound()
        self._before_open()
        self._live["view_state"] = self._view_state()
        super().__init__(**traits)
        self.on_msg(self._on_message)

    # what a subclass says ---------------------------------------------------------------------

    def _before_open(self) -> None:
        """Make a first frame: there before the comm opens, it shows even if the kernel is blocked then."""

    def _answered(self, panel: str | None) -> None:
        """A command was handled: send a frame that acknowledges it; `panel` says what went wrong, or None."""

    def _noted(self) -> None:
        """The view was turned: the next frame acknowledges it, which nobody waits for."""
        self._answered(None)

    def _hello(self) -> None:
        """A view opened in a page."""

    def _command(self, name: str, value: Any) -> None:
        """Obey a command of the page (any thread); raise what is to be shown in the panel."""
        raise OptionError(f"the page sent the command {name!r}, which this version does not know")

    def _slot(self, name: str) -> str | None:
        """Commands of one slot replace each other: one that comes late is void. None: each of them counts."""
        return name

    def _question(self, content: dict[str, Any]) -> None:
        """Answer a message that is neither a command nor a hello."""

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """Matplotlib figure of the newest frame, for print.

        Parameters
        ----------
        size : (width, height), optional
            In inches.
        """
        raise NotImplementedError

    def save_html(self, path: str | os.PathLike[str], *, title: str | None = None) -> Path:
        """Save the widget as one HTML file: offline, alive, with no kernel behind it.

        See `vaewidgets.save_html`, which takes several widgets.
        """
        from vaewidgets.widgets.save import save_html

        return save_html(self, path, title=title)

    def _title(self) -> str:
        """What a saved page of the widget is called: its name in words, and what it shows."""
        subject = self._subject()
        return f"{self._words()} — {subject}" if subject else self._words()

    def _words(self) -> str:
        """Its name in words: "KLPlayground" is a "KL playground"."""
        first, *rest = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^A-Z]+", type(self).__name__)
        return " ".join([first, *(word.lower() for word in rest)])

    def _subject(self) -> str:
        """What it shows, such as "MLPVAE on mnist"; empty: only itself."""
        return ""

    def _refresh(self) -> None:
        """Bring the frame up to date, here and now."""

    def _moment(self) -> Hashable:
        """What the saved picture depends on: as long as it is the same, the picture is not drawn again."""
        return self._frame_number

    def _changes_by_itself(self) -> bool:
        """Whether a newer moment comes without anybody's doing, so that a picture can wait for it."""
        return False

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return self._picture.bundle()

    def _ipython_display_(self) -> None:
        self._picture.display()

    def close(self) -> None:
        """Take the widget off the page."""
        if "_picture" in self.__dict__:  # else refused by its constructor, and collected now
            self._picture.forget()
        super().close()

    # frames -----------------------------------------------------------------------------------

    @property
    def frame(self) -> dict[str, Any] | None:
        """The newest frame: one complete picture, as the page gets it."""
        return self._live.get("frame")

    @property
    def thinned(self) -> str | None:
        """What is left out of its state to keep notebooks small, in words; None: nothing."""
        return self._bound.note

    def __getattr__(self, name: str) -> Any:
        # ipywidgets.embed reads each key of the state as an attribute.
        live = self.__dict__.get("_live", {})
        if name in live:
            return live[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _next_frame(self, sections: Mapping[str, Any]) -> dict[str, Any]:
        """Number a frame; call and publish under `_live_lock`."""
        self._frame_number += 1
        return {"seq": self._frame_number, "ack": self._ack, **sections}

    def _publish(self, state: dict[str, Any], *, may_wait: bool = False) -> None:
        """Keep and send live keys; what `may_wait` is sent seldom as long as no view has opened.

        Nobody sees it then but who reads the messages to save a notebook. Others read them when a cell has
        ended, and lose some where there are thousands.
        """
        with self._live_lock:
            state = self._bound.apply(self._live, state)
            self._live.update(state)
            if getattr(self, "comm", None) is None:
                return  # not open yet, or closed: get_state brings it along
            now = time.monotonic()
            if may_wait and not self._hellos and now < self._next_unseen:
                self._unsent.update(state)
                return
            self._next_unseen = now + UNSEEN_SECONDS
            state = {**{key: self._live[key] for key in self._unsent}, **state}
            self._unsent.clear()
            stripped, paths, buffers = _remove_buffers(state)
            message = {"method": "update", "state": stripped, "buffer_paths": paths}
            self._send_in_context(message, buffers)

    def _send_in_context(self, message: dict[str, Any], buffers: list[Any]) -> None:
        # ipykernel 7.4 sends the browser's next message to the subshell from which we sent last; a message
        # sent in the context of a handler keeps commands flowing while a cell blocks the main shell.
        context = self._send_context
        if context is None:
            self._send(message, buffers)
        else:
            context.copy().run(self._send, message, buffers)

    def get_state(
        self, key: str | Iterable[str] | None = None, drop_defaults: bool = False
    ) -> dict[str, Any]:
        """Widget state with the newest live keys in it.

        `drop_defaults` is ignored: it would drop `_esm`, without which an embedded widget is dead.
        """
        del drop_defaults
        everything = [*self.keys, *self._live]
        names = everything if key is None else [key] if isinstance(key, str) else list(key)
        with self._live_lock:
            live = {name: self._live[name] for name in names if name in self._live}
        state = super().get_state([name for name in names if name not in live])
        return {**state, **live}

    # the view ---------------------------------------------------------------------------------

    def _views(self) -> tuple[View, ...]:
        """The widget's own view first, then those that it shares."""
        return (self._own_view,)

    def _view_of(self, key: str) -> View:
        """The view that holds `key`."""
        return next((view for view in self._views()[1:] if view.holds(key)), self._own_view)

    @property
    def view(self) -> dict[str, Any]:
        """What is turned, chosen and pointed at in the page, as small JSON; a copy.

        Keys shared by all widgets of a run: `hover` (a latent vector), `selected` (numbers of points),
        `classes` (labels shown; None: all), `color` (what colors the points) and `time` (a step; None: now).
        Assign a dict to set what it holds: ``widget.view = saved``, ``widget.view |= {"time": 0}``.
        """
        merged: dict[str, Any] = {}
        for view in self._views():
            merged.update(view.values)
        return merged

    @view.setter
    def view(self, values: Mapping[str, Any]) -> None:
        checked = View.check(values)
        by_view: dict[int, tuple[View, dict[str, Any]]] = {}
        for key, value in checked.items():
            self._check_view(key, value)
            holder = self._view_of(key)
            by_view.setdefault(id(holder), (holder, {}))[1][key] = value
        for holder, part in by_view.values():
            holder.set(part)
            for widget in holder.widgets or (self,):
                widget._show_view()
                for key, value in part.items():
                    widget._view_changed(key, value)

    def _check_view(self, key: str, value: Any) -> None:
        """Raise an `OptionError` if `value` cannot be this widget's `key`."""

    def _view_changed(self, key: str, value: Any) -> None:
        """The page or Python set `key` (any thread)."""

    def _view_state(self) -> dict[str, Any]:
        return {"set": sum(view.set_number for view in self._views()), "values": self.view}

    def _show_view(self) -> None:
        """Send the view to the page."""
        self._publish({"view_state": self._view_state()})

    def _view_from_page(self, key: str, value: Any) -> None:
        """The page turned something: it shows it already, so nothing is sent back."""
        View.check({key: value})
        self._check_view(key, value)
        holder = self._view_of(key)
        holder.values[key] = value
        for widget in holder.widgets or (self,):
            with widget._live_lock:
                widget._live["view_state"] = widget._view_state()
            widget._view_changed(key, value)

    # messages from the page ---------------------------------------------------------------------

    def _on_message(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """Called on the main thread or on a subshell's: takes a lock, sets flags, returns."""
        kind = content.get("type") if isinstance(content, dict) else None
        if kind == "hello":
            self._hellos += 1
            if self._unsent:
                self._publish({})
            self._picture.hold(False)
            self._send_context = copy_context()
            self._hello()
        elif kind == "command":
            self._obey(content)
        elif kind is not None:
            self._question(content)

    def _obey(self, content: dict[str, Any]) -> None:
        self._send_context = copy_context()
        seq = int(content.get("seq", 0))
        with self._live_lock:
            if seq:
                self._ack = max(self._ack, seq)
        name, value = str(content.get("name")), content.get("value")
        # A message that went to the main shell while a cell blocked it comes after later ones, which a
        # subshell took. So one thread obeys at a time, and nothing older than the last of its kind.
        with self._obey_lock:
            slot = self._slot(name)
            if slot is not None and seq:
                if seq < self._newest.get(slot, 0):
                    return
                self._newest[slot] = seq
            self._obey_now(name, value)

    def _obey_now(self, name: str, value: Any) -> None:
        panel = None
        try:
            if name.startswith("view:"):
                self._view_from_page(name.removeprefix("view:"), value)
                self._noted()
                return
            if name == "presenting":
                self._picture.hold(bool(value))
            else:
                self._command(name, value)
        except Exception as error:
            panel = f"{type(error).__name__}: {error}"
        self._answered(panel)
