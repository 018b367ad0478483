"""Starting another run from a widget, with the one before as a ghost beside it."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import traitlets

from vaewidgets.checks import flag
from vaewidgets.concurrency import BackgroundThread
from vaewidgets.contract.compared import Ghost, GhostActive, Newest
from vaewidgets.contract.frame import Sections
from vaewidgets.data import datasets_at_hand
from vaewidgets.diagnostics import active_units
from vaewidgets.errors import OptionError
from vaewidgets.live.feed import Feed
from vaewidgets.live.points import PointsWidget
from vaewidgets.runs import Run
from vaewidgets.sections.layout import Layout
from vaewidgets.sections.settings import settings_states
from vaewidgets.sections.state import curves_state, explain
from vaewidgets.widgets.latent_explorer.new_run import check_settings, code_of, form_state, make_run
from vaewidgets.widgets.training_curves import CURVE_KEYS, check_curves_view

GHOST_POINTS = 200  # of each of its curves
GHOST_IMAGES = 500  # over which its units were counted


class RestartWidget(PointsWidget):
    """A widget in whose page another run can be started (abstract).

    The command `new_run` takes the settings of `new_run.FIELDS`. The run before is stopped,
    stays as `previous`, and its curves and last numbers as the frame's section `ghost`.
    """

    _view_keys: ClassVar[tuple[str, ...]] = ("ghost", *CURVE_KEYS)
    _fresh_view: ClassVar[dict[str, Any]] = {"ghost": True}  # what the view holds when another run is shown

    run_id = traitlets.Unicode(help="Id of the run that is shown. Owner: Python.")

    def __init__(self, run: Run, points: int) -> None:
        self._previous: Run | None = None
        self._ghost: Ghost | None = None
        self._starting: BackgroundThread | None = None
        self._at_hand = datasets_at_hand()
        super().__init__(run, points)
        self.run_id = run.id

    @property
    def previous(self) -> Run | None:
        """The run that was shown before this one, stopped; None before the first change."""
        return self._previous

    def code(self) -> str:
        """Code of a cell that trains the run that is shown again, with the same numbers."""
        return code_of(self.run)

    def _common_state(self) -> Sections:
        ghost = self._ghost if self.view.get("ghost", True) else None
        return {"form": form_state(self.run, self._at_hand), "ghost": ghost}

    def _check_view(self, key: str, value: Any) -> None:
        super()._check_view(key, value)
        check_curves_view(key, value)
        if key == "ghost":
            flag(key, value)

    def _view_changed(self, key: str, value: Any) -> None:
        super()._view_changed(key, value)
        if key == "ghost":
            self._feed.wake(urgent=True)

    def _command(self, name: str, value: Any) -> None:
        if name != "new_run":
            return super()._command(name, value)
        settings = check_settings(value)
        if self._starting is not None and self._starting.is_alive:
            raise OptionError("another run is being started; wait for it.")
        # Reading a data set takes longer than a handler may: it would hold up the kernel.
        starting = BackgroundThread("vaewidgets-new-run")
        starting.start(self._start_new, settings)
        self._starting = starting
        return None

    def _start_new(self, settings: dict[str, Any]) -> None:
        try:
            run = make_run(self.run, settings)
            self.show_run(run)
            run.resume()
        except Exception as error:  # in a thread nobody reads a traceback: into the panel
            self._fault = explain(error)
            self._show()

    def show_run(self, run: Run) -> None:
        """Show another run from now on; the one before is stopped and stays as a ghost.

        Parameters
        ----------
        run : Run
        """
        old = self.run
        if run is old:
            return
        (run,) = self._checked_runs(run)
        Feed.of(old).let_go(self)
        if old.can_train and not old.has_ended and old.status != "created":
            old.stop()
            old.wait(timeout=2.0, progress=False)
        self._ghost = _ghost_state(old, run)
        self._previous = old
        with self._live_lock:
            # its name stays: by it the page knows which views are of one widget
            stale = [key for key in self._live if key not in ("frame", "ack", "view_state", "widget_id")]
            self._sample = self._projection = self._posterior = None
            self._layout = Layout(self._layout_done)
            if run.data is not old.data:
                self._values = {}  # one a point of other data
            self._sections, self._picture_faults, self._time_keys = {}, {}, {}
            for key in stale:
                del self._live[key]
            self._runs = (run,)
        Feed.of(old).view.leave(self)
        Feed.of(run).view.share(self)
        self._own_view.set(self._fresh_view)
        self._publish_stale(stale)
        Feed.of(run).first_frame(self)
        Feed.of(run).subscribe(self)
        self._show_view()
        self.selected = np.empty(0, np.int64)
        self.run_id = run.id

    def _publish_stale(self, keys: list[str]) -> None:
        """Take live keys of the run before out of the page: what comes no more must not stay."""
        self._publish(dict.fromkeys(keys))
        with self._live_lock:
            for key in keys:
                self._live.pop(key, None)


def _ghost_state(old: Run, new: Run) -> Ghost:
    """What stays of a run: its curves, its last numbers, and in what it differs from the next one."""
    curves = curves_state(old, GHOST_POINTS)
    active: GhostActive | None = None
    mu, logvar = old.snapshot().encode(_some_images(old))
    if logvar is not None:
        units = active_units(mu, logvar)
        active = {"kl": int(units.by_kl.sum()), "var": int(units.by_var.sum())}
    return {
        "run": {
            "id": old.id,
            "name": old.name,
            "epoch": old.epoch,
            "step": old.step,
            "unit": old.unit,
            "latent_dim": old.model.latent_dim,
        },
        "setting": settings_states([old, new])[old.id],
        "curves": curves,
        "numbers": {"loss": _last(old, "loss"), "recon": _last(old, "recon"), "kl": _last(old, "kl")},
        "active": active,
    }


def _some_images(run: Run) -> Any:
    split = run.data.test if run.data.test is not None else run.data.train
    return split.images(
        np.linspace(0, len(split) - 1, min(len(split), GHOST_IMAGES)).round().astype(np.int64)
    )


def _last(run: Run, name: str) -> Newest | None:
    """The newest value of a quantity: of the test set where it is measured, else of the last steps."""
    _, values = run.recorder.held_out(name)
    if len(values):
        return {"value": float(values[-1]), "split": "test"}
    curve = run.recorder.curve(name, GHOST_POINTS)
    return {"value": float(curve.mean[-1]), "split": "train"} if len(curve.mean) else None
