"""Large weights are copied seldom, and never held more than twice beside the model (CASES M18)."""

import gc
import time
from itertools import pairwise

import pytest
import torch
from torch import nn

import vaewidgets as vw
from vaewidgets.engine.snapshot import Shell
from vaewidgets.runs import copies, time_line


class Wide(nn.Module):
    latent_dim = 2

    def __init__(self):
        super().__init__()
        self.e = nn.Sequential(nn.Flatten(), nn.Linear(64, 400), nn.ReLU(), nn.Linear(400, 4))
        self.d = nn.Sequential(
            nn.Linear(2, 400), nn.ReLU(), nn.Linear(400, 400), nn.Linear(400, 64), nn.Sigmoid()
        )

    def encode(self, x):
        return self.e(x).chunk(2, 1)

    def decode(self, z):
        return self.d(z).sigmoid().view(-1, 1, 8, 8)


@pytest.fixture
def clones(monkeypatch):
    """Moments at which the live weights were cloned."""
    monkeypatch.setattr(copies, "LARGE_BYTES", 0)
    monkeypatch.setattr(copies, "LARGE_EVERY_SECONDS", 0.15)
    monkeypatch.setattr(time_line, "WEIGHTS_BYTES", 0)
    moments = []
    clone = Shell.clone

    def counted(self, *args, **options):
        moments.append(time.monotonic())
        return clone(self, *args, **options)

    monkeypatch.setattr(Shell, "clone", counted)
    return moments


@pytest.fixture
def attached():
    """A model and data; from then on `held` counts what is new."""
    torch.manual_seed(0)
    model, data = Wide(), vw.ImageDataset(torch.rand(40, 1, 8, 8))
    gc.collect()
    gc.freeze()
    yield model, data
    gc.unfreeze()


def held(model):
    """Bytes of all tensors of a layer's size that are in memory beside it, as a multiple of the model's."""
    gc.collect()
    tensors = [one for one in gc.get_objects() if type(one) in (torch.Tensor, nn.Parameter)]
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}
    size = sum(p.nbytes for p in model.parameters())
    return sum(n for place, n in storages.items() if place not in own and n > 30_000) / size


def moved(model):
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(1.001)


def test_twenty_logs_a_scatter_and_the_end_hold_two_copies(clones, attached):
    model, data = attached
    run = vw.attach(model, data)
    widget = vw.LatentScatter(run)
    most, before = held(model), 0
    for _ in range(20):
        moved(model)
        time.sleep(0.03)
        run.log(loss=1.0, recon=1.0, kl=1.0)
        before = before or len(clones)
        most = max(most, held(model))
    during = clones[before - 1 :]  # until then, and from the end on, widgets may ask for what is new at once
    run.finish()
    most = max(most, held(model))
    assert 0.9 < most < 2.1
    assert len(during) > 1
    assert all(b - a >= 0.15 for a, b in pairwise(during))
    assert torch.equal(run.snapshot().decode(torch.zeros(1, 2)), model.decode(torch.zeros(1, 2)))
    assert run.last_good.step == run.step == 20
    assert not run.time_line.weights
    assert run.time_line.frames
    widget.close()


def test_one_copy_serves_all_who_ask_for_the_same_weights_and_no_other(clones, attached):
    model, data = attached
    run = vw.attach(model, data)
    run.snapshot()
    count = len(clones)
    a = run.snapshot()
    assert len(clones) == count
    model.e[1].weight.data.add_(1.0)  # which no counter of torch notices
    b = run.snapshot()
    assert len(clones) == count + 1
    x = data.train.images([0])
    assert not torch.equal(a.encode(x)[0], b.encode(x)[0])
    assert torch.allclose(b.encode(x)[0], model.encode(x)[0])


def test_a_run_that_ends_in_nan_keeps_the_good_weights(clones, attached):
    model, data = attached
    run = vw.attach(model, data)
    for _ in range(4):
        moved(model)
        time.sleep(0.16)
        run.log(loss=1.0, recon=1.0, kl=1.0)
    good = run.last_good.step
    model.e[1].weight.data.fill_(float("nan"))
    run.log(loss=1.0, recon=1.0, kl=1.0)
    run.finish()
    assert 0 < good <= run.last_good.step < run.step
    assert all(torch.isfinite(p).all() for p in run.last_good.model.parameters())


def test_the_structure_that_copies_are_built_in_holds_no_weights(attached):
    model, _ = attached
    shell = Shell(model)
    assert held(model) < 0.1
    built = shell.build(shell.clone(model, step=0, epoch=0))
    z = torch.randn(3, 2)
    assert torch.equal(built.decode(z), model.decode(z))
