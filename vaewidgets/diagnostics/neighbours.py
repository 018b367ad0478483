"""t-SNE: a map of neighborhoods, without axes and without an inverse."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from vaewidgets.errors import DataError, ShapeError

PERPLEXITY = 30.0
SEED = 42  # as published pictures of latent spaces have it


def tsne(mu: Tensor, *, seed: int = SEED, perplexity: float = PERPLEXITY) -> Tensor:
    """Lay points out in the plane so that neighbours stay neighbours; distances beyond mean little.

    Parameters
    ----------
    mu : Tensor, shape (n, d)
        At least 4 points; 2,000 take some seconds.
    seed : int
        `random_state` of scikit-learn. The start is the principal plane, so that little depends on it.
    perplexity : float
        About how many neighbours a point has; less where there are few points.

    Returns
    -------
    Tensor, float64, shape (n, 2)
        Centered on 0; it has no unit.

    Raises
    ------
    ShapeError
        If `mu` is not (n, d), or holds fewer than 4 points.
    DataError
        If it holds NaN or infinite values.

    References
    ----------
    van der Maaten & Hinton 2008, Journal of Machine Learning Research 9; computed by scikit-learn.
    """
    from sklearn.manifold import TSNE

    if mu.ndim != 2 or len(mu) < 4 or mu.shape[1] < 1:
        raise ShapeError(f"mu has shape {tuple(mu.shape)}; t-SNE wants (n, d) with at least 4 points.")
    if not bool(torch.isfinite(mu).all()):
        raise DataError("mu holds NaN or infinite values; the encoder has diverged.")
    points = mu.detach().cpu().double()
    near = min(perplexity, (len(mu) - 1) / 3)
    # One column has no principal plane to start from.
    start = "pca" if mu.shape[1] > 1 and float(points.var(dim=0).max()) > 0 else "random"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of constant columns, whose share of the variance is 0 / 0
        found = TSNE(2, perplexity=near, init=start, random_state=seed).fit_transform(points.numpy())
    return torch.from_numpy(found).double()
