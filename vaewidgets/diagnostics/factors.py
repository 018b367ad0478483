"""Does one latent dimension hold one factor? For data whose factors are known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vaewidgets.checks import sequence, tensor, whole
from vaewidgets.contract.texts import dim_name
from vaewidgets.errors import DataError, ShapeError


@dataclass(frozen=True, repr=False, eq=False)
class MutualInformationGap:
    """How far each factor is held by one latent dimension alone.

    Attributes
    ----------
    gaps : Tensor, float64, shape (n_factors,)
        Information of the best dimension minus that of the second best, over the factor's entropy: 0 to 1.
    mi : Tensor, float64, shape (n_factors, latent_dim)
        Mutual information of factor and binned dimension, in nats.
    entropy : Tensor, float64, shape (n_factors,)
        Of each factor, in nats.
    names : tuple of str
        Of the factors.
    n : int
        Number of images.
    bins : int
        Bins a dimension, at most.
    """

    gaps: Tensor
    mi: Tensor
    entropy: Tensor
    names: tuple[str, ...]
    n: int
    bins: int

    @property
    def mig(self) -> float:
        """Mean of the gaps over the factors: 1 if each has a dimension of its own that holds all of it."""
        return float(self.gaps.mean())

    @property
    def best(self) -> tuple[int, ...]:
        """The dimension (from 0) that knows most of each factor."""
        return tuple(self.mi.argmax(dim=1).tolist())

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know before trusting the numbers; often empty."""
        wanted = 10 * self.bins * math.ceil(math.exp(float(self.entropy.max())))
        if self.n < wanted:
            return (
                f"{self.n} images for {self.bins} bins: information is over-estimated; use {wanted} or more",
            )
        return ()

    def __repr__(self) -> str:
        each = ", ".join(
            f"{name} {gap:.3f} ({dim_name(dim)})"
            for name, gap, dim in zip(self.names, self.gaps.tolist(), self.best, strict=True)
        )
        text = f"MutualInformationGap({self.mig:.3f}: {each}; {self.n} images, {self.bins} bins)"
        return "\n".join([text, *(f"  note: {note}" for note in self.notes)])


def mutual_information_gap(
    codes: Tensor,
    factors: Tensor | np.ndarray,
    *,
    names: Sequence[str] | None = None,
    bins: int = 20,
) -> MutualInformationGap:
    """Mutual information gap (MIG) between codes and the factors that made the images.

    Parameters
    ----------
    codes : Tensor, shape (n, latent_dim)
        Posterior means as a rule; draws of z for Chen et al.'s own version, in which noise counts as loss.
        Each dimension is cut into `bins` bins of one width from its smallest to its largest value; one with
        no more different values than bins (or than the factor with most values has) keeps them as they are.
    factors : Tensor or ndarray of int, shape (n, n_factors)
        The value of each factor; any whole numbers.
    names : sequence of str, optional
        Of the factors; "factor 1" and so on by default.
    bins : int
        At least 2.

    Raises
    ------
    ShapeError
        If the shapes or the number of names do not fit.
    OptionError
        If `bins` is below 2.
    DataError
        If factors are no whole numbers, one has the same value everywhere, or codes are not finite.

    References
    ----------
    Chen et al. 2018, arXiv:1802.04942, section 4.1; bins as in Locatello et al. 2019, arXiv:1811.12359.
    """
    values = tensor("factors", torch.from_numpy(factors) if isinstance(factors, np.ndarray) else factors)
    values = values.detach().cpu()
    if tensor("codes", codes).ndim != 2 or 0 in codes.shape or values.ndim != 2 or len(values) != len(codes):
        raise ShapeError(
            f"codes has shape {tuple(codes.shape)}, factors {tuple(values.shape)}; "
            "expected (n, latent_dim) and (n, n_factors) with the same n."
        )
    bins = whole("bins", bins, 2)
    titles = tuple(f"factor {i + 1}" for i in range(values.shape[1]))
    if names is not None:
        titles = tuple(sequence("names", names, "a sequence of names"))
    if len(titles) != values.shape[1]:
        raise ShapeError(f"{len(titles)} names for {values.shape[1]} factors; expected one each.")
    codes = codes.detach().cpu().double()
    if not bool(torch.isfinite(codes).all()):
        raise DataError("codes holds NaN or infinite values; the encoder has diverged.")
    levels = [_levels(values[:, i], title) for i, title in enumerate(titles)]
    room = max(bins, *(int(level.max()) + 1 for level in levels))
    cells = [_binned(codes[:, j], bins, room) for j in range(codes.shape[1])]
    entropy = torch.stack([_entropy(torch.bincount(level)) for level in levels])
    mi = torch.stack([torch.stack([_information(level, cell) for cell in cells]) for level in levels])
    # a dimension beside the last one that knows nothing: the second best of a one-dimensional code
    top = torch.cat([mi, torch.zeros(len(levels), 1, dtype=mi.dtype)], dim=1).topk(2, dim=1).values
    gaps = (top[:, 0] - top[:, 1]) / entropy
    return MutualInformationGap(gaps, mi, entropy, titles, len(codes), bins)


def _levels(values: Tensor, title: str) -> Tensor:
    """A factor's values as 0, 1, …, shape (n,)."""
    if values.is_complex() or (values.is_floating_point() and not bool((values == values.round()).all())):
        raise DataError(f"{title!r} holds numbers that are not whole; expected the index of each value.")
    distinct, levels = values.unique(return_inverse=True)
    if len(distinct) < 2:
        raise DataError(
            f"{title!r} has the same value for all images: it holds no information. Leave it out."
        )
    return levels


def _binned(code: Tensor, bins: int, room: int) -> Tensor:
    """A dimension's bins as 0, 1, …, shape (n,)."""
    distinct, levels = code.unique(return_inverse=True)
    if len(distinct) <= room:
        return levels
    low, high = distinct[0], distinct[-1]
    return ((code - low) / (high - low) * bins).long().clamp(max=bins - 1)


def _entropy(counts: Tensor) -> Tensor:
    """Entropy of the shares of `counts`, in nats, float64, 0-d."""
    share = counts[counts > 0].double() / counts.sum()
    return -(share * share.log()).sum()


def _information(a: Tensor, b: Tensor) -> Tensor:
    """Mutual information of two columns of indices, in nats, at least 0."""
    joint = torch.bincount(a * (int(b.max()) + 1) + b)
    found = _entropy(torch.bincount(a)) + _entropy(torch.bincount(b)) - _entropy(joint)
    return found.clamp_min(0)
