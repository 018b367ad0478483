"""Active units against closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from vaewidgets.diagnostics import active_units
from vaewidgets.errors import OptionError, ShapeError


def test_values_are_the_closed_forms():
    mu = torch.tensor([[1.0, 0.0, 0.0], [-3.0, 0.0, 0.2]])
    logvar = torch.tensor([[0.0, math.log(4.0), 0.0], [0.0, 0.0, 0.0]])
    units = active_units(mu, logvar)
    spread = 0.5 * (4.0 - math.log(4.0) - 1.0)
    torch.testing.assert_close(units.kl, torch.tensor([2.5, spread / 2, 0.01]).double(), rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(units.var_mu, torch.tensor([4.0, 0.0, 0.01]).double(), rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(units.share, torch.tensor([1.0, 0.5, 0.5]).double())
    assert (units.n, units.latent_dim) == (2, 3)


def test_the_two_criteria_disagree_where_they_should():
    # every mean away from 0 alike: KL without variance; and a variance with a small KL
    mu = torch.zeros(1000, 3)
    mu[:, 0] = 1.0
    mu[:, 1] = torch.linspace(-0.2, 0.2, 1000)
    units = active_units(mu, torch.zeros(1000, 3), delta=0.02)
    assert units.by_kl.tolist() == [True, False, False]
    assert units.by_var.tolist() == [False, True, False]
    assert (units.n_by_kl, units.n_by_var) == (1, 1)
    assert units.notes == ()
    assert repr(units) == "ActiveUnits(1 of 3 by KL > 0.02 nats; 1 of 3 by Var(μ) > 0.01; n = 1000)"


def test_fraction_ignores_a_few_outliers():
    mu = torch.zeros(1000, 2)
    mu[:10, 0] = 10.0  # mean KL 0.5, on one image in a hundred
    mu[:400, 1] = 1.0
    logvar = torch.zeros(1000, 2)
    assert active_units(mu, logvar).by_kl.tolist() == [True, True]
    units = active_units(mu, logvar, fraction=0.05)
    assert units.by_kl.tolist() == [False, True]
    assert "KL > 0.01 nats on more than 5 % of inputs" in repr(units)


def test_few_inputs_are_said():
    text = repr(active_units(torch.randn(499, 2), torch.zeros(499, 2)))
    assert "note: Var(μ) is over 499 inputs only; Burda et al. want at least 500" in text
    assert "note" not in repr(active_units(torch.ones(500, 2), torch.zeros(500, 2)))


def test_saturating_variance_is_said():
    mu = torch.linspace(-0.2, 0.2, 500)[:, None]
    assert "1 more pass the variance than the KL" in repr(active_units(mu, torch.zeros(500, 1), delta=0.1))


@pytest.mark.parametrize(
    ("mu", "logvar", "options", "error", "message"),
    [
        ((4, 2), (4, 3), {}, ShapeError, "mu has shape"),
        ((4,), (4,), {}, ShapeError, r"mu has shape \(4,\); expected \(n, latent_dim\)"),
        ((0, 2), (0, 2), {}, ShapeError, "each at least 1"),
        ((4, 2), (4, 2), {"delta": -1}, OptionError, "delta is -1"),
        ((4, 2), (4, 2), {"fraction": 1.0}, OptionError, r"fraction is 1\.0"),
    ],
)
def test_bad_input(mu, logvar, options, error, message):
    with pytest.raises(error, match=message):
        active_units(torch.zeros(mu), torch.zeros(logvar), **options)
