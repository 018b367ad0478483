"""What is measured of a model, against closed forms on a linear model of a plane."""

from __future__ import annotations

import math

import pytest
import torch

from tests.diagnostics.planted import axes, blobs, linear_vae
from vaewidgets.data import ImageDataset
from vaewidgets.diagnostics import run_stats
from vaewidgets.errors import OptionError, ShapeError


def plane(n=600, n_test=600):
    return ImageDataset(blobs(n), test=blobs(n_test, seed=1), value_range=(-9, 9), name="plane")


def test_a_model_that_knows_the_plane_explains_it():
    stats = run_stats(linear_vae(logvar=-4.0), plane())
    x = blobs(600, seed=1)
    off_plane = x.flatten(1) - x.flatten(1) @ axes().T @ axes()
    assert stats.test_recon == pytest.approx(float(off_plane.square().sum(1).mean()), rel=1e-4)
    assert 0.999 < stats.test_explained < 1
    assert stats.gap == pytest.approx(1.0, abs=0.1)
    # z is N(0, 1) up to sampling, the posterior adds sigma² = e^-4 to its variance
    assert stats.kl == pytest.approx(math.expm1(-4.0) + 4.0 + 1.0, abs=0.1)
    assert stats.marginal_kl == pytest.approx(0.0, abs=0.02)
    assert "pixel variance explained" in repr(stats)


def test_codes_off_the_prior_are_seen():
    # z five times as wide: per unit ½ (25 + sigma² − 1 − ln(25 + sigma²))
    stats = run_stats(linear_vae(sizes=(0.2, 0.2)), plane())
    mu = blobs(600, seed=1).flatten(1) @ axes().T * 5
    variance = mu.var(0, correction=0) + math.exp(-4.0)
    expected = 0.5 * (mu.mean(0).square() + variance - 1 - variance.log()).sum()
    assert stats.marginal_kl == pytest.approx(float(expected), rel=1e-4)
    assert stats.marginal_kl > 18


def test_a_model_that_says_nothing_explains_nothing():
    model = linear_vae(logvar=0.0)
    with torch.no_grad():
        model.to_mu.weight.zero_()
    stats = run_stats(model, plane())
    assert stats.explained == pytest.approx(0.0, abs=0.01)
    assert stats.kl == pytest.approx(0.0, abs=1e-6)
    assert stats.units.n_by_kl == 0


def test_no_test_split_and_no_variance():
    data = ImageDataset(blobs(50), test_fraction=0, value_range=(-9, 9))
    stats = run_stats(linear_vae(), data)
    assert stats.n_test == 0
    assert math.isnan(stats.test_recon)
    assert stats.explained == stats.train_explained

    class Plain(torch.nn.Module):
        """An autoencoder: no posterior variance."""

        likelihood, latent_dim = "squared_error", 2

        def __init__(self):
            super().__init__()
            self.inner = linear_vae()

        def encode(self, x):
            return self.inner.encode(x)[0], None

        def decode_raw(self, z):
            return self.inner.decode_raw(z)

    stats = run_stats(Plain().eval(), plane())
    assert stats.units is None
    assert math.isnan(stats.kl)
    assert stats.test_explained > 0.999


def test_a_model_in_training_is_left_in_training():
    model = linear_vae().train()
    run_stats(model, plane(50, 50))
    assert model.training


def test_bad_input():
    with pytest.raises(OptionError, match="n is 0"):
        run_stats(linear_vae(), plane(50, 50), n=0)
    with pytest.raises(ShapeError):
        run_stats(linear_vae(), ImageDataset(torch.rand(9, 1, 5, 5)))
