"""The runs of a sweep: interleaved in one thread of this process, or tasks on an executor."""

from __future__ import annotations

import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, final

from vaewidgets.data import ImageDataset
from vaewidgets.errors import OptionError, did_you_mean
from vaewidgets.files import Held
from vaewidgets.runs.background import TrainingRun
from vaewidgets.runs.claims import check_apart
from vaewidgets.runs.interleave import Group, Interleaver, form_groups
from vaewidgets.runs.progress import Progress
from vaewidgets.runs.run import Run
from vaewidgets.runs.waiting import Waitable
from vaewidgets.sweeps.cell import Cell
from vaewidgets.sweeps.data import write_data
from vaewidgets.sweeps.key import label
from vaewidgets.sweeps.remote import Remote
from vaewidgets.sweeps.table import Table
from vaewidgets.sweeps.task import Task, here, open_cell


@final
class Sweep(Waitable):
    """Runs in a grid. Made by `sweep`.

    Iterating gives its cells, ``sweep[i]`` one of them.

    Attributes
    ----------
    axes : dict of tuples
        Values of each swept keyword.
    cells : tuple of Cell
        The last axis changes fastest. A cell has settings, status, error and, as soon as there is one, a run.
    """

    name = "sweep"

    def __init__(self, axes: dict[str, tuple[Any, ...]], cells: Sequence[Cell], data: ImageDataset) -> None:
        self.id = uuid.uuid4().hex[:12]
        self.axes = axes
        self.cells = tuple(cells)
        self._data = data
        self._remote: Remote | None = None
        self._engine = "nothing was left to train"

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values of each axis."""
        return tuple(len(values) for values in self.axes.values())

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs there are, in the order of the cells: all of them, once it has ended without a fault."""
        return tuple(run for cell in self.cells if (run := cell.run) is not None)

    @property
    def failed(self) -> tuple[Cell, ...]:
        """Cells that failed; each carries its error."""
        return tuple(cell for cell in self.cells if cell.status == "failed")

    @property
    def has_ended(self) -> bool:
        """Whether every cell finished, stopped or failed."""
        return all(cell.has_ended for cell in self.cells)

    @property
    def engine(self) -> str:
        """How its cells are trained: which as one batched model, which in turns and why, or elsewhere."""
        return self._engine

    def select(self, **settings: Any) -> tuple[Run, ...]:
        """Runs of the cells with these settings, in the order of the cells.

        Raises
        ------
        OptionError
            For a setting that is not swept over, or a value that is not in the grid.
        """
        return tuple(run for cell in self._find(settings) if (run := cell.run) is not None)

    def cell(self, **settings: Any) -> Cell:
        """The one cell with these settings.

        Raises
        ------
        OptionError
            If there is more than one, a setting is not swept over, or a value is not in the grid.
        """
        found = self._find(settings)
        if len(found) > 1:
            free = [name for name in self.axes if name not in settings]
            raise OptionError(f"{len(found)} cells have these settings; say which {' and '.join(free)}, too.")
        return found[0]

    def table(self, measure: Callable[[Run], Mapping[str, Any]] | None = None) -> Table:
        """One row a cell: settings, status, step, epoch, the last epoch's values and the error, if any.

        Parameters
        ----------
        measure : callable, optional
            Takes a run and returns more columns, such as ``lambda run: run.evaluate("train")``.

        Returns
        -------
        Table
            A list of dicts, with `to_csv`.
        """
        rows = []
        any_failed = bool(self.failed)
        for cell in self.cells:
            row = cell.row()
            error = row.pop("error")
            run = cell.run
            if measure is not None and run is not None:
                row |= measure(run)
            rows.append(row)
            if any_failed:
                row["error"] = error
        return Table(rows)

    def __len__(self) -> int:
        return len(self.cells)

    def __iter__(self) -> Iterator[Cell]:
        return iter(self.cells)

    def __getitem__(self, index: int) -> Cell:
        return self.cells[index]

    def __repr__(self) -> str:
        over = " x ".join(f"{name} ({len(values)})" for name, values in self.axes.items()) or "one cell"
        return f"Sweep({over}, on {self._data.name!r})"

    def pause(self) -> None:
        """Halt all cells. Returns at once. Not for an executor."""
        for run in self._here("pause"):
            run.pause()

    def resume(self) -> None:
        """Go on with all cells that are paused or were stopped. Returns at once. Not for an executor."""
        for run in self._here("resume"):
            if run.status in ("paused", "stopped"):
                run.resume()

    def stop(self) -> None:
        """End all cells as they are. Returns at once."""
        if self._remote is not None:
            self._remote.stop()
        else:
            for run in self._here("stop"):
                run.stop()

    def close(self) -> None:
        """Stop, and wait until nothing is under way."""
        self.stop()
        if self._remote is not None:
            self._remote.join()
        else:
            for run in self._here("close"):
                run.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def join(self, seconds: float) -> None:
        """Wait until it has ended, for so many seconds at most; raises no error of a cell."""
        running = next((cell.live for cell in self.cells if cell.live and not cell.has_ended), None)
        if running is not None:
            running.join(seconds)
        else:
            time.sleep(seconds)

    @property
    def progress(self) -> Progress:
        """How far it is: in steps where the cells train here, else in cells."""
        ended = sum(cell.has_ended for cell in self.cells)
        values = {"cells": f"{ended}/{len(self.cells)}"}
        if self._remote is not None and self._remote.lacks_workers:
            values["workers"] = "none"
        steps = [cell.live.progress for cell in self.cells if cell.live is not None]
        totals = [total for _, total, *_ in steps if total is not None]
        if not steps or len(totals) < len(steps):
            return Progress(ended, len(self.cells), "cell", values)
        return Progress(sum(done for done, *_ in steps), sum(totals), "step", values)

    def _report(self) -> None:
        if self._remote is not None:
            self._remote.join()
        failed = self.failed
        if not failed:
            return
        first = failed[0].error
        if len(failed) == len(self.cells) and first is not None:
            raise first
        warnings.warn(
            f"{len(failed)} of {len(self.cells)} cells failed (sweep.failed). The first, {failed[0].name}: "
            f"{type(first).__name__}: {first}",
            stacklevel=3,
        )

    def train_here(self, cells: Sequence[Cell]) -> None:
        """Interleave cells in one thread. All are made, and so checked, before the first one starts."""
        made = [(cell, open_cell(cell.plan, self._data, cell.path)) for cell in cells]
        check_apart(run.model for _, run in made)
        on_cpu = all(run.device.type == "cpu" for _, run in made)
        interleaver = Interleaver(f"vaewidgets-sweep-{self.id}", on_cpu=on_cpu)
        groups = form_groups([run for _, run in made])
        for (cell, run), (group, why) in zip(made, groups, strict=True):
            interleaver.add(run, group, why)
            cell.trains_here(run)
        self._engine = _describe(cells, groups)
        with interleaver.held():
            for _, run in made:
                run.resume()

    def send(
        self,
        cells: Sequence[Cell],
        executor: Executor | Callable[[], Executor],
        folder: Path,
        *,
        retries: int,
        threads: int,
    ) -> None:
        """Send cells as tasks to an executor."""
        own = self.id  # what Remote keeps must not keep the sweep
        mark = Held(folder / f".sweep-{own}")
        stop_path = folder / f".stop-{own}"
        parcel: Any = self._data
        if _is_in_memory(self._data) and cells:
            parcel = folder / f".data-{own}.safetensors"
            write_data(self._data, parcel)

        def make_task(cell: Cell, attempt: int) -> Task:
            assert cell.path is not None
            mark_path = folder / f".begun-{own}-{cell.path.stem}"
            return Task(cell.plan, parcel, cell.path, stop_path, mark_path, threads, attempt, here())

        def tidy_up() -> None:
            stop_path.unlink(missing_ok=True)
            if isinstance(parcel, Path):
                parcel.unlink(missing_ok=True)
            for begun in folder.iterdir():
                if begun.name.startswith(f".begun-{own}-"):
                    begun.unlink(missing_ok=True)
            mark.remove()

        remote = Remote(
            executor,
            cells,
            make_task,
            retries=retries,
            stop_path=stop_path,
            at_end=tidy_up,
            name=f"vaewidgets-sweep-{self.id}",
        )
        self._engine = f"tasks on {remote.executor_name}"
        remote.start()
        self._remote = remote

    def _here(self, verb: str) -> Iterator[TrainingRun]:
        if self._remote is not None and verb in ("pause", "resume"):
            raise OptionError(f"a sweep on an executor cannot {verb}; it can stop, and be started again.")
        return (run for cell in self.cells if (run := cell.live) is not None)

    def _find(self, settings: Mapping[str, Any]) -> list[Cell]:
        for name, value in settings.items():
            if name not in self.axes:
                hint = did_you_mean(name, self.axes, 0.5)
                raise OptionError(
                    f"{name!r} is not swept over; the axes are {', '.join(self.axes) or 'none'}.{hint}"
                )
            if value not in self.axes[name]:
                values = ", ".join(map(label, self.axes[name]))
                raise OptionError(f"{name}={label(value)} is not in the grid; its values are {values}.")
        return [c for c in self.cells if all(c.settings[name] == value for name, value in settings.items())]


def _describe(cells: Sequence[Cell], groups: Sequence[tuple[Group | None, str]]) -> str:
    """Say which cells train how."""
    sizes: dict[Group, int] = {}
    alone: dict[str, list[str]] = {}
    for cell, (group, why) in zip(cells, groups, strict=True):
        if group is not None:
            sizes[group] = sizes.get(group, 0) + 1
        else:
            alone.setdefault(why, []).append(cell.name)
    parts = [f"{n} cells as one batched model" for n in sizes.values()]
    for why, names in alone.items():
        shown = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
        parts.append(f"{shown} {why}")
    return "; ".join(parts) or "nothing was left to train"


def _is_in_memory(data: ImageDataset) -> bool:
    return all(split is None or split.resident for split in (data.train, data.test))
