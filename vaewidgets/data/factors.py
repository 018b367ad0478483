"""What sets of drawn images have in common: combinations of known factors, each drawn at most once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaewidgets.checks import random_seed, whole
from vaewidgets.errors import OptionError


@dataclass(frozen=True)
class Factored:
    """Pixels and factors of both splits.

    Attributes
    ----------
    train, test : Tensor, uint8, shape (N, H, W)
    train_factors, test_factors : Tensor, int64, shape (N, K)
        In the order of the set's names of factors, each from 0 to below its count.
    """

    train: Tensor
    test: Tensor
    train_factors: Tensor
    test_factors: Tensor


def choose_factors(
    name: str, counts: Sequence[int], n_train: Any, n_test: Any, seed: Any
) -> tuple[np.ndarray, np.random.Generator]:
    """Choose combinations of K factors, none twice: the same `seed` and counts give the same combinations.

    Each factor has `counts` values; `n_train` and `n_test` are at least 1, together at most their product.
    Returns the factors, int64 of shape (n_train + n_test, K), and the generator for what else is left to
    chance. Raises `OptionError` that names the set, if a count or the seed is out of its range.
    """
    n, total = whole("n_train", n_train, 1) + whole("n_test", n_test, 1), math.prod(counts)
    if n > total:
        raise OptionError(
            f'n_train + n_test is {n:,}; "{name}" has {total:,} combinations of factors, and '
            "each is drawn at most once, so that no test image is trained on. Ask for fewer."
        )
    random = np.random.default_rng(random_seed(seed))
    chosen = random.permutation(total)[:n]
    return np.stack(np.unravel_index(chosen, tuple(counts)), axis=1).astype(np.int64), random


def split_factors(pixels: np.ndarray, factors: np.ndarray, n_train: int) -> Factored:
    """Put the first `n_train` images into the train split, the others into the test split.

    Parameters
    ----------
    pixels : array, uint8, shape (N, H, W)
    factors : array, int64, shape (N, K)
    n_train : int
    """
    images, table = torch.from_numpy(pixels), torch.from_numpy(factors)
    return Factored(images[:n_train], images[n_train:], table[:n_train], table[n_train:])


def check_factors(factors: np.ndarray, names: Sequence[str], counts: Sequence[int]) -> None:
    """Raise `OptionError` unless these are (N, K) whole numbers from 0 to each factor's count."""
    wanted = len(counts)
    if factors.ndim != 2 or factors.shape[1] != wanted or factors.dtype.kind not in "iu":
        raise OptionError(
            f"factors have shape {factors.shape} and type {factors.dtype}; expected whole numbers, "
            f"(N, {wanted}): {', '.join(names)}."
        )
    for name, count, column in zip(names, counts, factors.T, strict=True):
        if len(column) and (column.min() < 0 or column.max() >= count):
            raise OptionError(
                f"factor {name!r} runs from {column.min()} to {column.max()}; expected 0 to {count - 1}."
            )
