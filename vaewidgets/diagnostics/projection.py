"""Latent points on a plane: as they are where there are two dimensions, else on their principal plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from vaewidgets.checks import tensor
from vaewidgets.contract.texts import percent
from vaewidgets.errors import DataError, ShapeError

PRIOR_RADII = (1.0, 2.0)


@dataclass(frozen=True, repr=False, eq=False)
class Projection:
    """A plane in latent space, and the points seen on it.

    A point of the plane is ``u = (z - mean) @ components.T``; back it is ``z = mean + u @ components``. The
    rows of `components` are orthonormal (with one latent dimension the second row is 0). All tensors lie on
    the CPU.

    Attributes
    ----------
    mode : {"direct", "pca", "line"}
        Two latent dimensions as they are; more, on the plane of the largest variance; one, along a line.
    mean : Tensor, float64, shape (d,)
        Origin of the plane; 0 unless "pca".
    components : Tensor, float64, shape (2, d)
        The plane's axes.
    explained : Tensor, float64, shape (2,)
        Share of the points' variance along each axis, 0 to 1.
    points : Tensor, float64, shape (n, 2)
        The points on the plane.
    axes : tuple of str
        What to write on the two axes.
    """

    mode: Literal["direct", "pca", "line"]
    mean: Tensor
    components: Tensor
    explained: Tensor
    points: Tensor
    axes: tuple[str, str]

    @property
    def latent_dim(self) -> int:
        """Number of latent dimensions."""
        return len(self.mean)

    def to_latent(self, u: Tensor) -> Tensor:
        """Latent points, shape (..., d), of plane points, shape (..., 2); they lie in the plane."""
        if u.shape[-1:] != (2,):
            raise ShapeError(f"to_latent() got shape {tuple(u.shape)}; expected (..., 2).")
        return self.mean + u.detach().cpu().double() @ self.components

    def to_plane(self, z: Tensor) -> Tensor:
        """Plane points, shape (..., 2), of latent points, shape (..., d)."""
        if z.shape[-1:] != (self.latent_dim,):
            raise ShapeError(f"to_plane() got shape {tuple(z.shape)}; expected (..., {self.latent_dim}).")
        return (z.detach().cpu().double() - self.mean) @ self.components.T

    def __repr__(self) -> str:
        shares = " + ".join(f"{percent(share, 1)}" for share in self.explained.tolist())
        return (
            f"Projection({self.mode}, {len(self.points)} points of {self.latent_dim} dimensions, "
            f"{shares} of the variance)"
        )


class PriorCircle(NamedTuple):
    """The prior N(0, I) on a plane: circles of one and of two standard deviations."""

    center: tuple[float, float]
    radii: tuple[float, float]


def project(mu: Tensor, *, previous: Projection | None = None) -> Projection:
    """Put posterior means on a plane.

    Parameters
    ----------
    mu : Tensor, shape (n, d)
        At least one point.
    previous : Projection, optional
        The frame before. The new axes are turned (and mirrored) within their plane so that they fit the old
        ones best, so that points do not jump. They are then no longer the principal axes one by one, but the
        plane stays the principal plane, and `explained` belongs to the axes as they are.

    Raises
    ------
    ShapeError
        If `mu` is not (n, d) with n and d at least 1, or `previous` has another d.
    DataError
        If `mu` holds NaN or infinite values.
    """
    mu = tensor("mu", mu, "n", "d").detach().cpu().double()
    if not bool(torch.isfinite(mu).all()):
        raise DataError("mu holds NaN or infinite values; the encoder has diverged.")
    dims = mu.shape[1]
    if previous is not None and previous.latent_dim != dims:
        raise ShapeError(f"previous has {previous.latent_dim} dimensions, mu has {dims}; expected the same.")
    if dims == 1:
        components = torch.tensor([[1.0], [0.0]], dtype=torch.float64)
        return _seen("line", mu, torch.zeros(1, dtype=torch.float64), components, ("z1", ""))
    if dims == 2:
        origin, components = torch.zeros(2, dtype=torch.float64), torch.eye(2, dtype=torch.float64)
        return _seen("direct", mu, origin, components, ("z1", "z2"))
    mean = mu.mean(dim=0)
    components = principal_axes(mu - mean, 2)
    if previous is not None:
        # orthogonal Procrustes: the turn or mirroring that brings the axes closest to the old ones
        u, _, vh = torch.linalg.svd(previous.components @ components.T)
        components = u @ vh @ components
    return _seen("pca", mu, mean, components, ("PCA 1", "PCA 2"))


_DENSE = 256  # points or dimensions up to which all axes are computed
_MORE = 6  # axes that are iterated beside those wanted
_MOST_PASSES = 50
_SETTLED = 1e-5  # change of the variance along each axis, as a share, at which they are taken


def principal_axes(centered: Tensor, k: int) -> Tensor:
    """Principal axes of points about their mean.

    Parameters
    ----------
    centered : Tensor of float64, shape (n, d)
    k : int
        How many axes, at most d.

    Returns
    -------
    Tensor, shape (k, d)
        Orthonormal rows, the largest variance first; the largest entry of each is positive.
    """
    n, dims = centered.shape
    is_small = dims <= 2 * _DENSE or k <= n <= _DENSE
    rows = _dense_axes(centered, k) if is_small else _iterated_axes(centered, k)
    largest = rows.gather(1, rows.abs().argmax(dim=1, keepdim=True))
    return rows * torch.where(largest < 0, -1.0, 1.0)


def _dense_axes(centered: Tensor, k: int) -> Tensor:
    n, dims = centered.shape
    if n >= dims:
        _, vectors = torch.linalg.eigh(centered.T @ centered)
        return vectors.flip(1)[:, :k].T
    # fewer points than dimensions: the axes are among the right singular vectors
    _, _, rows = torch.linalg.svd(centered, full_matrices=n < k)
    return rows[:k]


def _iterated_axes(centered: Tensor, k: int) -> Tensor:
    """The first `k` by subspace iteration: for thousands of latents, where all take half a minute."""
    generator = torch.Generator().manual_seed(0)
    start = torch.randn((centered.shape[1], k + _MORE), generator=generator, dtype=centered.dtype)
    basis = torch.linalg.qr(centered.T @ (centered @ start)).Q
    before = torch.zeros(k, dtype=centered.dtype)
    for _ in range(_MOST_PASSES):
        seen = centered @ basis
        values, turn = torch.linalg.eigh(seen.T @ seen)
        variance = values.flip(0)[:k]
        rows = (basis @ turn.flip(1)[:, :k]).T
        if bool(((variance - before).abs() <= _SETTLED * variance).all()):
            break
        before, basis = variance, torch.linalg.qr(centered.T @ seen).Q
    return rows


def _seen(
    mode: Literal["direct", "pca", "line"],
    mu: Tensor,
    mean: Tensor,
    components: Tensor,
    axes: tuple[str, str],
) -> Projection:
    points = (mu - mean) @ components.T
    total = mu.var(dim=0, correction=0).sum().clamp_min(torch.finfo(torch.float64).tiny)
    return Projection(mode, mean, components, points.var(dim=0, correction=0) / total, points, axes)


def prior_circle(projection: Projection) -> PriorCircle:
    """Where the prior N(0, I) lies on the plane: orthonormal axes keep it round, with unit deviation."""
    center = projection.to_plane(torch.zeros(projection.latent_dim))
    return PriorCircle((float(center[0]), float(center[1])), PRIOR_RADII)
