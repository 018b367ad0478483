"""Fixtures that all rooms share."""

import os
import signal
from pathlib import Path

import pytest

# A shell that starts the tests in the background has them ignore the interrupts that some of them send.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Tests that run side by side share the cores, and so do their kernels: two teams of threads that wait for the
# same cores crawl. This stands before anything imports torch.
if (_workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))) > 1:
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, len(os.sched_getaffinity(0)) // _workers)))

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
