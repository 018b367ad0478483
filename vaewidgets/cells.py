"""Which notebook cell is running, so that running it again ends the run that it started before."""

from __future__ import annotations

import ast
import contextlib
import difflib
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from vaewidgets.concurrency import Lock


class Cell(NamedTuple):
    """A cell, and one execution of it; where the host says no id, that is empty, and the source is known."""

    id: str
    execution: str
    source: str = ""


class Closable(Protocol):
    """A run, a sweep of them, or a widget."""

    def close(self) -> None:
        """Stop, and wait until nothing of it is under way."""
        ...


class _Ending:
    """Closes something when marimo runs its cell again, or deletes it (an item of a cell's lifecycle)."""

    def __init__(self, thing: Closable) -> None:
        self._thing = weakref.ref(thing)

    def create(self, context: Any) -> None:
        """The cell has begun."""

    def dispose(self, context: Any, deletion: bool) -> bool:
        self.close()
        return True

    def close(self) -> None:
        thing = self._thing()
        if thing is not None:
            thing.close()


MOMENT_SECONDS = 0.1  # between moments at least
ALIKE = 0.6  # of two sources, from 0 to 1: so that they may be those of one cell that was edited

_lock = Lock()
_at_moments: tuple[weakref.WeakMethod[Callable[[], Any]], ...] = ()
_next_moment = 0.0
_runs: dict[str, list[tuple[Cell, weakref.ref[Closable]]]] = {}  # by the id of the cell


def ipython_shell() -> Any:
    """The running IPython shell, None outside of one; imports nothing."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def current_cell() -> Cell | None:
    """The cell that is being executed; None outside a notebook, and where the host does not say."""
    header: Any = getattr(ipython_shell(), "parent_header", None)
    try:
        execution = str(header["header"]["msg_id"])
        if "cellId" in header["metadata"]:
            return Cell(str(header["metadata"]["cellId"]), execution)
        return Cell("", execution, str(header["content"]["code"]))  # no code: a message of a widget
    except (TypeError, KeyError, AttributeError):
        return None


def cell_has_id() -> bool:
    """Whether the host says which cell it runs."""
    header: Any = getattr(ipython_shell(), "parent_header", None)
    try:
        return "cellId" in header["metadata"]
    except (TypeError, KeyError):
        return False


def at_cell_end(callback: Callable[[], None]) -> Callable[[], None]:
    """Call a bound method whenever a cell has ended, as long as its object lives; returns what ends it.

    Outside IPython it does nothing.
    """
    shell = ipython_shell()
    if shell is None:
        return lambda: None
    method = weakref.WeakMethod(callback)

    def call(*_: Any) -> None:
        alive = method()
        if alive is not None:
            alive()
        else:
            remove()

    def remove() -> None:
        with contextlib.suppress(ValueError):
            shell.events.unregister("post_run_cell", call)

    shell.events.register("post_run_cell", call)
    return remove


def at_moments(callback: Callable[[], Any]) -> None:
    """Call a bound method on the main thread now and then while a cell keeps it, as long as its object lives.

    Some hosts show nothing that another thread sends.
    """
    global _at_moments
    with _lock:
        _at_moments = (*(one for one in _at_moments if one() is not None), weakref.WeakMethod(callback))


def give_moment() -> None:
    """Call what waits for a moment, unless that was just now; by what keeps a cell busy, on any thread."""
    global _next_moment
    if not _at_moments or threading.current_thread() is not threading.main_thread():
        return
    if time.monotonic() >= _next_moment:
        for one in _at_moments:
            callback = one()
            if callback is not None:
                callback()
        _next_moment = time.monotonic() + MOMENT_SECONDS


def stop_earlier(cell: Cell | None) -> None:
    """Stop the runs that an earlier execution of `cell` started, and wait until their threads have gone.

    A cell may start several runs at once (a loop over beta): those of one execution live side by side.
    """
    if cell is None:
        return
    with _lock:
        known = list(_runs.get(cell.id, []))
    over = []
    for entry in known:
        started, reference = entry
        earlier = reference()
        if earlier is not None and started.execution != cell.execution and _is_again(cell, started, earlier):
            earlier.close()
            over.append(entry)
    # Only now: an interrupt while one was closed leaves the others to be closed next time.
    with _lock:
        entries = _runs.get(cell.id, [])
        _runs[cell.id] = [entry for entry in entries if entry not in over and entry[1]() is not None]


def _is_again(cell: Cell, started: Cell, run: Closable) -> bool:
    """Whether `cell` is the one that started a run, executed again.

    Where the host says no ids it is if its source is the same, or if that is much the same and all that holds
    the run are variables that it assigns again.
    """
    if cell.id or cell.source == started.source:
        return True
    shell: Any = ipython_shell()
    try:
        nodes = list(ast.walk(ast.parse(shell.transform_cell(cell.source))))
    except SyntaxError:
        return False
    assigned = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    holders = {name for name, value in list(shell.user_ns.items()) if name[0] != "_" and _holds(value, run)}
    if not holders or not holders <= assigned:
        return False
    return difflib.SequenceMatcher(None, started.source, cell.source).ratio() >= ALIKE


def _holds(value: Any, run: Closable) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    return value is run or (isinstance(value, list | tuple) and any(one is run for one in value))


def in_marimo() -> bool:
    """Whether a notebook or an app of marimo is running; imports nothing."""
    marimo: Any = sys.modules.get("marimo")
    return marimo is not None and bool(marimo.running_in_notebook())


def by_marimo() -> bool:
    """Whether marimo runs this code: a notebook, an app, or one of them as a script.

    Its mode is "test" wherever pytest runs, whoever has imported it.
    """
    marimo = sys.modules.get("marimo")
    return in_marimo() or (marimo is not None and marimo.app_meta().mode in ("run", "edit", "script"))


def close_with_cell(thing: Closable) -> None:
    """In marimo, close something when the cell that made it runs again or is deleted.

    marimo has cells, but no IPython, and no public name for this; outside of it nothing is done.
    """
    if in_marimo():
        with contextlib.suppress(ImportError, AttributeError):
            from marimo._runtime.context import get_context

            ending: Any = _Ending(thing)
            get_context().cell_lifecycle_registry.add(ending)
            # of an app each reader has a thread, and no item of a cell hears that it has ended
            weakref.finalize(threading.current_thread(), ending.close).atexit = False


def note(run: Closable, cell: Cell | None) -> None:
    """Remember which execution of which cell started a run, or a sweep."""
    close_with_cell(run)
    if cell is not None:
        with _lock:
            _runs.setdefault(cell.id, []).append((cell, weakref.ref(run)))
