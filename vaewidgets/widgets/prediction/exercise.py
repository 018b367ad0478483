"""The kinds of answer that an exercise asks for: what may be said, and when it is right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np

from vaewidgets.checks import is_number, is_whole, number, one_of
from vaewidgets.contract.packing import pack_integers, pack_quantised
from vaewidgets.errors import OptionError
from vaewidgets.live.run_widget import sample_of
from vaewidgets.runs import Run
from vaewidgets.runs.gate import ENDED

MOST_TEXT = 300  # letters
_SLACK = 1e-9  # of the range: 0.8 is within 0.2 of 0.6, whatever the last bit says


class Exercise:
    """One kind of answer (abstract).

    Answers and truths are plain JSON. `content` says what the page needs to ask, and nothing of the truth.
    js/widgets/prediction/predict.js judges by the same rules.
    """

    kind: ClassVar[str]

    def content(self) -> dict[str, Any]:
        raise NotImplementedError

    def check_answer(self, name: str, value: Any) -> None:
        """Raise an `OptionError` unless `value` can be an answer."""
        raise NotImplementedError

    def check_truth(self, value: Any) -> None:
        """Raise an `OptionError` unless `value` can be the truth."""
        self.check_answer("truth", value)

    def is_right(self, answer: Any, truth: Any) -> bool:
        return bool(answer == truth)


class Choice(Exercise):
    """One of several texts."""

    kind = "choices"

    def __init__(self, choices: Sequence[str]) -> None:
        self.choices = _texts("choices", choices, 8)

    def content(self) -> dict[str, Any]:
        return {"choices": self.choices}

    def check_answer(self, name: str, value: Any) -> None:
        one_of(name, value, self.choices)


class Order(Exercise):
    """All of the items, in an order."""

    kind = "order"

    def __init__(self, order: Sequence[str], order_by: str = "") -> None:
        self.items = _texts("order", order, 10)
        self.order_by = checked_text("order_by", order_by) if order_by != "" else ""

    def content(self) -> dict[str, Any]:
        """The items as they are first shown."""
        return {"order": self.items, "order_by": self.order_by}

    def check_answer(self, name: str, value: Any) -> None:
        whole = isinstance(value, list) and all(isinstance(one, str) for one in value)
        if not whole or sorted(value) != sorted(self.items):
            raise OptionError(f"{name} is {value!r}; expected a list with each of {self.items} once.")


class Between(Exercise):
    """A number, right within a tolerance."""

    kind = "between"

    def __init__(self, between: Any, unit: str = "", tolerance: float = 0) -> None:
        ends = plain(between)
        good = isinstance(ends, list) and len(ends) == 2 and all(map(is_number, ends)) and ends[0] < ends[1]
        if not good:
            raise OptionError(
                f"between is {between!r}; expected two numbers, the lower one first, such as (0, 20)."
            )
        self.low, self.high = ends
        self.is_whole = all(isinstance(end, int) for end in ends)
        self.unit = checked_text("unit", unit, 30) if unit != "" else ""
        self.tolerance = plain(tolerance)
        number("tolerance", self.tolerance, 0, also=", in the answer's unit")

    def content(self) -> dict[str, Any]:
        """The range, the unit and the tolerance."""
        return {
            "between": [self.low, self.high],
            "whole": self.is_whole,
            "unit": self.unit,
            "tolerance": self.tolerance,
        }

    def check_answer(self, name: str, value: Any) -> None:
        """A number of the range; a whole one where its ends are."""
        self._check_range(name, value)
        if self.is_whole and value != int(value):
            raise OptionError(
                f"{name} is {value!r}; expected a whole number, as the ends {self.low} and {self.high} are."
            )

    def check_truth(self, value: Any) -> None:
        """A number of the range; a measured one need not be whole."""
        self._check_range("truth", value)

    def _check_range(self, name: str, value: Any) -> None:
        number(name, value, self.low, self.high, also=", the ends that between= gave")

    def is_right(self, answer: Any, truth: Any) -> bool:
        return bool(abs(answer - truth) <= self.tolerance + _SLACK * (self.high - self.low))


class Place(Exercise):
    """A place on a run's latent plane: where the images of a class lie that is left out.

    Parameters
    ----------
    run : Run
        With two latent dimensions and labelled data.
    label : int
        The class.
    """

    kind = "place"

    def __init__(self, run: Any, label: Any) -> None:
        if not isinstance(run, Run):
            raise OptionError(f"place is {type(run).__name__}; expected a run, as vw.train(...) returns.")
        if run.model.latent_dim != 2:
            raise OptionError(
                f"place={run!r} has {run.model.latent_dim} latent dimensions; expected two, to point at: "
                "train a model with latent_dim=2."
            )
        sample = sample_of(run)
        if sample.labels is None:
            raise OptionError(
                f"place={run!r} has data without labels; expected classes: load the data with labels."
            )
        known = np.unique(sample.labels).tolist()
        label = plain(label)
        if not is_whole(label) or label not in known:
            raise OptionError(f"label is {label!r}; expected a class of {run.data.name}, one of {known}.")
        self.run, self.label = run, label
        self._classes = run.data.classes
        self._sample = sample
        self._map: dict[str, Any] | None = None
        self._centers: dict[int, list[float]] = {}

    @property
    def name(self) -> str:
        return str(self._classes.name(self.label))

    @property
    def truth(self) -> list[float] | None:
        """The center of the class; None before the run has ended."""
        return self._centers.get(self.label)

    def settle(self) -> bool:
        """Take the map of the ended run; whether it is new. One that trains would move under the reader."""
        if self._map is not None or self.run.status not in ENDED or not self.run.has_ended:
            return False
        snapshot = self.run.snapshot()
        known = snapshot.labels_needed(self._sample.labels)
        mu, logvar = snapshot.encode(self._sample.images, known)
        points, labels = mu.numpy(), self._sample.labels
        assert labels is not None
        assert self._sample.classes is not None
        finite = np.isfinite(points).all(axis=1)
        for label in np.unique(labels[finite]):
            # The median: stragglers do not pull it away.
            self._centers[int(label)] = [float(x) for x in np.median(points[finite & (labels == label)], 0)]
        self._map = {
            "step": snapshot.step,
            "points": pack_quantised(points),
            "labels": pack_integers(self._sample.classes),
            "prior": None if logvar is None else {"center": [0.0, 0.0], "radii": [1.0, 2.0]},
            "centers": [[self._index(label), *center] for label, center in self._centers.items()],
        }
        return True

    def content(self) -> dict[str, Any]:
        """The points of all classes, with their centers; the page leaves out the class that is asked for.

        It knows a class by its index in ``data.classes``.
        """
        return {
            "label": self._index(self.label),
            "name": self.name,
            "run_name": self.run.name,
            "class_names": list(self._classes.names),
            "map": self._map,
        }

    def _index(self, label: int) -> int:
        return int(self._classes.index([label])[0])

    def check_answer(self, name: str, value: Any) -> None:
        if not isinstance(value, list) or len(value) != 2 or not all(map(is_number, value)):
            raise OptionError(
                f"{name} is {value!r}; expected a place of the plane, two numbers such as [0, 1]."
            )

    def check_truth(self, value: Any) -> None:
        """It cannot be set."""
        raise OptionError(
            f"truth is {value!r}, but place= takes it from the run: the center of class {self.name}. "
            "Leave truth out; it is known when the run has ended."
        )

    def is_right(self, answer: Any, truth: Any) -> bool:
        """Whether no other class's center is nearer."""
        del truth
        return self.nearest(answer) == self.label

    def nearest(self, place: Sequence[float]) -> int:
        """The class whose center is nearest to a place."""
        return min(self._centers, key=lambda label: math.dist(self._centers[label], place))


def plain(value: Any) -> Any:
    """A value as plain JSON where it is a number or text of numpy or torch, a tuple or an array of such."""
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    if hasattr(value, "tolist"):  # arrays, tensors and their scalars
        return value.tolist()
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else value


def checked_text(name: str, text: Any, most: int = MOST_TEXT) -> str:
    """Return a text that is one, and not too long to be shown."""
    if not isinstance(text, str) or not text.strip() or len(text) > most:
        said = f"{len(text):,} letters" if isinstance(text, str) and len(text) > most else repr(text)
        raise OptionError(f"{name} is {said}; expected a text of 1 to {most} letters.")
    return str(text)


def _texts(name: str, given: Any, most: int) -> list[str]:
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise OptionError(f"{name} is {given!r}; expected a list of texts, such as {name}=['more', 'fewer'].")
    texts = [checked_text(f"{name}[{i}]", one) for i, one in enumerate(given)]
    if not 2 <= len(texts) <= most or len(set(texts)) < len(texts):
        raise OptionError(f"{name} is {texts!r}; expected 2 to {most} different texts.")
    return texts
