"""Locks that an interrupt cannot lose, and that a process which is forked off finds free."""

from __future__ import annotations

import _thread
import ast
import dis
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import vaewidgets
from tests.runs.conftest import start
from tests.runs.test_loop_place import in_fork
from vaewidgets.concurrency import Latch, Lock

# of `threading`: an interrupt can lose all of them
LOSABLE = {"Lock", "RLock", "Condition", "Event", "Semaphore", "BoundedSemaphore", "Barrier", "allocate_lock"}


def interrupt() -> None:
    raise KeyboardInterrupt


def with_of_python_3_14(lock: Any, body: Callable[[], None]) -> None:
    """``with lock: body()``, interrupted at the end of its first call, as Python 3.14 compiles it.

    Where the call is of a Python function, Python looks for signals in there, at its beginning and where it
    calls something else, and not where it returns.
    """
    leave, enter = type(lock).__exit__, type(lock).__enter__
    enter(lock)
    if not isinstance(enter, types.FunctionType):
        interrupt()
    try:
        body()
    finally:
        leave(lock, None, None, None)


def is_free(lock: Any) -> bool:
    """As another thread finds it."""
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(lock.acquire(blocking=False)))
    thread.start()
    thread.join()
    return found[0]


def test_a_lock_of_the_library_can_be_lost_to_an_interrupt_and_ours_cannot() -> None:
    theirs, ours = threading.RLock(), Lock()
    with pytest.raises(KeyboardInterrupt):
        with_of_python_3_14(theirs, lambda: None)
    assert not is_free(theirs)
    with pytest.raises(KeyboardInterrupt):
        with_of_python_3_14(ours, interrupt)
    assert is_free(ours)


@pytest.mark.parametrize("is_held", [False, True], ids=["once", "twice"])
def test_a_lock_that_is_interrupted_as_it_is_taken_is_free(
    monkeypatch: pytest.MonkeyPatch, is_held: bool
) -> None:
    class Interrupted(_thread.RLock):  # type: ignore[misc]
        __enter__: Any = Lock.__enter__
        is_due = False

        def acquire(self, *arguments: Any, **options: Any) -> bool:
            taken = bool(super().acquire(*arguments, **options))
            if self.is_due:
                self.is_due = False
                interrupt()
            return taken

    lock = Interrupted()
    if is_held:
        lock.acquire()
    lock.is_due = True
    with pytest.raises(KeyboardInterrupt), lock:
        pass
    if is_held:
        assert not is_free(lock), "still held by who held it before"
        lock.release()
    assert is_free(lock)


def test_a_lock_that_is_interrupted_while_it_waits_stays_that_of_who_has_it() -> None:
    class Waiting(_thread.RLock):  # type: ignore[misc]
        __enter__: Any = Lock.__enter__
        acquire: Any = staticmethod(interrupt)

    lock = Waiting()
    with pytest.raises(KeyboardInterrupt), lock:
        pass
    assert super(Waiting, lock).acquire(blocking=False)


def test_nothing_is_called_between_taking_the_lock_and_the_block() -> None:
    """Where a call ends, signals are looked for: the one that takes the lock is within the ``try``."""
    taking = list(dis.get_instructions(Lock.__enter__))
    names = [step.argval for step in taking if step.opname.startswith(("LOAD_METHOD", "LOAD_ATTR"))]
    assert names == ["acquire", "release"]
    assert not isinstance(Lock.__exit__, types.FunctionType), (
        "one in Python is interrupted before it releases"
    )


def test_locks_are_made_in_one_place() -> None:
    folder = Path(vaewidgets.__file__).parent
    found = []
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            made = node.func if isinstance(node, ast.Call) else None
            of = getattr(getattr(made, "value", None), "id", None)
            if of in ("threading", "_thread") and getattr(made, "attr", None) in LOSABLE:
                found.append((path.relative_to(folder).as_posix(), getattr(made, "attr", "")))
    # of a latch; the feed's thread waits on a condition whose lock is one of ours
    assert set(found) == {("concurrency.py", "Lock"), ("live/feed.py", "Condition")}


def test_locks_that_other_threads_had_are_free_in_a_process_that_was_forked_off() -> None:
    run = start(epochs=1).wait(progress=False)
    lock, taken, over = run.recorder._lock, Latch(), Latch()

    def hold() -> None:
        with lock:
            taken.set()
            over.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    assert taken.wait(10)

    def child() -> list[Any]:
        if not lock.acquire(timeout=5):
            return ["taken for ever"]
        lock.release()
        return [len(run.history["loss"])]

    found = in_fork(child)
    over.set()
    thread.join()
    assert found == [6]


def test_a_lock_of_who_forks_stays_taken() -> None:
    lock = Lock()
    with lock:
        was_free = in_fork(lambda: is_free(lock))
    assert was_free is False
