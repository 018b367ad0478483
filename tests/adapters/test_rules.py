"""The table of rules by which encoders are read: a test a rule, and what it says."""

from collections import namedtuple
from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from torch import distributions as D
from torch import nn

import vaewidgets as vw
from vaewidgets.adapters import as_vae
from vaewidgets.adapters.posterior import RULES, Hints, find_posterior, pick_items
from vaewidgets.errors import OptionError, ProtocolError
from vaewidgets.runs import attach

SHAPE = (1, 8, 8)
MU, LOGVAR = torch.randn(2, 2, 3, generator=torch.Generator().manual_seed(0)).unbind(0)
STD = (LOGVAR / 2).exp()


@dataclass
class Named:
    mean: torch.Tensor
    std: torch.Tensor


class Gaussian:
    """As diffusers' DiagonalGaussianDistribution."""

    mean, logvar, std, var = MU, LOGVAR, STD, STD**2


class Output(dict):
    __getattr__ = dict.__getitem__


Pair = namedtuple("Pair", "mu log_var")
Code = namedtuple("Code", "first second")

# what, result, the rule that reads it, kind of the spread, words of the source
FORMS = [
    ("Normal", D.Normal(MU, STD), 0, "std", "loc and scale of a Normal"),
    ("Independent", D.Independent(D.Normal(MU, STD), 1), 0, "std", "loc and scale of a Normal"),
    ("MultivariateNormal", D.MultivariateNormal(MU, torch.diag_embed(STD**2)), 0, "var", "the covariance"),
    ("latent_dist", Output(latent_dist=Gaussian()), 1, "logvar", "mean and logvar, by their names, in l"),
    ("posterior", Output(posterior=D.Normal(MU, STD)), 1, "std", "of a Normal, in posterior"),
    ("loc, scale", {"loc": MU, "scale": STD}, 2, "std", "loc and scale, by their names"),
    ("mu, logvar", {"mu": MU, "logvar": LOGVAR}, 2, "logvar", "mu and logvar"),
    ("z_mean, z_log_sigma", {"z_mean": MU, "z_log_sigma": LOGVAR / 2}, 2, "logstd", "z_log_sigma"),
    ("mean, var", {"mean": MU, "var": STD**2}, 2, "var", "mean and var"),
    ("dataclass", Named(MU, STD), 2, "std", "mean and std"),
    ("named tuple", Pair(MU, LOGVAR), 2, "logvar", "mu and log_var"),
    ("diffusers", Gaussian(), 2, "logvar", "mean and logvar"),
    ("ModelOutput", Output(embedding=MU, log_covariance=LOGVAR), 2, "logvar", "embedding and log_covariance"),
    ("side by side", torch.cat([MU, LOGVAR], 1), 3, None, "the two halves of one Tensor of 6 columns"),
    ("tuple", (MU, LOGVAR), 4, None, "items 0 and 1"),
    ("list", [MU, LOGVAR], 4, None, "items 0 and 1"),
    ("named tuple of other names", Code(MU, LOGVAR), 4, None, "items 0 and 1"),
    ("(Normal, sample)", (D.Normal(MU, STD), MU), 5, "std", "of a Normal, in item 0"),
    ("(sample, Normal)", (MU, D.Normal(MU, STD)), 5, "std", "of a Normal, in item 1"),
    ("((mu, logvar), features)", ((MU, LOGVAR), MU), 5, None, "items 0 and 1, in item 0"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("result", "rule", "kind", "source"), [f[1:] for f in FORMS], ids=[f[0] for f in FORMS]
)
def test_each_form_is_read_by_its_rule(result, rule, kind, source):
    hints = Hints("encode(x)", latent_dim=3)
    found = find_posterior(result, hints)
    expected = {"std": STD, "var": STD**2, "logstd": LOGVAR / 2}.get(kind, LOGVAR)
    torch.testing.assert_close(found.mu, MU)
    torch.testing.assert_close(found.spread, expected)
    assert found.kind == kind
    assert source in found.source
    before = [one.read(result, hints) for one in RULES[:rule] if not isinstance(result, torch.Tensor)]
    assert before == [None] * len(before)
    torch.testing.assert_close(RULES[rule].read(result, hints).mu, MU)


def test_every_rule_has_a_form():
    assert {form[2] for form in FORMS} == set(range(len(RULES)))


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (D.Beta(STD, STD), r"encode\(x\) returned a Beta; expected a diagonal Gaussian"),
        (D.LogNormal(MU, STD), "returned a LogNormal; expected a diagonal Gaussian"),
        (
            D.MultivariateNormal(MU, scale_tril=torch.eye(3) + torch.ones(3, 3).tril(-1)),
            "a MultivariateNormal with correlated dimensions",
        ),
        ((D.Beta(STD, STD), MU), "returned a Beta"),
        ({"mu": MU}, "no log variance or other spread"),
        ({"z": MU}, r"dict with keys \['z'\]; expected \(mu, logvar\)"),
        ("text", "returned str; expected"),
    ],
)
def test_what_no_rule_reads_is_refused_with_a_line(result, message):
    with pytest.raises(ProtocolError, match=message) as caught:
        find_posterior(result, Hints("encode(x)", latent_dim=3))
    assert "encode=lambda model, x:" in str(caught.value)


@pytest.mark.parametrize(
    ("first", "second", "pick"),
    [
        ((MU, LOGVAR), (MU, LOGVAR), None),
        ((MU, LOGVAR, MU + STD), (MU, LOGVAR, MU - STD), (0, 1, 2)),
        ((MU + STD, MU, LOGVAR), (MU - STD, MU, LOGVAR), (1, 2, 0)),
        ((MU, LOGVAR, MU), (MU, LOGVAR, MU), (0, 1)),
        ((MU + STD, MU, LOGVAR, torch.ones(())), (MU - STD, MU, LOGVAR, torch.ones(())), (1, 2, 0)),
        ((torch.ones(2, 8), MU, LOGVAR, None), (torch.ones(2, 8), MU, LOGVAR, None), (1, 2)),
    ],
)
def test_which_items_of_a_tuple(first, second, pick):
    assert pick_items(first, second, "encode(x)") == pick


# ------------------------------------------------------------------ what the spread is

TO_SPREAD = {
    "logvar": lambda v: v,
    "logstd": lambda v: v / 2,
    "std": lambda v: (v / 2).exp(),
    "var": lambda v: v.exp(),
}


class Net(nn.Module):
    """A VAE whose encoder returns mu and any spread."""

    image_shape = SHAPE

    def __init__(self, kind="logvar", latent_dim=3):
        super().__init__()
        self.kind, self.latent_dim = kind, latent_dim
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.Tanh())
        self.a, self.b = nn.Linear(16, latent_dim), nn.Linear(16, latent_dim)
        self.back = nn.Sequential(nn.Linear(latent_dim, 64), nn.Sigmoid())

    def own(self, x):
        h = self.body(x)
        return self.a(h), self.b(h)

    def encode(self, x):
        mu, logvar = self.own(x)
        return mu, TO_SPREAD[self.kind](logvar)

    def decode(self, z):
        return self.back(z).view(-1, *SHAPE)

    def draw(self, mu, spread):
        std = {"logvar": (spread / 2).exp(), "logstd": spread.exp(), "std": spread, "var": spread**0.5}
        return mu + std[self.kind] * torch.randn_like(mu)


class Sampling(Net):
    def encode(self, x):
        mu, spread = Net.encode(self, x)
        return mu, spread, self.draw(mu, spread)


class SpreadFirst(Net):
    def encode(self, x):
        mu, spread = Net.encode(self, x)
        return self.draw(mu, spread), spread, mu


class Reparameterizing(Net):
    def reparameterize(self, mu, spread):
        return self.draw(mu, spread)


class OnlyInTraining(Net):
    def reparametrize(self, mu, spread):
        return self.draw(mu, spread) if self.training else mu


class Forward(Net):
    def forward(self, x):
        mu, spread = self.encode(x)
        return self.decode(self.draw(mu, spread)), mu, spread


class Whole(Net):
    """A model that has a forward, and no encode."""

    encode = None

    def forward(self, x):
        mu, spread = Net.encode(self, x)
        return self.decode(self.draw(mu, spread)), mu, spread


def built(make, *args, **kwargs):
    torch.manual_seed(0)
    return make(*args, **kwargs)


X = torch.rand(5, *SHAPE, generator=torch.Generator().manual_seed(1))


class SampleOrMu(Net):
    """A sample while it trains and else mu, then mu and the log variance."""

    def encode(self, x):
        mu, spread = Net.encode(self, x)
        return (self.draw(mu, spread) if self.training else mu), mu, spread


def test_what_is_mu_in_evaluation_mode_alone_is_not_taken_for_it():
    model = built(SampleOrMu, "logvar")
    mu, logvar = Net.encode(model, X)
    state = torch.get_rng_state()
    for vae in (as_vae(model).train(), as_vae(model).eval()):
        got = vae.encode(X)
        torch.testing.assert_close(got[0], mu)
        torch.testing.assert_close(got[1], logvar)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("kind", TO_SPREAD)
@pytest.mark.parametrize("make", [Sampling, SpreadFirst, Reparameterizing, OnlyInTraining, Forward, Whole])
def test_draws_tell_what_the_spread_is(make, kind):
    model = built(make, kind)
    state = torch.get_rng_state()
    vae = as_vae(model)
    mu, logvar = vae.encode(X)
    assert torch.equal(torch.get_rng_state(), state)
    own = model.own(X)
    torch.testing.assert_close(mu, own[0])
    torch.testing.assert_close(logvar, own[1], rtol=1e-4, atol=1e-5)
    assert vae.convention.spread == kind
    assert "draws with it as such" in vae.convention.describe()
    assert vae.convention.spread_is_drawn
    assert vae.convention.other_spreads == ()


@pytest.mark.parametrize("kind", TO_SPREAD)
def test_what_is_said_is_taken(kind):
    model = built(Net, kind)
    vae = as_vae(model, spread=kind)
    torch.testing.assert_close(vae.encode(X)[1], model.own(X)[1], rtol=1e-4, atol=1e-5)
    assert f"{vae.convention.spread}" == kind
    assert "as said" in vae.convention.describe()


def test_where_nothing_shows_a_spread_below_0_is_a_log_variance_and_the_other_reading_is_said():
    vae = as_vae(built(Net))
    assert vae.convention.spread == "logvar"
    assert 'not excluded: log of the standard deviation, spread="logstd"' in vae.convention.describe()


@pytest.mark.parametrize("kind", ["std", "var"])
def test_where_nothing_shows_a_spread_above_0_is_asked_for(kind):
    with pytest.raises(
        ProtocolError, match=r'items 0 and 1; the spread is never below 0.*spread="std".*"var"'
    ):
        as_vae(built(Net, kind))


def test_parameters_of_another_distribution_are_asked_for():
    class Beta(Net):
        def encode(self, x):
            return tuple(F.softplus(part) for part in self.own(x))

    with pytest.raises(
        ProtocolError, match="nor is mu: are they parameters of another distribution, as alpha"
    ):
        as_vae(built(Beta))


def test_a_sample_that_no_reading_explains_is_asked_for():
    class Other(Net):
        def encode(self, x):
            mu, v = self.own(x)
            return mu, v, mu + F.softplus(v) * torch.randn_like(mu)

    with pytest.raises(ProtocolError, match="a sample that is not drawn with any of log variance, log of"):
        as_vae(built(Other))


def test_an_unknown_spread_is_refused():
    with pytest.raises(
        OptionError, match=r"spread is 'sigma'; expected one of 'logvar', 'logstd', 'std', 'var'"
    ):
        as_vae(built(Net), spread="sigma")


def test_what_was_adapted_stays_as_it_was_said():
    for model in (built(Net, "std"), built(Net, "std").double()):
        vae = as_vae(model, spread="std")
        assert as_vae(vae, image_shape=SHAPE) is vae


# ------------------------------------------------------------------ a prior of its own


class Mixture(Net):
    """A learned prior under a name that says nothing."""

    def __init__(self):
        super().__init__()
        self.centers = nn.Parameter(torch.randn(4, 3))


def test_a_prior_of_its_own_is_said_and_no_kl_against_another_is_computed():
    data = vw.ImageDataset(torch.rand(40, *SHAPE, generator=torch.Generator().manual_seed(0)))
    run = attach(built(Mixture), data, prior="learned", likelihood="bernoulli")
    assert run.model.convention.prior == "learned"
    assert "Mixture has a prior of its own: its KL is the one that is logged" in run.warning
    assert "a prior of its own" in run.adapted
    assert {*run.evaluate("train")}.isdisjoint({"loss", "kl"})
    plain = attach(built(Mixture), data, prior="standard", likelihood="bernoulli")
    assert plain.warning is None
    assert {"loss", "recon", "kl"} <= {*plain.evaluate("train")}
    silent = attach(built(Mixture), data)
    assert "Mixture.centers is used by neither half: if it belongs to a prior" in silent.warning


@pytest.mark.parametrize(
    ("name", "asked"),
    [("log_sigma", True), ("fc_logstd", True), ("log_sigma2", False), ("fc_var", False), ("logvar", False)],
)
def test_the_name_of_a_layer_supports_a_reading_and_decides_none(name, asked):
    class Renamed(Net):
        def __init__(self):
            super().__init__()
            setattr(self, name, self.b)
            del self.b

        def own(self, x):
            h = self.body(x)
            return self.a(h), getattr(self, name)(h)

    vae = as_vae(built(Renamed))
    assert vae.convention.spread == "logvar"
    words = " ".join(vae.convention.questions)
    assert (f"Renamed.{name}, by its name a log of the standard deviation" in words) == asked
    assert as_vae(built(Renamed), spread="logvar").convention.questions == ()


def test_a_prior_that_shows_by_its_name_is_asked_for():
    class Named(Mixture):
        def __init__(self):
            super().__init__()
            self.prior = nn.Linear(3, 6)

    with pytest.raises(ProtocolError, match=r'its prior is learned.*attach\(\.\.\., prior="learned"\)'):
        as_vae(built(Named))
    assert as_vae(built(Named), prior="learned").convention.prior == "learned"
    assert as_vae(built(Named), prior="standard").convention.prior == "standard"
    with pytest.raises(OptionError, match=r"prior is 'mixture'; expected one of 'standard', 'learned'"):
        as_vae(built(Named), prior="mixture")


def test_attach_refuses_an_option_that_nobody_knows():
    data = vw.ImageDataset(torch.rand(20, *SHAPE))
    with pytest.raises(OptionError, match=r"attach has no option 'spred'\. Did you mean 'spread'\?"):
        attach(built(Net), data, spred="std")
    with pytest.raises(OptionError, match="attach has no option 'image_shape'"):
        attach(built(Net), data, image_shape=SHAPE)
