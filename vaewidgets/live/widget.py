"""What every widget has in common: commands from the page, the view, a still picture, saving."""

from __future__ import annotations

import json
import os
import re
import time
import weakref
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import traitlets

from vaewidgets.cells import close_with_cell, in_marimo
from vaewidgets.concurrency import BackgroundThread, Lock
from vaewidgets.errors import did_you_mean
from vaewidgets.live import hosts
from vaewidgets.live.cleared import note_shown
from vaewidgets.live.live_keys import LiveKeys
from vaewidgets.live.messages import (
    Command,
    Hello,
    MessageError,
    Pull,
    Question,
    Reached,
    UnknownNameError,
    read,
)
from vaewidgets.live.pull import request
from vaewidgets.live.still_image import Picture
from vaewidgets.live.view import View, ViewValues

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

MOST_PANEL = 1000  # letters that a panel says of a command
PROBE_SECONDS = 0.1  # after which a thread sends: the page's message has been handled by then


class LiveWidget(LiveKeys):
    """A widget whose picture is one live key, `frame` (abstract).

    A subclass names its bundle (`_esm`), publishes frames, and obeys commands by overriding `_command`
    and `_show`.

    Attributes
    ----------
    view : dict
        What was turned and pointed at in the page, as small JSON: read it, keep it, assign it.
    """

    _view_keys: ClassVar[tuple[str, ...]] = ()  # of the view, beside those of the base classes
    _highest_seq: ClassVar[int] = 0  # of any command to any widget: a page has one counter for all

    options = traitlets.Dict(help="How the view is drawn; small, JSON only. Owner: Python.").tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        self._obeyed = 0  # the highest number of a command that was obeyed
        self._shown_with_frame = 0  # ... and of one whose acknowledgement comes with the frame that shows it
        self._fault: str | None = None  # what went wrong with the newest command
        self._obey_lock = Lock()
        self._newest: dict[str, int] = {}
        self._dropped: Counter[str] = Counter()
        self._own_view = View()
        self._picture = Picture(self)
        self.times_shown = 0
        self._is_closed_for_now = False
        super().__init__(**traits)
        # made for this widget alone, and a model of its own: else it stays open as long as the kernel lives
        weakref.finalize(self, self.layout.close).atexit = False
        self.on_msg(self._on_message)
        close_with_cell(self)

    def _show(self) -> None:
        """Send a frame: a command was obeyed that changes it, or `_fault` says why one was not."""

    def _hello(self) -> None:
        """A view opened in a page."""

    def _command(self, name: str, value: Any) -> None:
        """Obey a command of the page (any thread); raise what is to be shown in the panel."""
        raise UnknownNameError(f"the page sent the command {name!r}, which this version does not know")

    def _slot(self, name: str) -> str | None:
        """Commands of one slot replace each other: one that comes late is void. None: each of them counts."""
        return name

    def _question(self, question: Question) -> None:
        """Answer a question of the page; dropped by a widget that decodes nothing."""
        self._dropped["unknown type"] += 1

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """Matplotlib figure of the newest frame, for print.

        Parameters
        ----------
        size : (width, height), optional
            In inches.
        """
        raise NotImplementedError

    def save_html(
        self,
        path: str | os.PathLike[str],
        *,
        title: str | None = None,
        train: bool | Mapping[str, Any] = False,
        time_line_mb: float | None = None,
    ) -> Path:
        """Save the widget as one HTML file: offline, alive, with no kernel behind it.

        With `train` the page also trains. See `vaewidgets.save_html`, which takes several widgets.
        """
        from vaewidgets.live.save import save_html

        return save_html(self, path, title=title, train=train, time_line_mb=time_line_mb)

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

    def _refresh(self, *, whole: bool = False) -> None:
        """Bring the frame up to date, here and now; `whole`: with what is measured between frames."""

    def _moment(self) -> Hashable:
        """What the saved picture depends on: as long as it is the same, the picture is not drawn again."""
        return self._frame_number, json.dumps(self.view)

    def _changes_by_itself(self) -> bool:
        """Whether a newer moment comes without anybody's doing, so that a picture can wait for it."""
        return False

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        # marimo asks at each run of a cell, and keeps no picture
        return self._picture.bundle(drawn=not in_marimo())

    def _ipython_display_(self) -> None:
        if self._is_closed_for_now:
            self._is_closed_for_now = False
            self.open()
            self._opened_again()
        self.times_shown += 1
        note_shown(self)
        self._picture.display()

    def close_for_now(self) -> None:
        """Close it until it is shown again."""
        self.close()
        for name in ("_ipython_display_", "_repr_mimebundle_"):  # ipywidgets hides them
            self.__dict__.pop(name, None)
        self._is_closed_for_now = True

    def _opened_again(self) -> None:
        """Take up what `close` ended."""

    def close(self) -> None:
        if "_picture" in self.__dict__:  # else refused by its constructor, and collected now
            self._picture.forget()
        super().close()

    def _views(self) -> tuple[View, ...]:
        """The widget's own view first, then those that it shares."""
        return (self._own_view,)

    def _view_of(self, key: str) -> View:
        return next((view for view in self._views()[1:] if view.holds(key)), self._own_view)

    @classmethod
    def _known_keys(cls) -> tuple[str, ...]:
        return tuple(key for kind in cls.__mro__ for key in kind.__dict__.get("_view_keys", ()))

    def _check_turn(self, key: str, value: Any) -> None:
        """Raise an `OptionError` if the view cannot have `key`, or not with this value."""
        known = self._known_keys()
        if key not in known:
            raise UnknownNameError(
                f"{type(self).__name__}'s view got {key!r}; known: {', '.join(known)}."
                f"{did_you_mean(key, known)}"
            )
        self._check_view(key, value)

    @property
    def view(self) -> ViewValues:
        """What is turned, chosen and pointed at in the page, as small JSON; a copy, not to be changed.

        Keys shared by all widgets of a run: `hover` (a latent vector), `selected` (numbers of points),
        `classes` (labels shown; None: all), `color` (what colors the points) and `time` (a step; None: now).
        Assign a dict to set what it holds: ``widget.view = saved``, ``widget.view |= {"time": 0}``.
        """
        merged: dict[str, Any] = {}
        for view in self._views():
            merged.update(view.values)
        return ViewValues(merged)

    @view.setter
    def view(self, values: Mapping[str, Any]) -> None:
        checked = View.check(values)
        by_view: dict[int, tuple[View, dict[str, Any]]] = {}
        for key, value in checked.items():
            self._check_turn(key, value)
            holder = self._view_of(key)
            by_view.setdefault(id(holder), (holder, {}))[1][key] = value
        for holder, part in by_view.values():
            holder.check_room(part)
        for holder, part in by_view.values():
            holder.set(part)
            for widget in holder.widgets or (self,):
                widget._show_view()
                for key, value in part.items():
                    widget._view_changed(key, value)

    def small_state(self) -> dict[str, Any]:
        return {**dict.fromkeys(self._known_keys()), **self.view}

    def _check_view(self, key: str, value: Any) -> None:
        """Raise an `OptionError` if `value` cannot be this widget's `key`, one of `_view_keys`."""

    def _view_changed(self, key: str, value: Any) -> None:
        """The page or Python set `key` (any thread)."""

    def _view_state(self) -> dict[str, Any]:
        values = {key: value for view in self._views() for key, value in view.values.items()}
        state = {"set": sum(view.set_number for view in self._views()), "values": values}
        if not self._pages_differ:
            return state
        return {**state, "pages": {key: page for view in self._views() for key, page in view.pages.items()}}

    def _show_view(self) -> None:
        self._publish({"view_state": self._view_state()})

    def _view_from_page(self, key: str, value: Any, page: str) -> None:
        """The page turned something: it shows it already, and tells its other views.

        Where each view is in a page of its own, they are told from here.
        """
        View.check({key: value})
        self._check_turn(key, value)
        holder = self._view_of(key)
        holder.check_room({key: value})
        holder.turn(key, value, page, is_news=self._pages_differ)
        for widget in holder.widgets or (self,):
            if not widget._pages_differ:
                with widget._live_lock:
                    widget._live["view_state"] = widget._view_state()
            else:
                widget._show_view()
            widget._view_changed(key, value)

    @property
    def dropped(self) -> dict[str, int]:
        """How many messages of the page were dropped, by reason; empty as long as all of them made sense."""
        return dict(self._dropped)

    def _on_message(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """Called on the main thread or on a subshell's: takes a lock, sets flags, returns."""
        with request():
            self._handle(content)

    def _handle(self, content: Any) -> None:
        try:
            message = read(content, LiveWidget._highest_seq)
        except MessageError as error:
            self._dropped[str(error)] += 1
            return
        if isinstance(message, Hello):
            self._greet(message)
            return
        if isinstance(message, Pull):
            self._answer_pull(message.have)
            return
        if isinstance(message, Reached):
            hosts.found.threads_reach_page = message.thread
            if not message.thread:
                self._be_pulled()
            return
        LiveWidget._highest_seq = max(LiveWidget._highest_seq, message.seq)
        if isinstance(message, Command):
            self._obey(message)
        else:
            self._question(message)

    def _greet(self, hello: Hello) -> None:
        self._hellos += 1
        told = {"workers": hello.workers, "wasm": hello.wasm}
        hosts.found.page.update({name: allowed for name, allowed in told.items() if allowed is not None})
        reached = hosts.threads_reach_page()
        if reached is None:
            self._probe()
        elif not reached:
            self._be_pulled()
        if self._unsent:
            self._publish({})
        self._picture.hold(False)
        self._send_context = copy_context()
        self._hello()

    def _probe(self) -> None:
        """Find out whether the page gets what a thread sends: it answers which of two messages came."""
        self.send({"type": "probe", "thread": False})
        send = partial(self._send, {"method": "custom", "content": {"type": "probe", "thread": True}})
        BackgroundThread("vaewidgets-probe").start(_later, send)

    def _acknowledge(self) -> None:
        """Send the live key `ack` alone, unless a frame is to come that goes first."""
        with self._live_lock:
            if self._shown_with_frame <= self._live["ack"] < self._obeyed:
                self._publish({"ack": self._obeyed})

    def _obey(self, command: Command) -> None:
        self._send_context = copy_context()
        seq = command.seq
        # A message that went to the main shell while a cell blocked it comes after later ones, which a
        # subshell took. So one thread obeys at a time, and nothing older than the last of its kind.
        with self._obey_lock:
            slot = self._slot(command.name)
            if slot is None or not seq:
                self._obey_now(command)
            elif seq >= self._newest.get(slot, 0) and self._obey_now(command):
                self._newest[slot] = seq

    def _obey_now(self, command: Command) -> bool:
        """Obey, or say in the panel why not; returns whether there is a command of this name."""
        name, value = command.name, command.value
        is_turned, is_known = name.startswith("view:"), True
        had_fault, self._fault = self._fault is not None, None
        try:
            if is_turned:
                self._view_from_page(name.removeprefix("view:"), value, command.page)
            elif name == "presenting":
                self._picture.hold(bool(value))
            else:
                self._command(name, value)
        except Exception as error:
            self._fault = f"{type(error).__name__}: {error}"[:MOST_PANEL]
            is_known = not isinstance(error, UnknownNameError)
            self._dropped["unknown name"] += not is_known
        self._obeyed = max(self._obeyed, command.seq)
        if is_turned and not had_fault and self._fault is None:
            self._acknowledge()
        else:
            self._shown_with_frame = self._obeyed
            self._show()
        return is_known


def _later(send: Callable[[], None]) -> None:
    time.sleep(PROBE_SECONDS)
    send()
