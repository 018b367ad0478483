"""Small models that the page trains in the tests: our own, and ones as others write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

import vaewidgets as vw
from vaewidgets.objectives import Objective

SHAPE = (1, 8, 8)
CLASSES = 3


def mlp(**options: Any) -> nn.Module:
    return vw.MLPVAE(SHAPE, latent_dim=3, hidden=(12,), **options)


class Linear(nn.Module):
    """As a chapter on VAEs writes it."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_in, n_out) / n_in**0.5)
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight + self.bias


class Sigmoid(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        small = torch.exp(-torch.abs(x))
        return torch.where(x >= 0, 1 / (1 + small), small / (1 + small))


class HandWritten(nn.Module):
    """Layers of its own, and a loss on what `decode` returns."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), Linear(64, 12), nn.ReLU(), Linear(12, 6))
        self.decoder = nn.Sequential(Linear(3, 12), nn.ReLU(), Linear(12, 64), Sigmoid())

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu, logvar = self.encoder(x).chunk(2, 1)
        return mu, logvar

    def decode(self, z: Tensor) -> Tensor:
        image: Tensor = self.decoder(z).view(-1, *SHAPE)
        return image


class Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.LeakyReLU(0.1),
            nn.Conv2d(channels, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.body(x)
        return out


class Residual(nn.Module):
    """Residual blocks with BatchNorm, pooling, dropout and upsampling."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), Block(4), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.1)
        )
        self.to_mu, self.to_logvar = nn.Linear(64, 3), nn.Linear(64, 3)
        self.decoder = nn.Sequential(
            nn.Linear(3, 64), nn.Unflatten(1, (4, 4, 4)), nn.Upsample(scale_factor=2), Block(4),
            nn.GroupNorm(2, 4), nn.SiLU(), nn.Conv2d(4, 1, 3, padding=1), nn.Sigmoid(),
        )  # fmt: skip

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.encoder(x)
        return self.to_mu(h), self.to_logvar(h)

    def decode(self, z: Tensor) -> Tensor:
        image: Tensor = self.decoder(z)
        return image


def vq(codebook: str) -> nn.Module:
    return vw.VQVAE(SHAPE, n_codes=6, code_dim=3, channels=(4,), codebook=codebook)


Case = tuple[Callable[[], nn.Module], dict[str, Any]]  # a model, and options of `train`


def _objective(objective: str | Objective) -> dict[str, Any]:
    return {"objective": objective}


OBJECTIVES: dict[str, Case] = {
    "elbo": (mlp, {"beta": vw.LinearWarmup(0, 2, steps=100)}),
    "free bits": (mlp, _objective(vw.FreeBits(0.3))),
    "capacity": (mlp, {**_objective(vw.Capacity(4.0, 150)), "beta": 10.0}),
    "info vae": (mlp, _objective("info_vae")),
    "beta tc": (mlp, {**_objective("beta_tc"), "beta": 3.0}),
    "reconstruction": (mlp, _objective("reconstruction")),
}
MODELS: dict[str, Case] = {
    # Of 35 seeds the one whose values stay farthest from the kink of a ReLU, 1e-6. One that lies nearer than
    # what two machines round differently (1e-7) is on either side of it, and the weights part by 1e-3.
    "convolutional": (
        lambda: vw.ConvVAE(SHAPE, latent_dim=4, channels=(3, 4, 6), output="sigmoid"),
        {"seed": 7},
    ),
    "conditional": (lambda: vw.ConditionalVAE(SHAPE, latent_dim=2, n_classes=CLASSES, hidden=(12,)), {}),
    "codebook by averages": (lambda: vq("ema"), {}),
    "codebook by gradients": (lambda: vq("gradient"), {}),
    "written by hand": (HandWritten, {"lr": 3e-3}),
    "residual": (Residual, {}),
}
OTHERS: dict[str, Case] = {  # likelihoods, optimisers, the rest of our models
    "continuous bernoulli": (lambda: mlp(likelihood="continuous_bernoulli"), {"optimizer": "adamw"}),
    "squared error": (lambda: mlp(likelihood="squared_error"), {"optimizer": "sgd", "lr": 1e-3}),
    "gaussian": (lambda: mlp(likelihood="gaussian"), {"optimizer": "adagrad", "lr": 1e-2}),
    "gaussian of each pixel": (lambda: mlp(likelihood="gaussian", sigma2="pixel"), {}),
    "poisson": (lambda: mlp(likelihood="poisson"), {"beta": vw.Cyclical(0, 1, period=60)}),
    "negative binomial": (lambda: mlp(likelihood="negative_binomial"), {}),
    "categorical": (lambda: mlp(likelihood="categorical"), {}),
    "autoencoder": (lambda: vw.Autoencoder(SHAPE, latent_dim=3, hidden=(12,)), {"drop_last": True}),
    "linear": (lambda: vw.LinearVAE(SHAPE, latent_dim=3), {}),
    "autoregressive": (
        lambda: vw.AutoregressiveVAE(SHAPE, latent_dim=2, hidden=(12,), channels=3, layers=1, kernel=3),
        {},
    ),
}
CASES = {**OBJECTIVES, **MODELS, **OTHERS}
