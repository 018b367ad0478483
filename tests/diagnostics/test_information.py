"""Information and aggregate posterior against cases whose numbers are known."""

from __future__ import annotations

import math

import pytest
import torch

from vaewidgets.diagnostics import aggregate_posterior
from vaewidgets.errors import DataError, OptionError, ProtocolError, ShapeError


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_a_collapsed_posterior_holds_nothing():
    found = aggregate_posterior(torch.zeros(300, 3), torch.zeros(300, 3), generator=seeded())
    for value in (found.kl, found.mi, found.marginal_kl, found.tc, *found.dim_kl.tolist()):
        assert value == pytest.approx(0, abs=1e-12)
    assert found.notes == ()


def test_equal_posteriors_miss_the_prior_by_their_kl():
    mu, logvar = torch.tensor([[1.0, -0.5]]).expand(50, 2), torch.tensor([[-1.0, 0.3]]).expand(50, 2)
    found = aggregate_posterior(mu, logvar, draws=20_000, generator=seeded())
    assert found.mi == pytest.approx(0, abs=1e-12)
    assert found.tc == pytest.approx(0, abs=1e-12)
    assert abs(found.marginal_kl - found.kl) < 4 * found.marginal_kl_error
    assert found.marginal_kl_error < 0.02


def test_posteriors_far_apart_tell_the_image():
    """Eight images without overlap: ln 8 nats, all of them in each of two equal dimensions."""
    mu = (20.0 * torch.arange(8))[:, None].expand(8, 2)
    found = aggregate_posterior(mu, torch.zeros(8, 2), draws=800, generator=seeded())
    assert found.mi == pytest.approx(math.log(8), abs=1e-6)
    # knowing one dimension tells the other's image: ln 8 more than independent ones
    assert found.tc == pytest.approx(math.log(8), abs=1e-6)
    assert "8 images can show at most ln 8 = 2.08 nats" in repr(found)


def test_a_factorised_aggregate_has_no_total_correlation():
    """Means on a full grid with one variance: q(z) is exactly the product of its margins."""
    mu = torch.cartesian_prod(torch.linspace(-2, 2, 25), torch.linspace(-1, 3, 30))
    found = aggregate_posterior(mu, torch.full_like(mu, -2.0), draws=500, generator=seeded())
    assert found.tc == pytest.approx(0, abs=1e-12)
    assert found.mi > 1


def test_a_correlated_gaussian_has_its_total_correlation():
    """Means and noise that add up to a Gaussian of correlation rho: TC = −½ ln(1 − rho²)."""
    rho, noise = 0.8, 0.1
    covariance = torch.tensor([[1.0, rho], [rho, 1.0]]).double()
    factor = torch.linalg.cholesky(covariance - noise * torch.eye(2))
    mu = torch.randn(20_000, 2, generator=seeded(), dtype=torch.float64) @ factor.T
    logvar = torch.full_like(mu, math.log(noise))
    found = aggregate_posterior(mu, logvar, draws=4000, generator=seeded(1))
    assert found.tc == pytest.approx(-0.5 * math.log(1 - rho**2), abs=4 * found.tc_error + 0.01)
    information = 0.5 * float(torch.logdet(covariance)) - math.log(noise)
    assert found.mi == pytest.approx(information, abs=4 * found.mi_error + 0.01)
    assert float(found.dim_kl.abs().max()) < 0.03  # each margin is a standard normal, up to the 20,000 means
    assert max(found.mi_error, found.tc_error) < 0.02


def test_the_parts_add_up():
    mu = torch.randn(500, 4, generator=seeded()) * torch.tensor([2.0, 1.0, 0.1, 0.0])
    logvar = torch.randn(500, 4, generator=seeded(1)) * 0.3 - 1
    found = aggregate_posterior(mu, logvar, draws=5000, generator=seeded(2))
    assert found.marginal_kl == pytest.approx(found.tc + float(found.dim_kl.sum()), abs=1e-9)
    error = math.hypot(found.mi_error, found.marginal_kl_error)
    assert found.kl == pytest.approx(found.mi + found.marginal_kl, abs=4 * error)
    again = aggregate_posterior(mu, logvar, draws=5000, generator=seeded(2))
    assert again.mi == found.mi


def test_narrow_posteriors_far_out_keep_their_digits():
    """Standard deviation 1e-3 at 1e3: the densities still integrate to 1."""
    mu = torch.tensor([[1e3], [-1e3]]).double()
    found = aggregate_posterior(mu, torch.full_like(mu, 2 * math.log(1e-3)), draws=100, generator=seeded())
    assert found.mi == pytest.approx(math.log(2), abs=1e-9)


@pytest.mark.parametrize(
    ("mu", "logvar", "options", "error", "message"),
    [
        (torch.zeros(4, 2), None, {}, ProtocolError, "an autoencoder's code has no noise"),
        (torch.zeros(4), torch.zeros(4), {}, ShapeError, r"mu has shape \(4,\)"),
        (torch.zeros(4, 2), torch.zeros(4, 3), {}, ShapeError, "logvar"),
        (torch.zeros(4, 2), torch.zeros(4, 2), {"draws": 1}, OptionError, "draws is 1"),
        (torch.full((4, 2), math.nan), torch.zeros(4, 2), {}, DataError, "diverged"),
    ],
)
def test_bad_input(mu, logvar, options, error, message):
    with pytest.raises(error, match=message):
        aggregate_posterior(mu, logvar, **options)
