import pytest
import torch
from torch.distributions import Bernoulli as TorchBernoulli
from torch.distributions import Normal

from vaewidgets.data import ImageDataset
from vaewidgets.errors import DataError, OptionError
from vaewidgets.objectives import Bernoulli, SquaredError, get_likelihood

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


@pytest.mark.parametrize("likelihood", [Bernoulli(), SquaredError()])
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
    with pytest.raises(OptionError, match=r"unknown likelihood 'bernouli'.*Did you mean 'bernoulli'"):
        get_likelihood("bernouli")
    assert get_likelihood("squared_error") == SquaredError()
