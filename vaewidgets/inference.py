"""A model in use: in eval mode, a chunk at a time, results on the CPU."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import cached_property
from typing import Any, final

import torch
from torch import Tensor, nn

from vaewidgets.adapters import AdaptedVAE, copy_model, named_tensors
from vaewidgets.adapters.seeded import seeded
from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.checks import instance, tensor
from vaewidgets.concurrency import leave_if_exiting
from vaewidgets.errors import ShapeError
from vaewidgets.objectives import Likelihood, check_likelihood, decode_raw, encode, get_likelihood, traits

Codes = tuple[Tensor, Tensor | None]  # mu, logvar

# Images or points in one pass: memory does not grow with the set, and a thread in a slow model can end within
# a moment (see `concurrency`).
CHUNK = 128


@final
class Inference:
    """Encode, decode and score without touching the model.

    Parameters
    ----------
    model : VAE with `decode_raw`
        In eval mode it is used as it is; in train mode, a copy is.
    likelihood : Likelihood, optional
        The model's own by default.

    Notes
    -----
    Gradients are turned off only for weights that require them. A snapshot's do not: turned off in the
    notebook's thread, gradients could stay off after an interrupt, and the user's own loop fail.
    """

    def __init__(self, model: Any, likelihood: Likelihood | None = None) -> None:
        instance("model", model, nn.Module, "a model, an nn.Module")
        self.model: Any = copy_model(model).eval() if model.training else model
        self._likelihood = None if likelihood is None else check_likelihood(likelihood)
        self.device = next((t.device for t in named_tensors(model).values()), torch.device("cpu"))
        self._has_gradients = any(p.requires_grad for p in model.parameters())

    @cached_property
    def likelihood(self) -> Likelihood:
        """The one given, else the model's own."""
        if self._likelihood is not None:
            return self._likelihood
        return get_likelihood(self.model.likelihood, **traits(self.model).likelihood_options)

    def encode(self, x: Tensor, labels: Tensor | None = None) -> Codes:
        """Posterior of each image.

        Parameters
        ----------
        x : Tensor, shape (n, C, H, W), on any device
        labels : Tensor of int64, shape (n,), optional
            Used where the model takes them.

        Returns
        -------
        mu, logvar : Tensor, each float32 on the CPU, shape (n, latent_dim)
            `logvar` is None for a model without a posterior variance.
        """
        with restored_modes(), self._aside():
            return joined([encode(self.model, *part) for part in self._parts(x, labels=labels)])

    def decode(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Mean image of each point, float32 on the CPU, shape (n, C, H, W)."""
        takes_labels = traits(self.model).takes_labels
        with restored_modes(), self._aside():
            parts = [
                self.model.decode(*part) if takes_labels else self.model.decode(part[0])
                for part in self._parts(z, labels=labels)
            ]
            return torch.cat([_plain(part) for part in parts])

    def score(self, z: Tensor, x: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """How well points reproduce images; no decoded image is kept.

        Parameters
        ----------
        z : Tensor, shape (n, latent_dim)
        x : Tensor, shape (n, C, H, W)
        labels : Tensor of int64, shape (n,), optional

        Returns
        -------
        recon, squared_error : Tensor, float64 on the CPU, shape (n,)
            The likelihood's reconstruction term, and ‖x − x_hat‖², each summed over an image. A decoder that
            sees pixels is shown `x`.
        """
        recon, squared = [], []
        with restored_modes(), self._aside():
            for seen, code, label in self._parts(x, z=z, labels=labels):
                raw = decode_raw(self.model, code, seen, label)
                recon.append(self.likelihood.recon(raw, seen).detach().double().cpu())
                error = (self.likelihood.mean(raw) - seen).square().flatten(1).sum(1)
                squared.append(error.detach().double().cpu())
        return torch.cat(recon), torch.cat(squared)

    def _parts(self, x: Tensor, **others: Tensor | None) -> Iterator[list[Any]]:
        for parts in chunks(x, CHUNK, **others):
            leave_if_exiting()
            yield [None if part is None else part.detach().to(self.device) for part in parts]

    def _aside(self) -> contextlib.ExitStack:
        stack = contextlib.ExitStack()
        if self._has_gradients:
            stack.enter_context(torch.no_grad())
        if isinstance(self.model, AdaptedVAE):  # it may draw numbers, which a training loop beside it needs
            stack.enter_context(seeded(0))
        return stack


def chunks(x: Tensor, size: int = CHUNK, **others: Tensor | None) -> Iterator[tuple[Any, ...]]:
    """Parts of at most `size` images (or points), and of what goes with each by name; None stays None.

    Raises
    ------
    ShapeError
        If there is none, or something is not of the same length.
    """
    if tensor("x", x).ndim < 2 or len(x) == 0:
        raise ShapeError(f"got a batch of shape {tuple(x.shape)}; expected at least one image or point.")
    for name, other in others.items():
        if other is not None and len(tensor(name, other)) != len(x):
            raise ShapeError(f"{name} has {len(other)} entries for {len(x)} images; expected one an image.")
    for start in range(0, len(x), size):
        part = slice(start, start + size)
        yield x[part], *(None if other is None else other[part] for other in others.values())


def joined(parts: list[Codes]) -> Codes:
    """One posterior of several, float32 on the CPU."""
    logvars = [_plain(logvar) for _, logvar in parts if logvar is not None]
    return torch.cat([_plain(mu) for mu, _ in parts]), torch.cat(logvars) if logvars else None


def _plain(x: Tensor) -> Tensor:
    return x.detach().float().cpu()
