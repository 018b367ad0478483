"""Functions recorded below autograd: memory, numbers of the batch, draws, backward passes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaewidgets.errors import PortableError
from vaewidgets.graphs import Network, record_function


def recorded(function: Callable[..., object], *shapes: tuple[int, ...], **options: object) -> Network:
    """Record a function of tensors whose shapes lack the batch axis."""
    generator = torch.Generator().manual_seed(0)
    return record_function(
        function,
        lambda batch: [torch.rand(batch, *shape, generator=generator) for shape in shapes],
        **options,
    )


def replayed(
    network: Network, module: nn.Module | None, *inputs: Tensor, draws: Sequence[Tensor] = ()
) -> list[Tensor]:
    """Run on copies of a module's tensors."""
    tensors = [] if module is None else [tensor.clone() for tensor in network.read(module)]
    return network.replay(inputs, tensors, draws)


def test_numbers_of_the_batch_are_told_from_numbers_that_equal_its_size():
    def function(x: Tensor) -> Tensor:
        size = len(x)
        h = x.reshape(size * 7, 11)[:, 7:]  # 7 and 11 are the sizes at which it is recorded
        return h.sum() / size + torch.full((3,), 1.0 / size) + x.numel() - size * 2.5

    network = recorded(function, (7, 11))
    assert network.inputs[0][1:] == (7, 11)
    assert network.as_dict()["ops"][0] == ["view", [{"t": 0}, [{"b": [7, 0]}, 11]], [1]]
    for batch in (1, 4):
        x = torch.rand(batch, 7, 11)
        torch.testing.assert_close(replayed(network, None, x)[0], function(x))


def pairs(x: Tensor) -> Tensor:
    """A tensor as large as the square of the batch."""
    return (x @ x.t()).reshape(len(x) ** 2) * 1.0


def test_what_no_number_of_the_batch_expresses_is_refused():
    with pytest.raises(PortableError, match=r"pairs cannot be recorded for any batch size: .*the number 49"):
        recorded(pairs, (3,))


def test_a_loop_over_the_batch_is_refused_by_line():
    with pytest.raises(PortableError, match=r"line \d+ of test_recording\.py: .* for 11 images than for 7"):
        recorded(lambda x: torch.stack([row * 2 for row in x]), (3,))


def test_views_share_memory_and_writes_in_place_are_seen_by_all():
    def function(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = x * 2
        rows, detached = h.view(-1, 2), h.detach()
        h[:, 1:3] += 1
        detached.mul_(3)
        swapped = h.t()
        return rows, swapped.contiguous(), h.as_strided((2,), (1,), 1)

    network = recorded(function, (4,))
    assert "detach" not in repr(network)
    x = torch.rand(5, 4)
    for got, want in zip(replayed(network, None, x), function(x), strict=True):
        torch.testing.assert_close(got, want)


def test_what_the_outputs_do_not_need_is_dropped_and_constants_are_folded():
    table = torch.arange(6.0)

    def function(x: Tensor) -> Tensor:
        (x + 1).exp_()
        return x * (table.view(2, 3).sum(0) * 2 + torch.linspace(0, 1, 3))

    network = recorded(function, (3,))
    assert [op.name for op in network.ops] == ["mul"]
    assert [stored.shape for stored in network.tensors] == [(3,)]


def test_a_constant_that_is_written_is_new_in_each_run():
    def function(x: Tensor) -> Tensor:
        total = torch.tensor([1.0, 2.0, 3.0])
        total += x.sum(0)
        return total

    network = recorded(function, (3,))
    tensors = [stored.value for stored in network.tensors]
    x = torch.rand(4, 3)
    for _ in range(2):
        torch.testing.assert_close(network.replay([x], tensors)[0], function(x))


class Normed(nn.Module):
    """A layer with state, one with dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.25))
        self.last = nn.Linear(8, 3, bias=False)


def step_of(model: Normed) -> Callable[[Tensor], tuple[Tensor, ...]]:
    """A loss with noise, and its gradients."""

    def step(x: Tensor) -> tuple[Tensor, ...]:
        h = model.layers(x)
        loss = F.mse_loss(model.last(h + torch.randn_like(h)), x, reduction="sum") / len(x)
        return (loss, *torch.autograd.grad(loss, list(model.parameters())))

    return step


def test_a_training_step_with_its_backward_pass_and_state():
    torch.manual_seed(0)
    model = Normed()
    network = recorded(step_of(model), (3,), module=model)
    assert [kind for kind, _ in network.draws] == ["uniform", "normal"]
    assert [stored.name for stored in network.tensors if stored.value is None] == [
        *dict(model.named_parameters()), *dict(model.named_buffers())
    ]  # fmt: skip
    x, kept, noise = torch.rand(5, 3), torch.rand(5, 8), torch.randn(5, 8)
    tensors = [tensor.clone() for tensor in network.read(model)]
    got = network.replay([x], tensors, [kept, noise])

    linear, norm = model.layers[0], model.layers[1]
    h = F.relu(norm(linear(x))) * (kept < 0.75) / 0.75
    loss = F.mse_loss(model.last(h + noise), x, reduction="sum") / len(x)
    want = (loss, *torch.autograd.grad(loss, list(model.parameters())))
    for one, other in zip(got, want, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)
    after = dict(zip((stored.name for stored in network.tensors), tensors, strict=True))
    torch.testing.assert_close(after["layers.1.running_var"], norm.running_var)
    assert after["layers.1.num_batches_tracked"] == norm.num_batches_tracked


@pytest.mark.parametrize(
    ("draw", "kind", "made"),
    [
        (lambda x: torch.empty_like(x).normal_(1, 2), "normal", lambda u: 1 + 2 * u),
        (lambda x: torch.normal(torch.ones(3), torch.full((3,), 2.0)) + 0 * x, "normal", lambda u: 1 + 2 * u),
        (lambda x: torch.empty_like(x).uniform_(-1, 3), "uniform", lambda u: 4 * u - 1),
        (lambda x: torch.bernoulli(torch.full_like(x, 0.3)), "uniform", lambda u: (u < 0.3).float()),
        (lambda x: torch.empty_like(x).bernoulli_(0.3), "uniform", lambda u: (u < 0.3).float()),
        (lambda x: torch.empty_like(x).exponential_(2.0), "uniform", lambda u: -torch.log1p(-u) / 2),
        (lambda x: torch.rand(len(x), 3), "uniform", lambda u: u),
    ],
)
def test_random_functions_are_draws_and_arithmetic(draw, kind, made):
    before = torch.random.get_rng_state()
    network = recorded(draw, (3,))
    assert torch.equal(torch.random.get_rng_state(), before), "the user's random stream moved"
    ((found, shape),) = network.draws
    assert found == kind
    u = torch.rand(5, 3) if len(shape) == 2 else torch.rand(3)
    (got,) = replayed(network, None, torch.zeros(5, 3), draws=[u])
    torch.testing.assert_close(got, made(u).expand(5, 3))


def test_numbers_that_json_has_not_are_named_and_types_are_left_out():
    def function(x: Tensor) -> Tensor:
        return torch.where(x.to(torch.int64) > 0, x.masked_fill(x.bool() & (x < 1), -math.inf), math.inf)

    ops = recorded(function, (3,)).as_dict()["ops"]
    assert ["trunc", [{"t": 0}], [2]] in ops
    assert any(op[0] == "logical_and" for op in ops)
    assert {"n": "-inf"} in [arg for op in ops for arg in op[1]]
    assert all(type(arg) in (dict, list, int, float, bool) for op in ops for arg in op[1])


def test_whole_numbers_that_float32_has_not_are_refused():
    big = 2**24
    recorded(lambda x: x + (x.long() * 0 + big), (3,))
    with pytest.raises(PortableError, match=r"test_recording\.py: .*: it has the whole number 16,777,217"):
        recorded(lambda x: x + (x.long() * 0 + big + 1), (3,))


def test_a_loss_over_what_a_mask_picks_is_refused():
    with pytest.raises(PortableError, match=r"test_recording\.py: .*: it picks by a mask"):
        recorded(lambda x: x[x > 0.5].sum(), (3,))
