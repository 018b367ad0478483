"""Every objective, and every likelihood, through `train`, a run file and back."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from tests.runs.conftest import make_data, make_model, start
from vaewidgets.data import ImageDataset, load_dataset
from vaewidgets.errors import DataError, OptionError
from vaewidgets.models import MLPVAE, Autoencoder
from vaewidgets.objectives import (
    ELBO,
    VQ,
    BetaTC,
    Capacity,
    FreeBits,
    InfoVAE,
    Objective,
    Reconstruction,
    Terms,
    kl_parts,
    mmd,
    reparameterise,
    traits,
)
from vaewidgets.runs import attach, load_run

OF_A_VAE = [ELBO(), FreeBits(0.05), Capacity(3.0, 10), InfoVAE(5.0, 0.5), BetaTC(), Reconstruction()]


class Codebook(nn.Module):
    """The smallest vector-quantised model: one code an image."""

    default_objective, likelihood, image_shape, latent_dim = "vq", "squared_error", (1, 4, 4), 3

    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Linear(16, 3), nn.Linear(3, 16)
        self.codes = nn.Parameter(torch.randn(5, 3))

    def encode(self, x):
        return self.quantise(x)[0], None

    def quantise(self, x):
        z = self.down(x.flatten(1))
        e = self.codes[torch.cdist(z, self.codes).argmin(1)]
        distances = ((z.detach() - e).square().sum(1).mean(), (z - e.detach()).square().sum(1).mean())
        return z + (e - z).detach(), *distances

    def decode_raw(self, z):
        return self.up(z).view(-1, 1, 4, 4)

    decode = decode_raw


class Conditional(nn.Module):
    """Writes the class it is told into the picture, and keeps what it was told."""

    takes_labels, likelihood, image_shape, latent_dim, n_classes = True, "squared_error", (1, 4, 4), 2, 3

    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Linear(16 + 3, 4), nn.Linear(2 + 3, 16)
        self.told = []

    def one_hot(self, n, labels):
        known = torch.zeros(n, 3)
        if labels is not None:
            assert labels.shape == (n,)
            known[labels >= 0] = nn.functional.one_hot(labels[labels >= 0], 3).float()
        return known

    def drop_labels(self, labels, generator):
        if not self.training:
            return labels
        chance = torch.rand(labels.shape, generator=generator)
        return torch.where(chance < 0.25, -1, labels)

    def encode(self, x, labels=None):
        if self.training:
            self.told.append(labels)
        return self.down(torch.cat((x.flatten(1), self.one_hot(len(x), labels)), 1)).chunk(2, 1)

    def decode_raw(self, z, labels=None):
        if self.training:
            assert self.told[-1] is labels
        return self.up(torch.cat((z, self.one_hot(len(z), labels)), 1)).view(-1, 1, 4, 4)

    decode = decode_raw


def labelled(n=96, n_test=24, classes=3, **options):
    labels = torch.arange(n + n_test) % classes
    images = torch.zeros(n + n_test, 1, 4, 4)
    images[torch.arange(n + n_test), 0, labels % 4] = 1.0  # one bright row a class
    test = (images[n:], labels[n:])
    return ImageDataset(images[:n], labels[:n], test=test, test_fraction=0, name="rows", **options)


@pytest.mark.parametrize("objective", [*OF_A_VAE, VQ(0.5)], ids=lambda v: v.name)
def test_it_trains_records_its_terms_and_comes_back(tmp_path, objective):
    data = make_data()
    torch.manual_seed(0)
    make = Codebook if objective == VQ(0.5) else lambda: make_model(data)
    run = start(data, make(), objective=objective, epochs=3, beta=2.0).wait()
    assert run.objective == objective
    assert run.history["recon"][-6:].mean() < run.history["recon"][:6].mean()
    for name in objective.extras:
        assert run.history[name].shape == (18,)
        assert np.isfinite(run.history[name]).all()
        assert run.history[f"test_{name}"].shape == (3,)
    assert set(run.evaluate("test")) == {"loss", "recon", "kl", *objective.extras}
    path = tmp_path / "run.safetensors"
    run.save(path)
    loaded = load_run(path, data=data, model=make())
    assert loaded.objective == objective
    assert loaded.evaluate("test") == run.evaluate("test")
    assert list(loaded.history) == list(run.history)


@pytest.mark.parametrize("objective", [InfoVAE(5.0, 0.5), Capacity(3.0, 10), BetaTC()], ids=lambda v: v.name)
def test_it_goes_on_bit_for_bit(tmp_path, objective):
    data = make_data(n=90)
    options = {"objective": objective, "epochs": 4}
    whole = start(data, **options).wait()
    run = start(data, **{**options, "epochs": 2}).wait()
    path = tmp_path / "run.safetensors"
    run.save(path)
    loaded = load_run(path, data=data)
    loaded.epochs = 4
    loaded.resume()
    loaded.wait()
    for name in ("loss", *objective.extras, "test_loss"):
        assert loaded.history[name].tolist() == whole.history[name].tolist(), name


def test_the_model_says_what_it_is_trained_with_by_default():
    data = make_data()
    torch.manual_seed(0)
    assert start(data, epochs=1).wait().objective == ELBO()
    assert start(data, Codebook(), epochs=1).wait().objective == VQ()
    assert start(data, Autoencoder((1, 4, 4), hidden=(8,)), epochs=1).wait().objective == Reconstruction()
    assert start(data, objective="free_bits", epochs=1).wait().objective == FreeBits()


def test_the_terms_of_an_autoencoder():
    run = start(make_data(), Autoencoder((1, 4, 4), hidden=(8,)), epochs=2, beta=4.0).wait()
    assert run.history["kl"].tolist() == [0.0] * 12
    assert run.history["loss"].tolist() == run.history["recon"].tolist()


def test_extras_are_empty_before_they_are_recorded():
    run = start(objective="info_vae", start=False)
    assert run.history["mmd"].shape == run.history["test_mmd"].shape == (0,)
    run.close()


def test_an_objective_that_does_not_fit_is_refused_before_training():
    data = make_data()
    with pytest.raises(OptionError, match=r"wants a posterior variance, which Autoencoder has not"):
        start(data, Autoencoder((1, 4, 4), hidden=(8,)), objective="elbo")
    with pytest.raises(OptionError, match=r"MLPVAE has no method quantise"):
        start(data, objective="vq")
    with pytest.raises(OptionError, match=r"objective is 'mmd_vae'"):
        start(data, objective="mmd_vae")
    with pytest.raises(OptionError, match=r"train has no option 'objectiv'. Did you mean 'objective'"):
        start(data, objectiv="elbo")


@dataclass(frozen=True)
class Own(Objective):
    weight: float = 3.0
    name = "mine"
    extras = ("half",)

    def __call__(self, model, likelihood, x, beta=1.0, **options):
        mu, _ = model.encode(x)
        recon = likelihood.total(model.decode_raw(mu), x) / len(x)
        return Terms(self.weight * recon, recon, torch.zeros(()), {"half": recon.detach() / 2})


def test_an_objective_of_one_s_own(tmp_path):
    data = make_data()
    run = start(data, objective=Own(), epochs=2).wait()
    np.testing.assert_allclose(run.history["half"], run.history["recon"] / 2)
    path = tmp_path / "run.safetensors"
    run.save(path)
    loaded = load_run(path, data=data)
    with pytest.raises(DataError, match=r"an objective of your own, 'mine': load_run\(path, objective="):
        loaded.resume()
    again = load_run(path, data=data, objective=Own())
    again.epochs = 3
    again.resume()
    again.wait()
    assert again.evaluate("test")["loss"] == pytest.approx(3 * again.evaluate("test")["recon"])


def test_a_term_that_is_not_finite_but_is_not_minimised_harms_nothing():
    @dataclass(frozen=True)
    class Odd(Objective):
        name = "odd"
        extras = ("gap",)

        def __call__(self, model, likelihood, x, beta=1.0, **options):
            terms = ELBO()(model, likelihood, x, beta, generator=options["generator"])
            return Terms(*terms[:3], {"gap": torch.full((), float("nan"))})

    data = make_data()
    run, plain = start(data, objective=Odd(), epochs=2).wait(), start(data, epochs=2).wait()
    assert np.isnan(run.history["gap"]).all()
    np.testing.assert_allclose(run.history["loss"], plain.history["loss"], rtol=1e-5)


# likelihoods ----------------------------------------------------------------------------------

LIKELIHOODS = [
    {"likelihood": "bernoulli"},
    {"likelihood": "continuous_bernoulli"},
    {"likelihood": "squared_error", "output": "sigmoid"},
    {"likelihood": "gaussian", "sigma2": 0.05},
    {"likelihood": "gaussian", "sigma2": "shared", "output": "identity"},
    {"likelihood": "gaussian", "sigma2": "pixel", "output": "tanh"},
]


@pytest.mark.parametrize("options", LIKELIHOODS, ids=lambda v: "-".join(map(str, v.values())))
def test_every_likelihood_trains_and_comes_back(tmp_path, options):
    data = make_data()
    run = start(data, make_model(data, **options), epochs=6, lr=5e-3, name="kept").wait()
    assert run.history["loss"][-6:].mean() < run.history["loss"][:6].mean()
    assert run.snapshot().decode(torch.zeros(3, 2)).shape == (3, 1, 4, 4)
    normalised = options["likelihood"] not in ("bernoulli", "squared_error")
    assert ("elbo" in run.history) == normalised
    path = tmp_path / "run.safetensors"
    run.save(path)
    for loaded in (load_run(path, data=data), load_run(path)):  # noise is no named set: second has no data
        assert loaded.likelihood == run.likelihood
        assert loaded.unit == run.unit
        assert traits(loaded.model) == traits(run.model)
    assert load_run(path, data=data).evaluate("test") == run.evaluate("test")


def test_a_learned_variance_is_that_of_the_residuals():
    """At the optimum sigma² is the mean squared residual: of constant images, the noise."""
    generator = torch.Generator().manual_seed(0)
    images = 0.5 + 0.1 * torch.randn(256, 1, 4, 4, generator=generator)
    data = ImageDataset(images.clamp(0, 1), name="noise", test_fraction=0)
    model = make_model(data, likelihood="gaussian", sigma2="shared", hidden=())
    run = start(data, model, epochs=300, lr=5e-2, batch_size=256, beta=50.0, eval_every=0).wait()
    raw = model.decode_raw(torch.zeros(1, 2)).detach()
    sigma2 = run.likelihood.log_sigma2(raw).exp().mean().item()
    x = data.train.images(slice(None))
    assert sigma2 == pytest.approx((x - run.likelihood.mean(raw)).square().mean().item(), rel=0.03)


def test_no_elbo_without_a_posterior():
    options = {"likelihood": "gaussian", "sigma2": 0.05}
    run = start(make_data(), make_model(**options), objective="reconstruction", epochs=1).wait()
    assert "elbo" not in run.history
    with pytest.raises(KeyError, match="scores its mean alone"):
        run.history["elbo"]


def test_a_likelihood_or_an_output_that_does_not_fit_the_data_is_refused():
    data = make_data(value_range=(-1.0, 1.0))
    for options, message in (
        ({"likelihood": "continuous_bernoulli"}, r"continuous Bernoulli likelihood wants images in \[0, 1\]"),
        ({"likelihood": "gaussian"}, r'ends in a sigmoid, which reaches 0 to 1; .*output="tanh"'),
        ({"likelihood": "squared_error", "output": "sigmoid"}, r"'noise' has value_range=\(-1, 1\)"),
    ):
        with pytest.raises(DataError, match=message):
            start(data, make_model(data, **options))
    wide = make_data(value_range=(0.0, 5.0))
    with pytest.raises(DataError, match=r'ends in a tanh, which reaches -1 to 1; .*output="identity"'):
        start(wide, make_model(wide, likelihood="gaussian", output="tanh"))
    start(data, make_model(data, likelihood="gaussian", output="tanh"), epochs=1).wait()
    start(wide, make_model(wide, likelihood="gaussian", output="identity"), epochs=1).wait()


# labels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("memory_cap_bytes", [None, 500], ids=["resident", "streamed"])
def test_a_model_that_takes_labels_gets_those_of_its_images(memory_cap_bytes):
    options = {} if memory_cap_bytes is None else {"memory_cap_bytes": memory_cap_bytes}
    torch.manual_seed(0)
    model = Conditional()
    seen = []
    encode = model.encode
    model.encode = lambda x, labels=None: seen.append((x, labels)) or encode(x, labels)
    run = start(labelled(**options), model, epochs=2).wait()
    assert len(seen) >= 12
    for x, labels in seen:
        if labels is not None:  # the trial before the start tells none
            told = labels >= 0
            assert torch.equal(x[told, 0].sum(2).argmax(1), labels[told])
    dropped = torch.cat([labels for labels in model.told if labels is not None]) < 0
    assert 0.1 < dropped.float().mean() < 0.4
    assert run.evaluate("test")["recon"] > 0


def test_a_model_with_labels_goes_on_in_the_middle_of_an_epoch(tmp_path):
    data = labelled()
    torch.manual_seed(0)
    first, weights = Conditional(), None
    weights = {name: value.clone() for name, value in first.state_dict().items()}
    whole = start(data, first, epochs=2).wait()
    second = Conditional()
    second.load_state_dict(weights)
    run = start(data, second, epochs=2, start=False)
    run.advance(4)
    while run.step < 4:
        run.snapshot()
    path = tmp_path / "run.safetensors"
    run.save(path)
    run.close()
    loaded = load_run(path, data=data, model=Conditional())
    loaded.resume()
    loaded.wait()
    assert loaded.history["loss"].tolist() == whole.history["loss"].tolist()


def test_labels_that_are_missing_or_unknown_are_refused():
    with pytest.raises(DataError, match=r"Conditional takes labels, but 'noise' has none"):
        start(make_data(), Conditional())
    with pytest.raises(DataError, match=r"labels up to 4, but this Conditional has 3 classes.*n_classes=5"):
        start(labelled(classes=5), Conditional())


def test_a_test_set_without_labels_is_evaluated_with_none_told():
    train = labelled()
    x = train.train.images(slice(None))
    data = ImageDataset(x, train.train.labels, test=x[:10], test_fraction=0)
    run = start(data, Conditional(), epochs=1).wait()
    assert np.isfinite(run.history["test_loss"]).all()


def test_an_attached_autoencoder_is_evaluated_as_one():
    run = attach(Autoencoder((1, 4, 4), hidden=(8,)), make_data())
    values = run.evaluate("test")
    assert values["kl"] == 0
    assert values["loss"] == values["recon"]


def test_info_vae_on_digits_matches_the_prior_without_a_kl():
    data = load_dataset("digits")
    found = {}
    for objective in (InfoVAE(), Reconstruction()):
        torch.manual_seed(0)
        model = MLPVAE(data.image_shape, 4, hidden=(64,))
        options = {"batch_size": 64, "lr": 2e-3, "eval_every": 0}
        run = start(data, model, objective=objective, epochs=20, **options).wait()
        mu, logvar = run.snapshot().encoded("test")
        logvar = logvar if objective == InfoVAE() else torch.full_like(mu, -30.0)
        generator = torch.Generator().manual_seed(0)
        z = reparameterise(mu, logvar, generator)
        prior = torch.randn(z.shape, generator=generator)
        found[objective.name] = mmd(z, prior).item(), kl_parts(z, mu, logvar).mi.item()
    assert found["info_vae"][0] < 0.02
    assert found["reconstruction"][0] > 0.2
    assert found["info_vae"][1] > 3.0  # nats; ln of the 360 test images bounds it by 5.9
