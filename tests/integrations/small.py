"""A small VAE in the ways that other people's trainers want it."""

import torch
from torch import Tensor, nn

from tests.runs.conftest import make_data


class Small(nn.Module):
    """Encoder and decoder of a few weights; `terms` are sums over pixels, averaged over images."""

    latent_dim = 2

    def __init__(self) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(16, 4), nn.Linear(2, 16)

    def encode(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.down(x.flatten(1)).chunk(2, 1)

    def decode(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.up(z)).view(-1, 1, 4, 4)

    def terms(self, x: Tensor) -> dict[str, Tensor]:
        mu, logvar = self.encode(x)
        x_hat = self.decode(mu + torch.exp(0.5 * logvar) * torch.randn_like(mu))
        recon = nn.functional.binary_cross_entropy(x_hat, x, reduction="sum") / len(x)
        kl = 0.5 * (mu.square() + logvar.exp() - logvar - 1).sum() / len(x)
        return {"loss": recon + kl, "recon": recon, "kl": kl}


def images() -> Tensor:
    return make_data().train.images(slice(0, 96))
