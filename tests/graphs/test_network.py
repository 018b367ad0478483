"""Recorded networks against torch: values, format, refreshed weights."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.graphs.image_models import IMAGE_DECODERS, IMAGE_ENCODERS
from tests.graphs.layer_models import LAYER_DECODERS, OneImage
from tests.graphs.models import (
    DECODERS,
    ENCODERS,
    IMAGE,
    ImageNorm,
    N,
    Plain,
    Residual,
    Tied,
    Views,
    Z,
    made,
)
from vaewidgets.contract.packing import unpack
from vaewidgets.errors import PortableError, ShapeError
from vaewidgets.graphs import Network, decoder_network, encoder_network, portable_network


def as_arrays(result: Tensor | tuple[Tensor, ...]) -> list[np.ndarray]:
    results = result if isinstance(result, tuple) else (result,)
    return [t.detach().double().reshape(1, -1).numpy() for t in results]


def largest_error(network: Network, model: nn.Module, name: str, x: Tensor, *, half: bool) -> float:
    """Each image through torch alone, all through the recorded network at once."""
    got = network.run(x.numpy(), half=half)
    with torch.no_grad():
        rows = [
            as_arrays(getattr(copy.deepcopy(model).eval(), name)(x[i : i + 1].clone())) for i in range(len(x))
        ]
    wanted = [np.concatenate(parts) for parts in zip(*rows, strict=True)]
    assert [w.shape for w in wanted] == [g.shape for g in got]
    return max(float(np.abs(g - w).max()) for g, w in zip(got, wanted, strict=True))


@pytest.mark.parametrize("kind", DECODERS + IMAGE_DECODERS + LAYER_DECODERS)
def test_decoder_equals_torch(kind):
    model = made(kind)
    network = decoder_network(model, Z)
    z = torch.randn(7, Z, generator=torch.Generator().manual_seed(1))
    assert largest_error(network, model, "decode", z, half=False) < 1e-5
    assert 0 < largest_error(network, model, "decode", z, half=True) < 1e-2


@pytest.mark.parametrize("kind", ENCODERS + IMAGE_ENCODERS)
def test_encoder_equals_torch(kind):
    model = made(kind)
    network = encoder_network(model, IMAGE)
    x = torch.rand(7, *IMAGE, generator=torch.Generator().manual_seed(1))
    assert network.output_shapes == ((Z,), (Z,))
    assert largest_error(network, model, "encode", x, half=False) < 1e-5
    assert largest_error(network, model, "encode", x, half=True) < 1e-2


def test_format_is_plain_and_complete():
    network = decoder_network(made(Plain), Z)
    sent = network.as_dict()
    assert sent["inputs"] == [[{"b": [1, 0]}, Z]]
    assert sent["tensors"] == [
        ["decoder.0.weight", [16, Z]], ["decoder.0.bias", [16]],
        ["decoder.2.weight", [N, 16]], ["decoder.2.bias", [N]],
    ]  # fmt: skip
    assert sent["ops"] == [
        ["t", [{"t": 1}], [5]],
        ["addmm", [{"t": 2}, {"t": 0}, {"t": 5}, 1, 1], [6]],
        ["relu_", [{"t": 6}], [None]],
        ["t", [{"t": 3}], [7]],
        ["addmm", [{"t": 4}, {"t": 6}, {"t": 7}, 1, 1], [8]],
        ["sigmoid", [{"t": 8}], [9]],
        ["view", [{"t": 9}, [{"b": [1, 0]}, *IMAGE]], [10]],
    ]
    assert (sent["draws"], sent["optional"], sent["outputs"]) == ([], 0, [10])
    assert sent["weights"]["dtype"] == "f16"
    assert sent["weights"]["shape"] == [16 * Z + 16 + 16 * N + N]
    assert network.output_shapes == (IMAGE,)
    assert repr(network) == ("Network(3 → (1, 4, 6): t, addmm, relu_, t, addmm, sigmoid, view; 472 weights)")


def test_one_image_at_a_time_where_the_model_takes_no_more():
    network = decoder_network(made(OneImage), Z)
    assert network.inputs == ((1, Z),)
    assert "failed on an input of shape (2, 3)" in network.reason
    assert decoder_network(made(Plain), Z).reason == ""


def test_live_model_is_neither_called_nor_changed():
    model = made(Residual).train()
    before = copy.deepcopy(model.state_dict())
    seed = torch.random.get_rng_state()
    model.register_forward_hook(lambda *_: pytest.fail("the live model was called"))
    decoder_network(made(Residual).train(), Z)
    torch.random.set_rng_state(seed)
    decoder_network(model, Z)
    assert model.training
    assert torch.equal(torch.random.get_rng_state(), seed), "the user's random stream moved"
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("kind", [Residual, Tied, ImageNorm, Views])
def test_refresh_reads_new_weights(kind):
    network = decoder_network(made(kind, seed=0), Z)
    later = made(kind, seed=5)
    for name, buffer in later.named_buffers():
        if name.endswith("running_mean"):
            buffer.add_(1.0)
    wanted = decoder_network(later, Z).as_dict()
    sent = network.refresh(later)
    assert sent["ops"] == wanted["ops"]
    np.testing.assert_array_equal(unpack(sent["weights"]), unpack(wanted["weights"]))
    assert not np.array_equal(unpack(sent["weights"]), unpack(network.as_dict()["weights"]))
    assert sent["weights"]["data"] != network.refresh(made(kind, seed=6))["weights"]["data"]


def test_refresh_clips_what_half_precision_cannot_hold_and_keeps_nan():
    model = made(Plain)
    network = decoder_network(model, Z)
    with torch.no_grad():
        model.decoder[0].weight[0, :2] = torch.tensor([1e6, math.nan])
    weights = unpack(network.refresh(model)["weights"])
    assert weights[0] == 65504
    assert np.isnan(weights[1])


def test_refresh_of_another_model_is_refused():
    network = decoder_network(made(Plain), Z)
    with pytest.raises(PortableError, match=r"no parameter or buffer 'decoder\.0\.weight'"):
        network.refresh(nn.Linear(2, 2))
    other = made(Plain)
    other.decoder[0] = nn.Linear(Z, 17)
    with pytest.raises(PortableError, match=r"\(17, 3\).*\(16, 3\).*trace it again"):
        network.refresh(other)


def test_compiled_wrappers_are_looked_through():
    class Compiled(nn.Module):  # what torch.compile returns, without its two seconds of imports
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self._orig_mod = inner

        def forward(self, *args: Tensor) -> Tensor:
            raise AssertionError("the compiled code was called")

        def decode(self, z: Tensor) -> Tensor:
            raise AssertionError("the compiled code was called")

    model = made(Plain)
    plain = decoder_network(model, Z).as_dict()
    assert decoder_network(Compiled(model), Z).as_dict() == plain
    network = decoder_network(model, Z)
    inside = copy.deepcopy(model)
    inside.decoder = Compiled(inside.decoder)
    traced = decoder_network(inside, Z)
    assert traced.as_dict() == plain
    assert traced.refresh(inside) == plain == network.refresh(Compiled(inside))


def test_function_forms_agree():
    model = made(Plain)
    by_name = portable_network("decode", (Z,), module=model).as_dict()
    assert portable_network(model.decode, (Z,), module=model).as_dict() == by_name
    assert portable_network(lambda m, z: m.decode(z), (Z,), module=model).as_dict() == by_name
    with pytest.raises(PortableError, match="no method 'decoed'"):
        portable_network("decoed", (Z,), module=model)


def test_double_precision_and_grad_mode_and_autocast_do_not_matter():
    model = made(Residual).double()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        network = decoder_network(model, Z)
    z = torch.randn(5, Z, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    assert largest_error(network, model, "decode", z, half=False) < 1e-5
    assert network.weights.dtype == np.float32


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_short_weights_are_run_as_float32(dtype):
    model = made(Residual).to(dtype)
    network = decoder_network(model, Z)
    assert next(model.parameters()).dtype == dtype
    z = torch.randn(5, Z, generator=torch.Generator().manual_seed(2))
    assert largest_error(network, copy.deepcopy(model).float(), "decode", z, half=False) < 1e-5


def test_a_model_that_names_its_device_is_recorded_on_the_cpu():
    class Placed(Plain):
        device = "meta"  # stands for a GPU: tensors there have no values

        def decode(self, z: Tensor) -> Tensor:
            shift = torch.ones(Z, device=self.device) + torch.tensor(0.5).to(self.device)
            return super().decode(z.to(self.device) + shift)

    network = decoder_network(made(Placed), Z)
    model = made(Placed)
    model.device = "cpu"
    z = torch.randn(5, Z, generator=torch.Generator().manual_seed(2))
    assert largest_error(network, model, "decode", z, half=False) < 1e-6


def test_indices_that_half_precision_would_round_travel_whole():
    class LookUp(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.linear = nn.Parameter(torch.randn(5000)), nn.Linear(Z, 4)
            self.register_buffer("places", torch.tensor([4999, 2049, 2051, 3]))

        def decode(self, z: Tensor) -> Tensor:
            return self.linear(z) + self.table[self.places]

    model = made(LookUp)
    network = decoder_network(model, Z)
    assert network.as_dict()["weights"]["dtype"] == "f32"
    z = torch.randn(5, Z, generator=torch.Generator().manual_seed(2))
    assert largest_error(network, model, "decode", z, half=True) < 1e-6


def test_reference_refuses_a_wrong_size():
    with pytest.raises(ShapeError, match="takes 3 values an image"):
        decoder_network(made(Plain), Z).run(np.zeros(4))


def test_network_without_weights():
    class Shift(nn.Module):
        def decode(self, z: Tensor) -> Tensor:
            return z + 1

    network = decoder_network(Shift(), Z)
    assert network.refresh(Shift())["weights"]["shape"] == [0]
    np.testing.assert_allclose(network.run(np.zeros(Z), half=True)[0], np.ones((1, Z)))
