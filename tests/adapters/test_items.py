"""A person's own models of vectors and series are fed what their loop feeds them."""

import numpy as np
import pytest
import torch
from torch import nn

import vaewidgets as vw
from vaewidgets.errors import OptionError, ProtocolError
from vaewidgets.graphs import encoder_network

RNG = np.random.default_rng(0)


class Vectors(nn.Module):
    def __init__(self, d=9):
        super().__init__()
        self.encoder, self.decoder = nn.Linear(d, 4), nn.Linear(2, d)
        self.seen = []

    def encode(self, x):
        self.seen.append(tuple(x.shape[1:]))
        return self.encoder(x).chunk(2, dim=1)

    def decode(self, z):
        return self.decoder(z)


class Recurrent(nn.Module):
    """Of series (B, T, F)."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(3, 8, batch_first=True)
        self.heads, self.out = nn.Linear(8, 4), nn.Linear(2, 20 * 3)

    def encode(self, x):
        assert x.shape[1:] == (20, 3)
        return self.heads(self.rnn(x)[1][-1]).chunk(2, dim=1)

    def decode(self, z):
        return self.out(z).view(-1, 20, 3)


class Convolved(nn.Module):
    """Of series (B, F, T), as Conv1d takes them."""

    def __init__(self, f=1):
        super().__init__()
        self.body = nn.Sequential(nn.Conv1d(f, 4, 5, 2, 2), nn.ReLU(), nn.Flatten())
        self.heads, self.out, self.f = nn.Linear(40, 4), nn.Linear(2, 20 * f), f

    def encode(self, x):
        return self.heads(self.body(x)).chunk(2, dim=1)

    def decode(self, z):
        return self.out(z).view(-1, self.f, 20)


class Volumes(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv3d(1, 2, 3, 2, 1), nn.Flatten())
        self.heads, self.out = nn.Linear(2 * 2 * 3 * 4, 4), nn.Linear(2, 4 * 6 * 8)

    def encode(self, x):
        return self.heads(self.body(x)).chunk(2, dim=1)

    def decode(self, z):
        return torch.sigmoid(self.out(z)).view(-1, 1, 4, 6, 8)


MODELS = {
    "vectors": (Vectors, vw.ArrayDataset(RNG.normal(size=(40, 9)))),
    "flat series": (lambda: Vectors(60), vw.ArrayDataset(RNG.normal(size=(40, 20, 3)))),
    "series": (Recurrent, vw.ArrayDataset(RNG.normal(size=(40, 20, 3)))),
    "one channel": (Convolved, vw.ArrayDataset(RNG.normal(size=(40, 1, 20)))),
    "channels first": (lambda: Convolved(2), vw.ArrayDataset(RNG.normal(size=(40, 2, 20)), channels="first")),
    "volumes": (Volumes, vw.ImageDataset(torch.rand(40, 1, 4, 6, 8))),
}


@pytest.mark.parametrize("case", MODELS)
def test_models_of_items_attach_at_first_try(case):
    make, data = MODELS[case]
    torch.manual_seed(0)
    model = make()
    run = vw.attach(model, data)
    x = data.train.images(slice(0, 6))
    given = x.reshape(6, *data.items.shape)
    mu, logvar = model.encode(given.flatten(1) if case == "flat series" else given)
    found = run.snapshot().encode(x)
    assert torch.allclose(found[0], mu, atol=1e-6)
    assert torch.allclose(found[1], logvar, atol=1e-6)
    decoded = run.snapshot().decode(mu.detach())
    assert decoded.shape == x.shape
    assert torch.allclose(decoded.flatten(1), model.decode(mu).flatten(1), atol=1e-6)
    widget = vw.LatentScatter(run)
    assert widget.frame["run"]["error"] is None
    widget.close()
    run.finish()


def test_vectors_never_come_as_images():
    model = Vectors()
    vw.attach(model, MODELS["vectors"][1]).finish()
    assert set(model.seen) <= {(9,)}


class Joined(nn.Module):
    """Of series (B, F, T), the lines of which it takes apart."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.out = nn.Linear(20, 4), nn.Linear(20, 4), nn.Linear(2, 40)

    def encode(self, x):
        return (self.first(x[:, 0]) + self.second(x[:, 1])).chunk(2, dim=1)

    def decode(self, z):
        return self.out(z).view(-1, 2, 20)


@pytest.mark.parametrize("make", [Joined, lambda: Convolved(2)])
def test_the_page_runs_an_encoder_of_series(make):
    data = MODELS["channels first"][1]
    snapshot = vw.attach(make(), data).snapshot()
    network = encoder_network(snapshot.model, data.image_shape)
    x = data.train.images(slice(0, 3))
    for got, wanted in zip(network.run(x.flatten(1).numpy()), snapshot.encode(x), strict=True):
        assert np.allclose(got, wanted.numpy(), atol=1e-5)


def test_a_model_of_other_items_is_told_what_it_was_given():
    with pytest.raises(ProtocolError, match=r"on items of shape \(2, 20, 3\); on flat ones, \(2, 60\)"):
        vw.attach(Vectors(7), MODELS["series"][1])


def test_an_item_shape_of_another_size_is_refused():
    with pytest.raises(OptionError, match=r"item_shape is \(4, 4\) and image_shape \(1, 1, 9\)"):
        vw.as_vae(Vectors(), image_shape=(1, 1, 9), item_shape=(4, 4))


def test_train_adapts_them_as_well():
    data = MODELS["series"][1]
    run = vw.train(Recurrent(), data, epochs=1, batch_size=16, autosave=False).wait(progress=False)
    assert run.status == "finished"
    assert np.isfinite(run.history["loss"]).all()
