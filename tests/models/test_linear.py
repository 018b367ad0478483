"""The linear models against what is known of them in closed form."""

import math

import numpy as np
import pytest
import torch

from vaewidgets.data import load_dataset
from vaewidgets.errors import OptionError, ShapeError
from vaewidgets.models import LinearAutoencoder, LinearVAE
from vaewidgets.models.pixels import SIGMA2_FLOOR


@pytest.fixture(scope="module")
def digits():
    """Flattened digits (1437, 64) in float64."""
    return load_dataset("digits", size=8).train.images(slice(None)).double()


def moments(x):
    flat = x.flatten(1)
    return flat.mean(0), torch.cov(flat.T, correction=0)


def minimise(model, loss, steps):
    """L-BFGS: deterministic, and with these losses as good as exact."""
    optimizer = torch.optim.LBFGS(
        model.parameters(), max_iter=steps, max_eval=5 * steps, history_size=50, tolerance_grad=1e-9,
        tolerance_change=0, line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure():
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    optimizer.step(closure)


def ppca(covariance, q):
    """log-likelihood, sigma2 and the first q eigenvalues (Tipping & Bishop 1999)."""
    values = torch.linalg.eigvalsh(covariance).flip(0)
    d, sigma2 = len(values), float(values[q:].mean())
    log_det = float(values[:q].log().sum()) + (d - q) * math.log(sigma2)
    return -0.5 * (d * math.log(2 * math.pi) + log_det + d), sigma2, values[:q]


@pytest.mark.parametrize("sigma2", [0.3, "shared"])
@torch.no_grad()
def test_exact_elbo_is_the_mean_of_sampled_ones(sigma2):
    torch.manual_seed(0)
    model = LinearVAE((1, 3, 4), 2, sigma2=sigma2).double()
    for parameter in model.parameters():
        parameter.copy_(torch.randn_like(parameter) * 0.5)
    x = torch.randn(7, 1, 3, 4, dtype=torch.float64)
    mu, logvar = model.encode(x)
    n = 40_000
    z = mu + torch.exp(0.5 * logvar) * torch.randn(n, *mu.shape, dtype=torch.float64)
    mean = model.decode(z.flatten(0, 1)).view(n, *x.shape)
    density = torch.distributions.Normal(mean, model.variance().sqrt()).log_prob(x).flatten(2).sum(2)
    prior, posterior = (
        torch.distributions.Normal(0, 1),
        torch.distributions.Normal(mu, torch.exp(0.5 * logvar)),
    )
    kl = torch.distributions.kl_divergence(posterior, prior.expand(mu.shape)).sum(1).mean()
    sampled = density.mean(1) - kl
    assert float((sampled.mean() - model.exact_elbo(x)).abs()) < 4 * float(sampled.std()) / math.sqrt(n)


def test_exact_elbo_of_moments_is_that_of_the_images(digits):
    model = LinearVAE((1, 8, 8), 3).double()
    torch.testing.assert_close(model.exact_elbo_of_moments(*moments(digits)), model.exact_elbo(digits))


@pytest.mark.parametrize(("q", "steps"), [(2, 1000), (10, 2600)])
def test_trained_by_its_exact_bound_it_is_probabilistic_pca(digits, q, steps):
    torch.manual_seed(0)
    mean, covariance = moments(digits)
    likelihood, sigma2, values = ppca(covariance, q)
    model = LinearVAE((1, 8, 8), q).double()
    minimise(model, lambda: -model.exact_elbo_of_moments(mean, covariance), steps)
    model.requires_grad_(False)
    assert float(model.exact_elbo(digits)) == pytest.approx(likelihood, abs=0.02)
    assert float(model.exact_elbo(digits)) <= likelihood + 1e-9
    assert float(model.variance()) == pytest.approx(sigma2, rel=0.01)
    mu, logvar = model.encode(digits)
    kl = 0.5 * (mu.square() + logvar.exp() - logvar - 1).mean(0)
    want = (0.5 * torch.log(values / sigma2)).numpy()
    np.testing.assert_allclose(np.sort(kl.numpy())[::-1], want, rtol=0.02, atol=0.01)
    total = float(mu.var(0, correction=0).sum())
    assert total == pytest.approx(float((1 - sigma2 / values).sum()), rel=0.01)


def test_units_whose_eigenvalue_is_below_a_fixed_variance_die(digits):
    mean, covariance = moments(digits)
    values = torch.linalg.eigvalsh(covariance).flip(0)
    for survivors in (1, 4):
        torch.manual_seed(0)
        sigma2 = float(values[survivors - 1 : survivors + 1].mean())
        model = LinearVAE((1, 8, 8), 6, sigma2=sigma2).double()
        minimise(model, lambda model=model: -model.exact_elbo_of_moments(mean, covariance), 400)
        model.requires_grad_(False)
        mu, _ = model.encode(digits)
        assert int((mu.var(0, correction=0) > 1e-3).sum()) == survivors


def test_a_learned_variance_has_a_floor():
    model = LinearVAE((1, 2, 2), 1).requires_grad_(False)
    model.log_sigma2.fill_(-1e3)
    assert float(model.variance()) == pytest.approx(SIGMA2_FLOOR)
    assert torch.isfinite(model.exact_elbo(torch.ones(3, 1, 2, 2)))


@pytest.mark.parametrize("tied", [False, True])
def test_the_linear_autoencoder_spans_the_pca_subspace(digits, tied):
    torch.manual_seed(0)
    model = LinearAutoencoder((1, 8, 8), 5, tied=tied).double()
    minimise(
        model, lambda: (model.decode(model.encode(digits)[0]) - digits).square().sum() / len(digits), 800
    )
    model.requires_grad_(False)
    values, vectors = torch.linalg.eigh(moments(digits)[1])
    basis = torch.linalg.qr(model.to_pixels.weight).Q
    cosines = torch.linalg.svdvals(basis.T @ vectors[:, -5:])
    assert math.degrees(math.acos(min(1.0, float(cosines.min())))) < 1
    error = (model.decode(model.encode(digits)[0]) - digits).square().flatten(1).sum(1).mean()
    assert float(error) == pytest.approx(float(values[:-5].sum()), rel=1e-3)


def test_tied_weights_are_one_matrix():
    tied, free = LinearAutoencoder((1, 4, 4), 3, tied=True), LinearAutoencoder((1, 4, 4), 3)
    assert sum(p.numel() for p in tied.parameters()) == 16 * 3 + 16
    assert sum(p.numel() for p in free.parameters()) == 2 * 16 * 3 + 16 + 3
    x = torch.rand(2, 1, 4, 4)
    c, w = tied.to_pixels.bias, tied.to_pixels.weight
    torch.testing.assert_close(tied.encode(x)[0], (x.flatten(1) - c) @ w)


def test_refusals():
    with pytest.raises(OptionError, match='sigma2 is "pixel", but a LinearVAE has one variance'):
        LinearVAE((1, 4, 4), sigma2="pixel")
    with pytest.raises(OptionError, match="tied is 1; expected True"):
        LinearAutoencoder((1, 4, 4), tied=1)
    with pytest.raises(ShapeError, match=r"moments have shapes \(3,\) and \(3, 3\); expected \(16,\)"):
        LinearVAE((1, 4, 4)).exact_elbo_of_moments(torch.zeros(3), torch.eye(3))


@pytest.mark.parametrize("latent_dim", [2, 8])
def test_tied_weights_find_the_pca_subspace_by_plain_adam_from_their_first_weights(latent_dim: int) -> None:
    # Drawn as a decoder's, the columns were too long, and Adam ended at right angles to the subspace.
    data = load_dataset("digits", n_train=200, size=10)
    flat = data.train.images(slice(None)).flatten(1)
    x = (flat - flat.mean(0)).view(-1, *data.image_shape)
    torch.manual_seed(0)
    model = LinearAutoencoder(data.image_shape, latent_dim, tied=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(800):
        loss = (model.decode(model.encode(x)[0]) - x).square().flatten(1).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    eigenvalues = torch.linalg.eigvalsh(moments(x.double())[1])
    left = float(eigenvalues[:-latent_dim].sum())
    assert float(loss.detach()) < 1.05 * left
