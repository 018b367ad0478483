"""Models to trace: the usual one and deliberately odd ones, which must all be taken."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaewidgets.models import MLPVAE

Z = 3
IMAGE = (1, 4, 6)
N = math.prod(IMAGE)


class Plain(nn.Module):
    """The usual MLP: a Sequential with Flatten and Unflatten."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(N, 16), nn.ReLU(inplace=True))
        self.mu, self.logvar = nn.Linear(16, Z), nn.Linear(16, Z)
        self.decoder = nn.Sequential(
            nn.Linear(Z, 16), nn.ReLU(inplace=True), nn.Linear(16, N), nn.Sigmoid(), nn.Unflatten(1, IMAGE)
        )

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.body(x)
        return self.mu(h), self.logvar(h)

    def decode(self, z: Tensor) -> Tensor:
        return self.decoder(z)


class Views(Plain):
    """Functional calls, views, a permutation of axes of length 1, constants of many kinds."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.linspace(0.1, 0.9, N).view(IMAGE))
        self.gain = nn.Parameter(torch.tensor(1.7))
        self.plain_attribute = torch.full((Z,), 0.25)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = (x - self.mean).permute(1, 0, 2, 3).reshape(x.shape[0], -1) / 0.5
        h = torch.relu(F.linear(h, self.body[1].weight, self.body[1].bias))
        return self.mu(h) * self.gain, 2 - F.softplus(self.logvar(h)[..., :])

    def decode(self, z: Tensor) -> Tensor:
        z = (z + self.plain_attribute).unsqueeze(-1).squeeze(-1)
        h = torch.tanh(torch.addmm(self.decoder[0].bias, z, self.decoder[0].weight.t()))
        return (h @ self.decoder[2].weight.T + self.decoder[2].bias).exp().view(-1, *IMAGE)


class ChunkHead(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(16, 2 * Z)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu, logvar = self.head(self.body(x)).chunk(2, dim=-1)
        return mu, logvar.clamp(-0.1, 0.2)

    def decode(self, z: Tensor) -> Tensor:
        first, rest = torch.split(self.decoder[0](z), [4, 12], dim=1)
        low = F.linear(first, self.decoder[2].weight[:, :4], self.decoder[2].bias)
        return torch.sigmoid(F.linear(rest, self.decoder[2].weight[:, 4:]) + low).reshape(-1, *IMAGE)


class Residual(nn.Module):
    """BatchNorm (one that folds, one that cannot), a skip connection, LeakyReLU, Dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.norm = nn.Linear(Z, 8), nn.BatchNorm1d(8)
        self.skip, self.back, self.second = nn.Linear(Z, 8, bias=False), nn.Linear(8, 8), nn.BatchNorm1d(8)
        self.act, self.drop, self.out = nn.LeakyReLU(0.2), nn.Dropout(0.5), nn.Linear(8, N)
        for norm in (self.norm, self.second):
            norm.running_mean.uniform_(-1, 1)
            norm.running_var.uniform_(0.5, 2)
            nn.init.uniform_(norm.weight, 0.5, 2)
            nn.init.uniform_(norm.bias, -1, 1)

    def decode(self, z: Tensor) -> Tensor:
        h = self.norm(self.inner(z)) + self.skip(z)
        h = self.drop(self.second(self.act(h)))
        h = h + self.back(h) * 0.5
        h = h * torch.sigmoid(h)
        return self.out(h).unflatten(-1, IMAGE)


class Tied(nn.Module):
    """The decoder uses the encoder's matrix, made positive, and a learned parametrisation."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(Z, N) * 0.2)
        self.normed = nn.utils.parametrizations.weight_norm(nn.Linear(Z, Z))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = x.flatten(1)
        return F.linear(h, self.w), F.linear(h, self.w) * 0

    def decode(self, z: Tensor) -> Tensor:
        return F.linear(self.normed(z), F.softplus(self.w).t()).view(-1, *IMAGE)


class ImageNorm(nn.Module):
    """BatchNorm2d on channels, after an Unflatten: folds into the linear, one scale for 6 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.decoder = nn.Sequential(
            nn.Linear(Z, N), nn.Unflatten(1, (4, 2, 3)), nn.BatchNorm2d(4), nn.SiLU()
        )

    def decode(self, z: Tensor) -> Tensor:
        return self.decoder(z).reshape(-1, *IMAGE)


class Activations(nn.Module):
    """Every activation that the page knows, and those that are put together from them."""

    ALL = (
        nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.Softplus, nn.Hardtanh,
        nn.ReLU6, nn.SELU, nn.Mish, nn.Hardswish, nn.Hardsigmoid, nn.LogSigmoid, nn.Identity,
        lambda: nn.GELU(approximate="tanh"), lambda: nn.Softplus(beta=3.0), lambda: nn.LeakyReLU(0.3),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(Z, Z) for _ in self.ALL)
        self.acts = nn.ModuleList(make() for make in self.ALL)

    def decode(self, z: Tensor) -> tuple[Tensor, ...]:
        return tuple(act(layer(z) * 3) for act, layer in zip(self.acts, self.layers, strict=True))


class Arithmetic(nn.Module):
    """Scalars on both sides, powers, limits on one side, in-place sums, negation."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(Z, 5), nn.Linear(Z, 5)
        self.unused = nn.Conv2d(1, 1, 1)

    def decode(self, z: Tensor) -> Tensor:
        self.unused(torch.zeros(1, 1, 2, 2))  # not needed for the output, so no matter
        z.sum().add(1)
        p, q = self.a(z), self.b(z)
        p += 1.5
        p.mul_(2).sub_(q).clamp_(min=-0.5)
        return (1 - p) * q + (-q) ** 2 - q.clamp(max=0.1) + torch.add(p, q, alpha=0.3) - 2 * (q - p) / 4


class Moves(Plain):
    """Values that change places or are repeated, by strides."""

    def decode(self, z: Tensor) -> Tensor:
        h = self.decoder[2](self.decoder[0](z)).view(-1, 4, 6)
        wide = h[:, ::2].repeat(1, 2, 1) + h.flip(2) * z[:, :1, None]
        h = wide.transpose(1, 2).reshape(-1, 4, 6) + h[..., 1:2].expand(-1, 4, 6)
        return F.pixel_shuffle(h.reshape(-1, 6, 2, 2)[:, :4], 2) + z[:, None, 1:2, None]


class Likelihoods(nn.Module):
    """What our heads make of counts and classes."""

    def __init__(self) -> None:
        super().__init__()
        make = partial(MLPVAE, latent_dim=Z, hidden=(8,))
        self.count = make(IMAGE, likelihood="negative_binomial", total_count="dimension")
        self.rate = make(IMAGE, likelihood="poisson", output="softplus")
        self.classes = make((3, 2, 2), likelihood="categorical")
        self.letters = make((1, 3, 4), likelihood="categorical")

    def decode(self, z: Tensor) -> tuple[Tensor, ...]:
        return tuple(model.decode(z) for model in self.children())


def built_in() -> nn.Module:
    """Our own MLP."""
    return MLPVAE(IMAGE, Z, hidden=(16, 8), activation="tanh")


ENCODERS = [built_in, Plain, Views, ChunkHead, Tied]
DECODERS = [
    *(built_in, Plain, Views, ChunkHead, Residual, Tied, ImageNorm),
    *(Activations, Arithmetic, Moves, Likelihoods),
]


def made(kind: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    """Seeded; every BatchNorm has seen data and learned something."""
    torch.manual_seed(seed)
    model = kind()
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d) and layer.running_mean is not None:
            layer.running_mean.uniform_(-1, 1)
            layer.running_var.uniform_(0.5, 2)
            nn.init.uniform_(layer.weight, 0.5, 2)
            nn.init.uniform_(layer.bias, -1, 1)
    return model
