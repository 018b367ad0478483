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


class Einsum(Plain):
    def decode(self, z: Tensor) -> Tensor:
        return torch.einsum("bi,oi->bo", z, self.decoder[0].weight)


class Grouped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.decoder = nn.Sequential(
            nn.Linear(Z, N), nn.Unflatten(1, (2, 2, 6)), nn.Conv2d(2, 2, 3, padding=1, groups=2), nn.Sigmoid()
        )

    def decode(self, z: Tensor) -> Tensor:
        return self.decoder(z)


class ThreeDimensional(Grouped):
    def __init__(self) -> None:
        super().__init__()
        self.decoder = nn.Sequential(nn.Linear(Z, N), nn.Unflatten(1, (1, 2, 2, 6)), nn.Conv3d(1, 1, 1))


class Unbatched(Grouped):
    def decode(self, z: Tensor) -> Tensor:
        return F.conv2d(
            self.decoder[0](z).view(2, 2, 6), self.decoder[2].weight[:, :1].repeat(1, 2, 1, 1), padding=1
        )


class PoolIndices(Grouped):
    def decode(self, z: Tensor) -> Tensor:
        return F.max_pool2d(self.decoder[:2](z), 2, return_indices=True)[0]


class ChannelMean(Grouped):
    def decode(self, z: Tensor) -> Tensor:
        return self.decoder[:2](z).mean(1)


class PaddedWithOnes(Grouped):
    def decode(self, z: Tensor) -> Tensor:
        return F.pad(self.decoder[:2](z), (1, 1), value=1.0)


class Block(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, x.shape[1:])


class Nested(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Block()])

    def decode(self, z: Tensor) -> Tensor:
        return self.blocks[0](z)


class ViewInPlace(Plain):
    def decode(self, z: Tensor) -> Tensor:
        h = self.decoder[0](z)
        h[:, :4].relu_()
        return h


class StaleView(Plain):
    def decode(self, z: Tensor) -> Tensor:
        h = self.decoder[0](z)
        view = h.view(-1, 4, 4)
        h.mul_(2)
        return view


class WritesPart(Plain):
    def decode(self, z: Tensor) -> Tensor:
        h = torch.zeros(1, 5)
        h[:, :Z] = z
        return h


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


class Rolled(Plain):
    def decode(self, z: Tensor) -> Tensor:
        return self.decoder[2](self.decoder[0](z)).roll(5, 1)


class ManyVectors(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.Linear(1, 4)

    def decode(self, z: Tensor) -> Tensor:
        return self.rows(z.unsqueeze(-1))


class ThroughNumpy(Plain):
    def decode(self, z: Tensor) -> Tensor:
        return torch.from_numpy(np.sin(z.numpy()))


class Fails(Plain):
    def decode(self, z: Tensor) -> Tensor:
        return self.decoder[0](z[:, :2])


class ReturnsText(Plain):
    def decode(self, z: Tensor) -> str:
        return "image"


REFUSED = [
    (Einsum, r"cannot run Einsum\.decode \(einsum\): einsum has no counterpart"),
    (Grouped, r"cannot run decoder\.2 \(Conv2d\): it has 2 groups; .* It takes Linear, Conv2d"),
    (ThreeDimensional, r"cannot run decoder\.2 \(Conv3d\): conv3d has no counterpart there"),
    (Unbatched, r"\(conv2d\): it works on shape \(2, 2, 6\); the page takes one image"),
    (PoolIndices, r"max_pool2d_with_indices has no counterpart"),
    (ChannelMean, r"\(mean\): means are taken over the rows and columns"),
    (PaddedWithOnes, r"\(pad\): padding is taken of rows and columns, and with 0"),
    (Nested, r"cannot run blocks\.0 \(Block: layer_norm\)"),
    (ViewInPlace, r"ViewInPlace\.decode \(relu\): it works in place on memory that another view shares"),
    (StaleView, r"in place on memory that another view shares"),
    (WritesPart, r"WritesPart\.decode \(__setitem__\): it writes into a part of a tensor"),
    (OwnStatistics, r"decoder\.2 \(BatchNorm1d\): it normalises by the batch's own statistics"),
    (Random, r"Random\.decode \(randn_like\): it draws random numbers"),
    (AlwaysDropout, r"\(dropout\): it drops values also in eval mode"),
    (Rolled, r"\(roll\): it reorders values in a way that no strides describe"),
    (ManyVectors, r"rows \(Linear\): it is applied to 3 vectors of one image"),
    (Fails, r"decoder\.0 \(Linear\) failed on an input of shape \(1, 3\): RuntimeError"),
    (ReturnsText, r"ReturnsText\.decode returned str; expected a tensor"),
]


@pytest.mark.parametrize(("kind", "message"), REFUSED)
def test_refusal_names_the_place(kind, message):
    with pytest.raises(PortableError, match=message):
        decoder_network(made(kind), Z)


def test_layers_of_an_adapted_model_keep_the_names_that_the_user_gave_them():
    class User(Grouped):
        def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return x.flatten(1)[:, :Z], x.flatten(1)[:, Z : 2 * Z]

    model = as_vae(
        made(User), latent_dim=Z, image_shape=(2, 2, 6), likelihood="bernoulli", output="probabilities"
    )
    assert isinstance(model, AdaptedVAE)
    with pytest.raises(PortableError, match=r"cannot run decoder\.2 \(Conv2d\)"):
        decoder_network(model, Z)
    assert [op.op for op in encoder_network(model, (2, 2, 6)).ops] == ["slice", "slice"]


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
        UserWarning, match=r"Branch\.decode \(__bool__\): a Python value is taken from the data"
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
