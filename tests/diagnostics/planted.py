"""Models and images with known answers."""

from __future__ import annotations

import torch

from vaewidgets.models import MLPVAE


def blobs(n, seed=0):
    """Images of 4 x 4 that lie on a plane, coordinates from N(0, 1), with a little noise."""
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(n, 2, generator=generator)
    noise = 0.01 * torch.randn(n, 16, generator=generator)
    return (z @ axes() + noise).view(n, 1, 4, 4)


def axes():
    """Two orthonormal images, as rows (2, 16)."""
    rows = torch.zeros(2, 16)
    rows[0, :4], rows[1, 8:12] = 0.5, 0.5
    return rows


def linear_vae(logvar=-4.0, sizes=(1.0, 1.0)):
    """Linear model that encodes `blobs` exactly: z is the coordinate, x_hat the image."""
    model = MLPVAE((1, 4, 4), latent_dim=2, hidden=(), likelihood="squared_error")
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
        scale = torch.tensor(sizes)[:, None]
        model.to_mu.weight.copy_(axes() / scale)
        model.to_logvar.bias.fill_(logvar)
        model.to_pixels.weight.copy_((axes() * scale).T)
    return model.eval()
