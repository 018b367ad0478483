import threading
import time

import pytest
import torch

from vaewidgets.data import ImageDataset
from vaewidgets.models import MLPVAE
from vaewidgets.runs import train


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VAEWIDGETS_CACHE", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def _no_thread_stays():
    """Whatever a test does, our threads are gone soon after."""
    yield
    assert wait_until(lambda: not our_threads()), f"left behind: {our_threads()}"


def our_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("vaewidgets")]


def wait_until(condition, seconds=10.0):
    """Wait for a condition; False if it does not come true."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.001)
    return True


def make_data(n=96, n_test=24, shape=(1, 4, 4), binary=False, name="noise", **options):
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(n + n_test, *shape, generator=generator)
    images = (images > 0.5).float() if binary else images
    test = images[n:] if n_test else None
    return ImageDataset(images[:n], test=test, name=name, test_fraction=0, **options)


def make_model(data=None, seed=0, **options):
    torch.manual_seed(seed)
    shape = (1, 4, 4) if data is None else data.image_shape
    return MLPVAE(shape, **{"latent_dim": 2, "hidden": (8,), **options})


def start(data=None, model=None, **options):
    data = make_data() if data is None else data
    model = make_model(data) if model is None else model
    return train(model, data, **{"batch_size": 16, "autosave": False, **options})


def advance(run, n):
    """Take so many steps, and wait for them."""
    step = run.step + n
    run.advance(n)
    assert wait_until(lambda: run.status in ("paused", "finished") and run.step == step)


def nearly(row):
    """What equals a row of a sweep's table up to float32's rounding."""
    return {
        name: pytest.approx(value, rel=1e-5) if isinstance(value, float) else value
        for name, value in row.items()
    }
