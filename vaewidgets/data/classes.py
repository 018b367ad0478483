"""`Classes`, the classes of a data set: the label values that occur, and what they are called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

MOST_CLASSES = 10_000  # named apart; of a data set with more, the rarer ones are one class together
OTHER = "other"


@dataclass(frozen=True, eq=False)
class Classes:
    """The classes of a data set: the label values that occur in it, in ascending order.

    A class is drawn and counted by its index here, never by its value: labels may be years, sparse ids,
    negative numbers, or whatever else fits into 64 bits.

    Attributes
    ----------
    values : ndarray of int64, shape (k,)
        Ascending, no value twice.
    names : tuple of str
        One a value, and "other" at the end if more than `MOST_CLASSES` values occur: then `values` holds the
        most frequent ones.
    """

    values: NDArray[np.int64]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def index(self, labels: ArrayLike) -> NDArray[np.int64]:
        """Index of the class of each label; of a value that is none of `values`, −1, or that of "other"."""
        given = np.asarray(labels, np.int64)
        at = np.searchsorted(self.values, given)
        near = self.values[np.minimum(at, len(self.values) - 1)]
        none = len(self.values) if len(self.names) > len(self.values) else -1
        return np.where(near == given, at, none).astype(np.int64)

    def name(self, label: int) -> str:
        """What the class of a label is called."""
        index = int(self.index([label])[0])
        return self.names[index] if index >= 0 else str(label)


def find_classes(parts: Iterable[NDArray[np.int64]], class_names: Sequence[str] | None) -> Classes:
    """Find the classes that occur in some arrays of labels.

    Parameters
    ----------
    parts : iterable of int64 arrays
        Labels; at least one.
    class_names : sequence of str, optional
        Name of the label 0, 1, and so on. By default a class is called by its value.
    """
    values, counts = np.unique(np.concatenate(list(parts)), return_counts=True)
    rest = len(values) > MOST_CLASSES
    if rest:
        values = np.sort(values[np.argsort(-counts, kind="stable")[:MOST_CLASSES]])
    known = class_names or ()
    names = [known[value] if 0 <= value < len(known) else str(value) for value in values.tolist()]
    return Classes(values, tuple([*names, OTHER] if rest else names))
