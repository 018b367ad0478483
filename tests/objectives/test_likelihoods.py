import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from torch.distributions import Bernoulli as TorchBernoulli
from torch.distributions import ContinuousBernoulli as TorchContinuousBernoulli
from torch.distributions import Normal

from vaewidgets.data import ImageDataset
from vaewidgets.errors import DataError, OptionError, ShapeError
from vaewidgets.objectives import (
    Bernoulli,
    ContinuousBernoulli,
    Gaussian,
    SquaredError,
    get_likelihood,
)

SHAPE = (16, 1, 28, 28)


def draw(scale=4.0, seed=0, shape=SHAPE):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator) * scale, torch.rand(shape, generator=generator)


def test_bernoulli_of_binary_pixels_is_the_log_density():
    logits, x = draw()
    x = (x > 0.5).float()
    wanted = -TorchBernoulli(logits=logits).log_prob(x).flatten(1).sum(1)
    torch.testing.assert_close(Bernoulli().recon(logits, x), wanted)


def test_squared_error_is_a_gaussian_of_variance_one_half_up_to_its_constant():
    raw, x = draw()
    constant = 0.5 * torch.log(torch.tensor(torch.pi)) * raw[0].numel()
    wanted = -Normal(raw, 0.5**0.5).log_prob(x).flatten(1).sum(1) - constant
    torch.testing.assert_close(SquaredError().recon(raw, x), wanted, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize(
    "likelihood", [Bernoulli(), SquaredError(), ContinuousBernoulli(), Gaussian(0.05)], ids=lambda v: v.name
)
@pytest.mark.parametrize("shape", [SHAPE, (3, 3, 5, 7), (1, 1, 1, 1)])
def test_total_is_the_sum_of_recon_with_its_gradient(likelihood, shape):
    raw, x = draw(6.0, shape=shape)
    grads = []
    for loss in (lambda r: likelihood.total(r, x), lambda r: likelihood.recon(r, x).sum()):
        leaf = raw.clone().requires_grad_()
        value = loss(leaf) / 7
        value.backward()
        grads.append((value.detach(), leaf.grad))
    torch.testing.assert_close(grads[0][0], grads[1][0], rtol=2e-6, atol=1e-6)
    torch.testing.assert_close(grads[0][1], grads[1][1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("logit", [-200.0, -30.0, 0.0, 30.0, 200.0])
def test_bernoulli_total_at_extreme_logits(logit):
    raw = torch.full((2, 1, 8, 8), logit)
    x = torch.rand(raw.shape, generator=torch.Generator().manual_seed(0))
    wanted = Bernoulli().recon(raw.double(), x.double()).sum().float()
    torch.testing.assert_close(Bernoulli().total(raw, x), wanted)


def test_bernoulli_total_lets_nan_through():
    raw, x = draw()
    raw[3, 0, 5, 5] = float("nan")
    assert torch.isnan(Bernoulli().total(raw, x))


def test_means():
    raw, _ = draw()
    torch.testing.assert_close(Bernoulli().mean(raw), torch.sigmoid(raw))
    assert SquaredError().mean(raw) is raw


def images(value_range=(0.0, 1.0), binary=False):
    x = torch.rand(60, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    lo, hi = value_range
    x = (x > 0.5).float() if binary else x
    return ImageDataset(lo + (hi - lo) * x, value_range=value_range, name="noise")


def test_only_binary_pixels_are_normalised():
    grey, binary = Bernoulli().fitted_to(images()), Bernoulli().fitted_to(images(binary=True))
    assert (grey.normalised, grey.unit) == (False, "BCE on grey pixels")
    assert (binary.normalised, binary.unit) == (True, "nats")
    squared = SquaredError().fitted_to(images())
    assert (squared.normalised, squared.unit) == (False, "squared error")


def test_bernoulli_refuses_images_beyond_the_unit_range():
    Bernoulli().check(images())
    SquaredError().check(images((-1.0, 1.0)))
    with pytest.raises(
        DataError, match=r"wants images in \[0, 1\]; 'noise' has value_range=\(-1, 1\).*squared_error"
    ):
        Bernoulli().check(images((-1.0, 1.0)))


def test_unknown_likelihood_names_the_nearest():
    with pytest.raises(OptionError, match=r"likelihood is 'bernouli'.*Did you mean 'bernoulli'"):
        get_likelihood("bernouli")
    assert get_likelihood("squared_error") == SquaredError()
    assert get_likelihood("gaussian", sigma2=0.05) == Gaussian(0.05)
    assert get_likelihood("continuous_bernoulli") == ContinuousBernoulli()


# continuous Bernoulli -------------------------------------------------------------------------

LOGITS = [-80.0, -12.0, -3.0, -1.001, -0.999, -0.1, -1e-3, -1e-6, 0.0, 1e-6, 0.02, 0.999, 1.001, 4.0, 30.0]


def log_density(logit, x):
    raw = torch.tensor([logit], dtype=torch.float64).view(1, 1, 1, 1)
    return -float(ContinuousBernoulli().recon(raw, torch.full_like(raw, x)))


@pytest.mark.parametrize("logit", LOGITS)
def test_the_continuous_bernoulli_integrates_to_one_with_the_mean_that_it_says(logit):
    edge = [0.0, 1.0] if abs(logit) < 20 else sorted([float(logit > 0), float(logit > 0) - 20 / logit])
    total = quad(lambda x: math.exp(log_density(logit, x)), *edge, epsabs=1e-12)[0]
    mean = quad(lambda x: x * math.exp(log_density(logit, x)), *edge, epsabs=1e-12)[0]
    assert total == pytest.approx(1.0, abs=1e-8)
    got = ContinuousBernoulli().expected(torch.tensor(logit, dtype=torch.float64)).item()
    assert got == pytest.approx(mean, abs=1e-7)


def test_the_continuous_bernoulli_is_that_of_torch_away_from_one_half():
    logits, x = draw()
    logits = torch.where(logits.abs() < 1.5, 3.0, logits)
    wanted = -TorchContinuousBernoulli(logits=logits.double()).log_prob(x.double()).flatten(1).sum(1)
    torch.testing.assert_close(ContinuousBernoulli().recon(logits, x), wanted.float(), rtol=1e-5, atol=1e-2)


def test_the_normaliser_in_single_precision_near_one_half():
    logits = torch.cat([torch.linspace(-2, 2, 4001), torch.logspace(-30, 0, 100)]).view(1, 1, 1, -1)
    x = torch.full_like(logits, 0.5)  # leaves the normaliser alone
    for precision, tolerance in ((torch.float32, 1e-6), (torch.float64, 1e-9)):
        leaf = logits.to(precision).detach().clone().requires_grad_()
        got = ContinuousBernoulli().per_pixel(leaf, x.to(precision))
        got.sum().backward()
        half = leaf.detach().double().numpy() / 2
        with np.errstate(invalid="ignore", divide="ignore"):
            wanted = np.where(abs(half) < 1e-3, half**2 / 6, np.log(np.sinh(half) / half))
            slope = np.where(abs(half) < 1e-3, half / 6, (1 / np.tanh(half) - 1 / half) / 2)
        assert np.abs(got.detach().double().numpy() - wanted).max() < tolerance
        assert np.abs(leaf.grad.double().numpy() - slope).max() < tolerance


@pytest.mark.parametrize("logit", [-1e4, -200.0, 0.0, 200.0, 1e4])
def test_the_continuous_bernoulli_has_finite_gradients(logit):
    raw = torch.full((1, 1, 2, 2), logit, requires_grad=True)
    value = ContinuousBernoulli().total(raw, torch.full((1, 1, 2, 2), 0.3))
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(raw.grad).all()


# Gaussian -------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma2", [1.0, 0.5, 0.003])
def test_a_gaussian_of_fixed_variance_is_torch_s(sigma2):
    raw, x = draw(0.3)
    wanted = -Normal(raw.double(), sigma2**0.5).log_prob(x.double()).flatten(1).sum(1)
    torch.testing.assert_close(Gaussian(sigma2).recon(raw, x), wanted.float(), rtol=1e-5, atol=1e-2)
    assert Gaussian(sigma2).mean(raw) is raw


@pytest.mark.parametrize("sigma2", ["shared", "pixel"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_gaussian_of_learned_variance_is_torch_s(sigma2, channels):
    generator = torch.Generator().manual_seed(0)
    raw = torch.randn((5, 2 * channels, 6, 4), generator=generator)
    x = torch.rand((5, channels, 6, 4), generator=generator)
    mean, log_variance = raw.double().chunk(2, 1)
    scale = (1e-4 + log_variance.exp()).sqrt()
    wanted = -Normal(mean, scale).log_prob(x.double()).flatten(1).sum(1)
    likelihood = Gaussian(sigma2)
    torch.testing.assert_close(likelihood.recon(raw, x), wanted.float(), rtol=1e-5, atol=1e-3)
    torch.testing.assert_close(likelihood.total(raw, x), wanted.sum().float(), rtol=1e-5, atol=1e-2)
    assert torch.equal(likelihood.mean(raw), raw[:, :channels])


def test_the_variance_has_a_floor_with_a_gradient_that_leads_up_again():
    raw = torch.cat([torch.zeros(2, 1, 3, 3), torch.full((2, 1, 3, 3), -40.0)], dim=1).requires_grad_()
    likelihood = Gaussian("pixel", sigma2_floor=1e-3)
    torch.testing.assert_close(likelihood.log_sigma2(raw).exp(), torch.full((2, 1, 3, 3), 1e-3))
    low = torch.cat([torch.zeros(1, 1, 1, 1), torch.full((1, 1, 1, 1), math.log(1e-3))], dim=1)
    low.requires_grad_()
    likelihood.total(low, torch.ones(1, 1, 1, 1)).backward()
    assert low.grad[0, 1, 0, 0] < -10  # a pixel far off asks for more variance


def test_what_a_gaussian_cannot_be_is_refused():
    for sigma2 in (0, -1.0, float("nan"), True, "pixels", None):
        with pytest.raises(OptionError, match=r"sigma2 is .*; expected .* number above 0 \(a variance"):
            Gaussian(sigma2)
    with pytest.raises(OptionError, match="sigma2_floor is 0"):
        Gaussian(sigma2_floor=0)
    with pytest.raises(ShapeError, match=r"1 channels for images of 1; .* wants 2"):
        Gaussian("pixel").recon(torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 4, 4))


def test_densities_say_that_they_are_normalised():
    for likelihood in (Gaussian(), Gaussian(0.1), ContinuousBernoulli()):
        fitted = likelihood.fitted_to(images())
        assert (fitted.normalised, fitted.unit) == (True, "nats")
    Gaussian().check(images((-1.0, 1.0)))
    with pytest.raises(DataError, match=r"continuous Bernoulli likelihood wants images in \[0, 1\]"):
        ContinuousBernoulli().check(images((-1.0, 1.0)))
