"""The images that a run's pictures are made of: chosen in one place, so that all show the same ones."""

from __future__ import annotations

import math

import torch

from vaewidgets.checks import whole
from vaewidgets.data.dataset import ImageDataset

SAMPLE_POINTS = 2000
_GOLDEN = (math.sqrt(5) - 1) / 2


def evenly(n: int, count: int) -> torch.Tensor:
    """`count` of n indices, evenly spread: the first ones of a set sorted by class would show one class."""
    count = whole("n", count, 1, also=", the number of images")
    return torch.linspace(0, n - 1, min(n, count)).round().long()


def spread_index(n: int, count: int) -> torch.Tensor:
    """The first `count` of a fixed order of 0 ... n - 1 in which every stretch is spread over all of them.

    The first images of a set sorted by class would show one class only. Steps of the golden section leave no
    large gap, however many are taken, and a smaller sample is the beginning of a larger one.

    Returns
    -------
    Tensor of int64, shape (count,)
        No number twice.
    """
    step = max(1, round(n * _GOLDEN))
    while math.gcd(step, n) > 1:
        step += 1
    return torch.arange(count) * step % n


class Sample:
    """Some images of a data set: test images first, topped up with training images.

    Points have the same numbers in samples of all sizes: a smaller one is the beginning of a larger one.

    Parameters
    ----------
    data : ImageDataset
    points : int
        How many images at most, at least 1.

    Attributes
    ----------
    images : Tensor, float32, shape (n, C, H, W)
        In the data's `value_range`.
    images_u8 : Tensor, uint8, shape (n, C, H, W)
        The same for display.
    labels : ndarray of int64, shape (n,), or None
    classes : ndarray of int64, shape (n,), or None
        Index of each label's class in ``data.classes``.
    factors : dict of str to ndarray of int64, shape (n,)
        Known factors of the images by their names; empty where none are known.
    n_test, n_train : int
        How many of the images are of which split; the test images come first.

    Raises
    ------
    OptionError
        If `points` is below 1.
    """

    def __init__(self, data: ImageDataset, points: int = SAMPLE_POINTS) -> None:
        points = whole("points", points, 1)
        test = data.test
        self.n_test = min(points, len(test)) if test is not None else 0
        self.n_train = min(points - self.n_test, len(data.train))
        parts, labels, thumbnails, factors = [], [], [], []
        for split, count in ((test, self.n_test), (data.train, self.n_train)):
            if split is None or count == 0:
                continue
            index = spread_index(len(split), count)
            parts.append(split.images(index))
            thumbnails.append(split.images_u8(index))
            labels.append(None if split.labels is None else split.labels[index])
            factors.append(None if split.factors is None else split.factors[index])
        self.images = torch.cat(parts)
        self.images_u8 = torch.cat(thumbnails)
        known = [label for label in labels if label is not None]
        self.labels = torch.cat(known).numpy() if known and len(known) == len(labels) else None
        known = [table for table in factors if table is not None]
        table = torch.cat(known).numpy() if known and len(known) == len(factors) else None
        self.factors = {} if table is None else dict(zip(data.factor_names or (), table.T, strict=True))
        classes = data.classes
        self.classes = None if self.labels is None or classes is None else classes.index(self.labels)

    def __len__(self) -> int:
        return len(self.images)
