"""Fixtures that all rooms share."""

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.forked import write_kernel

# A shell that starts the tests in the background has them ignore the interrupts that some of them send.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Tests that run side by side share the cores, and so do their kernels: two teams of threads that wait for the
# same cores crawl. This stands before anything imports torch.
if (_workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))) > 1:
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, len(os.sched_getaffinity(0)) // _workers)))


def pytest_configure(config: pytest.Config) -> None:
    """Fork the kernels of notebooks and of JupyterLab; workers inherit the environment."""
    if sys.platform == "linux" and not hasattr(config, "workerinput"):
        folder = Path(tempfile.mkdtemp(prefix="vaewidgets-kernels-"))
        os.environ["JUPYTER_PATH"] = str(write_kernel(folder))
        config.add_cleanup(lambda: shutil.rmtree(folder))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadfile`, files that open JupyterLab go to one worker: it takes long to start."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class OneLab(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            scope = super()._split_scope(nodeid)
            return "JupyterLab" if scope in _LAB else scope

    return OneLab(config, log)


_LAB = {
    f"tests/browser/test_{name}.py"
    for name in (
        *("controls", "explorer", "explorer_live", "hosts", "own_loop", "picture"),
        *("lab_boxes", "lab_every_widget", "lab_saved_page"),
    )
}
_WANTED = [
    *(
        f"{folder}/raw/{part}-ubyte.gz"
        for folder in ("MNIST", "FashionMNIST")
        for part in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    ),
    "frey/frey_rawface.mat",
]


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Folder of real data sets; a set but incomplete one fails, so that CI cannot skip by mistake."""
    value = os.environ.get("VAEWIDGETS_DATA")
    if not value:
        pytest.skip("VAEWIDGETS_DATA is not set: it names the folder of real data sets (MNIST, ...)")
    root = Path(value)
    missing = [name for name in _WANTED if not (root / name).is_file()]
    if missing:
        pytest.fail(f"VAEWIDGETS_DATA={value} lacks {', '.join(missing)}")
    return root
