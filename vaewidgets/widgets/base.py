"""What every widget of a run has in common: the live keys, the commands, the error panel.

Live data do not travel as synced traits: written from a training thread those tear, get lost
inside `hold_sync` and come back from the browser as echoes. A widget keeps its newest state in a
plain dict, sends it whole as one `update` message under a lock, and merges it into `get_state`, so
that a reload, a saved notebook and an exported page hold the same picture.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from contextvars import Context, copy_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets
from ipywidgets.widgets.widget import _remove_buffers

from vaewidgets.errors import OptionError
from vaewidgets.training import Run, Snapshot
from vaewidgets.widgets.feed import Feed
from vaewidgets.widgets.state import explain, run_state

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["STATIC", "RunWidget"]

STATIC = Path(__file__).parents[1] / "static"


class RunWidget(anywidget.AnyWidget):
    """A view of one run (abstract).

    A subclass names its bundle (`_esm`) and says what it draws by overriding `_history_state` (cheap,
    sent with each frame) and `_snapshot_state` (from a snapshot of the weights, sent less often).

    Parameters
    ----------
    run : Run
        A run of `vaewidgets.train`, `vaewidgets.attach` or `vaewidgets.load_run`.

    Raises
    ------
    OptionError
        If `run` is not a `Run`.
    """

    _css = STATIC / "vaewidgets.css"
    _figure_size: tuple[float, float] = (6.4, 3.6)
    _feed: Feed

    options = traitlets.Dict(help="How the view is drawn; small, JSON only. Owner: Python.").tag(sync=True)

    def __init__(self, run: Run, **traits: Any) -> None:
        if not isinstance(run, Run):
            raise OptionError(
                f"{type(self).__name__}(run) got {type(run).__name__}; wanted a run: "
                "vw.train(model, data), vw.attach(model, data) or vw.load_run(path)."
            )
        self._run = run
        self._live: dict[str, Any] = {}
        self._live_lock = threading.RLock()
        self._send_context: Context | None = None
        self._hellos = 0  # views say it twice, see js/lib/link.js
        self._frame_number = 0
        self._ack = 0
        self._sections: dict[str, Any] = {}
        self._feed = Feed.of(run)
        # The first frame is there before the comm opens: a kernel that is blocked right after still shows it.
        self._feed.first_frame(self)
        super().__init__(**traits)
        self.on_msg(self._on_message)
        self._feed.subscribe(self)

    # what a subclass says ---------------------------------------------------------------------

    def _history_state(self) -> dict[str, Any]:
        """Sections of the frame that come from the recorder; cheap."""
        return {}

    def _snapshot_state(self, snapshot: Snapshot) -> dict[str, Any]:
        """Sections of the frame that need a forward pass of a snapshot."""
        return {}

    def _weights_state(self, snapshot: Snapshot) -> dict[str, Any]:
        """Live keys beside `frame`: weights for the page, sent at most once a second."""
        return {}

    # frames -----------------------------------------------------------------------------------

    @property
    def run(self) -> Run:
        """The run that this widget shows."""
        return self._run

    @property
    def frame(self) -> dict[str, Any] | None:
        """The newest frame: one complete picture, as the page gets it."""
        return self._live.get("frame")

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """Matplotlib figure of the newest frame, for print.

        Parameters
        ----------
        size : (width, height), optional
            In inches.
        """
        from vaewidgets.figures import explorer_figure

        return explorer_figure(self.frame or {}, size=size or self._figure_size)

    def _compose(
        self, drawn: Mapping[str, Any] | None, others: Mapping[str, Any] | None, panel: str | None
    ) -> None:
        """Put a frame together and send it with the other live keys in one message."""
        if drawn is not None:
            self._sections = dict(drawn)
        run = run_state(self._run)
        if panel:
            run["error"] = f"{run['error']}\n{panel}" if run["error"] else panel
        try:
            history = self._history_state()
        except Exception as error:
            history = {}
            run["error"] = explain(error)
        with self._live_lock:
            self._frame_number += 1
            frame = {"seq": self._frame_number, "ack": self._ack, "run": run, **history, **self._sections}
            self._publish({**(others or {}), "frame": frame})

    def _publish(self, state: dict[str, Any]) -> None:
        with self._live_lock:
            self._live.update(state)
            if getattr(self, "comm", None) is None:
                return  # not open yet, or closed: get_state brings it along
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

    def close(self) -> None:
        """Take the widget off the page and stop feeding it. The run goes on."""
        feed = self.__dict__.get("_feed")
        if feed is not None:  # None: refused by its constructor, and collected now
            feed.unsubscribe(self)
        super().close()

    # messages from the page ---------------------------------------------------------------------

    def _on_message(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """Called on the main thread or on a subshell's: takes a lock, sets flags, returns."""
        kind = content.get("type") if isinstance(content, dict) else None
        if kind == "hello":
            self._hellos += 1
            self._send_context = copy_context()
            self._feed.wake(urgent=True)
        elif kind == "command":
            self._obey(content)
        elif kind == "decode":
            self._feed.ask(self, content)

    def _obey(self, content: dict[str, Any]) -> None:
        self._send_context = copy_context()
        seq = int(content.get("seq", 0))
        with self._live_lock:
            if seq:
                self._ack = max(self._ack, seq)
        panel = None
        try:
            self._command(str(content.get("name")), content.get("value"))
        except Exception as error:
            panel = explain(error)
        self._feed.wake(urgent=True, panel=(self, panel))

    def _command(self, name: str, value: Any) -> None:
        run = self._run
        match name:
            case "pause":
                run.pause()
            case "resume":
                run.resume()
            case "stop":
                run.stop()
            case "advance":
                run.advance(int(value or 1))
            case "beta":
                run.beta = float(value)
            case "lr":
                run.lr = float(value)
            case "speed":
                run.speed = None if value is None else float(value)
            case "epochs":
                run.epochs = int(value)
            case _:
                raise OptionError(f"the page sent the command {name!r}, which this version does not know")

    # what nbval compares ---------------------------------------------------------------------------

    def __repr__(self) -> str:
        """Stable: no address, time or loss."""
        run = self._run
        return f"{type(self).__name__}({run.data.name}, {run.name})"
