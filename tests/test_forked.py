"""Scripts in forks end as scripts do; workers begin with what takes longest."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import FIRST, SHARED
from tests.forked import FOLDER_VARIABLE, python

ROOT = Path(__file__).parents[1]
ENDS = {
    "pass": 0,
    "sys.exit(3)": 3,
    "sys.exit('a text')": 1,
    "raise ValueError('planted')": 1,
    "os.kill(os.getpid(), signal.SIGINT); signal.pause()": -signal.SIGINT,
    "os.kill(os.getpid(), signal.SIGTERM); signal.pause()": -signal.SIGTERM,
    "os.kill(os.getpid(), signal.SIGKILL)": -signal.SIGKILL,
}


def ended(code: str, *, to_its_end: bool = False, **options: object) -> subprocess.CompletedProcess[str]:
    command = python(code, to_its_end=to_its_end)
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120, **options)


@pytest.mark.parametrize("to_its_end", [False, True])
@pytest.mark.parametrize("end", ENDS)
def test_a_fork_ends_as_a_process_does(end: str, to_its_end: bool) -> None:
    code = f"import os, signal, sys; print('said'); sys.stdout.flush(); {end}"
    found = ended(code, to_its_end=to_its_end)
    assert (found.returncode, found.stdout) == (ENDS[end], "said\n")
    assert ("planted" in found.stderr) == ("planted" in end)
    assert ("a text" in found.stderr) == ("a text" in end)
    assert ("KeyboardInterrupt" in found.stderr) == (ENDS[end] == -signal.SIGINT)


@pytest.mark.parametrize("to_its_end", [False, True])
def test_a_fork_waits_for_its_threads_and_runs_what_is_registered_for_its_end(to_its_end: bool) -> None:
    code = """
import atexit, sys, threading, time
class Last:
    def __del__(self): print("taken apart")
last = Last()
atexit.register(print, "registered")
threading.Thread(target=lambda: (time.sleep(0.2), print("thread"))).start()
"""
    found = ended(code, to_its_end=to_its_end)
    said = ["thread", "registered"] + ["taken apart"] * (to_its_end or sys.platform != "linux")
    assert (found.returncode, found.stdout.split("\n")) == (0, [*said, ""])


def test_a_fork_has_the_folder_the_environment_and_the_packages(tmp_path: Path) -> None:
    said = "os.getcwd(), os.environ['PLANTED'], sys.argv, __name__, 'torch' in sys.modules"
    code = f"import os, sys; print({said})"
    found = ended(code, cwd=tmp_path, env={**os.environ, "PLANTED": "here"})
    is_warm = sys.platform == "linux"
    assert found.stdout.strip() == f"{tmp_path} here ['-c'] __main__ {is_warm}"
    assert (FOLDER_VARIABLE in os.environ) == is_warm


def test_a_fork_whose_owner_is_gone_goes_too() -> None:
    code = "import time; print('said', flush=True); time.sleep(600)"
    with subprocess.Popen(python(code), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"said\n"
        process.kill()
        assert process.stdout.read() == b"", "the fork's end closes the pipe"


def test_what_opens_jupyterlab_shares_it_and_what_comes_first_is_there() -> None:
    files = (ROOT / "tests" / "browser").glob("test_*.py")
    opening = {path.name for path in files if re.search(r"\blab(_server)?: Lab\b", path.read_text("utf-8"))}
    assert opening == {Path(name).name for name in SHARED}
    for start in set(FIRST) - set(SHARED.values()):
        assert (ROOT / start).exists(), start
