"""Which likelihood a foreign model is trained with: seen, said, or its own (CASES M13, M14, M17)."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import distributions as td
from torch import nn

import vaewidgets as vw
from vaewidgets.adapters import as_vae
from vaewidgets.errors import DataError, OptionError, ProtocolError

SHAPE = (1, 8, 8)


class Net(nn.Module):
    """A VAE whose decoder ends as `end` says."""

    latent_dim = 3
    image_shape = SHAPE

    def __init__(self, end, width=64):
        super().__init__()
        torch.manual_seed(0)
        self.e = nn.Sequential(nn.Flatten(), nn.Linear(64, 6))
        self.g = nn.Linear(3, width)
        self.end = end

    def encode(self, x):
        return self.e(x).chunk(2, 1)

    def decode(self, z):
        return self.end(self.g(z))


def images(x):
    return x.reshape(-1, *SHAPE)


def as_images(function):
    return lambda h: images(function(h))


def data(kind="grey", n=40):
    g = torch.Generator().manual_seed(1)
    x = torch.rand(n, *SHAPE, generator=g)
    if kind == "counts":
        return vw.ImageDataset(torch.poisson(6 * x, generator=g).clamp(max=20), value_range=(0, 20))
    if kind == "standardised":
        return vw.ImageDataset(4 * x - 2, value_range=(-2, 2))
    return vw.ImageDataset((x > 0.5).float() if kind == "binary" else x)


def seen(model, x):
    vae = as_vae(model)
    z = torch.randn(len(x), 3, generator=torch.Generator().manual_seed(2))
    likelihood = vw.objectives.get_likelihood(vae.likelihood, **vae.likelihood_options)
    return likelihood, likelihood.recon(vae.decode_raw(z), x), z, vae


# ---------------------------------------------------------------------------- M13


@pytest.mark.parametrize("scale", [1.0, 40.0, 1e4])
@pytest.mark.parametrize("kind", ["binary", "grey"])
def test_cross_entropy_of_probabilities_is_torchs_also_where_they_are_saturated(scale, kind):
    model = Net(as_images(lambda h: torch.sigmoid(scale * h)))
    x = data(kind).train.images(slice(0, 20))
    likelihood, got, z, _ = seen(model, x)
    wanted = F.binary_cross_entropy(model.decode(z), x, reduction="none").flatten(1).sum(1)
    assert likelihood == vw.Bernoulli()
    torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-4)
    got.sum().backward()
    slopes = [p.grad.clone() for p in model.g.parameters()]
    model.zero_grad()
    wanted = F.binary_cross_entropy(model.decode(z), x, reduction="sum")
    wanted.backward()
    for slope, p in zip(slopes, model.g.parameters(), strict=True):
        torch.testing.assert_close(slope, p.grad, rtol=1e-3, atol=1e-2)


def test_what_evaluate_says_is_the_loss_of_the_loop():
    model = Net(as_images(lambda h: (h > 0).float() + 0.0 * h))  # 0 and 1 alone
    model.e[1].weight.data.zero_()
    model.e[1].bias.data.copy_(torch.tensor([0.3, -0.2, 0.5, -60.0, -60.0, -60.0]))  # z is mu
    binary = data("binary")
    run = vw.attach(model, binary, likelihood="bernoulli", output="probabilities")
    x = binary.train.images(slice(0, len(binary.train)))
    wanted = float(
        F.binary_cross_entropy(model.decode(model.encode(x)[0]).detach(), x, reduction="sum")
    ) / len(x)
    assert wanted > 1000
    assert run.evaluate("train")["recon"] == pytest.approx(wanted, rel=1e-5)


# ---------------------------------------------------------------------------- M14: seen


def test_a_normal_distribution_is_a_gaussian_of_its_variance():
    model = Net(lambda h: td.Independent(td.Normal(images(h[:, :64]), images(h[:, 64:].exp())), 3), 128)
    x = data().train.images(slice(0, 9))
    likelihood, got, z, vae = seen(model, x)
    assert likelihood.name == "gaussian"
    torch.testing.assert_close(got, -model.decode(z).log_prob(x))
    torch.testing.assert_close(vae.decode(z), model.decode(z).mean)
    assert "torch.distributions.Normal" in vae.convention.describe()


def test_distributions_of_counts_are_recognised():
    x = data("counts").train.images(slice(0, 9))
    for end, width, name in (
        (lambda h: td.Poisson(images(h.exp())), 64, "poisson"),
        (
            lambda h: td.NegativeBinomial(images(h[:, :64].exp()), logits=images(h[:, 64:])),
            128,
            "negative_binomial",
        ),
    ):
        model = Net(end, width)
        likelihood, got, z, _ = seen(model, x)
        assert likelihood.name == name
        torch.testing.assert_close(got, -model.decode(z).log_prob(x).flatten(1).sum(1), rtol=1e-4, atol=1e-3)


def test_a_continuous_bernoulli_is_no_binary_cross_entropy():
    model = Net(lambda h: td.ContinuousBernoulli(logits=images(3 * h)))
    x = data().train.images(slice(0, 9))
    likelihood, got, z, _ = seen(model, x)
    assert likelihood == vw.ContinuousBernoulli()
    torch.testing.assert_close(got, -model.decode(z).log_prob(x).flatten(1).sum(1), rtol=1e-3, atol=0.05)


@pytest.mark.parametrize(
    ("end", "width", "word"),
    [
        (lambda h: td.Laplace(images(h), 1.0), 64, "Laplace"),
        (
            lambda h: td.MixtureSameFamily(
                td.Categorical(logits=h.reshape(-1, *SHAPE, 3)),
                td.Normal(h.reshape(-1, *SHAPE, 3), 1.0),
            ),
            192,
            "MixtureSameFamily",
        ),
        (lambda h: (images(h[:, :64]), images(h[:, 64:])), 128, "two tensors of the image's shape"),
    ],
    ids=["laplace", "mixture", "mean and scale"],
)
def test_an_unknown_likelihood_is_shown_as_logged_and_computed_by_no_other_formula(end, width, word):
    run = vw.attach(Net(end, width), data())
    assert run.likelihood.name == "own"
    assert run.unit == "as logged"
    assert word in run.warning
    assert 'likelihood="own"' in run.warning
    assert "your own, as logged" in run.adapted
    run.log(loss=7.0, recon=5.0, kl=2.0)
    assert run.history["recon"][-1] == 5.0
    found = run.evaluate("train")
    assert found["recon"] != found["recon"]  # NaN
    assert found["kl"] > 0
    with pytest.raises(OptionError, match=r"an ablation needs the reconstruction term.*as logged alone"):
        run.ablation("train")
    with pytest.raises(OptionError, match="training needs the reconstruction term"):
        vw.train(Net(end, width), data(), batch_size=8, autosave=False)


def test_several_numbers_a_pixel_are_refused_with_the_line_that_says_what_they_are():
    with pytest.raises(ProtocolError, match=r"4 numbers for each value.*decode=lambda.*likelihood=\"own\""):
        vw.attach(Net(lambda h: h.reshape(-1, 4, 8, 8), 256), data())
    run = vw.attach(
        Net(lambda h: h.reshape(-1, 4, 8, 8), 256),
        data(),
        decode=lambda model, z: model.decode(z).softmax(1)[:, :1],
        likelihood="own",
    )
    assert run.unit == "as logged"
    assert run.warning is None


LEVELS = torch.linspace(0, 1, 4)


@pytest.mark.parametrize(
    ("end", "shown", "word"),
    [
        (
            lambda h: td.Categorical(logits=h.reshape(-1, *SHAPE, 4)),
            lambda found: (found.probs * LEVELS).sum(-1),
            "Categorical",
        ),
        (
            lambda h: td.TransformedDistribution(
                td.Uniform(torch.zeros(len(h), *SHAPE), 1.0),
                [td.SigmoidTransform().inv, td.AffineTransform(images(h[:, :64]), 0.1)],
            ),
            lambda found: found.transforms[1].loc,
            "TransformedDistribution",
        ),
    ],
    ids=["grey levels", "logistic"],
)
def test_a_distribution_without_a_mean_asks_for_the_image(end, shown, word):
    with pytest.raises(
        ProtocolError, match=rf"a {word}, which has no mean.*decode=lambda.*likelihood=\"own\""
    ):
        vw.attach(Net(end, 256), data())
    run = vw.attach(Net(end, 256), data(), decode=lambda model, z: shown(model.decode(z)), likelihood="own")
    z = torch.zeros(2, 3)
    torch.testing.assert_close(run.snapshot().decode(z), shown(run.model.module.decode(z)).detach())
    run.log(loss=7.0, recon=5.0, kl=2.0)
    assert run.history["recon"].tolist() == [5.0]


# ---------------------------------------------------------------------------- M14: said


def test_a_second_tensor_is_a_log_variance_where_that_is_said():
    model = Net(lambda h: (images(h[:, :64]), images(h[:, 64:])), 128)
    run = vw.attach(model, data("standardised"), likelihood="gaussian")
    x = data("standardised").train.images(slice(0, 9))
    z = torch.randn(9, 3)
    mean, logvar = model.decode(z)
    wanted = -td.Normal(mean, (0.5 * logvar).exp()).log_prob(x).flatten(1).sum(1)
    torch.testing.assert_close(run.likelihood.recon(run.model.decode_raw(z), x), wanted)


def test_a_likelihood_as_an_object_brings_its_spread():
    model = Net(as_images(lambda h: h))
    x, z = data("standardised").train.images(slice(0, 9)), torch.randn(9, 3)
    run = vw.attach(model, data("standardised"), likelihood=vw.Gaussian(0.3))
    wanted = -td.Normal(model.decode(z), 0.3**0.5).log_prob(x).flatten(1).sum(1)
    torch.testing.assert_close(run.likelihood.recon(run.model.decode_raw(z), x), wanted)
    with pytest.raises(
        OptionError, match=r"'gaussian' has a sigma2, and Net.decode\(z\) returns none.*vw\.G"
    ):
        vw.attach(model, data("standardised"), likelihood="gaussian")


def test_counts_by_a_mean_of_the_models_own():
    counts = data("counts")
    x, z = counts.train.images(slice(0, 9)), torch.randn(9, 3)
    model = Net(as_images(F.softplus))
    run = vw.attach(model, counts, likelihood="poisson")
    wanted = -td.Poisson(model.decode(z)).log_prob(x).flatten(1).sum(1)
    torch.testing.assert_close(run.likelihood.recon(run.model.decode_raw(z), x), wanted, rtol=1e-4, atol=1e-3)
    with pytest.raises(OptionError, match=r"wants the mean of counts.*\.exp\(\)"):
        vw.attach(Net(as_images(lambda h: h)), counts, likelihood="poisson")


def test_what_was_said_survives_the_run_file(tmp_path):
    model = Net(as_images(lambda h: h))
    run = vw.attach(model, data("standardised"), likelihood=vw.Gaussian(0.3))
    run.save(tmp_path / "run.safetensors")
    again = vw.load_run(tmp_path / "run.safetensors", model=model, data=data("standardised"))
    assert again.likelihood == vw.Gaussian(0.3)
    own = vw.attach(model, data("standardised"), likelihood="own")
    own.save(tmp_path / "own.safetensors")
    assert (
        vw.load_run(tmp_path / "own.safetensors", model=model, data=data("standardised")).unit == "as logged"
    )


@pytest.mark.parametrize(
    "widget", [vw.LatentExplorer, vw.LatentScatter, vw.ReconstructionGrid, vw.TrainingCurves, vw.Diagnosis]
)
def test_widgets_draw_what_needs_no_likelihood(widget):
    run = vw.attach(Net(as_images(lambda h: h)), data("standardised"), likelihood="own")
    for _ in range(3):
        run.log(loss=7.0, recon=5.0, kl=2.0)
    run.finish()
    shown = widget(run)
    assert shown.frame["run"]["unit"] == "as logged"
    assert not shown.frame["run"]["error"]
    shown.close()


# ---------------------------------------------------------------------------- M17


@pytest.mark.parametrize(("lo", "hi"), [(0, 300), (-1, 1)])
def test_data_beyond_what_a_decoder_reaches_are_refused_by_attach_as_by_train(lo, hi):
    x = torch.rand(40, *SHAPE, generator=torch.Generator().manual_seed(0))
    beyond = vw.ImageDataset(lo + (hi - lo) * x, value_range=(lo, hi))
    line = rf"Net ends in a sigmoid, .* 0 to 1; .*\({lo}, {hi}\).*value_range=\(0, 1\).*output=\"mean\""
    for start in (vw.attach, partial(vw.train, batch_size=8)):
        with pytest.raises(DataError, match=line):
            start(Net(as_images(torch.sigmoid)), beyond)
        with pytest.raises(DataError, match=r"MLPVAE ends in a sigmoid.*Build it with output="):
            start(vw.MLPVAE(SHAPE, hidden=(8,), likelihood="squared_error", output="sigmoid"), beyond)
    assert vw.attach(Net(as_images(torch.sigmoid)), beyond, output="mean").warning is None
    assert vw.attach(Net(as_images(lambda h: h)), beyond).likelihood == vw.SquaredError()


def test_a_tanh_reaches_what_it_reaches():
    x = torch.rand(40, *SHAPE, generator=torch.Generator().manual_seed(0))
    vw.attach(Net(as_images(torch.tanh)), vw.ImageDataset(2 * x - 1, value_range=(-1, 1)))
    with pytest.raises(DataError, match=r"Net ends in a tanh, which reaches -1 to 1"):
        vw.attach(Net(as_images(torch.tanh)), vw.ImageDataset(8 * x - 4, value_range=(-4, 4)))
