"""A model to look at: in eval mode, a chunk at a time, results on the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, final

import torch
from torch import Tensor

from vaewidgets.adapters import copy_model
from vaewidgets.checks import whole
from vaewidgets.concurrency import leave_if_exiting
from vaewidgets.errors import ShapeError
from vaewidgets.objectives import Likelihood, decode_raw, encode, get_likelihood, traits

__all__ = ["CHUNK", "Forward", "spread"]

# Images or points in one pass: memory does not grow with the set, and a thread in a slow model can end within
# a moment (see `concurrency`).
CHUNK = 128


@final
class Forward:
    """Encode, decode and score without touching the model.

    Parameters
    ----------
    model : VAE with `decode_raw`
        In eval mode it is used as it is; in train mode, a copy is.
    likelihood : Likelihood, optional
        The model's own by default.
    """

    def __init__(self, model: Any, likelihood: Likelihood | None = None) -> None:
        self.model: Any = copy_model(model).eval() if model.training else model
        own = traits(model)
        self.likelihood = likelihood or get_likelihood(model.likelihood, **own.likelihood_options)
        tensors = [*model.parameters(), *model.buffers()]
        self.device = tensors[0].device if tensors else torch.device("cpu")
        self.takes_labels = own.takes_labels

    @torch.no_grad()
    def encode(self, x: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Posterior of each image.

        Returns
        -------
        mu, logvar : Tensor, float32, each of shape (n, latent_dim)
            `logvar` is None for a model without a posterior variance.
        """
        if x.ndim != 4 or not len(x):
            raise ShapeError(f"the images have shape {tuple(x.shape)}; expected (n, C, H, W), at least one.")
        means, logvars = [], []
        for part in _parts(len(x)):
            mu, logvar = encode(self.model, x[part].to(self.device), self._part(labels, part))
            means.append(mu.float().cpu())
            logvars.append(None if logvar is None else logvar.float().cpu())
        known = [logvar for logvar in logvars if logvar is not None]
        return torch.cat(means), torch.cat(known) if known else None

    @torch.no_grad()
    def decode(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Mean image of each point, float32, shape (n, C, H, W)."""
        parts = []
        for part in _parts(len(z)):
            told = (self._part(labels, part),) if self.takes_labels else ()
            x_hat = self.model.decode(z[part].to(self.device), *told)
            parts.append(x_hat.float().cpu())
        return torch.cat(parts)

    @torch.no_grad()
    def score(self, z: Tensor, x: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """How well points reproduce images; no decoded image is kept.

        Parameters
        ----------
        z : Tensor, shape (n, latent_dim)
        x : Tensor, shape (n, C, H, W)

        Returns
        -------
        recon, squared_error : Tensor, float64, shape (n,)
            The likelihood's reconstruction term, and ‖x − x_hat‖², each summed over an image. A decoder that
            sees pixels is shown `x`.
        """
        recon, squared = [], []
        for part in _parts(len(x)):
            seen = x[part].to(self.device)
            raw = decode_raw(self.model, z[part].to(self.device), seen, self._part(labels, part))
            recon.append(self.likelihood.recon(raw, seen).double().cpu())
            error = (self.likelihood.mean(raw) - seen).square().flatten(1).sum(1)
            squared.append(error.double().cpu())
        return torch.cat(recon), torch.cat(squared)

    def _part(self, labels: Tensor | None, part: slice) -> Tensor | None:
        return None if labels is None else labels[part].to(self.device)


def _parts(n: int) -> Iterator[slice]:
    for start in range(0, n, CHUNK):
        leave_if_exiting()
        yield slice(start, start + CHUNK)


def spread(n: int, count: int) -> Tensor:
    """`count` of n indices, evenly spread: the first ones of a set sorted by class would show one class."""
    count = whole("n", count, 1, also=", the number of images")
    return torch.linspace(0, n - 1, min(n, count)).round().long()
