"""Foreign models that are conditioned on a class: labels go in as to our own."""

import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import vaewidgets as vw
from tests.adapters.test_rules import SHAPE, Net, X, built
from vaewidgets.adapters import as_vae, check_vae
from vaewidgets.contract.packing import pack
from vaewidgets.errors import OptionError, ProtocolError
from vaewidgets.graphs import decoder_network
from vaewidgets.live.latent import decode_u8
from vaewidgets.runs import attach
from vaewidgets.sections.state import grid_state, to_u8

Y = torch.tensor([4, 0, 1, 3, 2])


class Conditional(Net):
    """encode(x, y) and decode(z, y) of one-hot rows."""

    def __init__(self):
        super().__init__()
        self.y_to_mu, self.y_to_z = nn.Linear(5, 3), nn.Linear(5, 3)

    def told(self, y):
        return F.one_hot(y, 5).float()

    def encode(self, x, y):
        mu, logvar = self.own(x)
        return mu + self.y_to_mu(y), logvar

    def decode(self, z, y):
        return Net.decode(self, z + self.y_to_z(y))


class ByNumber(Conditional):
    def __init__(self):
        super().__init__()
        self.y_to_mu, self.y_to_z = nn.Embedding(5, 3), nn.Embedding(5, 3)

    def told(self, y):
        return y


class ByName(Conditional):
    """The class may be left out, but the model was trained with it."""

    def encode(self, x, labels=None):
        return Conditional.encode(self, x, labels) if labels is not None else self.own(x)

    def decode(self, z, labels=None):
        return Conditional.decode(self, z, labels) if labels is not None else Net.decode(self, z)


class DecoderAlone(Conditional):
    def encode(self, x):
        return self.own(x)


def own_codes(model, y):
    return model.encode(X) if isinstance(model, DecoderAlone) else model.encode(X, model.told(y))


MAKES = [Conditional, ByNumber, ByName, DecoderAlone]


@pytest.mark.parametrize("make", MAKES)
def test_labels_go_in(make):
    model = built(make)
    vae = as_vae(model, n_classes=5)
    check_vae(vae, SHAPE)
    assert vae.takes_labels
    assert vae.n_classes == 5
    mu, _ = vae.encode(X, Y)
    torch.testing.assert_close(mu, own_codes(model, Y)[0])
    torch.testing.assert_close(vae.decode(mu, Y), model.decode(mu, model.told(Y)))
    torch.testing.assert_close(vae.decode(mu, 3), model.decode(mu, model.told(torch.full((5,), 3))))
    none = model.told(torch.zeros(5, dtype=torch.int64))
    torch.testing.assert_close(vae.decode(mu), model.decode(mu, none))
    assert "where none is given, class 0" in vae.convention.describe()


def test_a_function_of_ones_own_takes_labels():
    model = built(Conditional)
    vae = as_vae(model, n_classes=5, encode=lambda m, x, y: m.encode(x, 2 * y))
    torch.testing.assert_close(vae.encode(X, Y)[0], model.encode(X, 2 * model.told(Y))[0])


def test_the_number_of_classes_is_the_models_before_it_is_the_datas():
    model = built(Conditional)
    model.num_classes = 5
    assert as_vae(model).n_classes == 5
    assert as_vae(model, n_classes=3).n_classes == 5


def test_without_labels_the_line_says_where_they_come_from():
    with pytest.raises(ProtocolError, match=r"needs a second argument.*vw\.ImageDataset\(images, labels\)"):
        as_vae(built(Conditional))
    with pytest.raises(OptionError, match="n_classes is 0"):
        as_vae(built(Conditional), n_classes=0)


def test_other_models_take_no_labels():
    vae = as_vae(built(Net), n_classes=5)
    assert not vae.takes_labels
    assert vae.n_classes is None
    assert "class" not in vae.convention.describe()


@pytest.mark.parametrize("make", MAKES)
def test_widgets_and_measures_use_the_labels_of_the_data(make):
    model = built(make)
    images = torch.rand(40, *SHAPE, generator=torch.Generator().manual_seed(2))
    labels = torch.arange(40) % 5
    data = vw.ImageDataset(images, labels, seed=0)
    run = attach(model, data)
    snapshot = run.snapshot()
    split, own = data.test, as_vae(model, n_classes=5)
    mu, _ = snapshot.encoded("test")
    torch.testing.assert_close(mu, own.encode(split.images(range(len(split))), split.labels)[0])
    sample = vw.data.Sample(data, 8)
    y = torch.as_tensor(sample.labels)
    expected = own.decode(own.encode(sample.images, y)[0], y)
    row = grid_state(sample, np.arange(8), snapshot, "test")["rows"][0]["images"]
    assert row == pack(to_u8(data, expected.detach()), "u8")
    shown = decode_u8(snapshot, torch.zeros(1, 3), 2)
    assert (shown != decode_u8(snapshot, torch.zeros(1, 3), 1)).any()
    run.log(loss=1.0, recon=1.0, kl=1.0, batch_size=4)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "recon of .* it is not decided yet")
        assert run.evaluate("train")["recon"] > 0


def test_the_page_runs_a_decoder_of_one_hot_rows():
    model = built(Conditional)
    network = decoder_network(as_vae(model, n_classes=5), 3)
    assert "→ (1, 8, 8)" in repr(network)
    assert "3, 5" in repr(network)
