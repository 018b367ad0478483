"""The images that a run's pictures are made of: chosen in one place, so that all show the same ones."""

from __future__ import annotations

import torch

from vaewidgets.data.dataset import ImageDataset
from vaewidgets.errors import OptionError

__all__ = ["SAMPLE_POINTS", "Sample"]

SAMPLE_POINTS = 2000


class Sample:
    """Some images of a data set: test images first, topped up with training images.

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
    n_test, n_train : int
        How many of the images are of which split; the test images come first.

    Raises
    ------
    OptionError
        If `points` is below 1.
    """

    def __init__(self, data: ImageDataset, points: int = SAMPLE_POINTS) -> None:
        if points < 1:
            raise OptionError(f"points is {points}; wanted at least 1.")
        test = data.test
        self.n_test = min(points, len(test)) if test is not None else 0
        self.n_train = min(points - self.n_test, len(data.train))
        parts, labels, thumbnails = [], [], []
        for split, count in ((test, self.n_test), (data.train, self.n_train)):
            if split is None or count == 0:
                continue
            # Evenly spread: the first n of a set sorted by class would show one class only.
            index = torch.linspace(0, len(split) - 1, count).round().long()
            parts.append(split.images(index))
            thumbnails.append(split.images_u8(index))
            labels.append(None if split.labels is None else split.labels[index])
        self.images = torch.cat(parts)
        self.images_u8 = torch.cat(thumbnails)
        known = [label for label in labels if label is not None]
        self.labels = torch.cat(known).numpy() if known and len(known) == len(labels) else None

    def __len__(self) -> int:
        return len(self.images)
