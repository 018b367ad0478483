"""A process ends with its own exit code, whatever the threads of the package are at."""

from __future__ import annotations

import ast
from itertools import cycle
from pathlib import Path

import pytest

import vaewidgets
from tests.faults.exits import ENDS, WORK, Script, end_of, scripts

FRAMES = "frames of a slow decoder"
# Each kind of work once, which end in turns; the slow decoder at two moments more. A cluster takes seconds of
# the processor to start: the machine's long form has it, and tests/sweeps has one that ends.
HOW = cycle(ENDS)
SCRIPTS = [
    *(Script(work, next(HOW), 0.3, images=120) for work in WORK if work != "a sweep on Dask"),
    *scripts(2, seed=12, work=FRAMES, end="its last line", images=120),
]
# Those that have imported nothing when they begin; what comes after the imports is the same in the others.
FRESH = (SCRIPTS[0],)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda one: f"{one.work}, {one.end}, {one.seconds} s")
def test_a_script_ends_with_its_own_exit_code(script: Script, tmp_path: Path) -> None:
    found = end_of(script, tmp_path, fresh=script in FRESH)
    assert found.is_right, f"exit code {found.code} instead of {script.wanted}:\n{found.stderr}"
    expected = {"an exception": "planted", "SIGINT": "KeyboardInterrupt"}.get(script.end, "")
    assert expected in found.stderr
    assert found.seconds < 60


def test_threads_are_started_in_one_place() -> None:
    """A thread that is started elsewhere is not waited for, and can abort the process."""
    folder = Path(vaewidgets.__file__).parent
    found = []
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", None)
            if name in ("Thread", "Timer", "start_new_thread"):
                found.append(path.relative_to(folder).as_posix())
    assert set(found) == {"concurrency.py"}
