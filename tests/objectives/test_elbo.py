import pytest
import torch
import torch.nn.functional as F

from vaewidgets.errors import OptionError
from vaewidgets.models import MLPVAE
from vaewidgets.objectives import ELBO, Bernoulli, get_objective, kl_per_dim


def test_terms_equal_those_written_out():
    torch.manual_seed(0)
    model = MLPVAE((1, 8, 8), 3, hidden=(16,))
    x = torch.rand(10, 1, 8, 8)
    loss, recon, kl, extras = ELBO()(model, Bernoulli(), x, 4.0, generator=torch.Generator().manual_seed(5))
    mu, logvar = model.encode(x)
    eps = torch.randn(mu.shape, generator=torch.Generator().manual_seed(5))
    x_hat = model.decode(mu + torch.exp(0.5 * logvar) * eps)
    torch.testing.assert_close(recon, F.binary_cross_entropy(x_hat, x, reduction="sum") / 10)
    torch.testing.assert_close(kl, kl_per_dim(mu, logvar).sum() / 10)
    torch.testing.assert_close(loss, recon + 4.0 * kl)
    assert loss.ndim == recon.ndim == kl.ndim == 0
    assert not extras


def test_gradients_reach_encoder_and_decoder():
    model = MLPVAE((1, 4, 4), 2, hidden=(8,))
    ELBO()(model, Bernoulli(), torch.rand(4, 1, 4, 4), 1.0).loss.backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_names():
    assert get_objective("elbo") == ELBO()
    assert get_objective(ELBO()) == ELBO()
    with pytest.raises(OptionError, match=r"objective is 'elbow'.*Did you mean 'elbo'"):
        get_objective("elbow")
