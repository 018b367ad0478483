"""A linear VAE as plain matrices, so that its posterior can be made as right or as wrong as a test wants."""

from __future__ import annotations

import torch

from vaewidgets.diagnostics import PPCA, probabilistic_pca


class Affine:
    """The best linear VAE of `best`; `shrink` and `widen` spoil its encoder."""

    def __init__(self, best: PPCA, shrink: float = 1.0, widen: float = 0.0) -> None:
        self.best, self.shrink, self.widen = best, shrink, widen
        self.latent_dim = best.q

    @classmethod
    def best(cls, sigma2: float | None = None, **spoilt: float) -> tuple[Affine, torch.Tensor]:
        """Model and its 200 images of 1 x 4 x 5 pixels."""
        generator = torch.Generator().manual_seed(0)
        noise = torch.randn(200, 20, generator=generator, dtype=torch.float64)
        turn = torch.linalg.qr(torch.randn(20, 20, generator=generator, dtype=torch.float64)).Q
        scale = torch.cat([torch.tensor([3.0, 2.0, 1.2]), torch.full((17,), 0.4)]).double()
        x = (noise * scale @ turn + 1).reshape(-1, 1, 4, 5)
        return cls(probabilistic_pca(x, 3, sigma2=sigma2), **spoilt), x

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        p = self.best
        used = p.kept - p.sigma2
        gain = torch.where(used > 0, used.clamp_min(0).sqrt() / p.kept, 0)
        mu = (x.flatten(1).double() - p.mean) @ p.axes * gain
        return self.shrink * mu, (p.logvar + self.widen).expand_as(mu)

    def decode_raw(self, z: torch.Tensor) -> torch.Tensor:
        return (z @ self.best.weight.T + self.best.mean).view(-1, 1, 4, 5)
