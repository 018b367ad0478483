"""What the widgets of a path share: its two ends, chosen among the sample's images, and its judgement."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vaewidgets.checks import is_whole, whole
from vaewidgets.diagnostics import PathVerdict, judge_path
from vaewidgets.errors import OptionError, did_you_mean
from vaewidgets.live.latent import LatentWidget


class EndsWidget(LatentWidget):
    """A widget of the path between two of the sample's images (abstract)."""

    _sends_points = True

    def _end(self, name: str, wanted: int | str | None, share: float) -> int:
        """Return the number of an image; by default one of the class at `share` of all classes."""
        labels, n = self.sample.labels, self._count
        if wanted is None:
            if labels is None:
                return int(share * (n - 1))
            there = np.unique(labels[:n])
            return int(np.flatnonzero(labels[:n] == there[int(share * len(there))])[0])
        if is_whole(wanted):
            return whole(name, wanted, 0, n - 1, also=", the index of an image")
        return self._first_of(name, str(wanted))

    def _first_of(self, name: str, wanted: str) -> int:
        labels = self.sample.labels
        if labels is None:
            raise OptionError(f"{name} is {wanted!r}, but the data have no labels; give an image's number.")
        classes = self.run.data.classes
        by_name = {classes.name(label): label for label in np.unique(labels[: self._count]).tolist()}
        if wanted not in by_name:
            raise OptionError(
                f"{name} is {wanted!r}, which is no class; there are {', '.join(map(repr, by_name))}."
                f"{did_you_mean(wanted, by_name)}"
            )
        return int(np.flatnonzero(labels == by_name[wanted])[0])

    def _judged(self, z: Tensor, images: Tensor, ends: tuple[int | None, int | None]) -> PathVerdict:
        """Judge a decoded path; an end is an image's number, or None: the class of the nearest code."""
        if self.sample.labels is None:
            return judge_path(images, z=z)
        codes = self._codes()
        labels = torch.from_numpy(self.sample.labels[: len(codes)])
        classes = labels[torch.cdist(z.double(), codes.double()).argmin(dim=1)]
        a, b = (
            int(classes[at]) if end is None else int(labels[end])
            for end, at in zip(ends, (0, -1), strict=True)
        )
        return judge_path(images, z=z, classes=classes, ends=(a, b))
