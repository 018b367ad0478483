"""What a run has recorded since it was last asked for, for a mirror of it elsewhere."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np

from vaewidgets.checks import instance, shown
from vaewidgets.errors import OptionError
from vaewidgets.integrations.guard import Guard
from vaewidgets.live.widget import LiveWidget
from vaewidgets.runs import Run

MOST_POINTS = 1000  # of each curve in one call: a dashboard takes its time for each of them


class Point(NamedTuple):
    """Values at a step, by name: "loss", "val_loss"."""

    step: int
    values: dict[str, float]


@final
class _Cursor:
    """How much of a run's history one writer has."""

    def __init__(self) -> None:
        self.rows = 0
        self.epochs: dict[int, dict[str, float]] = {}

    def steps(self, run: Run) -> list[Point]:
        """Values by step that are new, in at most `MOST_POINTS` means over equal stretches."""
        recorder = run.recorder
        found: dict[int, dict[str, float]] = {}
        end = self.rows
        for name in recorder.names:
            steps, values, end = recorder.read(name, self.rows)
            for part in np.array_split(np.arange(len(steps)), min(MOST_POINTS, len(steps)) or 1):
                finite = part[np.isfinite(values[part])]
                if len(finite):
                    found.setdefault(int(steps[part[-1]]), {})[name] = float(values[finite].mean())
        self.rows = end
        return [Point(step, found[step]) for step in sorted(found)]

    def by_epoch(self, run: Run) -> list[Point]:
        """Values by epoch that are new."""
        steps, values = run.recorder.epochs()
        found = []
        for i, step in enumerate(steps.tolist()):
            row = {name: float(column[i]) for name, column in values.items() if np.isfinite(column[i])}
            new = {name: v for name, v in row.items() if self.epochs.get(step, {}).get(name) != v}
            self.epochs[step] = row
            if new:
                found.append(Point(step, new))
        return found


_cursors: weakref.WeakKeyDictionary[Run, list[tuple[Any, _Cursor]]] = weakref.WeakKeyDictionary()
_guards: dict[str, Guard] = {}


def new_points(run: Run, writer: Any) -> tuple[list[Point], list[Point]]:
    """Values by step, and by epoch, that `writer` has not been given yet."""
    len(run.history)  # what is logged and still on the device is read back with it
    known = _cursors.setdefault(run, [])
    cursor = next((one for whose, one in known if whose is writer), None)
    if cursor is None:
        cursor = _Cursor()
        known.append((writer, cursor))
    return cursor.steps(run), cursor.by_epoch(run)


def mirror(name: str, run: Run, widget: LiveWidget | None, write: Callable[[], None]) -> None:
    """Check the arguments, and write; what fails there is one warning for each mirror of that name."""
    if not isinstance(run, Run):
        raise OptionError(f"run is {shown(run)}; expected a run, of vw.attach, vw.train or vw.load_run.")
    if widget is not None:
        instance("widget", widget, LiveWidget, "a widget, such as vw.LatentScatter(run)")
    with _guards.setdefault(name, Guard(name)):
        write()


@contextmanager
def page_of(widget: LiveWidget) -> Iterator[Path]:
    """The widget as one HTML file that works offline; it is gone after the block."""
    with tempfile.TemporaryDirectory() as folder:
        yield widget.save_html(Path(folder) / f"{type(widget).__name__}.html")
