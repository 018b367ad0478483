"""What units are worth, where that is known."""

from __future__ import annotations

import pytest
import torch

from tests.diagnostics.planted import axes, blobs, linear_vae
from vaewidgets.diagnostics import ablation
from vaewidgets.errors import OptionError


def test_the_cost_of_a_unit_is_the_variance_that_it_carries():
    # orthonormal axes: without unit j the squared error rises by the variance of coordinate j
    x = blobs(2500)
    x = (x.flatten(1) * torch.linspace(1, 2, 16)).view_as(x)  # unequal variances
    model = linear_vae()
    result = ablation(model, x)
    z = x.flatten(1) @ axes().T
    # ‖x − x_hat − z_j a_j‖² = residual² + z_j², as the residual is orthogonal to both axes
    torch.testing.assert_close(result.cost, z.var(0, correction=0).double(), rtol=1e-4, atol=1e-4)
    assert result.free == ()
    assert result.free_cost == 0.0
    assert result.order == (1, 0)


def test_off_is_the_mean_or_the_priors():
    x = blobs(500) + 3 * axes()[0].view(1, 1, 4, 4)
    at_mean, at_zero = ablation(linear_vae(), x), ablation(linear_vae(), x, off="zero")
    assert float(at_mean.cost[0]) == pytest.approx(1.0, abs=0.2)
    assert float(at_zero.cost[0]) == pytest.approx(10.0, abs=0.7)


def test_units_that_can_go():
    model = linear_vae()
    with torch.no_grad():
        model.to_pixels.weight[:, 1] = 0.0  # the decoder does not listen to unit 2
    result = ablation(model, blobs(200))
    assert result.free == (1,)
    assert result.free_cost == pytest.approx(0.0, abs=1e-6)
    assert "1 of 2 units can go" in repr(result)


def test_duplicates_cannot_go_together():
    # each of two units alone can go at a small cost, both together cannot: single costs do not add up
    model = linear_vae()
    with torch.no_grad():
        model.to_mu.weight.copy_(axes()[[0, 0]])
        model.to_pixels.weight.copy_(0.5 * axes()[[0, 0]].T)
    x = (blobs(500).flatten(1) @ axes()[:1].T @ axes()[:1]).view(-1, 1, 4, 4)
    single = float(ablation(model, x).cost[0])
    result = ablation(model, x, tolerance=2 * single)
    assert result.free == (0, 1)
    assert result.free_cost == pytest.approx(4 * single, rel=1e-3)


def test_bad_input():
    with pytest.raises(OptionError, match="off is 'median'"):
        ablation(linear_vae(), blobs(5), off="median")
    with pytest.raises(OptionError, match="tolerance"):
        ablation(linear_vae(), blobs(5), tolerance=-1.0)
