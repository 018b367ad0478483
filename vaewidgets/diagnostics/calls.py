"""How diagnostics ask a model: in batches, for a posterior with a variance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from vaewidgets.errors import ProtocolError, ShapeError
from vaewidgets.objectives import encode

__all__ = ["batches_of", "posterior"]


def batches_of(x: Tensor, labels: Tensor | None, size: int) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Parts of at most `size` images with their labels; ShapeError for none, or for other labels."""
    if x.ndim < 2 or len(x) == 0:
        raise ShapeError(f"x has shape {tuple(x.shape)}; expected (n, C, H, W) with at least one image.")
    if labels is not None and len(labels) != len(x):
        raise ShapeError(f"labels has {len(labels)} entries for {len(x)} images; expected one an image.")
    for start in range(0, len(x), size):
        part = slice(start, start + size)
        yield x[part], None if labels is None else labels[part]


def posterior(model: Any, x: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return (mu, logvar) of each image; ProtocolError for a model without a posterior variance."""
    mu, logvar = encode(model, x, labels)
    if logvar is None:
        raise ProtocolError(
            f"{type(model).__name__}.encode gives no variance: it has one code an image and no posterior, so "
            "that KL, bound and information have no meaning for it. Give a VAE."
        )
    return mu, logvar
