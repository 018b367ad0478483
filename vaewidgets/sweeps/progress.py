"""The progress bar of a sweep."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from vaewidgets.runs.progress import open_bar, paced, total_steps
from vaewidgets.sweeps.cell import Cell

__all__ = ["sweep_bar"]


@contextmanager
def sweep_bar(cells: Sequence[Cell], wanted: bool) -> Iterator[Callable[[], None]]:
    """Show how far the cells of a sweep are: in steps where they train here, else in cells."""
    runs = [cell.run for cell in cells if cell.is_live]
    totals = [total_steps(run) for run in runs if run is not None]
    by_step = bool(totals) and None not in totals
    total = sum(t for t in totals if t is not None) if by_step else len(cells)
    bar = open_bar(total, "step" if by_step else "cell", "sweep") if wanted else None
    if bar is None:
        yield lambda: None
        return

    def refresh() -> None:
        done = sum(cell.has_ended for cell in cells)
        bar.n = sum(run.step for run in runs if run is not None) if by_step else done
        bar.set_postfix({"cells": f"{done}/{len(cells)}"}, refresh=False)
        bar.refresh()

    try:
        yield paced(refresh)
        refresh()
    finally:
        bar.close()
