"""A progress bar whose output does not differ from run to run, as tests of notebooks need."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from vaewidgets.cells import ipython_shell

# A bar in a notebook is several messages each time, and a client that reads them only when the cell is done,
# as notebook tests do, loses some from the two-thousandth on: also the one that says that it is done.
_OFTEN, _SELDOM = 0.25, 1.0  # seconds between two refreshes, at first and after the first ten seconds
_AT_FIRST = 10.0


class Progress(NamedTuple):
    """How far something is: so many units of a total, None if that is open, and values to show beside."""

    done: int
    total: int | None
    unit: str
    values: dict[str, str]


@contextmanager
def progress_bar(description: str, measure: Callable[[], Progress]) -> Iterator[Callable[[], None]]:
    """Show a progress bar; yields a function that refreshes it.

    In a notebook it is a widget, which notebook tests skip (plain tqdm writes to stderr, which they
    compare); on a terminal plain tqdm; elsewhere nothing.
    """
    now = measure()
    bar = open_bar(now.total, now.unit, description)
    if bar is None:
        yield lambda: None
        return
    # Set after the bar was shown: the text that a notebook stores, and a test compares, then starts at 0.
    bar.initial = now.done

    def refresh() -> None:
        bar.n, bar.total, _, values = measure()
        bar.set_postfix(values, refresh=False)
        bar.refresh()

    try:
        yield paced(refresh)
        refresh()
    finally:
        bar.close()


@contextmanager
def counting_bar(description: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar once the work takes longer than a second; yields a function of the count and the total."""
    started = time.monotonic()
    bar: Any = None

    def count(done: int, total: int) -> None:
        nonlocal bar
        if bar is None and time.monotonic() - started > _SELDOM:
            bar = open_bar(total, "unit", description)
        if bar is not None:
            bar.total, bar.n = total, done
            bar.refresh()

    try:
        yield count
    finally:
        if bar is not None:
            bar.close()


def paced(refresh: Callable[[], None]) -> Callable[[], None]:
    """Return a function that calls `refresh` as often as a person looks, however often it is called."""
    started = time.monotonic()
    due = started

    def when_due() -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due:
            due = now + (_OFTEN if now - started < _AT_FIRST else _SELDOM)
            refresh()

    return when_due


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
