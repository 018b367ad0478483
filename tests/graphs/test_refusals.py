"""What the page cannot run is refused with the name of the layer; what follows the data is warned of."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.graphs.models import IMAGE, N, Plain, Z, made
from vaewidgets.adapters import AdaptedVAE, as_vae
from vaewidgets.errors import PortableError, ProtocolError
from vaewidgets.graphs import decoder_network, encoder_network


class ThreeDimensional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.decoder = nn.Sequential(nn.Linear(Z, N), nn.Unflatten(1, (1, 2, 2, 6)), nn.Conv3d(1, 1, 1))

    def decode(self, z: Tensor) -> Tensor:
        return self.decoder(z)


class Block(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.fft.rfft(x).abs()


class Nested(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Block()])

    def decode(self, z: Tensor) -> Tensor:
        return self.blocks[0](z)


class Masked(Plain):
    def decode(self, z: Tensor) -> Tensor:
        h = self.decoder[0](z)
        return h[h > 0].sum() + h


class Sized(Plain):
    def decode(self, z: Tensor) -> Tensor:
        return z + torch.nonzero(z).sum()


class Counting(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))

    def decode(self, z: Tensor) -> Tensor:
        self.seen.add_(1)
        return z * self.seen


class OwnStatistics(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.decoder = nn.Sequential(
            nn.Linear(Z, 4), nn.Unflatten(1, (2, 2)), nn.BatchNorm1d(2, track_running_stats=False)
        )

    def decode(self, z: Tensor) -> Tensor:
        return self.decoder(z)


class Random(Plain):
    def decode(self, z: Tensor) -> Tensor:
        return z + torch.randn_like(z)


class AlwaysDropout(Plain):
    def decode(self, z: Tensor) -> Tensor:
        return F.dropout(z, 0.5)


class Centred(Plain):
    def decode(self, z: Tensor) -> Tensor:
        return z - z.mean(0)


class ThroughNumpy(Plain):
    def decode(self, z: Tensor) -> Tensor:
        return torch.from_numpy(np.sin(z.numpy()))


class Hashed(Plain):
    def decode(self, z: Tensor) -> Tensor:
        return z + (z.long() * 0 + 2_654_435_761) % 7


class Fails(Plain):
    def decode(self, z: Tensor) -> Tensor:
        return self.decoder[0](z[:, :2])


class ReturnsText(Plain):
    def decode(self, z: Tensor) -> str:
        return "image"


REFUSED = [
    (
        ThreeDimensional,
        r"cannot run decoder\.2 \(Conv3d\), line \d+ of test_refusals\.py: `return self\.decoder\(z\)`: "
        r"it has 3 axes of space; the page takes one or two",
    ),
    (Nested, r"cannot run blocks\.0 \(Block: fft_rfft\), line \d+ .*: _fft_r2c has no counterpart there"),
    (Masked, r"Masked\.decode \(__getitem__\), .*: it picks by a mask, .* use torch\.where"),
    (Sized, r"Sized\.decode \(nonzero\), .* makes a tensor whose size depends on the data"),
    (Counting, r"Counting\.decode \(add\), .*: it changes a parameter or buffer in place"),
    (OwnStatistics, r"decoder\.2 \(BatchNorm1d\), .*: it normalises by the batch's own statistics"),
    (Centred, r"Centred\.decode: what it returns for an image depends on the other images"),
    (Random, r"Random\.decode \(randn_like\), .*: it draws random numbers"),
    (AlwaysDropout, r"\(dropout\), .*: it draws random numbers, also in eval mode"),
    (
        Hashed,
        r"Hashed\.decode \(add\), .*: it has the whole number 2,654,435,761, .* exactly up to 16,777,216",
    ),
    (Fails, r"decoder\.0 \(Linear\) failed on an input of shape \(1, 3\): RuntimeError"),
    (ReturnsText, r"ReturnsText\.decode returned str; expected a tensor"),
]


@pytest.mark.filterwarnings("ignore:.*a Python value is taken from the data")
@pytest.mark.parametrize(("kind", "message"), REFUSED)
def test_refusal_names_the_place(kind, message):
    with pytest.raises(PortableError, match=message):
        decoder_network(made(kind), Z)


def test_layers_of_an_adapted_model_keep_the_names_that_the_user_gave_them():
    class User(ThreeDimensional):
        def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return x.flatten(1)[:, :Z], x.flatten(1)[:, Z : 2 * Z]

    model = as_vae(
        made(User), latent_dim=Z, image_shape=(2, 2, 6), likelihood="bernoulli", output="probabilities"
    )
    assert isinstance(model, AdaptedVAE)
    with pytest.raises(PortableError, match=r"cannot run decoder\.2 \(Conv3d\)"):
        decoder_network(model, Z)
    assert [op.name for op in encoder_network(model, (2, 2, 6)).ops] == ["view", "slice", "slice"]


def test_what_leaves_torch_is_warned_of_and_refused():
    with (
        pytest.warns(UserWarning, match=r"taken from the data \(numpy\)"),
        pytest.raises(PortableError, match="does not come from its input"),
    ):
        decoder_network(made(ThroughNumpy), Z)


class Branch(Plain):
    limit = 100.0

    def decode(self, z: Tensor) -> Tensor:
        return z * 2 if z.abs().max() < self.limit else z * 3


def test_data_dependent_branch_warns_and_is_refused_where_the_replay_sees_it():
    with pytest.warns(
        UserWarning, match=r"Branch\.decode \(__bool__\), line \d+ .*: a Python value is taken from the data"
    ):
        network = decoder_network(made(Branch), Z)
    np.testing.assert_allclose(network.run(np.ones(Z))[0], 2 * np.ones((1, Z)))
    both_ways = made(Branch)
    both_ways.limit = 1.0
    with (
        pytest.warns(UserWarning, match="taken from the data"),
        pytest.raises(PortableError, match=r"differs from the model by .*an `if`"),
    ):
        decoder_network(both_ways, Z)


def test_parameter_read_as_python_number_warns_once():
    class Item(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gain = nn.Parameter(torch.tensor(2.0))

        def decode(self, z: Tensor) -> Tensor:
            return z * self.gain.item() + z * self.gain.item()

    with pytest.warns(UserWarning, match="taken from a parameter") as caught:
        decoder_network(Item(), Z)
    assert len(caught) == 1


def test_weights_beyond_half_precision_are_refused():
    model = made(Plain)
    with torch.no_grad():
        model.decoder[0].weight *= 1e6
        model.decoder[2].weight *= 1e-6
    with pytest.raises(PortableError, match="do not survive half precision"):
        decoder_network(model, Z)


def test_model_that_cannot_be_copied_is_refused():
    model = made(Plain)
    model.file = open
    model.lines = (line for line in ())
    with pytest.raises(PortableError, match="Plain cannot be copied"):
        decoder_network(model, Z)


def test_encoder_of_one_output_is_refused():
    class Autoencoder(Plain):
        def encode(self, x: Tensor) -> Tensor:
            return self.mu(self.body(x))

    with pytest.raises(
        ProtocolError, match=r"Autoencoder\.encode\(x\) returned shapes \[\(3,\)\]; expected \(mu, logvar\)"
    ):
        encoder_network(made(Autoencoder), IMAGE)
