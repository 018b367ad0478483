"""Fixtures that all rooms share."""

import gc
import os
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.forked import FOLDER_VARIABLE, python, write_kernel

# A shell that starts the tests in the background has them ignore the interrupts that some of them send.
signal.signal(signal.SIGINT, signal.default_int_handler)


# Tests that run side by side share the cores, and so do their kernels: two teams of threads that wait for the
# same cores crawl. This stands before anything imports torch.
def _threads(workers: int) -> str:
    return str(max(1, len(os.sched_getaffinity(0)) // workers))


if (_workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))) > 1:
    os.environ.setdefault("OMP_NUM_THREADS", _threads(_workers))


def pytest_configure(config: pytest.Config) -> None:
    """Fork the kernels of notebooks and of JupyterLab, and scripts; workers inherit the environment."""
    if sys.platform == "linux" and not hasattr(config, "workerinput"):
        folder = Path(tempfile.mkdtemp(prefix="vaewidgets-kernels-"))
        os.environ["JUPYTER_PATH"] = os.environ[FOLDER_VARIABLE] = str(write_kernel(folder))
        config.add_cleanup(lambda: shutil.rmtree(folder))


def pytest_sessionstart() -> None:
    """Collect no garbage while everything is imported: all of it stays."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Leave what is imported and collected out of what tests wait for in `gc.collect`."""
    gc.enable()
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: list[Any]) -> None:
    """Fork the workers, too: each would import the same packages for ten seconds."""
    os.environ.setdefault("OMP_NUM_THREADS", _threads(len(specs)))
    if FOLDER_VARIABLE in os.environ:
        for spec in specs:
            spec.python = shlex.join(python())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadfile`: the longest files first, and few JupyterLabs, since one takes long to start."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class LongestFirst(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            scope = super()._split_scope(nodeid)
            return SHARED.get(scope, scope)

        def _assign_work_unit(self, node: Any) -> None:
            units = (unit for start in FIRST for unit in self.workqueue if unit.startswith(start))
            if (first := next(units, None)) is not None:
                self.workqueue.move_to_end(first, last=False)
            super()._assign_work_unit(node)

    return LongestFirst(config, log)


# Files that open JupyterLab, in two halves that take the same time.
_LABS = {
    "JupyterLab": ("controls", "explorer", "own_loop", "picture", "lab_boxes", "lab_reopened"),
    "another JupyterLab": ("explorer_live", "hosts", "lab_every_widget", "lab_saved_page"),
}
SHARED = {f"tests/browser/test_{name}.py": lab for lab, names in _LABS.items() for name in names}
# What takes longest, so that no worker is alone with it at the end; the others follow in their own order.
FIRST = (
    *_LABS,
    "tests/docs/test_site.py",
    "notebooks/",
    *(
        f"tests/{name}.py"
        for name in (
            *("experiments/test_reproduce", "faults/test_exits", "faults/test_interrupts"),
            *("runs/test_chapter_13_4", "diagnostics/test_diagnose", "diagnostics/test_trained_linear"),
            *("widgets/test_contract", "test_wheel", "test_replay", "sweeps/test_cluster"),
            *("runs/test_attached", "live/test_messages", "browser/test_page_every_widget"),
            *("browser/test_page_transformed", "browser/test_page_training", "publish/training/test_steps"),
        )
    ),
)
_WANTED = [
    *(
        f"{folder}/raw/{part}-ubyte.gz"
        for folder in ("MNIST", "FashionMNIST")
        for part in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    ),
    "frey/frey_rawface.mat",
]


@pytest.fixture(scope="module")
def feeds_rest_soon() -> Iterator[None]:
    """For tests that wait until a run's feed has nothing to do: its thread ends after 0.1 s, not 2."""
    from vaewidgets.live import feed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feed, "IDLE_SECONDS", 0.1)
        yield


@pytest.fixture(scope="module")
def plain_pictures() -> Iterator[None]:
    """One still picture for all saved pages, at which nobody looks: each takes a third of a second."""
    from tests.browser.lab import PLAIN_PNG
    from vaewidgets.live import still_image

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(still_image, "still_png", lambda _figure: PLAIN_PNG)
        yield


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
