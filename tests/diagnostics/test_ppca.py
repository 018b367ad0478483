"""Probabilistic PCA against the density itself, and against the published values for Frey faces."""

from __future__ import annotations

import math

import pytest
import torch

from vaewidgets.data import load_dataset
from vaewidgets.diagnostics import linear_log_likelihood, probabilistic_pca
from vaewidgets.errors import DataError, OptionError, ShapeError


def images(n=400, d=12, seed=0):
    """Images of `d` pixels whose variances fall to a quarter from one direction to the next."""
    generator = torch.Generator().manual_seed(seed)
    turn = torch.linalg.qr(torch.randn(d, d, generator=generator, dtype=torch.float64)).Q
    scale = 2.0 ** -torch.arange(d, dtype=torch.float64)
    noise = torch.randn(n, d, generator=generator, dtype=torch.float64)
    return (0.5 + noise * scale @ turn).reshape(n, 1, 3, d // 3)


def test_frey_faces_have_the_published_values(data_root):
    data = load_dataset("frey", root=data_root, download=False)
    x = torch.cat([data.train.images(slice(None)), data.test.images(slice(None))])
    best = probabilistic_pca(x, 2)
    assert best.n == 1965
    assert best.log_likelihood == pytest.approx(555.8278, abs=5e-5)
    assert best.sigma2 == pytest.approx(0.007905, abs=5e-7)
    assert float(best.kl.sum()) == pytest.approx(4.8457, abs=5e-5)
    torch.testing.assert_close(
        best.eigenvalues[:3], torch.tensor([1.285, 0.787, 0.714]).double(), atol=5e-4, rtol=0
    )


@pytest.mark.parametrize(("q", "sigma2"), [(1, None), (3, None), (11, None), (3, 0.02), (3, 0.5), (12, 1e-3)])
def test_the_maximum_is_the_mean_density_at_the_best_decoder(q, sigma2):
    x = images()
    best = probabilistic_pca(x, q, sigma2=sigma2)
    density = torch.distributions.MultivariateNormal(
        best.mean, best.weight @ best.weight.T + best.sigma2 * torch.eye(12, dtype=torch.float64)
    )
    each = density.log_prob(x.flatten(1))
    torch.testing.assert_close(linear_log_likelihood(x, best.weight, best.mean, best.sigma2), each)
    assert float(each.mean()) == pytest.approx(best.log_likelihood, abs=1e-9)


@pytest.mark.parametrize("sigma2", [None, 0.02])
def test_no_step_away_from_it_is_likelier(sigma2):
    x = images()
    best = probabilistic_pca(x, 3, sigma2=sigma2)
    generator = torch.Generator().manual_seed(1)
    for size in (1e-3, 1e-2, 0.1):
        for _ in range(20):
            weight = best.weight + size * torch.randn(12, 3, generator=generator, dtype=torch.float64)
            mean = best.mean + size * torch.randn(12, generator=generator, dtype=torch.float64)
            variance = best.sigma2
            if sigma2 is None:
                variance *= math.exp(size * float(torch.randn((), generator=generator)))
            assert float(linear_log_likelihood(x, weight, mean, variance).mean()) < best.log_likelihood


def test_units_are_the_posterior_of_the_best_decoder():
    x = images()
    best = probabilistic_pca(x, 3)
    inside = best.weight.T @ best.weight + best.sigma2 * torch.eye(3, dtype=torch.float64)
    mu = (x.flatten(1) - best.mean) @ best.weight @ torch.linalg.inv(inside)
    torch.testing.assert_close(best.logvar.exp(), (best.sigma2 * torch.linalg.inv(inside)).diagonal())
    torch.testing.assert_close(mu.var(dim=0, correction=0), best.var_mu)
    kl = 0.5 * (mu.square() + best.logvar.exp() - best.logvar - 1).mean(0)
    torch.testing.assert_close(kl, best.kl)
    torch.testing.assert_close(best.kl, 0.5 * (best.kept / best.sigma2).log())


def test_a_unit_survives_exactly_above_the_variance():
    x = images()
    values = probabilistic_pca(x, 5).kept
    between = [float(values[i : i + 2].mean()) for i in range(4)]
    for survivors, sigma2 in enumerate(between, start=1):
        best = probabilistic_pca(x, 5, sigma2=sigma2)
        assert best.survives.tolist() == [True] * survivors + [False] * (5 - survivors)
        assert best.kl[survivors:].tolist() == [0.0] * (5 - survivors)
        assert best.var_mu[survivors:].tolist() == [0.0] * (5 - survivors)
        assert bool((best.kl[:survivors] > 0).all())


def test_fewer_images_than_pixels_give_the_same_as_more():
    # every image six times: the same covariance, once by way of the images, once of the pixels
    x = images(n=8)
    few, many = probabilistic_pca(x, 4), probabilistic_pca(x.repeat(6, 1, 1, 1), 4)
    torch.testing.assert_close(few.eigenvalues, many.eigenvalues)
    assert few.log_likelihood == pytest.approx(many.log_likelihood, abs=1e-8)
    torch.testing.assert_close(few.weight @ few.weight.T, many.weight @ many.weight.T)


def test_text():
    best = probabilistic_pca(images(), 3, sigma2=0.5)
    assert repr(best).startswith("PPCA(q = 3 of 12 dimensions, 400 images: -")
    assert repr(best).endswith("1 of 3 units survive)")
    assert "sigma2 = 0.5 (given)" in repr(best)


@pytest.mark.parametrize(
    ("x", "q", "options", "error", "message"),
    [
        (torch.zeros(5), 1, {}, ShapeError, r"x has shape \(5,\); expected \(n, \.\.\.\)"),
        (torch.zeros(1, 5), 1, {}, ShapeError, "at least two images"),
        (torch.rand(9, 5), 5, {}, OptionError, "q is 5; expected a whole number from 1 to 4 for 9 images"),
        (torch.rand(3, 5), 4, {"sigma2": 1.0}, OptionError, "from 1 to 3 for 3 images of 5 pixels"),
        (torch.rand(9, 5), 0, {}, OptionError, "q is 0"),
        (torch.rand(9, 5), True, {}, OptionError, "q is True"),
        (
            torch.rand(9, 5),
            2,
            {"sigma2": 0.0},
            OptionError,
            r"sigma2 is 0\.0; expected a finite number above 0",
        ),
        (torch.full((9, 5), math.nan), 2, {}, DataError, "NaN"),
        (torch.rand(9, 1) * torch.ones(9, 5), 2, {}, DataError, "the images lie in 2 dimensions or fewer"),
        (torch.ones(9, 5), 2, {}, DataError, "grows without bound"),
    ],
)
def test_bad_input(x, q, options, error, message):
    with pytest.raises(error, match=message):
        probabilistic_pca(x, q, **options)


def test_bad_decoders():
    x = torch.rand(4, 6)
    with pytest.raises(ShapeError, match=r"images of 6 pixels got a weight of shape \(5, 2\)"):
        linear_log_likelihood(x, torch.zeros(5, 2), torch.zeros(6), 1.0)
    with pytest.raises(ShapeError, match="a mean of 5 elements"):
        linear_log_likelihood(x, torch.zeros(6, 2), torch.zeros(5), 1.0)
    with pytest.raises(OptionError, match="sigma2 is -1"):
        linear_log_likelihood(x, torch.zeros(6, 2), torch.zeros(6), -1)
