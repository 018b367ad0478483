"""Adam in two calls: bit for bit torch's, masked steps and restored state included."""

from __future__ import annotations

import copy

import pytest
import torch

from vaewidgets.engine.optimizers import Mask, ShortAdam, make_optimizer

SHAPES = ((7, 5), (7,), (), (3, 7))


def weights() -> list[torch.nn.Parameter]:
    torch.manual_seed(0)
    return [torch.nn.Parameter(torch.randn(shape)) for shape in SHAPES]


def train(optimizer: torch.optim.Optimizer, steps: int, seed: int, bad: int | None = None) -> None:
    """Gradients drawn with `seed`, those of step `bad` NaN; the learning rate is turned on the way."""
    params = optimizer.param_groups[0]["params"]
    mask, generator = Mask(optimizer, params, []), torch.Generator().manual_seed(seed)
    for step in range(steps):
        for p in params:
            p.grad = torch.randn(p.shape, generator=generator)
        if step == bad:
            params[0].grad.fill_(torch.nan)
        optimizer.param_groups[0]["lr"] = 1e-2 / (1 + step)
        mask.look(torch.stack([p.grad.sum() for p in params]))
        optimizer.step()
        mask.settle()


def same(ours: list[torch.nn.Parameter], theirs: list[torch.nn.Parameter]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("bad", [None, 0, 90])
def test_it_is_torchs_own_over_200_steps(bad: int | None) -> None:
    ours, theirs, unmoved = weights(), weights(), weights()
    short, full = make_optimizer("adam", ours, 1e-2), torch.optim.Adam(theirs, lr=1e-2, fused=True)
    assert type(short) is ShortAdam
    train(short, 200, 1, bad)
    train(full, 200, 1, bad)
    assert same(ours, theirs)
    assert same(ours, unmoved) == (bad == 0)
    assert all(torch.isfinite(p).all() for p in ours)
    steps = [int(state["step"]) for state in short.state_dict()["state"].values()]
    assert steps == [200 if bad is None else bad] * len(SHAPES)


def test_its_state_goes_into_torchs_adam_and_back() -> None:
    ours, theirs = weights(), weights()
    short = make_optimizer("adam", ours, 1e-2)
    train(short, 20, 1)
    full = torch.optim.Adam(theirs, lr=1e-2, fused=True)
    full.load_state_dict(copy.deepcopy(short.state_dict()))
    again = weights()
    back = make_optimizer("adam", again, 1e-2)
    train(back, 3, 2)  # other moments, to be written over
    back.load_state_dict(copy.deepcopy(full.state_dict()))
    with torch.no_grad():
        for a, b, c in zip(ours, theirs, again, strict=True):
            b.copy_(a)
            c.copy_(a)
    for optimizer in (short, full, back):
        train(optimizer, 20, 3)
    assert same(ours, theirs)
    assert same(ours, again)


def test_a_weight_without_gradient_is_left_as_it_is() -> None:
    ours = weights()
    short = make_optimizer("adam", ours, 1e-2)
    train(short, 2, 1)
    kept = ours[1].detach().clone()
    for p in ours:
        p.grad = torch.ones_like(p)
    ours[1].grad = None
    short.step()
    assert torch.equal(ours[1], kept)
    assert int(short.state[ours[0]]["step"]) == 3
    ours[1].grad = torch.ones_like(ours[1])
    short.step()
    assert not torch.equal(ours[1], kept)
    steps = [int(state["step"]) for state in short.state_dict()["state"].values()]
    assert steps == [4, 3, 4, 4]


def test_other_dtypes_have_torchs_own() -> None:
    assert type(make_optimizer("adam", [torch.nn.Parameter(torch.zeros(2).double())], 1e-3)) is not ShortAdam
    assert type(make_optimizer("adamw", weights(), 1e-3)) is torch.optim.AdamW
