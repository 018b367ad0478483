"""What the spread beside mu is: log variance, log standard deviation, standard deviation or variance.

What the user says goes first; then what the model's own draws show, what a type or a name says, and what the
sign of the values excludes. Nothing is guessed between readings that the values leave open and that change
what is drawn: the question is asked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

SPREAD_WORDS = {
    "logvar": "log variance",
    "logstd": "log of the standard deviation",
    "std": "standard deviation",
    "var": "variance",
}
SPREADS = tuple(SPREAD_WORDS)

_FIT = (0.75, 1.33)  # where the mean square of standardised draws must be
_CLEAR = 12.0  # nats by which the reading must explain the draws better than any other


def as_logvar(spread: Tensor, kind: str) -> Tensor:
    """Log variance of a spread of one of `SPREADS`."""
    if kind == "logvar":
        return spread
    if kind == "logstd":
        return 2.0 * spread
    return spread.log() if kind == "var" else 2.0 * spread.log()


# What torch calls the operations that only move numbers, and those whose result may have any sign.
_MOVES = (
    "View",
    "UnsafeView",
    "Reshape",
    "Slice",
    "Split",
    "Squeeze",
    "Select",
    "ToCopy",
    "Clone",
    "AsStrided",
)
_ANY_SIGN = ("Addmm", "Mm", "Convolution", "MkldnnConvolution", "NativeBatchNorm", "CudnnBatchNorm")


def may_be_negative(spread: Tensor) -> bool:
    """Whether it comes straight from a layer whose result may have any sign, by the graph of autograd."""
    node: Any = spread.grad_fn
    while node is not None and node.name().startswith(_MOVES):
        node = node.next_functions[0][0]
    return node is not None and node.name().startswith(_ANY_SIGN)


def possible_spreads(near: Tensor, far: Tensor) -> tuple[str, ...]:
    """Readings that the sign of values leaves open, the likelier first; NaN is not looked at.

    Far from the data a standard deviation may well be 0, near them it is above.
    """
    is_positive = bool((near > 0).all()) and bool((far[~far.isnan()] >= 0).all())
    return ("std", "var") if is_positive else ("logvar", "logstd")


@dataclass(frozen=True)
class Shown:
    """What draws show.

    Attributes
    ----------
    kind : str or None
        The one reading of the spread that explains them; None if none, or more than one, does.
    swapped : bool
        Whether the first tensor is the spread and the second mu.
    fits : bool
        Whether any reading explains them.
    """

    kind: str | None
    swapped: bool
    fits: bool


def shown_by_draws(first: Tensor, second: Tensor, z: Tensor) -> Shown | None:
    """Which reading of (mu, spread) or (spread, mu) draws were made with.

    Parameters
    ----------
    first, second, z : Tensor, all of one shape
        Some hundred draws `z` or more, each from the Gaussian that its entries of the others stand for.

    Returns
    -------
    Shown or None
        None if `z` is one of the two: nothing was drawn.
    """
    first, second, z = first.double(), second.double(), z.double()
    if torch.equal(z, first) or torch.equal(z, second):
        return None
    scores: dict[tuple[str, bool], tuple[float, float]] = {}
    for swapped in (False, True):
        mu, spread = (second, first) if swapped else (first, second)
        for kind in SPREADS:
            logvar = as_logvar(spread, kind)
            square = (z - mu).square() * torch.exp(-logvar)
            score = float((-0.5 * (square + logvar)).sum())
            if math.isfinite(score):
                scores[kind, swapped] = score, float(square.mean())
    ranked = sorted(scores, key=lambda one: -scores[one][0])
    if not ranked or not _FIT[0] < scores[ranked[0]][1] < _FIT[1]:
        return Shown(None, False, fits=False)
    rest = [scores[one][0] for one in ranked[1:]]
    clear = not rest or scores[ranked[0]][0] - rest[0] > _CLEAR
    kind, swapped = ranked[0]
    return Shown(kind if clear else None, swapped and clear, fits=True)
