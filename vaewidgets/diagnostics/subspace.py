"""Angles between subspaces: how near a linear model's span is to the principal components'."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vaewidgets.checks import tensor
from vaewidgets.errors import DataError, ShapeError


@dataclass(frozen=True, repr=False, eq=False)
class PrincipalAngles:
    """Angles between two subspaces.

    Attributes
    ----------
    radians : Tensor, float64, shape (min(p, q),)
        The smallest first, 0 to π/2. All are 0 if and only if one subspace lies in the other.
    d : int
        Dimensions of the space that they lie in.
    """

    radians: Tensor
    d: int

    @property
    def degrees(self) -> Tensor:
        """The same in degrees, 0 to 90."""
        return torch.rad2deg(self.radians)

    @property
    def largest(self) -> float:
        """Largest angle, in degrees."""
        return float(self.degrees[-1])

    def __repr__(self) -> str:
        return (
            f"PrincipalAngles({len(self.radians)} angles in {self.d} dimensions, "
            f"{float(self.degrees[0]):.4g}° to {self.largest:.4g}°)"
        )


def principal_angles(a: Tensor, b: Tensor) -> PrincipalAngles:
    """Principal angles between the spans of the columns of `a` and of `b`.

    A linear autoencoder trained to the end spans the principal components: with its decoder's matrix for `a`
    and `probabilistic_pca(x, q).axes` for `b` the largest angle is 0.

    Parameters
    ----------
    a : Tensor, shape (d, p)
    b : Tensor, shape (d, q)
        The columns need not be orthogonal or of one length, but must be linearly independent.

    Raises
    ------
    ShapeError
        If they are not matrices of d rows with at most d columns each.
    DataError
        If one holds NaN or infinite values, or its columns span fewer dimensions than there are columns.

    References
    ----------
    Baldi & Hornik 1989, "Neural networks and principal component analysis" (what a linear autoencoder
    spans); Knyazev & Argentati 2002, SIAM J. Sci. Comput. 23 (small angles by their sines).
    """
    for name, matrix in (("a", a), ("b", b)):
        if tensor(name, matrix, "d", "q").shape[1] > matrix.shape[0]:
            raise ShapeError(
                f"{name} has shape {tuple(matrix.shape)}; expected (d, q), one column a direction, q <= d."
            )
    if len(a) != len(b):
        raise ShapeError(
            f"a has columns of {len(a)} elements, b of {len(b)}; expected the same space for both."
        )
    one, other = _orthonormal(a, "a"), _orthonormal(b, "b")
    if one.shape[1] < other.shape[1]:
        one, other = other, one
    inside = one.T @ other
    cosines = torch.linalg.svdvals(inside).clamp(max=1)
    # below 45° the cosine has lost half the digits of the angle, its sine has not
    sines = torch.linalg.svdvals(other - one @ inside).flip(0).clamp(max=1)
    radians = torch.where(cosines.square() > 0.5, sines.arcsin(), cosines.arccos())
    return PrincipalAngles(radians.clamp(0, math.pi / 2), len(a))


def _orthonormal(matrix: Tensor, name: str) -> Tensor:
    """Orthonormal basis of the columns' span, float64 on the CPU."""
    matrix = matrix.detach().cpu().double()
    if not bool(torch.isfinite(matrix).all()):
        raise DataError(f"{name} holds NaN or infinite values.")
    basis, singular, _ = torch.linalg.svd(matrix, full_matrices=False)
    # single precision leaves about 1e-7 of the largest where a column depends on the others
    if float(singular[-1]) <= 1e-7 * float(singular[0]):
        rank = int((singular > 1e-7 * singular[0]).sum())
        raise DataError(
            f"the {matrix.shape[1]} columns of {name} span {rank} dimensions only, so that their angles are "
            "not defined. Leave out the collapsed units' columns."
        )
    return basis
