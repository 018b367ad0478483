"""Recorded convolutional networks against torch: what is sent, two inputs."""

from __future__ import annotations

import copy
import warnings

import numpy as np
import pytest
import torch

from tests.graphs.image_models import Convolutions, SpatialBroadcast
from tests.graphs.models import Z, made
from vaewidgets.contract.packing import unpack
from vaewidgets.errors import ShapeError
from vaewidgets.graphs import decoder_network, encoder_network, portable_network
from vaewidgets.models import ConvVAE, build


def names(network) -> list[str]:
    return [op.name for op in network.ops]


def test_same_padding_puts_the_odd_one_behind():
    conv = torch.nn.Conv2d(1, 2, (2, 4), padding="same", dilation=(3, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says, once, that it copies the input for this
        network = portable_network("forward", (1, 5, 6), module=conv)
        x = torch.rand(1, 1, 5, 6, generator=torch.Generator().manual_seed(0))
        wanted = conv(x).detach().flatten(1).numpy()
    np.testing.assert_allclose(network.run(x.numpy())[0], wanted, atol=1e-6)


def test_refresh_reads_new_weights_and_running_statistics():
    network = decoder_network(made(Convolutions), Z)
    later = made(Convolutions, seed=3)
    sent, wanted = network.refresh(later), decoder_network(later, Z).as_dict()
    assert sent["ops"] == wanted["ops"]
    np.testing.assert_array_equal(unpack(sent["weights"]), unpack(wanted["weights"]))
    assert sent["weights"]["data"] != network.as_dict()["weights"]["data"]


def test_experiment_c_is_taken_whole():
    model = ConvVAE((1, 28, 28))
    decoder, encoder = decoder_network(model, 128), encoder_network(model, (1, 28, 28))
    assert names(decoder)[:6] == ["t", "addmm", "view", "convolution", "relu", "convolution"]
    assert decoder.weights.size + encoder.weights.size == sum(p.numel() for p in model.parameters())
    assert decoder.output_shapes == ((1, 28, 28),)


@pytest.mark.parametrize("name", ["LinearVAE", "ConvVAE", "ConditionalVAE"])
def test_encoders_of_built_in_models(name):
    model = build({"class": name, "image_shape": (1, 8, 8), "latent_dim": 3}).eval()
    network = encoder_network(model, (1, 8, 8))
    x = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = model.encode(x)
    for got, want in zip(network.run(x.numpy()), wanted, strict=True):
        np.testing.assert_allclose(got, want.detach().numpy(), atol=1e-5)


@pytest.mark.parametrize("name", ["Autoencoder", "LinearAutoencoder"])
def test_an_encoder_without_variance_has_one_output(name):
    model = build({"class": name, "image_shape": (1, 8, 8)}).eval()
    network = encoder_network(model, (1, 8, 8))
    assert len(network.outputs) == 1
    x = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = model.encode(x)[0]
    np.testing.assert_allclose(network.run(x.numpy())[0], wanted.numpy(), atol=1e-5)


def test_a_class_told_as_a_constant():
    torch.manual_seed(0)
    model = build({"class": "ConditionalVAE", "image_shape": (1, 8, 8), "n_classes": 4}).eval()
    z = torch.zeros(1, model.latent_dim)
    networks = [
        portable_network(lambda m, z, k=k: m.decode(z, k), (model.latent_dim,), module=model)
        for k in (None, 1)
    ]
    for network, told in zip(networks, (None, 1), strict=True):
        wanted = model.decode(z, told).detach().flatten(1).numpy()
        np.testing.assert_allclose(network.run(z.numpy())[0], wanted, atol=1e-6)


def test_a_class_as_a_second_input():
    model = made(SpatialBroadcast).eval()
    network = portable_network("told", ((Z,), (4,)), module=model)
    assert [shape[1:] for shape in network.inputs] == [(Z,), (4,)]
    assert repr(network).startswith("Network(3, 4 → (1, 4, 6): cat, unsqueeze, unsqueeze, expand")
    z, told = torch.randn(5, Z, generator=torch.Generator().manual_seed(0)), torch.eye(4)[[0, 3, 1, 1, 2]]
    with torch.no_grad():
        wanted = torch.cat([copy.deepcopy(model).told(z[i : i + 1], told[i : i + 1]) for i in range(5)])
    (got,) = network.run(z.numpy(), told.numpy())
    np.testing.assert_allclose(got, wanted.flatten(1).numpy(), atol=1e-5)
    nothing = torch.zeros(5, 4)
    np.testing.assert_array_equal(network.run(z.numpy())[0], network.run(z.numpy(), nothing.numpy())[0])
    with pytest.raises(ShapeError, match="got 3 inputs; this network takes 2"):
        network.run(z.numpy(), told.numpy(), told.numpy())
