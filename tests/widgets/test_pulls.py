"""The two pulls on a posterior mean, against autograd and against the closed form of the linear VAE."""

from __future__ import annotations

from functools import partial

import pytest
import torch

import vaewidgets as vw
from tests.diagnostics.linear import Affine
from vaewidgets.objectives import get_likelihood
from vaewidgets.widgets.elbo_microscope.pulls import Pulls, balance, draws, pulls

IMAGE = (1, 4, 5)
KINDS = ["bernoulli", "continuous_bernoulli", "gaussian", "squared_error", "poisson", "negative_binomial"]


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_equal_those_of_the_loss_by_autograd(kind: str) -> None:
    torch.manual_seed(0)
    model = vw.MLPVAE(IMAGE, latent_dim=3, hidden=(16,), activation="tanh", likelihood=kind).eval()
    likelihood, beta = get_likelihood(kind), 1.7
    x = torch.rand(IMAGE).round() if kind in ("poisson", "negative_binomial") else torch.rand(IMAGE)
    mu, logvar = torch.randn(3).requires_grad_(), torch.randn(3)
    eps = draws(6, 3, seed=4)
    z = mu + (logvar / 2).exp() * eps
    recon = likelihood.recon(model.decode_raw(z), x.expand(6, *IMAGE)).mean()
    kl = torch.distributions.kl_divergence(
        torch.distributions.Normal(mu, (logvar / 2).exp()), torch.distributions.Normal(0.0, 1.0)
    )
    found = pulls(model, likelihood, x, mu.detach(), logvar=logvar, eps=eps, beta=beta)
    (by_recon,) = torch.autograd.grad(recon, mu, retain_graph=True)
    (by_kl,) = torch.autograd.grad(beta * kl.sum(), mu)
    torch.testing.assert_close(found.of_recon, -by_recon, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found.of_kl, -by_kl, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(found.shift + found.spread, kl.detach(), rtol=1e-5, atol=1e-6)
    assert found.recon == pytest.approx(float(recon.detach()), rel=1e-5)
    assert found.loss == pytest.approx(float(recon.detach() + beta * kl.sum().detach()), rel=1e-5)


def linear(image: int, **spoilt: float) -> tuple[Pulls, Pulls, torch.Tensor]:
    """Of the best linear VAE: pulls at the (spoilt) encoder's mean, at the balance, and the best mean."""
    model, x = Affine.best(**spoilt)
    likelihood = vw.Gaussian(sigma2=model.best.sigma2)
    mu, logvar = model.encode(x[image : image + 1])
    eps = draws(16, model.latent_dim, seed=0).double()

    def at(mean: torch.Tensor) -> Pulls:
        return pulls(model, likelihood, x[image], mean, logvar=logvar[0], eps=eps)

    return at(mu[0]), balance(at, mu[0], 1.0), Affine(model.best).encode(x[image : image + 1])[0][0]


@pytest.mark.parametrize("image", [0, 7, 150])
def test_at_the_optimum_of_a_linear_vae_the_pulls_cancel(image: int) -> None:
    found, settled, _ = linear(image)
    assert found.of_kl.abs().max() > 0.1, "there is something to cancel"
    assert found.net.abs().max() < 1e-3
    assert torch.equal(settled.mu, found.mu), "there is nowhere to go"


@pytest.mark.parametrize("image", [0, 7, 150])
def test_from_a_wrong_mean_the_balance_is_the_posterior_mean(image: int) -> None:
    found, settled, best = linear(image, shrink=0.4)
    assert found.net.abs().max() > 0.1
    torch.testing.assert_close(settled.mu, best, rtol=0, atol=1e-3)
    assert settled.net.abs().max() < 1e-2
    assert settled.loss < found.loss


def test_more_beta_moves_the_balance_towards_the_prior() -> None:
    model, x = Affine.best()
    likelihood = vw.Gaussian(sigma2=model.best.sigma2)
    mu, logvar = model.encode(x[:1])
    eps = draws(16, model.latent_dim, seed=0).double()
    norms = []
    for beta in (0.5, 1.0, 4.0):
        at = partial(pulls, model, likelihood, x[0], logvar=logvar[0], eps=eps, beta=beta)
        settled = balance(at, mu[0], 1.0)
        assert settled.net.abs().max() < 1e-2
        norms.append(float(settled.mu.norm()))
    assert norms[0] > norms[1] > norms[2]


def test_draws_come_in_pairs() -> None:
    eps = draws(8, 3, seed=1)
    assert eps.shape == (8, 3)
    torch.testing.assert_close(eps.sum(0), torch.zeros(3))
    assert not torch.equal(eps, draws(8, 3, seed=2))
    assert draws(1, 3, seed=1).abs().sum() > 0
