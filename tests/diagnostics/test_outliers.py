"""Unfamiliar images: AUROC in closed form, planted outliers, digits against Fashion-MNIST."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tests.diagnostics.planted import blobs, linear_vae
from vaewidgets.data import load_dataset
from vaewidgets.diagnostics import auroc, tell_apart, unfamiliarity
from vaewidgets.errors import DataError, OptionError, ShapeError
from vaewidgets.models import MLPVAE
from vaewidgets.runs import train


def test_auroc_is_the_share_of_pairs_in_the_right_order():
    assert auroc(np.array([1.0, 2.0]), np.array([3.0, 4.0])) == 1.0
    assert auroc(np.array([3.0, 4.0]), np.array([1.0, 2.0])) == 0.0
    assert auroc(np.array([1.0, 1.0]), np.array([1.0])) == 0.5
    assert auroc(torch.tensor([1.0, 3.0]), torch.tensor([2.0, 3.0])) == pytest.approx((1 + 0 + 1 + 0.5) / 4)


def test_auroc_of_two_normals():
    # P(N(d, 1) > N(0, 1)) = Φ(d / √2)
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, 50_000, generator=generator, dtype=torch.float64)
    assert auroc(a, b + 1.0) == pytest.approx(0.5 * (1 + math.erf(0.5)), abs=0.004)


def test_scores_are_the_closed_forms():
    x = blobs(5)
    scores = unfamiliarity(linear_vae(logvar=0.0), x)
    mu = linear_vae().encode(x)[0].double()
    prior = -torch.distributions.Normal(0.0, 1.0).log_prob(mu).sum(1)
    torch.testing.assert_close(scores.prior, prior)
    torch.testing.assert_close(scores.kl, 0.5 * mu.square().sum(1))
    torch.testing.assert_close(scores.recon, scores.squared_error, rtol=1e-5, atol=1e-9)
    torch.testing.assert_close(scores["negative_elbo"], scores.recon + scores.kl)


def test_each_score_finds_its_own_outliers():
    model, inside = linear_vae(), unfamiliarity(linear_vae(), blobs(200))
    # off the plane: only the reconstruction tells; far out on it: only the prior does
    off = blobs(200, seed=1)
    off[:, 0, 1] += 0.5
    report = tell_apart(inside, unfamiliarity(model, off))
    assert report.auroc["recon"] == 1.0
    assert 0.35 < report.auroc["prior"] < 0.65
    far = tell_apart(inside, unfamiliarity(model, 6 * blobs(200, seed=2)))
    assert far.auroc["prior"] > 0.9
    # plain images are the more familiar ones, and that is said
    plain = tell_apart(inside, unfamiliarity(model, torch.zeros(200, 1, 4, 4)))
    assert {"recon", "prior"} <= set(plain.misled)
    assert "more familiar" in repr(plain)


def test_bad_input():
    with pytest.raises(ShapeError, match="auroc"):
        auroc(np.empty(0), np.ones(3))
    with pytest.raises(DataError, match="NaN"):
        auroc(np.array([np.nan]), np.ones(3))
    with pytest.raises(OptionError, match="score is 'elbo'"):
        unfamiliarity(linear_vae(), blobs(3))["elbo"]


def test_digits_against_fashion(data_root):
    digits = load_dataset("digits")
    fashion = load_dataset("fashion-mnist", root=data_root, download=False, n_test=500)
    torch.manual_seed(30)
    model = MLPVAE(digits.image_shape, latent_dim=16, hidden=(128,))
    run = train(model, digits, epochs=15, batch_size=64, seed=30, eval_every=0, autosave=False)
    run.wait(progress=False)
    model = run.snapshot().model
    inside = unfamiliarity(model, digits.test.images(slice(None)))
    report = tell_apart(inside, unfamiliarity(model, fashion.test.images(slice(None))))
    assert report.auroc["squared_error"] > 0.9, report
