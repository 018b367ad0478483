"""Codes of the same items in two latent spaces, turned onto each other."""

from __future__ import annotations

import torch
from torch import Tensor

from vaewidgets.checks import tensor
from vaewidgets.errors import ShapeError


def turned_onto(codes: Tensor, target: Tensor) -> Tensor:
    """Turn (and mirror) codes so that they fit others best: orthogonal Procrustes.

    The prior N(0, I) looks the same from all sides, so that two runs may find the same code turned: a turn
    about the origin changes neither rate nor distortion. The codes are neither shifted nor scaled.

    Parameters
    ----------
    codes : Tensor, shape (n, d)
    target : Tensor, shape (n, d)
        Of the same items in the same order.

    Returns
    -------
    Tensor, float64, shape (n, d)
        ``codes @ R``, R being the orthogonal matrix with the least ‖codes R − target‖².

    Raises
    ------
    ShapeError
        If the shapes differ.

    References
    ----------
    Schönemann 1966, Psychometrika 31.
    """
    codes = tensor("codes", codes, "n", "d").detach().cpu().double()
    target = tensor("target", target, "n", "d").detach().cpu().double()
    if codes.shape != target.shape:
        raise ShapeError(f"codes are {tuple(codes.shape)}, target {tuple(target.shape)}; expected the same.")
    u, _, vh = torch.linalg.svd(codes.T @ target)
    return codes @ (u @ vh)
