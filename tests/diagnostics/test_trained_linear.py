"""Linear models trained by gradients reach their closed forms: `tests.experiments.linear_vae` in small."""

from __future__ import annotations

import pytest
import torch

from tests.experiments.linear_vae import BOUND_NATS, all_images, bound, fit, span
from vaewidgets.data import load_dataset
from vaewidgets.diagnostics import probabilistic_pca, rate_distortion
from vaewidgets.objectives import get_likelihood


@pytest.fixture(scope="module")
def digits():
    """Images (1437, 1, 8, 8) and their whole spectrum."""
    x = load_dataset("digits", size=8).train.images(slice(None))
    return x, probabilistic_pca(x, 64, sigma2=1.0)


@pytest.fixture(scope="module")
def frey(data_root):
    """Images (1965, 1, 28, 20) and their whole spectrum."""
    x = all_images("frey", str(data_root))
    return x, probabilistic_pca(x, 560, sigma2=1.0)


@pytest.mark.parametrize("q", [2, 8])
def test_a_learned_variance_reaches_probabilistic_pca(digits, q):
    x, whole = digits
    found = fit(x, probabilistic_pca(x, q), whole, steps=400)
    assert found.ok, found


@pytest.mark.parametrize("survivors", [1, 3, 7])
def test_exactly_the_units_above_a_fixed_variance_survive(digits, survivors):
    x, whole = digits
    sigma2 = float(whole.eigenvalues[survivors - 1 : survivors + 1].mean())
    found = fit(x, probabilistic_pca(x, 8, sigma2=sigma2), whole, steps=400)
    assert found.best.n_survivors == survivors
    assert found.ok, found


def test_frey_faces_with_two_units(frey):
    x, whole = frey
    found = fit(x, probabilistic_pca(x, 2), whole, steps=300)
    assert found.ok, found
    assert found.elbo == pytest.approx(555.8278, abs=0.01)
    assert found.sigma2 == pytest.approx(0.007905, abs=1e-6)


def test_frey_faces_at_a_fixed_variance(frey):
    x, whole = frey
    found = fit(x, probabilistic_pca(x, 6, sigma2=0.6), whole, steps=200)
    assert found.survivors == (3, 3)
    assert found.ok, found


def test_stopping_too_early_is_told(digits):
    """The tolerances are of use: an unfinished model is not within them."""
    x, whole = digits
    assert not fit(x, probabilistic_pca(x, 8), whole, steps=3).ok
    assert not span(x, probabilistic_pca(x, 8), whole, tied=False, steps=3).ok


@pytest.mark.parametrize("tied", [False, True])
def test_a_linear_autoencoder_spans_the_principal_subspace(digits, tied):
    x, whole = digits
    found = span(x, probabilistic_pca(x, 8), whole, tied=tied, steps=300)
    assert found.ok, found
    assert found.error == pytest.approx(found.least, rel=1e-4)


@pytest.mark.parametrize("steps", [3, 400])
def test_the_importance_bound_is_the_exact_log_likelihood(digits, steps):
    x, whole = digits
    model = fit(x, probabilistic_pca(x, 4), whole, steps=steps).model
    found, exact = bound(model, x[:60])
    assert found.normalised
    assert found.unit == "nats"
    assert found.value == pytest.approx(exact, abs=BOUND_NATS)
    # against the ELBO in closed form, which shares no draw with the bound
    elbo = float(model.exact_elbo(x[:60].double()).detach())
    assert found.value > elbo - 3 * found.error - 1e-9
    assert found.elbo == pytest.approx(elbo, abs=0.02)
    assert bool((found.per_image.diff(dim=1) >= -1e-9).all())
    if steps == 3:
        assert found.gap > 0.2  # the unfinished encoder leaves something to close


@torch.no_grad()
def test_rate_and_distortion_make_the_exact_elbo(digits):
    x, whole = digits
    model = fit(x, probabilistic_pca(x, 4), whole, steps=100).model
    likelihood = get_likelihood(model.likelihood, **model.likelihood_options)
    found = rate_distortion(
        model, likelihood, x.double().repeat(4, 1, 1, 1), generator=torch.Generator().manual_seed(0)
    )
    assert found.elbo == pytest.approx(float(model.exact_elbo(x.double())), abs=0.2)
    assert found.rate == pytest.approx(float(probabilistic_pca(x, 4).kl.sum()), rel=0.02)
