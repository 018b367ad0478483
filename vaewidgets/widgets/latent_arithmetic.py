"""A direction between two groups of images, added to the code of any image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vaewidgets.checks import is_whole, number, shown, whole, wholes
from vaewidgets.contract.packing import unpack
from vaewidgets.data import SAMPLE_POINTS
from vaewidgets.errors import OptionError, did_you_mean
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.latent import LatentWidget, decode_u8
from vaewidgets.runs import Run
from vaewidgets.sections.state import items_state

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOW, HIGH = -1.0, 2.0  # of the amounts that are shown; js/widgets/latent_arithmetic/index.js has the same
_MOST_KEPT = 12
_MOST_NAME = 40  # letters


class LatentArithmetic(LatentWidget):
    """Two groups of images make a direction, the difference of their mean codes; it is added to any image.

    A group is a class, or what a line is drawn around on the map ("lasso"). A slider adds the direction to an
    image's code: 0 is the image as the model decodes it, 1 the whole way from the mean of A to the mean of B.

    Parameters
    ----------
    run : Run
    a, b : str or sequence of int, optional
        The groups: the name of a class, or numbers of images among the 2,000 of the sample (test images
        first). By default two classes; of data without labels, the tenth at either end of the first principal
        direction of the codes.
    image : int, optional
        Number of the image to start from; by default the first of group A.
    images : int, default 7
        How many to show in the row, 3 to 25, at equal steps of the amount from -1 to 2.

    Attributes
    ----------
    direction : (latent_dim,) array
        From the mean of A to the mean of B.

    Notes
    -----
    View keys: ``groups`` ([a, b], each the number of a class or a list of images), ``base`` (an image),
    ``amount`` and ``directions`` (those that were kept, each with a name); ``hover`` and ``time`` are shared.

    References
    ----------
    Differences of mean codes as attributes: Larsen et al. 2016, arXiv:1512.09300, section 3; White 2016,
    arXiv:1609.04468.
    """

    _esm = STATIC / "latent_arithmetic.js"
    _view_keys: ClassVar[tuple[str, ...]] = ("groups", "base", "amount", "directions")
    _sends_points = True
    _time_options: ClassVar = {"points": False, "weights": True, "posteriors": True}

    def __init__(
        self,
        run: Run,
        *,
        a: str | Sequence[int] | None = None,
        b: str | Sequence[int] | None = None,
        image: int | None = None,
        images: int = 7,
    ) -> None:
        images = whole("images", images, 3, 25)
        super().__init__(run, SAMPLE_POINTS, options={"images": images})
        given = [self._group("a", a, 0.1), self._group("b", b, 0.7)]
        groups = None if None in given else given
        if groups is None and (a is not None or b is not None):
            raise OptionError(
                "the data have no labels; give both groups as numbers of images, a=[...], b=[...]."
            )
        self.view = {"groups": groups, "base": image, "amount": 0.0, "directions": []}

    def _group(self, name: str, wanted: Any, share: float) -> int | list[int] | None:
        """A group as the view has it; by default the class at `share` of all classes."""
        classes, n = self.sample.classes, self._count
        if wanted is None and classes is not None:
            there = np.unique(classes[:n][classes[:n] >= 0])
            return int(there[int(share * len(there))]) if len(there) > 1 else None
        if wanted is None:
            return None
        if not isinstance(wanted, str):
            return list(wholes(name, wanted, 0, n - 1, also=", the indices of images"))
        names = [] if classes is None else list(self.run.data.classes.names)
        if classes is None or wanted not in names:
            there_are = (
                "the data have no labels" if classes is None else f"there are {', '.join(map(repr, names))}"
            )
            raise OptionError(
                f"{name} is {wanted!r}, which is no class; {there_are}.{did_you_mean(wanted, names)}"
            )
        return names.index(wanted)

    def _check_view(self, key: str, value: Any) -> None:
        if value is None and key in ("groups", "base"):
            return
        match key:
            case "groups":
                self._check_groups(key, value)
            case "base":
                whole(key, value, 0, self._count - 1, also=", the index of an image")
            case "amount":
                number(key, value, LOW, HIGH)
            case "directions":
                self._check_kept(key, value)

    def _check_groups(self, key: str, value: Any) -> None:
        if not isinstance(value, list) or len(value) != 2:
            raise OptionError(f"{key} is {shown(value)}; expected two groups, [a, b].")
        for i, group in enumerate(value):
            if is_whole(group):
                names = self.run.data.classes.names if self.sample.classes is not None else ()
                whole(f"{key}[{i}]", group, 0, len(names) - 1, also=", the number of a class")
            elif not group or not wholes(
                f"{key}[{i}]", group, 0, self._count - 1, also=", indices of images"
            ):
                raise OptionError(f"{key}[{i}] is empty; expected a class, or indices of images.")

    def _check_kept(self, key: str, value: Any) -> None:
        if not isinstance(value, list) or len(value) > _MOST_KEPT:
            raise OptionError(f"{key} is {shown(value)}; expected at most {_MOST_KEPT} named directions.")
        for one in value:
            name = one.get("name") if isinstance(one, dict) else None
            if not isinstance(name, str) or not 0 < len(name) <= _MOST_NAME or set(one) != {"name", "groups"}:
                raise OptionError(
                    f'{key} holds {shown(one)}; expected {{"name": ..., "groups": [a, b]}}, the name of 1 to '
                    f"{_MOST_NAME} letters."
                )
            self._check_groups(key, one["groups"])

    def _members(self) -> list[list[int]]:
        """Images of the two groups."""
        n, codes = self._count, self._codes().numpy()
        groups, classes = self.view["groups"], self.sample.classes
        if groups is None:
            rows = unpack((self.frame or {})["latent"]["directions"])
            along = np.argsort(codes[:n] @ rows[0], kind="stable")
            tenth = max(1, n // 10)
            return [along[:tenth].tolist(), along[-tenth:].tolist()]
        return [
            np.flatnonzero(classes[:n] == group).tolist()
            if is_whole(group) and classes is not None
            else group
            for group in groups
        ]

    @property
    def direction(self) -> NDArray[np.float64]:
        """From the mean code of group A to that of group B, shape (latent_dim,)."""
        start, end = self._means()
        return end - start

    def _means(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        codes = self._codes().double().numpy()
        a, b = (codes[rows].mean(axis=0) for rows in self._members())
        return a, b

    def coordinates(self) -> NDArray[np.float64]:
        """Where each image of the sample stands along the direction: 0 at the mean of A, 1 at that of B.

        They color any scatter of the run: ``vw.LatentScatter(run, values={"A to B": w.coordinates()})``.
        """
        start, end = self._means()
        direction = end - start
        with np.errstate(invalid="ignore", divide="ignore"):
            found: NDArray[np.float64] = (self._codes().numpy() - start) @ direction / (direction @ direction)
        return found

    @property
    def in_order(self) -> float:
        """Share of pairs, one image of each group, that stand in order along the direction; 0.5 is chance."""
        along, (a, b) = self.coordinates(), self._members()
        low, high = along[a][:, None], along[b][None]
        return float((low < high).mean() + 0.5 * (low == high).mean())

    def amounts(self) -> NDArray[np.float64]:
        """The amounts of the row."""
        return np.linspace(LOW, HIGH, int(self.options["images"]))

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """The row that the page shows, for print; see `LiveWidget.figure`."""
        from vaewidgets.figures import rows_figure

        base = self.view["base"]
        z = self._codes().numpy()[self._members()[0][0] if base is None else base]
        points = (z + self.amounts()[:, None] * self.direction).astype(np.float32)
        images = decode_u8(self.run.snapshot(), points)
        caption = f"{LOW:g} to {HIGH:g} times the way from A to B, added to an image"
        return rows_figure({"": images}, caption=caption, items=items_state(self.run.data), size=size)
