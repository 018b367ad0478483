import pytest
import torch

from vaewidgets.adapters import VAE
from vaewidgets.errors import OptionError, ShapeError
from vaewidgets.models import MLPVAE, build


def count(model):
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(("latent_dim", "parameters"), [(2, 1_068_820), (20, 1_082_680)])
def test_published_parameter_counts(latent_dim, parameters):
    assert count(MLPVAE((1, 28, 28), latent_dim)) == parameters


@pytest.mark.parametrize("image_shape", [(1, 28, 28), (3, 5, 7), (1, 1, 1)])
@pytest.mark.parametrize("hidden", [(), (8,), (16, 8, 4)])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_shapes_and_ranges(image_shape, hidden, activation):
    model = MLPVAE(image_shape, 3, hidden=hidden, activation=activation)
    assert isinstance(model, VAE)
    x = torch.rand(4, *image_shape)
    mu, logvar = model.encode(x)
    assert mu.shape == logvar.shape == (4, 3)
    x_hat = model.decode(mu)
    assert x_hat.shape == x.shape
    assert 0 <= x_hat.min() <= x_hat.max() <= 1
    torch.testing.assert_close(torch.sigmoid(model.decode_raw(mu)), x_hat)
    again, mu2, _ = model(x)
    assert again.shape == x.shape
    torch.testing.assert_close(mu2, mu)


@pytest.mark.parametrize(
    ("output", "low", "high"), [("identity", -1e9, 1e9), ("sigmoid", 0, 1), ("tanh", -1, 1)]
)
def test_squared_error_outputs(output, low, high):
    model = MLPVAE((1, 4, 4), 2, hidden=(8,), likelihood="squared_error", output=output)
    z = torch.randn(50, 2) * 100
    assert low <= model.decode(z).min() <= model.decode(z).max() <= high
    torch.testing.assert_close(model.decode(z), model.decode_raw(z))


def test_config_rebuilds_the_model():
    model = MLPVAE((3, 4, 4), 5, hidden=[7], activation="tanh", likelihood="squared_error", output="tanh")
    other = build(model.config())
    assert other.config() == model.config()
    other.load_state_dict(model.state_dict())
    z = torch.randn(2, 5)
    torch.testing.assert_close(other.decode(z), model.decode(z))


def test_a_seed_repeats_the_weights():
    torch.manual_seed(3)
    first = MLPVAE((1, 4, 4))
    torch.manual_seed(3)
    for a, b in zip(first.parameters(), MLPVAE((1, 4, 4)).parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"latent_dim": 0}, "latent_dim is 0; expected a whole number of at least 1"),
        ({"latent_dim": 2.5}, "latent_dim is 2.5"),
        ({"latent_dim": True}, "latent_dim is True"),
        ({"hidden": (512, 0)}, r"hidden\[1\] is 0"),
        ({"hidden": 512}, r"hidden is 512; expected whole numbers of at least 1, the widths of the layers"),
        ({"activation": "rellu"}, "activation is 'rellu'.*Did you mean 'relu'"),
        (
            {"likelihood": "gauss"},
            "likelihood is 'gauss'; expected one of 'bernoulli', 'continuous_bernoulli'",
        ),
        ({"output": "tanh"}, "output is 'tanh'; expected one of 'sigmoid'"),
        (
            {"image_shape": (28, 28)},
            r"image_shape is \(28, 28\); expected 3 whole numbers .*\(channels, height, width\)",
        ),
        ({"image_shape": 784}, "image_shape is 784"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        MLPVAE(**{"image_shape": (1, 4, 4), **options})


def test_images_of_another_shape_are_refused():
    with pytest.raises(ShapeError, match=r"got images of shape \(2, 1, 5, 5\); expected \(batch, 1, 4, 4\)"):
        MLPVAE((1, 4, 4)).encode(torch.zeros(2, 1, 5, 5))


def test_only_built_in_models_are_built():
    with pytest.raises(OptionError, match=r"'os\.system' is no built-in model; known: MLPVAE"):
        build({"class": "os.system"})
