"""The written-out step against autograd: same terms, same gradients, same noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.runs.conftest import advance
from vaewidgets.engine.fused import fused_step
from vaewidgets.objectives import ELBO, get_likelihood

CPU = torch.device("cpu")


def a_model(**options: Any) -> vw.MLPVAE:
    torch.manual_seed(0)
    return vw.MLPVAE((1, 9, 9), 3, **options)


def step_of(model: vw.MLPVAE) -> Any:
    return fused_step(model, ELBO(), get_likelihood(model.likelihood), CPU)


@pytest.mark.parametrize("hidden", [(), (37,), (40, 40), (50, 40, 30)])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("likelihood", ["bernoulli", "squared_error"])
def test_terms_and_gradients_are_those_of_autograd(
    hidden: tuple[int, ...], activation: Any, likelihood: Any
) -> None:
    model = a_model(hidden=hidden, activation=activation, likelihood=likelihood)
    objective, fused = ELBO(), step_of(model)
    # Sizes change and come back: buffers of one size must not leak into another.
    for n, beta in ((16, 0.7), (7, 0.0), (16, 4.0)):
        x = torch.rand(n, 1, 9, 9)
        ours = fused(x, beta, [torch.Generator().manual_seed(1)])
        gradients = [p.grad.clone() for p in model.parameters()]
        assert torch.allclose(fused.probe(), torch.stack([g.sum() for g in gradients]).sum(), atol=1e-3)
        model.zero_grad(set_to_none=True)
        wanted = objective(
            model, get_likelihood(likelihood), x, beta, generator=torch.Generator().manual_seed(1)
        )
        wanted.loss.backward()
        for got, want in zip(ours[:3], wanted[:3], strict=True):
            assert got.item() == pytest.approx(want.item(), rel=1e-5)
        for (name, p), gradient in zip(model.named_parameters(), gradients, strict=True):
            error = (gradient - p.grad).abs().max() / p.grad.abs().max().clamp_min(1e-6)
            assert error < 1e-5, name


def test_pixels_far_from_what_is_decoded_have_a_finite_loss() -> None:
    model = a_model(hidden=())
    with torch.no_grad():
        model.to_pixels.bias.fill_(200.0)
    terms = step_of(model)(torch.zeros(4, 1, 9, 9), 1.0, [torch.Generator().manual_seed(0)])
    assert float(terms.recon) == pytest.approx(81 * 200, rel=1e-2)


def test_what_it_cannot_do_is_left_to_autograd() -> None:
    assert step_of(a_model()) is not None
    assert step_of(a_model(likelihood="squared_error", output="sigmoid")) is None
    assert step_of(a_model().double()) is None
    frozen = a_model()
    frozen.to_mu.weight.requires_grad_(False)
    assert step_of(frozen) is None
    watched = a_model()
    watched.to_mu.register_forward_hook(lambda *_: None)
    assert step_of(watched) is None

    class Own(torch.nn.Module):
        pass

    assert fused_step(Own(), ELBO(), get_likelihood("bernoulli"), CPU) is None


def test_a_layer_that_is_frozen_while_the_run_pauses_stays_as_it_is() -> None:
    data = vw.load_dataset("digits").subset(256)
    model = vw.MLPVAE(data.image_shape, 2, hidden=(32,))
    run = vw.train(model, data, epochs=None, device="cpu", autosave=False, start=False)
    advance(run, 5)
    model.to_mu.weight.requires_grad_(False)
    frozen, free = model.to_mu.weight.clone(), model.to_mu.bias.clone()
    advance(run, 5)
    assert run.engine.startswith("autograd")
    seen: list[int] = []
    model.to_mu.register_forward_hook(lambda *_: seen.append(1))
    advance(run, 5)
    run.stop()
    assert torch.equal(model.to_mu.weight, frozen)
    assert not torch.equal(model.to_mu.bias, free)
    assert len(seen) == 5


def test_a_run_learns_the_same_with_it_and_without() -> None:
    data = vw.load_dataset("digits").subset(512)
    losses = []
    for watched in (False, True):
        torch.manual_seed(0)
        model = vw.MLPVAE(data.image_shape, 2, hidden=(32,))
        seen = []
        if watched:  # a hook sends the run through autograd
            model.to_mu.register_forward_hook(lambda *_, seen=seen: seen.append(1))
        run = vw.train(model, data, epochs=2, device="cpu", autosave=False).wait(progress=False)
        assert bool(seen) == watched
        losses.append(run.history["loss"])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
