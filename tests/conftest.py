"""Fixtures that all rooms share."""

import os
from pathlib import Path

import pytest

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
