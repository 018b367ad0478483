"""Models of which only forward decodes: no decoder by a known name takes z."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from tests.adapters.test_adapters import GREY, build
from vaewidgets.adapters import as_vae, copy_model
from vaewidgets.contract.packing import unpack
from vaewidgets.errors import ProtocolError
from vaewidgets.graphs import decoder_network

D = 3


class Whole(nn.Module):
    """Heads, and a layer between z and the decoder, that forward alone puts together."""

    def __init__(self, spread="logvar"):
        super().__init__()
        self.spread = spread
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU())
        self.one, self.two = nn.Linear(16, D), nn.Linear(16, D)
        self.up = nn.Linear(D, 16)
        self.decoder = nn.Sequential(nn.ReLU(), nn.Linear(16, 64), nn.Sigmoid(), nn.Unflatten(1, GREY))

    def noise(self, mu):
        return torch.randn(mu.shape)

    def forward(self, x):
        h = self.encoder(x)
        mu, spread = self.one(h), self.two(h)
        spread = nn.functional.softplus(spread) + 0.1 if self.spread in ("std", "var") else spread
        std = {"logvar": spread.mul(0.5).exp(), "logstd": spread.exp(), "std": spread, "var": spread**0.5}
        z = mu + std[self.spread] * self.noise(mu)
        return self.decoder(self.up(z)), mu, spread


class InPlace(Whole):
    def noise(self, mu):
        return mu.data.new(mu.size()).normal_()


class ByDistribution(Whole):
    def noise(self, mu):
        return torch.distributions.Normal(torch.zeros_like(mu), torch.ones_like(mu)).rsample()


class Conditioned(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(D, 64), nn.Sigmoid(), nn.Unflatten(1, GREY))

    def forward(self, z, c):
        return self.body(z)


class SecondArgument(Whole):
    """Its decoder takes a condition that forward gives as None."""

    def __init__(self):
        super().__init__()
        self.decoder = Conditioned()

    def forward(self, x):
        h = self.encoder(x)
        mu, logvar = self.one(h), self.two(h)
        return self.decoder(mu + (logvar / 2).exp() * torch.randn_like(mu), None), mu, logvar


class Nested(Whole):
    def forward(self, x):
        x_hat, mu, logvar = super().forward(x)
        return (mu, logvar), x_hat


def true_image(model, z):
    if isinstance(model, SecondArgument):
        return model.decoder(z, None)
    return model.decoder(model.up(z))


@pytest.mark.parametrize("kind", [Whole, InPlace, ByDistribution, SecondArgument, Nested])
def test_the_image_of_a_point_is_that_of_the_model_s_own_layers(kind):
    model = build(kind).eval()
    adapted = as_vae(model, image_shape=GREY)
    assert adapted.latent_dim == D
    z = torch.randn(5, D)
    torch.testing.assert_close(adapted.decode(z), true_image(model, z), atol=1e-5, rtol=1e-4)
    mu, logvar = adapted.encode(torch.rand(2, *GREY))
    assert mu.shape == logvar.shape == (2, D)
    torch.testing.assert_close(adapted.decode(z), true_image(model, z), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("spread", ["logvar", "logstd", "std", "var"])
def test_what_it_draws_with_shows_by_the_image_alone(spread):
    model = build(lambda: Whole(spread)).eval()
    adapted = as_vae(model, image_shape=GREY)
    assert adapted.convention.spread == spread
    assert "Whole(x) draws with it as such" in adapted.convention.describe()


def test_global_random_numbers_stay_and_a_copy_stands_still():
    model = build(Whole).eval()
    adapted = as_vae(model, image_shape=GREY)
    snapshot, z = copy_model(adapted), torch.randn(2, D)
    before = adapted.decode(z)
    state = torch.get_rng_state()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.3)
    torch.testing.assert_close(snapshot.decode(z), before)
    torch.testing.assert_close(adapted.decode(z), true_image(model, z), atol=1e-5, rtol=1e-4)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_page_decodes_it_also_with_newer_weights():
    model = build(Whole).eval()
    adapted = as_vae(model, image_shape=GREY)
    network, z = decoder_network(adapted, D), torch.randn(1, D)
    for shift in (0.0, 0.3):
        with torch.no_grad():
            for p in model.parameters():
                p.add_(shift)
        weights = unpack(network.refresh(adapted)["weights"]).astype("float32")
        image = torch.from_numpy(replace(network, weights=weights).run(z.numpy(), half=False)[0]).float()
        torch.testing.assert_close(image, true_image(model, z).flatten(1), atol=5e-3, rtol=0)


class Deaf(Whole):
    """Hands out mu in place of a draw when it is evaluated."""

    def noise(self, mu):
        return torch.zeros_like(mu)


def test_without_a_draw_there_is_nothing_to_replace():
    with pytest.raises(ProtocolError, match=r"Deaf.decoder\(z\) .*decode=lambda model, z"):
        as_vae(build(Deaf), image_shape=GREY)
