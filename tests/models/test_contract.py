"""What every built-in model keeps to, whatever it is."""

import copy
import json

import pytest
import torch

import vaewidgets as vw
from vaewidgets.adapters import VAE, as_vae, check_vae
from vaewidgets.errors import OptionError, PortableError, ShapeError
from vaewidgets.graphs import decoder_network
from vaewidgets.models import MODELS, build
from vaewidgets.models.pixels import OUTPUTS

# one small instance each, with options that differ from the defaults, and why the page cannot decode it
EXAMPLES = {
    "MLPVAE": (dict(latent_dim=3, hidden=[16, 8], activation="tanh"), None),
    "Autoencoder": (dict(latent_dim=3, hidden=[16], likelihood="squared_error", output="sigmoid"), None),
    "AutoregressiveVAE": (
        dict(latent_dim=3, hidden=[8], channels=6, layers=2, kernel=3),
        "each pixel from those before it",
    ),
    "ConditionalVAE": (dict(latent_dim=3, n_classes=4, hidden=[16, 8], label_dropout=0.2), None),
    "ConvVAE": (dict(latent_dim=5, channels=[4, 6, 8], output="identity"), None),
    "LinearVAE": (dict(latent_dim=3, sigma2=0.1), None),
    "LinearAutoencoder": (dict(latent_dim=3, tied=True), None),
    "MultiRateVAE": (dict(latent_dim=3, hidden=[16, 8], betas=[0.5, 4.0]), None),
    "VQVAE": (dict(n_codes=6, code_dim=4, channels=[4, 5], codebook="gradient"), None),
}
SHAPES = [(1, 8, 8), (3, 9, 6)]
LIKELIHOODS = [
    ("bernoulli", {}),
    ("continuous_bernoulli", {}),
    ("squared_error", {"output": "tanh"}),
    ("gaussian", {"sigma2": 0.05, "output": "identity"}),
    ("gaussian", {"sigma2": "shared", "output": "sigmoid"}),
    ("gaussian", {"sigma2": "pixel", "output": "tanh"}),
    ("poisson", {}),
    ("poisson", {"output": "softplus"}),
    ("negative_binomial", {"total_count": 2.0}),
    ("negative_binomial", {"total_count": "dimension", "output": "softplus"}),
    ("categorical", {}),
]
each_model = pytest.mark.parametrize("name", MODELS)
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def make(name, shape=(1, 8, 8), **options):
    torch.manual_seed(0)
    return build({"class": name, "image_shape": shape, **EXAMPLES[name][0], **options})


def images(shape=(1, 8, 8), n=4):
    return torch.rand(n, *shape, generator=torch.Generator().manual_seed(1))


def raw_of(model, z, x):
    if model.takes_labels:
        return model.decode_raw(z, torch.arange(len(z)) % model.n_classes)
    if model.takes_beta:
        return model.decode_raw(z, 3.0)
    return model.decode_raw(z, x) if model.sees_pixels else model.decode_raw(z)


def encode(model, x):
    if model.takes_beta:
        return model.encode(x, 3.0)
    return model.encode(x, torch.arange(len(x)) % model.n_classes) if model.takes_labels else model.encode(x)


def test_every_model_has_an_example():
    assert set(EXAMPLES) == set(MODELS)


@each_model
def test_traits_are_declared(name):
    model = make(name)
    assert model.takes_labels in (True, False)
    assert model.sees_pixels in (True, False)
    assert model.default_objective in ("elbo", "reconstruction", "vq")
    assert model.likelihood in OUTPUTS
    assert isinstance(model.likelihood_options, dict)
    assert isinstance(model, VAE)
    assert as_vae(model) is model


@each_model
def test_config_goes_through_json_and_builds_the_same_model(name):
    model = make(name).eval()
    config = json.loads(json.dumps(model.config()))
    assert {key: config[key] for key in EXAMPLES[name][0]} == EXAMPLES[name][0]
    other = build(config).eval()
    assert other.config() == model.config()
    other.load_state_dict(model.state_dict())
    z = model.encode(images())[0]
    assert torch.equal(other.decode(z), model.decode(z))


@each_model
@each_shape
def test_shapes(name, shape):
    model = make(name, shape).eval()
    x = images(shape)
    mu, logvar = model.encode(x)
    assert mu.shape == (4, model.latent_dim)
    assert (logvar is None) == (model.default_objective != "elbo")
    assert logvar is None or logvar.shape == mu.shape
    assert model.decode(mu).shape == x.shape
    assert raw_of(model, mu, x).shape == x.shape


@each_model
def test_same_input_same_output_in_eval(name):
    model = make(name).eval()
    x = images()
    (mu, logvar), (mu2, logvar2) = model.encode(x), model.encode(x)
    assert torch.equal(mu, mu2)
    assert logvar is None or torch.equal(logvar, logvar2)
    first = model.decode(mu)
    torch.rand(3)  # torch's global generator plays no part
    assert torch.equal(model.decode(mu), first)
    torch.testing.assert_close(model.decode(mu[2:3]), first[2:3])  # nor do the other rows


@each_model
def test_deep_copy_is_independent(name):
    model = make(name).eval()
    other = copy.deepcopy(model)
    z = model.encode(images())[0].detach()
    before = other.decode(z).clone()
    assert torch.equal(model.decode(z), before)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(0.3)
    assert torch.equal(other.decode(z), before)


@each_model
def test_a_seed_repeats_the_weights(name):
    for a, b in zip(make(name).state_dict().values(), make(name).state_dict().values(), strict=True):
        assert torch.equal(a, b)


@each_model
def test_gradient_reaches_every_parameter(name):
    model = make(name).train()
    x = images(n=16)
    if model.default_objective == "vq":
        z, codebook, commitment = model.quantise(x)
        loss = (model.decode_raw(z) - x).square().sum() + codebook + commitment
    else:
        mu, logvar = encode(model, x)
        z = mu if logvar is None else mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        loss = (raw_of(model, z, x) - x).square().sum()
        loss = loss if logvar is None else loss + (mu.square() + logvar.exp() - logvar).sum()
    loss.backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.abs().sum() > 0, key


@each_model
def test_the_page_decodes_it_or_says_why_not(name):
    model, reason = make(name).eval(), EXAMPLES[name][1]
    try:
        network = decoder_network(model, model.latent_dim)
    except PortableError as error:
        if reason is None or reason not in str(error):
            raise
        return
    z = torch.randn(3, model.latent_dim)
    (got,) = network.run(z.double().numpy())
    torch.testing.assert_close(
        torch.as_tensor(got).float(), model.decode(z).detach().flatten(1), atol=1e-4, rtol=1e-4
    )


@each_model
def test_images_of_another_shape_are_refused(name):
    with pytest.raises(ShapeError, match=rf"{name}.encode got images of shape \(2, 1, 5, 5\)"):
        make(name).encode(torch.zeros(2, 1, 5, 5))


@each_model
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"image_shape": (8, 8)},
            r"image_shape is \(8, 8\); expected 3 whole numbers .*\(channels, height, width\)",
        ),
        ({"latent_dim": 0}, "latent_dim is 0; expected a whole number of at least 1"),
        ({"latent_dim": 2.5}, "latent_dim is 2.5"),
    ],
)
def test_bad_options_are_refused(name, options, message):
    if "latent_dim" in options and "latent_dim" not in EXAMPLES[name][0]:
        pytest.skip("its latent_dim follows from other options")
    config = {"image_shape": (1, 8, 8), **EXAMPLES[name][0], **options}
    with pytest.raises(OptionError, match=message):
        MODELS[name](**config)


@each_model
@each_shape
def test_the_protocol_check_accepts_it(name, shape):
    model = make(name, shape)
    check_vae(model, shape)


@pytest.mark.parametrize("name", ["Autoencoder", "ConditionalVAE", "ConvVAE", "VQVAE"])
@pytest.mark.parametrize(("likelihood", "options"), LIKELIHOODS, ids=str)
def test_what_each_likelihood_reads(name, likelihood, options):
    given = {"output": None, **options, "likelihood": likelihood}
    model = make(name, (3, 8, 8), **given).eval()
    x = images((3, 8, 8))
    z = model.encode(x)[0].detach()
    raw, x_hat = model.decode_raw(z), model.decode(z)
    assert x_hat.shape == x.shape
    if "bernoulli" in likelihood:
        torch.testing.assert_close(torch.sigmoid(raw), x_hat)
    elif options.get("sigma2") in ("shared", "pixel"):
        mean, log_sigma2 = raw.chunk(2, dim=1)
        torch.testing.assert_close(mean, x_hat)
        assert (log_sigma2.std() == 0) == (options["sigma2"] == "shared")
        assert model.likelihood_options == {"sigma2": options["sigma2"]}
    elif likelihood in ("poisson", "negative_binomial"):
        mean, *log_count = raw.chunk(2, dim=1) if options.get("total_count") == "dimension" else (raw,)
        torch.testing.assert_close(mean.exp(), x_hat)
        assert not log_count or log_count[0].shape == x.shape
    elif likelihood == "categorical":
        torch.testing.assert_close(torch.softmax(raw, 1), x_hat)
    else:
        torch.testing.assert_close(raw, x_hat)
    bounds = {"sigmoid": (0, 1), "tanh": (-1, 1)}.get(model.output)
    if bounds:
        assert bounds[0] <= x_hat.min() <= x_hat.max() <= bounds[1]
    model.train()
    model.decode_raw(z).sum().backward()
    if options.get("sigma2") == "shared":
        assert model.log_sigma2.grad == raw[:, :3].numel()


def test_sigma2_without_a_gaussian_is_refused():
    with pytest.raises(OptionError, match=r"sigma2 is 0.1, but likelihood='bernoulli' has no variance"):
        MODELS["Autoencoder"]((1, 8, 8), sigma2=0.1)
    with pytest.raises(OptionError, match=r"sigma2 is 'shard'.*Did you mean 'shared'"):
        MODELS["Autoencoder"]((1, 8, 8), likelihood="gaussian", sigma2="shard")
    with pytest.raises(OptionError, match=r"sigma2 is 0; expected a finite number above 0 \(a variance"):
        MODELS["Autoencoder"]((1, 8, 8), likelihood="gaussian", sigma2=0)


@pytest.mark.parametrize("kind", [vw.MLPVAE, vw.ConvVAE, vw.Autoencoder, vw.ConditionalVAE, vw.VQVAE])
def test_a_likelihood_can_be_given_as_an_object(kind):
    options = {"n_classes": 3} if kind is vw.ConditionalVAE else {}
    for given, name, sigma2 in (
        (vw.Gaussian(0.05), "gaussian", 0.05),
        (vw.Gaussian(), "gaussian", "shared"),
        (vw.Gaussian("pixel"), "gaussian", "pixel"),
        (vw.SquaredError(), "squared_error", None),
        (vw.Bernoulli(), "bernoulli", None),
    ):
        model = kind((1, 16, 16), likelihood=given, **options)
        assert (model.likelihood, model.sigma2) == (name, sigma2)
        again = build(model.config())
        assert (again.likelihood, again.sigma2) == (name, sigma2)


def test_what_an_object_says_twice_or_a_model_cannot_take_is_refused():
    assert vw.MLPVAE((1, 4, 4), likelihood=vw.Gaussian(0.1), sigma2=0.1).sigma2 == 0.1
    with pytest.raises(OptionError, match="say it in one of them"):
        vw.MLPVAE((1, 4, 4), likelihood=vw.Gaussian(0.1), sigma2="pixel")
    with pytest.raises(OptionError, match=r"sigma2_floor is 0\.01"):
        vw.MLPVAE((1, 4, 4), likelihood=vw.Gaussian("pixel", 0.01))
    with pytest.raises(OptionError, match="expected one of 'bernoulli', 'continuous_bernoulli'"):
        vw.AutoregressiveVAE((1, 4, 4), likelihood=vw.Gaussian())
    with pytest.raises(OptionError, match="likelihood is 3"):
        vw.MLPVAE((1, 4, 4), likelihood=3)


def test_it_trains_with_that_likelihood():
    data = vw.ImageDataset(torch.rand(64, 1, 4, 4))
    run = vw.train(
        vw.MLPVAE((1, 4, 4), likelihood=vw.Gaussian(0.05)), data, epochs=1, batch_size=32, autosave=False
    )
    run.wait(progress=False)
    assert run.likelihood == vw.Gaussian(0.05)
