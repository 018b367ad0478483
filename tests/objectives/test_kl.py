import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from vaewidgets.errors import ShapeError
from vaewidgets.objectives import kl_per_dim, shift_cost, spread_cost
from vaewidgets.objectives.kl import kl_total


def posterior(n=64, d=7, seed=0):
    generator = torch.Generator().manual_seed(seed)
    mu = torch.randn(n, d, generator=generator, dtype=torch.float64) * 2
    logvar = torch.randn(n, d, generator=generator, dtype=torch.float64) * 1.5
    return mu, logvar


def test_kl_equals_torch_distributions():
    mu, logvar = posterior()
    wanted = kl_divergence(Normal(mu, torch.exp(0.5 * logvar)), Normal(0.0, 1.0))
    torch.testing.assert_close(kl_per_dim(mu, logvar), wanted, rtol=1e-12, atol=1e-14)


def test_kl_is_shift_plus_spread_and_the_total_their_sum():
    mu, logvar = posterior()
    torch.testing.assert_close(kl_per_dim(mu, logvar), shift_cost(mu) + spread_cost(logvar))
    torch.testing.assert_close(kl_total(mu, logvar), kl_per_dim(mu, logvar).sum())


@pytest.mark.parametrize(
    ("mu", "sigma", "kl"), [(0, 1, 0.0), (1, 1, 0.5), (0, 2, 0.806853), (1.5, 0.5, 1.443147), (2, 1, 2.0)]
)
def test_worked_numbers(mu, sigma, kl):
    logvar = torch.tensor([[2 * math.log(sigma)]])
    got = kl_per_dim(torch.tensor([[float(mu)]]), logvar)
    assert got.item() == pytest.approx(kl, abs=1e-5)


def test_kl_keeps_its_digits_near_the_prior():
    logvar = torch.full((1, 1), 1e-4)
    assert kl_per_dim(torch.zeros(1, 1), logvar).item() == pytest.approx(0.25e-8, rel=1e-2)


def test_other_shapes_are_refused():
    with pytest.raises(ShapeError, match=r"mu has shape \(2, 3\), logvar \(2, 4\)"):
        kl_per_dim(torch.zeros(2, 3), torch.zeros(2, 4))


def test_gradient_of_the_total():
    mu, logvar = posterior(3, 2)
    mu.requires_grad_()
    logvar.requires_grad_()
    assert torch.autograd.gradcheck(kl_total, (mu, logvar))
