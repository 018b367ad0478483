"""The aggregate posterior's holes and the prior fitted to it: closed forms, chance, the page's numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.widgets.node import in_node, needs_node
from vaewidgets.diagnostics.learned_prior import (
    FEWEST_CODES,
    PRIOR_DRAWS,
    PriorCodes,
    find_holes,
    fit_prior,
    log_aggregate,
    normal_draws,
    prior_codes,
)
from vaewidgets.errors import DataError, OptionError, ProtocolError, ShapeError


def normal_codes(n: int, d: int, variance: float, seed: int = 0) -> PriorCodes:
    """Codes whose aggregate posterior is N(0, I) over all images there could be."""
    rng = np.random.default_rng(seed)
    mu = math.sqrt(1 - variance) * rng.standard_normal((n, d))
    return prior_codes(mu, np.full((n, d), math.log(variance)))


def rings(n: int, d: int) -> PriorCodes:
    """Eight far islands in the first two dimensions; the others are collapsed."""
    rng = np.random.default_rng(1)
    angle = 2 * np.pi * rng.integers(0, 8, n) / 8
    mu = np.zeros((n, d))
    mu[:, :2] = 2 * np.stack([np.cos(angle), np.sin(angle)], 1) + 0.1 * rng.standard_normal((n, 2))
    logvar = np.zeros((n, d))
    logvar[:, :2] = math.log(0.01)
    return prior_codes(mu, logvar)


def share_in_holes(codes: PriorCodes, z: np.ndarray) -> float:
    holes = find_holes(codes)
    return float((log_aggregate(codes, z, holes.smoothing) < holes.threshold).mean())


def test_the_density_and_the_kl_are_those_of_torch() -> None:
    codes = rings(300, 3)
    mixture = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(torch.ones(300, dtype=torch.float64)),
        torch.distributions.Independent(
            torch.distributions.Normal(torch.from_numpy(codes.mu), torch.from_numpy(codes.variance).sqrt()), 1
        ),
    )
    z = torch.from_numpy(codes.z)
    log_q = mixture.log_prob(z)
    np.testing.assert_allclose(log_aggregate(codes, codes.z), log_q, rtol=1e-12)
    normal = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(1)
    assert find_holes(codes).kl == pytest.approx(float((log_q - normal).mean()), rel=1e-12)
    known = vw.aggregate_posterior(
        torch.from_numpy(codes.mu), torch.from_numpy(codes.variance).log(), draws=3000,
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    assert abs(find_holes(codes).kl - known.marginal_kl) < 4 * math.hypot(known.marginal_kl_error, 0.05)


@pytest.mark.parametrize(
    ("n", "d", "variance"), [(400, 2, 0.5), (400, 2, 0.02), (300, 16, 0.05), (40, 4, 1.0)]
)
def test_where_the_codes_are_the_prior_no_holes_are_found(n: int, d: int, variance: float) -> None:
    codes = normal_codes(n, d, variance)
    holes = find_holes(codes)
    assert not holes.are_found(share_in_holes(codes, normal_draws(PRIOR_DRAWS, d)))
    assert fit_prior(codes, steps=5).gain < 0.05 + 3 / math.sqrt(n)


def test_islands_have_holes_between_them_which_the_fitted_prior_leaves_out() -> None:
    codes = rings(300, 6)
    holes = find_holes(codes)
    before = share_in_holes(codes, normal_draws(PRIOR_DRAWS, 6))
    assert before > 0.8
    assert holes.are_found(before)
    fitted = fit_prior(codes, components=16, steps=30)
    assert share_in_holes(codes, fitted.draws(PRIOR_DRAWS)) < before / 10
    assert fitted.gain > 2
    # eight Gaussians of variance 0.02 in two dimensions, N(0, 1) in four, all known: nothing does better
    best = -math.log(8) - (1 + math.log(2 * math.pi * 0.02)) - 2 * (1 + math.log(2 * math.pi))
    chance = 3 * math.sqrt(6 / 2 / codes.is_held.sum())
    assert abs(fitted.log_likelihood[-1] - best) < chance


def test_what_em_maximises_never_falls_and_one_gaussian_is_the_moments() -> None:
    codes = rings(400, 3)
    reached = np.array(fit_prior(codes, components=8, steps=25).log_likelihood)
    assert reached[-1] > reached[0] + 0.1
    assert np.diff(reached).min() > -0.01  # codes that are held out: nearly always
    one = fit_prior(codes, components=1, steps=2)
    mu, variance = codes.mu[~codes.is_held], codes.variance[~codes.is_held]
    wanted = np.cov(mu.T, bias=True) + np.diag(variance.mean(0))
    np.testing.assert_allclose(one.means[0], mu.mean(0), atol=0.01)
    np.testing.assert_allclose(one.covariances[0], wanted, atol=0.02)
    np.testing.assert_allclose(
        one.log_density(codes.z[:5]),
        torch.distributions.MultivariateNormal(
            torch.from_numpy(one.means[0]), torch.from_numpy(one.covariances[0])
        ).log_prob(torch.from_numpy(codes.z[:5])),
    )


def test_draws_of_a_fitted_prior_have_its_moments() -> None:
    fitted = fit_prior(rings(400, 2), components=6, steps=10)
    z = fitted.draws(4000, seed=3)
    mean = fitted.weights @ fitted.means
    away = fitted.means - mean
    wanted = np.einsum("k,kij->ij", fitted.weights, fitted.covariances) + (fitted.weights * away.T) @ away
    np.testing.assert_allclose(z.mean(0), mean, atol=0.12)
    np.testing.assert_allclose(np.cov(z.T), wanted, atol=0.15)


@pytest.mark.parametrize("d", [1, 3, 40])
def test_few_and_degenerate_codes_are_fitted(d: int) -> None:
    mu = np.zeros((FEWEST_CODES, d))
    mu[:, 0] = [0, 0, 0, 0, 1, 1, 1, 1]
    codes = prior_codes(mu, np.full((FEWEST_CODES, d), -200.0))  # collapsed means, no variance to speak of
    fitted = fit_prior(codes, components=40, steps=10)
    assert np.isfinite(fitted.log_likelihood).all()
    assert np.isfinite(find_holes(codes).kl)
    assert fitted.draws(5).shape == (5, d)


def test_what_cannot_be_measured_is_refused() -> None:
    mu = np.zeros((20, 2))
    with pytest.raises(ProtocolError, match="logvar is None"):
        prior_codes(mu, None)
    with pytest.raises(ShapeError, match="expected"):
        prior_codes(mu, np.zeros((20, 3)))
    with pytest.raises(DataError, match="at least 8"):
        prior_codes(np.full((20, 2), np.nan), mu)
    with pytest.raises(OptionError, match="components"):
        fit_prior(prior_codes(mu, mu), components=0)


@needs_node
def test_the_page_computes_the_same() -> None:
    sets = {8: rings(120, 2), 3: rings(60, 5), 5: normal_codes(200, 3, 0.1), 4: normal_codes(40, 34, 0.5)}
    sets[40] = normal_codes(9, 1, 0.3)
    cases = [(codes.mu, np.log(codes.variance), k) for k, codes in sets.items()]
    body = """cases.map(([mu, logvar, d, k]) => {
        const codes = priorCodes(mu, logvar, d), holes = findHoles(codes), fit = createFit(codes, k);
        for (let i = 0; i < 6; i++) fit.step();
        const draws = [normalDraws(50, d, 7), mixtureDraws(fit.mixture, 50, 7)];
        return {...holes, logLikelihood: fit.logLikelihood, normal: fit.normal,
            weights: Array.from(fit.mixture.weights), covariances: Array.from(fit.mixture.covariances),
            draws: draws.map((z) => Array.from(z)),
            found: draws.map((z) => Array.from(inHoles(codes, holes, z)))};
    })"""
    room = "widgets/learned_prior"
    names = dict.fromkeys(("priorCodes", "findHoles", "normalDraws", "inHoles"), f"{room}/codes")
    names |= dict.fromkeys(("createFit", "mixtureDraws"), f"{room}/mixture")
    asked = [(mu.ravel().tolist(), log.ravel().tolist(), mu.shape[1], k) for mu, log, k in cases]
    for got, (mu, log, k) in zip(in_node(body, asked, **names), cases, strict=True):
        codes = prior_codes(mu, log)
        holes, fitted = find_holes(codes), fit_prior(codes, components=k, steps=6)
        for name in ("kl", "threshold", "smoothing", "expected", "error"):
            assert got[name] == pytest.approx(getattr(holes, name), rel=1e-9, abs=1e-9), name
        assert got["isUpper"] == holes.is_upper
        np.testing.assert_allclose(got["logLikelihood"], fitted.log_likelihood, rtol=1e-8)
        assert got["normal"] == pytest.approx(fitted.normal_log_likelihood, rel=1e-9)
        np.testing.assert_allclose(got["weights"], fitted.weights, rtol=1e-7)
        np.testing.assert_allclose(got["covariances"], fitted.covariances.ravel(), atol=1e-7)
        draws = normal_draws(50, mu.shape[1], 7), fitted.draws(50, 7)
        for found, z, inside in zip(got["draws"], draws, got["found"], strict=True):
            np.testing.assert_allclose(found, z.ravel(), atol=1e-6)
            assert inside == (log_aggregate(codes, z, holes.smoothing) < holes.threshold).astype(int).tolist()
