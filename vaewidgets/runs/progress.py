"""A progress bar that a notebook test does not trip over."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from vaewidgets.runs.notebook import ipython_shell

if TYPE_CHECKING:
    from vaewidgets.runs.run import Run

__all__ = ["counting_bar", "open_bar", "paced", "progress_bar", "total_steps"]

# A bar in a notebook is several messages each time, and a client that reads them only when the cell is done,
# as notebook tests do, loses some from the two-thousandth on: also the one that says that it is done.
_OFTEN, _SELDOM = 0.25, 1.0  # seconds between two refreshes, at first and after the first ten seconds
_AT_FIRST = 10.0


@contextmanager
def progress_bar(run: Run, wanted: bool) -> Iterator[Callable[[], None]]:
    """Show how far a run is; yields a function that refreshes the bar.

    In a notebook it is a widget, which notebook tests skip (plain tqdm writes to stderr, which they
    compare); on a terminal plain tqdm; elsewhere nothing.
    """
    bar = _make_bar(run) if wanted else None
    if bar is None:
        yield lambda: None
        return
    # Set after the bar was shown: the text that a notebook stores, and a test compares, then starts at 0.
    bar.initial = run.step

    def refresh() -> None:
        bar.total = total_steps(run)
        bar.n = run.step
        bar.set_postfix(_losses(run), refresh=False)
        bar.refresh()

    try:
        yield paced(refresh)
        refresh()
    finally:
        bar.close()


@contextmanager
def counting_bar(description: str) -> Iterator[Callable[[int, int], None]]:
    """Show how many of how many are done, once it takes longer than a second; yields what is told so."""
    started = time.monotonic()
    bar: Any = None

    def tell(done: int, total: int) -> None:
        nonlocal bar
        if bar is None and time.monotonic() - started > _SELDOM:
            bar = open_bar(total, "unit", description)
        if bar is not None:
            bar.total, bar.n = total, done
            bar.refresh()

    try:
        yield tell
    finally:
        if bar is not None:
            bar.close()


def paced(refresh: Callable[[], None]) -> Callable[[], None]:
    """Do it as often as a person looks, however often it is asked for."""
    started = time.monotonic()
    due = started

    def when_due() -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due:
            due = now + (_OFTEN if now - started < _AT_FIRST else _SELDOM)
            refresh()

    return when_due


def _make_bar(run: Run) -> Any:
    return open_bar(total_steps(run), "step", run.name)


def open_bar(total: int | None, unit: str, description: str) -> Any:
    """Return a bar for where this runs: a widget in a notebook, tqdm on a terminal, None elsewhere."""
    options: dict[str, Any] = {"total": total, "unit": unit, "desc": description, "leave": True}
    if hasattr(ipython_shell(), "kernel"):
        try:
            from tqdm.notebook import tqdm as notebook_tqdm

            return notebook_tqdm(**options)
        except ImportError:  # no ipywidgets: silence
            return None
    if sys.stderr is not None and sys.stderr.isatty():
        from tqdm import tqdm

        return tqdm(**options)
    return None


def total_steps(run: Run) -> int | None:
    """Steps of the whole run; None if it has no end."""
    if run.epochs is None or run.steps_per_epoch is None:
        return None
    return run.epochs * run.steps_per_epoch


def _losses(run: Run) -> dict[str, str]:
    values = {name: run.recorder.last(name) for name in ("loss", "recon", "kl")}
    return {name: f"{value:.2f}" for name, value in values.items() if value is not None}
