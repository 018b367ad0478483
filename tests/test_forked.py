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
    "raise ValueError('planted')": 1,
    "os.kill(os.getpid(), signal.SIGINT); signal.pause()": -signal.SIGINT,
    "os.kill(os.getpid(), signal.SIGTERM); signal.pause()": -signal.SIGTERM,
    "os.kill(os.getpid(), signal.SIGKILL)": -signal.SIGKILL,
}


def ended(code: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(python(code), check=False, capture_output=True, text=True, timeout=120, **options)


@pytest.mark.parametrize("end", ENDS)
def test_a_fork_ends_as_a_process_does(end: str) -> None:
    found = ended(f"import os, signal, sys; print('said'); sys.stdout.flush(); {end}")
    assert (found.returncode, found.stdout) == (ENDS[end], "said\n")
    assert ("planted" in found.stderr) == (ENDS[end] == 1)
    assert ("KeyboardInterrupt" in found.stderr) == (ENDS[end] == -signal.SIGINT)


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
