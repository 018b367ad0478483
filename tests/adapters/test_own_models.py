"""Models as people write them: heads that nobody calls, one tensor, spatial latents, lazy layers."""

import pytest
import torch
from torch import nn

from tests.adapters.test_rules import SHAPE, Gaussian, Net, Output, X, built
from vaewidgets.adapters import as_vae, check_vae, copy_model
from vaewidgets.errors import ProtocolError


class Split(nn.Module):
    """An encoder of width 2 * latent_dim that ends in a ReLU, then two heads."""

    image_shape, latent_dim = SHAPE, 3

    def __init__(self, mu="hidden2mu", spread="hidden2log_var"):
        super().__init__()
        self.names = mu, spread
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 6), nn.ReLU())
        for name in self.names:
            self.add_module(name, nn.Linear(6, 3))
        self.decoder = nn.Sequential(nn.Linear(3, 64), nn.Sigmoid(), nn.Unflatten(1, SHAPE))

    def own(self, x):
        h = self.encoder(x)
        return tuple(getattr(self, name)(h) for name in self.names)


class SplitByMethod(Split):
    def encode(self, x):
        return self.encoder(x)

    def decode(self, z):
        return self.decoder(z)


@pytest.mark.parametrize("make", [Split, SplitByMethod])
@pytest.mark.parametrize(
    "names",
    [("hidden2mu", "hidden2log_var"), ("fc_mu", "fc_var"), ("z_mean", "z_log_sigma"), ("means", "log_vars")],
)
def test_heads_are_found_by_their_names(make, names):
    model = built(make, *names)
    mu, spread = as_vae(model).encode(X)
    torch.testing.assert_close(mu, model.own(X)[0])
    torch.testing.assert_close(spread, model.own(X)[1])


@pytest.mark.parametrize("make", [Split, SplitByMethod])
def test_heads_of_other_names_are_asked_for(make):
    model = built(make, "one", "two")
    with pytest.raises(
        ProtocolError, match=r"but one and two, which take 6 features, are never called"
    ) as caught:
        as_vae(model)
    line = str(caught.value)
    assert "model.one(model.enc" in line
    name = "encode" if make is SplitByMethod else "encoder"
    assert f'encode="{name}", latent_dim=3' in line
    halves = as_vae(model, encode=name, latent_dim=3, spread="logvar")
    torch.testing.assert_close(torch.cat(halves.encode(X), 1), model.encoder(X))
    assert "never called by either: one, two" in halves.convention.describe()
    own = as_vae(model, encode=lambda m, x: (m.one(m.encoder(x)), m.two(m.encoder(x))))
    torch.testing.assert_close(own.encode(X)[0], model.own(X)[0])


def test_layers_for_other_things_are_only_said():
    class Classifying(Net):
        def __init__(self):
            super().__init__()
            self.classifier = nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 10))

    text = as_vae(built(Classifying)).convention.describe()
    assert "never called by either: classifier" in text
    assert "never called" not in as_vae(built(Net)).convention.describe()


# ------------------------------------------------------------------ one tensor


def test_a_sample_is_told_from_a_code():
    class Sample(Net):
        def encode(self, x):
            return self.draw(*self.own(x))

    class Code(Net):
        def encode(self, x):
            return self.own(x)[0]

    with pytest.raises(ProtocolError, match=r"differs from call to call: a sample.*encode=lambda model, x"):
        as_vae(built(Sample))
    with pytest.raises(ProtocolError, match=r"one code of 3 numbers an image.*a plain autoencoder"):
        as_vae(built(Code))


def test_the_decoder_tells_how_wide_one_tensor_is():
    class Joined(Net):
        def encode(self, x):
            return torch.cat(self.own(x), 1)

    model = built(Joined)
    del model.latent_dim
    vae = as_vae(model)
    assert vae.latent_dim == 3
    torch.testing.assert_close(vae.encode(X)[1], model.own(X)[1])


# ------------------------------------------------------------------ spatial latents


class Spatial(nn.Module):
    """As AutoencoderKL of diffusers."""

    image_shape = SHAPE

    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Conv2d(1, 4, 3, 2, 1), nn.ConvTranspose2d(2, 1, 2, 2)

    def own(self, x):
        return self.down(x).chunk(2, 1)

    def encode(self, x):
        posterior = Gaussian()
        posterior.mean, posterior.logvar = self.own(x)
        return Output(latent_dist=posterior)

    def decode(self, z):
        return Output(sample=torch.sigmoid(self.up(z)))


class SpatialHalves(Spatial):
    def encode(self, x):
        return self.down(x)


@pytest.mark.parametrize("make", [Spatial, SpatialHalves])
def test_spatial_latents_are_flattened_with_their_place(make):
    model = built(make)
    vae = as_vae(model)
    check_vae(vae, SHAPE)
    mu, logvar = vae.encode(X)
    own = model.own(X)
    assert vae.latent_dim == 32
    torch.testing.assert_close(mu, own[0].flatten(1))
    torch.testing.assert_close(logvar, own[1].flatten(1))
    torch.testing.assert_close(vae.decode(mu), torch.sigmoid(model.up(own[0])))
    place = "latents are 2 × 4 × 4, shown flattened: z32 is channel 1, row 3, column 3, counted from 0"
    assert place in vae.convention.describe()


# ------------------------------------------------------------------ lazy, scripted, normalised layers


def test_a_layer_without_weights_is_refused_with_a_line():
    model = built(Net)
    model.body[1] = nn.LazyLinear(16)
    with pytest.raises(
        ProtocolError, match=r"body\.1 is a lazy layer that has seen no data.*Run the model once"
    ):
        as_vae(model)
    model.encode(X)
    assert as_vae(model).latent_dim == 3


def scripted(model):
    model.body = torch.jit.script(model.body)


def traced(model):
    model.back = torch.jit.trace(model.back, torch.zeros(2, 3))


def weight_normed(model):
    model.a = nn.utils.parametrizations.weight_norm(model.a)


def weight_normed_before(model):
    model.b = nn.utils.weight_norm(model.b)


def spectral_normed(model):
    model.a = nn.utils.parametrizations.spectral_norm(model.a)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("change", [scripted, traced, weight_normed, weight_normed_before, spectral_normed])
def test_layers_of_every_make_are_read_and_copied(change):
    model = built(Net)
    change(model)
    vae = as_vae(model)
    check_vae(vae, SHAPE)
    twin = copy_model(vae).eval()
    torch.testing.assert_close(twin.encode(X)[0], model.eval().own(X)[0])
    before = [tensor.detach().clone() for tensor in twin.encode(X)]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1)
    torch.testing.assert_close([*twin.encode(X)], before)
