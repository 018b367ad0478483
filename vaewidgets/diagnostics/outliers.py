"""How unfamiliar an image is to a model, and how well that tells one set from another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from vaewidgets.checks import one_of
from vaewidgets.errors import DataError, ShapeError
from vaewidgets.inference import Inference
from vaewidgets.objectives import Likelihood
from vaewidgets.objectives.kl import kl_per_dim

_SCORES = ("recon", "squared_error", "prior", "kl", "negative_elbo")


@dataclass(frozen=True, repr=False, eq=False)
class Unfamiliarity:
    """Scores of images, the higher the more unfamiliar. All are float64 on the CPU, of shape (n,).

    Attributes
    ----------
    recon : Tensor
        Reconstruction term of the posterior mean, in the likelihood's unit.
    squared_error : Tensor
        ‖x − x_hat‖², in pixel values squared: what reconstruction error is without the likelihood.
    prior : Tensor
        −ln N(mu; 0, I), in nats.
    kl : Tensor or None
        KL of the posterior from the prior, in nats; None for a model without a posterior variance.
    """

    recon: Tensor
    squared_error: Tensor
    prior: Tensor
    kl: Tensor | None

    @property
    def negative_elbo(self) -> Tensor | None:
        """Recon + kl at the posterior mean, None without a posterior variance."""
        return None if self.kl is None else self.recon + self.kl

    def __getitem__(self, name: str) -> Tensor | None:
        score: Tensor | None = getattr(self, one_of("score", name, _SCORES))
        return score

    def __len__(self) -> int:
        return len(self.recon)

    def __repr__(self) -> str:
        known = ", ".join(
            f"{name} {float(s.mean()):.2f}" for name in _SCORES if (s := self[name]) is not None
        )
        return f"Unfamiliarity({len(self)} images; means: {known})"


@dataclass(frozen=True)
class OutlierReport:
    """How well each score tells outliers from inliers.

    Attributes
    ----------
    auroc : dict of str to float
        Chance that an outlier scores higher than an inlier: 1 perfect, ½ no better than a coin, below ½
        misled (the model finds the outliers *more* familiar).
    n_inside, n_outside : int
    """

    auroc: dict[str, float]
    n_inside: int
    n_outside: int

    @property
    def misled(self) -> tuple[str, ...]:
        """Scores that call the outliers the more familiar ones."""
        return tuple(name for name, value in self.auroc.items() if value < 0.5)

    def __repr__(self) -> str:
        rows = ", ".join(f"{name} {value:.3f}" for name, value in self.auroc.items())
        text = f"OutlierReport(AUROC: {rows}; {self.n_inside} inliers, {self.n_outside} outliers)"
        if self.misled:
            text += f"\n  note: {', '.join(self.misled)} would call the outliers the more familiar ones"
        return text


def unfamiliarity(
    model: Any, x: Tensor, likelihood: Likelihood | None = None, *, labels: Tensor | None = None
) -> Unfamiliarity:
    """Score images by reconstruction error and by the prior.

    Parameters
    ----------
    model : VAE with `decode_raw`
    x : Tensor, shape (n, C, H, W)
    likelihood : Likelihood, optional
        The model's own by default.
    labels : Tensor of int64, shape (n,), optional
        For a model that takes them.

    Notes
    -----
    Neither is safe. A decoder that reproduces anything simple gives plain strange images a small error, and
    an encoder may put strange images amid the prior.

    References
    ----------
    Nalisnick et al. 2019, arXiv:1810.09136 (deep generative models prefer some outliers).
    """
    inference = Inference(model, likelihood)
    inference.likelihood.check_computed("looking for outliers")
    mu, logvar = inference.encode(x, labels)
    recon, squared_error = inference.score(mu, x, labels)
    mu = mu.double()
    prior = 0.5 * (mu.square().sum(1) + mu.shape[1] * math.log(2 * math.pi))
    kl = None if logvar is None else kl_per_dim(mu, logvar.double()).sum(1)
    return Unfamiliarity(recon, squared_error, prior, kl)


def auroc(inside: Tensor | np.ndarray, outside: Tensor | np.ndarray) -> float:
    """Area under the ROC curve of a score: P(outlier > inlier) + ½ P(equal), exactly (Mann & Whitney 1947).

    Parameters
    ----------
    inside, outside : Tensor or ndarray, shapes (n,) and (m,)
        Scores, high for outliers.

    Returns
    -------
    float
        0 to 1.

    Raises
    ------
    ShapeError
        If one is empty or not one-dimensional.
    DataError
        If a score is NaN.
    """
    a, b = np.asarray(inside, np.float64), np.asarray(outside, np.float64)
    if a.ndim != 1 or b.ndim != 1 or not len(a) or not len(b):
        raise ShapeError(f"auroc() got shapes {a.shape} and {b.shape}; expected (n,) and (m,), both above 0.")
    if np.isnan(a).any() or np.isnan(b).any():
        raise DataError("auroc() got NaN scores; the model has diverged, or the images hold NaN.")
    a.sort()
    below, up_to = np.searchsorted(a, b, side="left"), np.searchsorted(a, b, side="right")
    return float((below + up_to).sum() / (2 * len(a) * len(b)))


def tell_apart(inside: Unfamiliarity, outside: Unfamiliarity) -> OutlierReport:
    """AUROC of every score that both sets have.

    Examples
    --------
    >>> tell_apart(unfamiliarity(model, digits), unfamiliarity(model, fashion))      # doctest: +SKIP
    """
    values = {}
    for name in _SCORES:
        a, b = inside[name], outside[name]
        if a is not None and b is not None:
            values[name] = auroc(a, b)
    return OutlierReport(values, len(inside), len(outside))
