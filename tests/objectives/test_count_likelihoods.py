"""Likelihoods of counts and classes against torch.distributions, in numbers, gradients and draws."""

import pytest
import torch
from torch import distributions as td

import vaewidgets as vw
from vaewidgets.errors import DataError, OptionError, ShapeError
from vaewidgets.models.pixels import pixel_head
from vaewidgets.objectives.likelihoods.counts import log_rising

SHAPE = (6, 2, 3, 5)


def generator():
    return torch.Generator().manual_seed(0)


def draw(scale=1.5, shape=SHAPE):
    raw = scale * torch.randn(shape, generator=generator(), dtype=torch.float64)
    return raw, torch.poisson(torch.exp(raw), generator=generator())


def one_hot(shape=SHAPE):
    classes = torch.randint(0, shape[1], (shape[0], *shape[2:]), generator=generator())
    return torch.nn.functional.one_hot(classes, shape[1]).movedim(-1, 1).double()


def summed(log_prob):
    return -log_prob.flatten(1).sum(1)


def test_poisson_is_that_of_torch():
    raw, x = draw()
    torch.testing.assert_close(vw.Poisson().recon(raw, x), summed(td.Poisson(raw.exp()).log_prob(x)))
    torch.testing.assert_close(vw.Poisson().mean(raw), raw.exp())


@pytest.mark.parametrize("total_count", [1e-3, 0.3, 4.0, 7.99, 8.01, 60.0, 1e4])
def test_negative_binomial_of_a_fixed_total_count_is_that_of_torch(total_count):
    raw, x = draw()
    wanted = td.NegativeBinomial(total_count, logits=raw - torch.tensor(total_count).double().log())
    ours = vw.NegativeBinomial(total_count)
    torch.testing.assert_close(ours.recon(raw, x), summed(wanted.log_prob(x)), rtol=1e-8, atol=1e-7)
    torch.testing.assert_close(ours.mean(raw), wanted.mean)


def test_negative_binomial_of_a_learned_total_count_is_that_of_torch():
    log_mean, x = draw()
    log_count = torch.linspace(-4, 5, log_mean[0].numel(), dtype=torch.float64).view(1, *SHAPE[1:])
    raw = torch.cat((log_mean, log_count.expand_as(log_mean)), dim=1)
    wanted = td.NegativeBinomial(log_count.exp(), logits=log_mean - log_count)
    torch.testing.assert_close(vw.NegativeBinomial().recon(raw, x), summed(wanted.log_prob(x)))
    with pytest.raises(ShapeError, match=r"returned 2 channels.*wants 4: ln mean and ln total_count"):
        vw.NegativeBinomial().recon(log_mean, x)


def test_a_negative_binomial_of_a_large_total_count_is_a_poisson_in_single_precision():
    raw, x = (t.float() for t in draw())
    for total_count in (1e6, 1e12, 1e30):
        torch.testing.assert_close(
            vw.NegativeBinomial(total_count).recon(raw, x), vw.Poisson().recon(raw, x), rtol=1e-4, atol=1e-4
        )


def test_log_rising_and_its_slopes_on_both_sides_of_the_series():
    x = torch.tensor([0.0, 1.0, 3.0, 250.0], dtype=torch.float64)[:, None]
    r = torch.tensor([1e-6, 0.5, 7.999, 8.001, 40.0], dtype=torch.float64)
    ours, torchs = r.clone().requires_grad_(), r.clone().requires_grad_()
    got, wanted = log_rising(x, ours), torch.lgamma(x + torchs) - torch.lgamma(torchs)
    torch.testing.assert_close(got, wanted, rtol=1e-9, atol=1e-9)
    got.sum().backward()
    wanted.sum().backward()
    torch.testing.assert_close(ours.grad, torchs.grad, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("shape", [SHAPE, (6, 4, 1, 1), (6, 7, 2, 2)])
def test_categorical_is_that_of_torch(shape):
    raw, x = draw(shape=shape)[0], one_hot(shape)
    wanted = td.OneHotCategorical(logits=raw.movedim(1, -1)).log_prob(x.movedim(1, -1))
    torch.testing.assert_close(vw.Categorical().recon(raw, x), summed(wanted))
    torch.testing.assert_close(vw.Categorical().mean(raw).sum(1), torch.ones_like(raw[:, 0]))


def test_the_classes_of_data_with_one_channel_are_on_the_last_axis():
    raw, x = draw(shape=(6, 1, 4, 5))[0], one_hot((6, 5, 4)).movedim(1, -1)[:, None]
    wanted = td.OneHotCategorical(logits=raw).log_prob(x)
    torch.testing.assert_close(vw.Categorical().recon(raw, x), summed(wanted))


def test_a_gaussian_on_standardised_values_is_that_of_torch():
    raw, _ = draw()
    x = raw + torch.randn(SHAPE, generator=generator(), dtype=torch.float64)
    both = torch.cat((raw, torch.full_like(raw, -1.0)), dim=1)
    sigma = (1e-4 + torch.tensor(-1.0).exp()) ** 0.5
    wanted = summed(td.Normal(raw, float(sigma)).log_prob(x))
    torch.testing.assert_close(vw.Gaussian("shared").recon(both, x), wanted, rtol=1e-6, atol=1e-6)


KINDS = {
    "poisson": vw.Poisson(),
    "negative_binomial": vw.NegativeBinomial(2.0),
    "negative_binomial, learned": vw.NegativeBinomial("dimension"),
    "categorical": vw.Categorical(),
    "bernoulli": vw.Bernoulli(),
    "continuous_bernoulli": vw.ContinuousBernoulli(),
    "squared_error": vw.SquaredError(),
    "gaussian": vw.Gaussian(0.3),
}


@pytest.mark.parametrize("name", KINDS)
def test_total_is_the_sum_of_recon_with_its_gradient(name):
    raw, x = draw()
    if name == "categorical":
        x = one_hot()
    if "learned" in name:
        raw = torch.cat((raw, 0.3 * raw), dim=1)
    grads = []
    for score in (KINDS[name].total, lambda r, x: KINDS[name].recon(r, x).sum()):
        leaf = raw.clone().requires_grad_()
        score(leaf, x).backward()
        grads.append(leaf.grad)
    torch.testing.assert_close(grads[0], grads[1])


@pytest.mark.parametrize("name", KINDS)
def test_the_mean_of_many_draws_is_the_mean_that_it_says(name):
    likelihood = KINDS[name]
    n = 20_000
    raw = torch.tensor([-1.0, 0.0, 1e-7, 0.7, 2.0]).view(1, 5, 1, 1)
    if "learned" in name:
        raw = torch.cat((raw, torch.full_like(raw, 0.5)), dim=1)
    drawn = likelihood.sample(raw.expand(n, -1, 1, 1), generator())
    mean = likelihood.expected(raw) if name == "continuous_bernoulli" else likelihood.mean(raw)
    error = drawn.std(0) / n**0.5
    assert drawn.shape == (n, 5, 1, 1)
    assert ((drawn.mean(0) - mean[0]).abs() < 4.5 * error).all()
    again = likelihood.sample(raw.expand(n, -1, 1, 1), generator())
    assert torch.equal(again, drawn)


def test_draws_have_the_variance_of_their_distribution():
    raw = torch.full((40_000, 1, 1, 1), 1.0)
    drawn = vw.NegativeBinomial(2.0).sample(raw, generator())
    wanted = td.NegativeBinomial(2.0, logits=1.0 - torch.tensor(2.0).log()).variance
    assert float(drawn.var()) == pytest.approx(float(wanted), rel=0.05)


# ---------------------------------------------------------------------------- models and data


@pytest.mark.parametrize("output", ["exp", "softplus"])
@pytest.mark.parametrize("likelihood", ["poisson", "negative_binomial"])
def test_what_the_head_hands_over_is_the_log_of_the_mean_that_it_shows(likelihood, output):
    head = pixel_head(likelihood, output, total_count=3.0 if likelihood != "poisson" else None)
    values = torch.linspace(-80, 80, 401).view(1, 1, 1, -1)
    raw, image = head.raw(values), head.image(values)
    torch.testing.assert_close(raw.double().exp(), image.double(), rtol=1e-5, atol=0)
    torch.testing.assert_close(head.mean(raw), image, rtol=1e-5, atol=0)
    leaf = values.clone().requires_grad_()
    head.raw(leaf).sum().backward()
    assert torch.isfinite(leaf.grad).all()
    assert (leaf.grad > 0).all()


def test_a_total_count_is_a_parameter_of_the_model_and_of_its_run_file():
    for given, shape in (("shared", ()), ("dimension", (1, 4, 4))):
        model = vw.MLPVAE((1, 4, 4), hidden=(8,), likelihood=vw.NegativeBinomial(given))
        assert model.log_total_count.shape == shape
        assert model.likelihood_options == {"total_count": given}
        again = vw.models.build(model.config())
        again.load_state_dict(model.state_dict())
        assert again.total_count == given
    assert vw.MLPVAE((1, 4, 4), likelihood="negative_binomial", total_count=5).total_count == 5
    with pytest.raises(OptionError, match=r"total_count is 2, but likelihood='poisson' has no total count"):
        vw.MLPVAE((1, 4, 4), likelihood="poisson", total_count=2)
    with pytest.raises(OptionError, match=r"total_count is 'pixel'; expected one of 'shared', 'dimension'"):
        vw.MLPVAE((1, 4, 4), likelihood="negative_binomial", total_count="pixel")


def dataset(x, lo, hi):
    return vw.ImageDataset(x, value_range=(lo, hi), name="mine", test_fraction=0)


def test_data_that_are_no_counts_or_classes_are_refused():
    counts = torch.poisson(torch.full((40, 1, 2, 5), 3.0), generator=generator())
    vw.Poisson().check(dataset(counts, 0, float(counts.max())))
    with pytest.raises(DataError, match=r"'poisson' wants counts 0, 1, 2.*'mine' has 0\.\d+.*\"bernoulli\""):
        vw.Poisson().check(dataset(counts / counts.max(), 0, 1))
    with pytest.raises(DataError, match=r"wants counts 0, 1, 2.*'mine' has -.*\"gaussian\""):
        vw.NegativeBinomial().check(dataset(counts - 4, -4, 20))
    classes = one_hot((40, 5, 3, 1)).movedim(1, -1).float().movedim(2, 1)
    vw.Categorical().check(dataset(classes, 0, 1))
    with pytest.raises(DataError, match=r"one-hot data, which sum to 1 along the class axis \(5 entries\)"):
        vw.Categorical().check(dataset(counts, 0, float(counts.max())))
