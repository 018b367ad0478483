"""The protocol: other people's models behind it, their losses in our units, and what is refused."""

import copy
import re
import threading

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests import foreign_models as foreign
from vaewidgets.adapters import VAE, AdaptedVAE, LossConvention, as_vae, check_vae, copy_model
from vaewidgets.errors import OptionError, ProtocolError

GREY = foreign.GREY

# model, repr, output, likelihood
ROWS = [
    (foreign.ChapterVAE, "ChapterVAE: image input, probabilities, bernoulli likelihood, latent_dim=3"),
    (foreign.ExampleVAE, "ExampleVAE: flat input, probabilities, bernoulli likelihood, latent_dim=4"),
    (foreign.PythaeVAE, "PythaeVAE: image input, mean, squared_error likelihood, latent_dim=5"),
    (
        lambda: foreign.PythaeVAE("bce"),
        "PythaeVAE: image input, probabilities, bernoulli likelihood, latent_dim=5",
    ),
    (foreign.PyTorchVAE, "PyTorchVAE: image input, mean, squared_error likelihood, latent_dim=6"),
    (foreign.BoltsVAE, "BoltsVAE: image input, mean, squared_error likelihood, latent_dim=7"),
    (foreign.BetaVAE, "BetaVAE: image input, logits, bernoulli likelihood, latent_dim=4"),
]
IDS = ["chapter", "pytorch example", "pythae", "pythae bce", "pytorch-vae", "bolts", "beta-vae"]


def build(make):
    torch.manual_seed(0)
    return make()


def adapt(model, **options):
    return as_vae(model, image_shape=model.shape, value_range=model.value_range, **options)


def images(model, n=5):
    lo, hi = model.value_range
    x = torch.rand((n, *model.shape), generator=torch.Generator().manual_seed(1))
    return lo + (hi - lo) * x


# ------------------------------------------------------------------ the rows of the table


@pytest.mark.parametrize(("make", "text"), ROWS, ids=IDS)
def test_every_row_attaches_without_options(make, text):
    model = build(make)
    adapted = adapt(model)
    assert repr(adapted) == f"AdaptedVAE({text})"
    assert isinstance(adapted, VAE)
    check_vae(adapted, model.shape, model.value_range)
    x = images(model)
    mu, logvar = adapted.encode(x)
    assert mu.shape == logvar.shape == (5, adapted.latent_dim)
    assert adapted.decode(mu).shape == adapted.decode_raw(mu).shape == x.shape
    assert [t.shape for t in adapted(x)] == [x.shape, mu.shape, mu.shape]


@pytest.mark.parametrize(("make", "text"), ROWS, ids=IDS)
def test_mu_logvar_and_image_are_the_models_own(make, text):
    """Replays the model's forward with the noise put in, and compares all three."""
    model = build(make).eval()
    adapted = adapt(model)
    x = images(model)
    mu, logvar = adapted.encode(x)
    torch.manual_seed(3)
    z = foreign.sample(mu, logvar)
    torch.manual_seed(3)
    if isinstance(model, foreign.PythaeVAE):
        own = model({"data": x}).recon_x
    else:
        result = model(x)
        own = result if isinstance(result, torch.Tensor) else result[0]
        if not isinstance(result, torch.Tensor):
            torch.testing.assert_close(result[-2], mu)
            torch.testing.assert_close(result[-1], logvar)
    x_hat = torch.sigmoid(own) if isinstance(model, foreign.BetaVAE) else own
    torch.testing.assert_close(adapted.decode(z), x_hat.view_as(x))


@pytest.mark.parametrize(("make", "text"), ROWS, ids=IDS)
def test_logged_losses_become_sums_per_image(make, text):
    model = build(make).eval()
    adapted = adapt(model)
    x = images(model)
    mu, logvar = adapted.encode(x)
    wiring = adapted._wiring
    out = wiring.decode(model, mu)
    out = out["reconstruction"] if isinstance(out, dict) else out
    logged = model.logged(out, x, mu, logvar)
    n_pixels = x[0].numel()
    recon, kl = adapted.convention.losses.canonical(*logged, len(x), n_pixels, adapted.latent_dim)
    raw = adapted.decode_raw(mu)
    if adapted.likelihood == "bernoulli":
        expected = F.binary_cross_entropy_with_logits(raw, x, reduction="sum") / len(x)
    else:
        expected = (raw - x).square().sum() / len(x)
    torch.testing.assert_close(recon, expected, rtol=1e-5, atol=0)
    torch.testing.assert_close(kl, foreign.kl_terms(mu, logvar).sum(1).mean(), rtol=1e-5, atol=0)
    assert recon > 1
    assert kl > 0


@pytest.mark.parametrize(("make", "text"), ROWS, ids=IDS)
def test_the_module_is_shared_and_left_as_it_was(make, text):
    model = build(make).train()
    before = copy.deepcopy(model.state_dict())
    state = torch.get_rng_state()
    adapted = adapt(model)
    check_vae(adapted, model.shape, model.value_range)
    assert torch.equal(torch.get_rng_state(), state)
    assert adapted.module is model
    assert [id(p) for p in adapted.parameters()] == [id(p) for p in model.parameters()]
    assert all(m.training for m in model.modules())
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key])
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize(("make", "text"), ROWS, ids=IDS)
def test_a_copy_does_not_follow_the_live_model(make, text):
    model = build(make).eval()
    adapted = adapt(model)
    snapshot = copy_model(adapted)
    x = images(model)
    before = adapted.decode(adapted.encode(x)[0])
    with torch.no_grad():
        for p in model.parameters():
            p.add_(1.0)
    torch.testing.assert_close(snapshot.decode(snapshot.encode(x)[0]), before)
    assert not torch.allclose(adapted.decode(adapted.encode(x)[0]), before)


# ------------------------------------------------------------------ what is told by trying


class Net(nn.Module):
    """A VAE whose parts are given as functions, to be odd with."""

    shape, value_range = GREY, (0.0, 1.0)

    def __init__(self, encode=None, decode=None, latent_dim=2, **attributes):
        super().__init__()
        self.body = nn.Linear(64, 4)
        self.back = nn.Linear(2, 64)
        if latent_dim is not None:
            self.latent_dim = latent_dim
        self.how = {"encode": encode, "decode": decode}
        for name, value in attributes.items():
            setattr(self, name, value)

    def stats(self, x):
        return self.body(x.flatten(1)).chunk(2, 1)

    def pixels(self, z):
        return torch.sigmoid(self.back(z))

    def encode(self, x):
        return (self.how["encode"] or Net.stats)(self, x)

    def decode(self, z):
        return (self.how["decode"] or Net.pixels)(self, z)


def net(*args, **kwargs):
    torch.manual_seed(0)
    return Net(*args, **kwargs)


def test_probabilities_and_logits_are_told_apart_by_their_range():
    logits = net(decode=lambda m, z: m.back(z))
    adapted = adapt(logits)
    assert (adapted.convention.output, adapted.likelihood) == ("logits", "bernoulli")
    z = torch.randn(3, 2)
    torch.testing.assert_close(adapted.decode(z).flatten(1), torch.sigmoid(logits.back(z)))
    torch.testing.assert_close(adapted.decode_raw(z).flatten(1), logits.back(z))
    assert adapt(net()).convention.output == "probabilities"


def test_a_decoder_is_asked_once_for_points_of_the_prior_and_for_some_far_out():
    """Asked four times for sixteen, a heavy one took many seconds."""
    asked = []
    adapt(net(decode=lambda m, z: asked.append(len(z)) or torch.sigmoid(m.back(z))))
    assert sum(asked) <= 24, asked


def test_logits_of_probabilities():
    model = net()
    adapted = adapt(model)
    z = torch.randn(3, 2)
    torch.testing.assert_close(adapted.decode_raw(z).flatten(1), model.back(z), rtol=1e-4, atol=1e-5)
    hard = adapt(net(decode=lambda m, z: (m.back(z) > 0).float()))
    assert torch.isfinite(hard.decode_raw(z)).all()


def test_what_is_said_goes_before_what_is_told():
    linear = net(decode=lambda m, z: m.back(z))
    z = torch.randn(3, 2)
    mean = adapt(linear, output="mean")
    assert mean.likelihood == "squared_error"
    torch.testing.assert_close(mean.decode(z).flatten(1), linear.back(z))
    assert adapt(linear, likelihood="squared_error").convention.output == "mean"
    squashed = adapt(foreign.BetaVAE(), likelihood="squared_error")
    assert (squashed.convention.output, squashed.likelihood) == ("logits", "squared_error")
    z = torch.randn(3, 4)
    torch.testing.assert_close(squashed.decode_raw(z), torch.sigmoid(squashed.module._decode(z)))
    with pytest.raises(OptionError, match=r"output is 'logit'; expected one of .* mean 'logits'\?"):
        adapt(linear, output="logit")


def test_data_of_another_range_have_a_mean():
    adapted = as_vae(net(), image_shape=GREY, value_range=(-1.0, 1.0))
    assert (adapted.convention.output, adapted.likelihood) == ("mean", "squared_error")
    logits = as_vae(net(), image_shape=GREY, value_range=(-1.0, 1.0), output="logits")
    z = torch.randn(3, 2)
    torch.testing.assert_close(logits.decode(z).flatten(1), 2 * torch.sigmoid(net().pixels(z)) - 1)


@pytest.mark.parametrize(
    "shape", [(1, 64), (64,), (8, 8), (1, 8, 8)], ids=["B,1,64", "flat", "no channel", "image"]
)
def test_shapes_of_a_decoded_image(shape):
    model = net(decode=lambda m, z: m.pixels(z).view(-1, *shape))
    if shape == (1, 64):
        with pytest.raises(
            ProtocolError, match=r"decode\(z\) returned an image of shape \(16, 1, 64\); expected"
        ):
            adapt(model)
    else:
        assert adapt(model).decode(torch.randn(3, 2)).shape == (3, 1, 8, 8)


def named(**items):
    return type("Result", (), items)()


@pytest.mark.parametrize(
    "wrap",
    [
        lambda m, v: (m, v),
        lambda m, v: [m, v],
        lambda m, v: {"mu": m, "logvar": v},
        lambda m, v: {"mean": m, "log_var": v, "kl": 0},
        lambda m, v: named(z_mean=m, z_log_var=v),
        lambda m, v: torch.distributions.Normal(m, (v / 2).exp()),
        lambda m, v: torch.distributions.Independent(torch.distributions.Normal(m, (v / 2).exp()), 1),
        lambda m, v: torch.cat([m, v], 1),
        lambda m, v: (m[..., None, None], v[..., None, None]),
        lambda m, v: (m, v, foreign.sample(m, v)),
        lambda m, v: (foreign.sample(m, v), m, v),
        lambda m, v: (m, v, m),
        lambda m, v: (m, m, v),
    ],
    ids=[
        "tuple", "list", "dict", "other keys", "object", "Normal", "Independent", "side by side", "1 x 1 map",
        "mu logvar z", "z mu logvar", "mu logvar mu", "mu mu logvar",
    ],
)  # fmt: skip
def test_forms_of_a_posterior(wrap):
    model = net(encode=lambda m, x: wrap(*m.stats(x)))
    adapted = adapt(model)
    x = images(model)
    mu, logvar = adapted.encode(x)
    own_mu, own_logvar = model.stats(x)
    torch.testing.assert_close(mu, own_mu)
    torch.testing.assert_close(logvar, own_logvar)


@pytest.mark.parametrize(
    ("wrap", "output"),
    [
        (lambda v: (v, "more"), "probabilities"),
        (lambda v: {"recon": v}, "probabilities"),
        (lambda v: {"logits": v}, "logits"),
        (lambda v: torch.distributions.Bernoulli(logits=v), "logits"),
        (lambda v: torch.distributions.Normal(v, 1.0), "probabilities"),
    ],
    ids=["tuple", "dict", "named logits", "Bernoulli", "Normal"],
)
def test_forms_of_a_decoded_image(wrap, output):
    adapted = adapt(net(decode=lambda m, z: wrap(m.pixels(z))))
    assert adapted.convention.output == output
    z = torch.randn(3, 2)
    expected = net().pixels(z).view(-1, *GREY)
    torch.testing.assert_close(adapted.decode(z), torch.sigmoid(expected) if output == "logits" else expected)


class Heads(nn.Module):
    """An encoder with two heads and a decoder, all submodules, and nothing else."""

    shape, value_range = GREY, (0.0, 1.0)

    def __init__(self, mu="fc_mu", logvar="fc_logvar"):
        super().__init__()
        self.encoder = nn.Conv2d(1, 2, 4, 4)
        setattr(self, mu, nn.Linear(8, 3))
        setattr(self, logvar, nn.Linear(8, 3))
        self.decoder = nn.Sequential(nn.Linear(3, 64), nn.Sigmoid())


@pytest.mark.parametrize("names", [("fc_mu", "fc_logvar"), ("mu", "log_var"), ("to_mu", "to_logvar")])
def test_submodules_alone_will_do(names):
    model = Heads(*names)
    adapted = adapt(model)
    assert adapted.latent_dim == 3
    x = images(model)
    h = model.encoder(x).flatten(1)
    torch.testing.assert_close(adapted.encode(x)[0], getattr(model, names[0])(h))
    torch.testing.assert_close(adapted.encode(x)[1], getattr(model, names[1])(h))


# ------------------------------------------------------------------ what is given


class Odd(nn.Module):
    """Conditional, and with its own names."""

    shape, value_range = GREY, (0.0, 1.0)

    def __init__(self):
        super().__init__()
        self.up = nn.Linear(65, 6)
        self.down = nn.Linear(4, 64)

    def infer(self, x, y):
        return self.up(torch.cat([x.flatten(1), y], 1)).chunk(2, 1)

    def generate(self, z):
        return torch.sigmoid(self.down(F.pad(z, (0, 1)))).view(-1, *GREY)


def test_explicit_functions_take_the_rest():
    model = Odd()
    adapted = adapt(model, encode=lambda m, x: m.infer(x, torch.ones(len(x), 1)), decode="generate")
    assert repr(adapted) == (
        "AdaptedVAE(Odd: image input, probabilities, bernoulli likelihood, latent_dim=3)"
    )
    x = images(model)
    torch.testing.assert_close(adapted.encode(x)[0], model.infer(x, torch.ones(5, 1))[0])
    torch.testing.assert_close(adapted.decode(torch.zeros(2, 3)), model.generate(torch.zeros(2, 3)))
    check_vae(adapted, GREY)
    # a copy uses the copy's weights
    snapshot = copy_model(adapted)
    with torch.no_grad():
        model.down.weight.add_(1.0)
    z = torch.ones(2, 3)
    assert not torch.allclose(snapshot.decode(z), adapted.decode(z))


def test_one_function_given_the_other_found():
    model = net()
    adapted = adapt(model, encode=lambda m, x: m.stats(2 * x))
    x = images(model)
    torch.testing.assert_close(adapted.encode(x)[0], model.stats(2 * x)[0])
    with_own = adapt(foreign.PythaeVAE("bce"), decode=lambda m, z: torch.logit(m.decoder(z).reconstruction))
    assert with_own.convention.output == "logits"


def test_functions_that_cannot_follow_a_copy_are_refused():
    model = net()
    with pytest.raises(
        OptionError, match=r"encode takes one argument; expected a function of \(model, x\).*copy"
    ):
        adapt(model, encode=lambda x: (x, x))
    with pytest.raises(OptionError, match=r'decode takes one argument.*or pass its name: decode="decode"'):
        adapt(model, decode=model.decode)
    with pytest.raises(
        OptionError, match=r"encode is 'encoed', but Net has no such method. Did you mean 'encode'\?"
    ):
        adapt(model, encode="encoed")
    with pytest.raises(OptionError, match="decode is of type int"):
        adapt(model, decode=3)


def test_losses_and_latent_dim_can_be_given():
    losses = LossConvention(recon="batch_sum")
    assert adapt(net(), losses=losses).convention.losses is losses
    side_by_side = net(encode=lambda m, x: torch.cat(m.stats(x), 1), latent_dim=None)
    assert adapt(side_by_side, latent_dim=2).latent_dim == 2
    for wrong in (0, -1, 2.0, True):
        with pytest.raises(OptionError, match=r"latent_dim is .*at least 1"):
            adapt(net(), latent_dim=wrong)


def test_adapting_again():
    adapted = adapt(net())
    assert as_vae(adapted) is adapted
    other = as_vae(adapted, image_shape=GREY, output="logits")
    assert other.module is adapted.module
    assert other.convention.output == "logits"


class Native(Net):
    likelihood = "bernoulli"

    def decode_raw(self, z):
        return self.back(z).view(-1, *GREY)


def test_our_own_models_are_left_alone():
    model = Native()
    assert as_vae(model) is model
    assert as_vae(model, image_shape=GREY) is model
    adapted = adapt(model, losses=LossConvention(kl="batch_sum"))
    z = torch.randn(2, 2)
    torch.testing.assert_close(adapted.decode_raw(z), model.decode_raw(z))
    torch.testing.assert_close(adapted.decode(z), torch.sigmoid(model.decode_raw(z)))


def test_compiled_and_parallel_modules_are_unwrapped():
    model = net()
    compiled = torch.compile(model)  # nothing is compiled before it is called
    assert adapt_shape(compiled).module is model
    assert adapt_shape(nn.DataParallel(model)).module is model
    native = Native()
    assert as_vae(torch.compile(native)) is native


def test_looking_at_a_model_with_compiled_parts_compiles_nothing():
    model = build(foreign.ChapterVAE)

    def refuse(*args, **kwargs):
        raise AssertionError("compiled")

    x = images(model)
    expected = model.encode(x)[0]
    model.trunk = torch.compile(model.trunk, backend=refuse)
    check_vae(adapt(model), GREY)
    twin = copy_model(model)
    torch.testing.assert_close(twin.encode(x)[0], expected)
    assert [p.shape for p in twin.parameters()] == [p.shape for p in model.parameters()]


def adapt_shape(model):
    return as_vae(model, image_shape=GREY)


# ------------------------------------------------------------------ what as_vae refuses


def raising(m, x):
    raise KeyError("the moon")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (net(encode=lambda m, x: m.stats(x)[0]), r"Net.encode\(x\) returned one Tensor .*autoencoder"),
        (
            net(
                encode=lambda m, x: torch.cat(m.stats(x), 1),
                decode=lambda m, z: m.pixels(z[:, :2]),
                latent_dim=None,
            ),
            r"one Tensor of shape \(2, 4\).*side by side, pass latent_dim=2.*as_vae\(net, encode=",
        ),
        (net(encode=lambda m, x: None), r"Net.encode\(x\) returned None; expected \(mu, logvar\)"),
        (net(encode=lambda m, x: {"z": x}), r"returned dict with keys \['z'\]"),
        (net(encode=lambda m, x: {"mu": m.stats(x)[0]}), r"no log variance.*autoencoder"),
        (net(encode=lambda m, x: (m.stats(x)[0], 3)), r"returned tuple of 2 \(\(2, 2\), int\)"),
        (net(encode=lambda m, x: (*m.stats(x), -m.stats(x)[0])), r"which of them are mu .* does not show"),
        (
            net(encode=lambda m, x: (foreign.sample(*m.stats(x)), m.stats(x)[1])),
            "whose first item differs from call to call: a sample",
        ),
        (
            net(encode=lambda m, x: (m.stats(x)[0], m.stats(x)[1][:, :1])),
            r"logvar of shape \(2, 1\) beside mu of shape \(2, 2\)",
        ),
        (net(latent_dim=9), r"\(2, 2\), but latent_dim is 9; expected \(2, 9\). Pass latent_dim=2"),
        (net(encode=lambda m, x: (x[:, :, :4],) * 2, latent_dim=None), r"points of shape \(16, 1, 4, 8\)"),
        (net(encode=raising), r"Net.encode\(x\) raised KeyError: .* \(2, 1, 8, 8\); on flat"),
        (net(decode=raising), r"Net.decode\(z\) raised KeyError: 'the moon' \(on latent .*16, 2"),
        (net(decode=lambda m, z: None), r"Net.decode\(z\) returned None; expected x_hat"),
        (net(decode=lambda m, z: z), r"\(16, 2\); expected \(B, 1, 8, 8\) or \(B, 64\)"),
        (nn.Sequential(nn.Linear(64, 2)), "Sequential has no encode and decode by .*submodules are 0"),
        (Net, "of type type; expected a torch.nn.Module. Pass an instance"),
        (foreign.PythaeVAE(variational=False), r"PythaeVAE.encoder\(x\) returned Mod.*autoencoder"),
        (foreign.PythaeVAE(model_name="VAMP"), "is a VAMP, whose prior or posterior"),
        (net(prior=nn.Linear(2, 2)), r"Net.prior has 6 trainable .* prior is learned.*explicitly"),
        (net(prior_mu=nn.Parameter(torch.zeros(2))), "Net.prior_mu has 2 trainable parameters"),
        (foreign.BoltsVAE(kl_coeff=0.0), "kl_coeff is 0.*cannot be recovered.*losses=LossConvention"),
    ],
)  # fmt: skip
def test_refusals(model, message):
    with pytest.raises(ProtocolError, match=message):
        as_vae(model, image_shape=getattr(model, "shape", GREY))


def test_a_refusal_keeps_what_the_model_raised():
    with pytest.raises(ProtocolError) as caught:
        adapt_shape(net(encode=raising))
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_fixed_prior_is_no_learned_one():
    prior = nn.Linear(2, 2).requires_grad_(False)
    assert isinstance(adapt_shape(net(prior=prior)), AdaptedVAE)
    learned = net(prior=nn.Linear(2, 2))
    assert isinstance(as_vae(learned, encode="encode", decode="decode", image_shape=GREY), AdaptedVAE)


def test_stated_losses_get_round_a_weight_of_zero():
    model = foreign.BoltsVAE(kl_coeff=0.0)
    losses = LossConvention(recon="pixel_mean", kl="latent_mean")
    assert adapt(model, losses=losses).convention.losses is losses


def test_image_shape_is_needed_unless_declared():
    with pytest.raises(ProtocolError, match=r"for which images.*image_shape=data\.image_shape"):
        as_vae(net())
    assert as_vae(foreign.PythaeVAE()).image_shape == GREY
    with pytest.raises(OptionError, match=r"image_shape is \(8, 8\)"):
        as_vae(net(), image_shape=(8, 8))


def test_a_model_for_other_images_is_refused_by_both_shapes():
    with pytest.raises(ProtocolError, match=r"\(2, 1, 28, 28\); on flat ones, \(2, 784\).*built for this"):
        as_vae(foreign.ExampleVAE(), image_shape=(1, 28, 28))


# ------------------------------------------------------------------ check_vae


class Stubborn(Net):
    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()

    def __deepcopy__(self, memo):
        raise RuntimeError("this model is one of a kind")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Linear(1, 1), r"Linear has no method encode; expected encode\(x\).*as_vae\("),
        (net(latent_dim=None), "Net has no attribute latent_dim"),
        (net(latent_dim=0), "Net.latent_dim is 0; expected a whole number of at least 1"),
        (net(latent_dim=-3), "Net.latent_dim is -3"),
        (net(latent_dim=2.0), "Net.latent_dim is 2.0"),
        (net(latent_dim=3), r"mu of shape \(2, 2\) .* being 3; expected \(2, 3\). Set latent_dim to 2"),
        (
            net(encode=lambda m, x: m.stats(x)[0]),
            r"Net.encode\(x\) returned one Tensor of shape \(2, 2\); expected \(mu, logvar\). Wrap",
        ),
        (net(encode=lambda m, x: (*m.stats(x), x)), r"returned tuple of 3 .*; expected \(mu, logvar\)"),
        (net(encode=lambda m, x: (m.stats(x)[0].T[:1], 0 * x)), r"returned mu of shape \(1, 2\)"),
        (net(encode=lambda m, x: (x, x)), r"mu of shape \(2, 1, 8, 8\).*expected \(2, 2\). Wrap it"),
        (net(encode=lambda m, x: (m.stats(x)[0], m.body(x.flatten(1)))), r"logvar of shape \(2, 4\); exp"),
        (net(encode=lambda m, x: (m.stats(x)[0] / 0 * 0, m.stats(x)[1])), "mu with 4 of 4 values NaN"),
        (net(encode=lambda m, x: (m.stats(x)[0], m.stats(x)[1] / 0)), "logvar with 4 of 4 values NaN or inf"),
        (net(encode=raising), r"Net.encode\(x\) raised KeyError: 'the moon' \(on images of .*2, 1, 8, 8\)\)"),
        (net(decode=raising), r"Net.decode\(z\) raised KeyError: 'the moon' \(on latent points .*2, 2\)\)"),
        (net(decode=lambda m, z: (z,)), r"Net.decode\(z\) returned tuple of 1 .*; expected x_hat"),
        (net(), r"Net.decode\(z\) returned shape \(2, 64\); expected \(2, 1, 8, 8\)"),
        (
            net(decode=lambda m, z: m.pixels(z).view(-1, *GREY).log().neg().log() / 0),
            r"Net.decode\(z\) returned x_hat with 128 of 128 values NaN",
        ),
        (Stubborn(), r"Stubborn cannot be copied \(RuntimeError: this model is one of a kind\).*Keep load"),
    ],
)  # fmt: skip
def test_check_names_the_method_and_what_it_returned(model, message):
    with pytest.raises(ProtocolError, match=message) as caught:
        check_vae(model, GREY, (0.0, 1.0), "cpu")
    assert re.search(r"[.)?]$", str(caught.value))


def test_check_takes_a_good_model_and_leaves_it_alone():
    model = net(decode=lambda m, z: m.pixels(z).view(-1, *GREY)).train()
    state = torch.get_rng_state()
    check_vae(model, GREY, (0.0, 1.0), torch.device("cpu"))
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training


def test_check_of_an_adapted_model_names_the_users_class():
    adapted = adapt(net())
    with pytest.raises(ProtocolError, match=r"Net.decode\(z\) returned shape .*; expected \(2, 1, 4, 16\)"):
        check_vae(adapted, (1, 4, 16))


def test_models_that_keep_tensors_of_their_last_forward_are_copied():
    model = net()
    model.mu = model.stats(torch.rand(2, *GREY))[0]
    with pytest.raises(RuntimeError):
        copy.deepcopy(model)
    twin = copy_model(model)
    torch.testing.assert_close(twin.mu, model.mu)
    assert twin.body.weight is not model.body.weight
    assert model.mu.grad_fn is not None


# ------------------------------------------------------------------ losses


def test_canonical_of_each_word():
    recon, kl, batch, pixels, dims = 10.0, 2.0, 4, 100, 5

    def of(**words):
        return LossConvention(**words).canonical(recon, kl, batch, pixels, dims)

    assert of() == (10.0, 2.0)
    assert of(recon="batch_sum", kl="batch_sum") == (2.5, 0.5)
    assert of(recon="pixel_mean", kl="latent_mean") == (1000.0, 10.0)
    assert of(kl="pixel_mean") == (10.0, 200.0)
    assert of(recon_factor=0.5, kl_sign=-1) == (20.0, -2.0)
    assert of(kl_weight=4.0) == (10.0, 0.5)
    assert of(recon="pixel_mean", recon_factor=0.5, kl="latent_mean", kl_weight=0.1, kl_sign=-1) == (
        2000.0,
        -100.0,
    )


def test_canonical_of_each_type():
    losses = LossConvention(recon="batch_sum", kl_sign=-1)
    recon, kl = losses.canonical(torch.tensor(8.0), np.float32(-3), 4, 1, 1)
    assert isinstance(recon, torch.Tensor)
    assert (float(recon), float(kl)) == (2.0, 3.0)
    assert losses.canonical(None, None, 4, 1, 1) == (None, None)
    value = torch.tensor(1.0)
    assert LossConvention().canonical(value, value, 4, 9, 9)[0] is value


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"recon": "mean"}, r"recon is 'mean'; expected one of 'sum', 'batch_sum', 'pixel_mean'\."),
        ({"kl": "mean"}, "kl is 'mean'; expected one of"),
        ({"kl_sign": 0}, "kl_sign is 0"),
        ({"kl_weight": 0}, "kl_weight is 0; expected a finite number above 0"),
        ({"recon_factor": float("nan")}, "recon_factor is nan"),
    ],
)
def test_conventions_are_checked(words, message):
    with pytest.raises(OptionError, match=message):
        LossConvention(**words)


def test_a_model_of_pytorch_vae_whose_recon_is_no_squared_error_shows_it_as_logged():
    class LogCoshVAE(foreign.PyTorchVAE):
        pass

    adapted = adapt(LogCoshVAE())
    assert adapted.convention.likelihood == "own"
    assert adapted.convention.losses == LossConvention(recon="pixel_mean", kl_sign=-1)
