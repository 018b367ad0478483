"""A walk through what widgets show: a text and a view of them for each stop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, final

from vaewidgets.checks import shown, whole
from vaewidgets.errors import OptionError
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.concept import ConceptWidget
from vaewidgets.live.save import widgets_of
from vaewidgets.live.view import View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vaewidgets.live.widget import LiveWidget

MOST_STOPS = 60
MOST_TEXT = 2000  # letters


def _check_later(name: str, value: Any) -> None:
    """How many stops there are is known to the tour: see `Tour._check_view`."""


@final
class Tour(ConceptWidget):
    """A lecture's walk through other widgets: at each stop a text, and the view that it speaks of.

    Show it above the widgets, in a notebook, on slides or on a saved page: "next", "back", the dots and the
    arrow keys go from stop to stop. Between the stops everything can still be turned by hand. On a saved page
    "copy link to this view" links to a stop.

    Parameters
    ----------
    widgets : LiveWidget or iterable of LiveWidget
        What the tour shows.
    stops : iterable of (str, dict), optional
        For each stop a text, blank lines between its paragraphs, and what is to be set in `view` of those
        widgets that have such a key. A text alone leaves the view as it is.

    Attributes
    ----------
    stop : int
        The stop that is shown, from 0. Setting it sets the view of the widgets.

    Raises
    ------
    OptionError
        If a view holds a key that none of the widgets has, or a value that it cannot have; with more than 60
        stops or 2,000 letters of a text.

    Notes
    -----
    A key that a stop leaves out is as at the stop before it, and before the first stop as it was when the
    tour was made: so "back" restores.

    Examples
    --------
    >>> import vaewidgets as vw
    >>> play = vw.KLPlayground()
    >>> tour = vw.Tour(play, [("Equal: no cost.", {"mu": 0, "sigma": 1}), ("A shift costs.", {"mu": 2})])
    >>> tour.stop = 1
    >>> play.view["mu"]
    2
    >>> play.view |= {"sigma": 0.3}
    >>> tour.add("Narrow costs, too.")  # a stop with the view as it is now
    >>> len(tour.stops)
    3
    """

    _esm = STATIC / "tour.js"
    _keys: ClassVar = {"stop": _check_later}

    def __init__(
        self,
        widgets: LiveWidget | Iterable[LiveWidget],
        stops: Iterable[tuple[str, Mapping[str, Any]] | str] = (),
    ) -> None:
        self._widgets = widgets_of(widgets, "Tour")
        self._before = [dict(widget.view) for widget in self._widgets]
        self._stops = [self._read(i, stop) for i, stop in enumerate(_listed(stops))]
        super().__init__({"stop": 0})
        if self._stops:
            self._turn(0)

    @property
    def stops(self) -> list[tuple[str, dict[str, Any]]]:
        """Texts and views, as the constructor takes them: print them to keep what `add` wrote."""
        return [(text, dict(view)) for text, view in self._stops]

    @property
    def stop(self) -> int:
        """The stop that is shown, from 0."""
        return int(self.view["stop"])

    @stop.setter
    def stop(self, number: int) -> None:
        self.view = {"stop": number}

    def add(self, text: str, view: Mapping[str, Any] | None = None) -> None:
        """Add a stop at the end.

        Parameters
        ----------
        text : str
        view : dict, optional
            By default all that is set in the widgets' views now: turn them as the stop is to show them.

        Raises
        ------
        OptionError
            As the constructor does.
        """
        if view is None:
            view = {key: value for widget in self._widgets for key, value in widget.view.items()}
        self._stops.append(self._read(len(self._stops), (text, view)))
        self._show()

    def _read(self, number: int, stop: Any) -> tuple[str, dict[str, Any]]:
        text, view = (stop, {}) if isinstance(stop, str) else stop if _is_pair(stop) else (None, None)
        if not isinstance(text, str) or not text.strip() or len(text) > MOST_TEXT:
            raise OptionError(
                f"stop {number} is {shown(stop)}; expected a text of 1 to {MOST_TEXT:,} letters and what "
                'is to be set in view, such as ("Before any training.", {"time": 0}).'
            )
        if number >= MOST_STOPS:
            raise OptionError(f"this is stop {number}, counted from 0; expected at most {MOST_STOPS} stops.")
        checked = View.check(view)
        for key, value in checked.items():
            takers = [widget for widget in self._widgets if key in widget._known_keys()]
            for widget in takers or self._widgets[:1]:  # the first one says what it knows
                widget._check_turn(key, value)
        return text, checked

    def _content(self) -> dict[str, Any]:
        return {
            "stops": [{"text": text, "views": self._views_at(i)} for i, (text, _) in enumerate(self._stops)],
            "widgets": [widget._live["widget_id"] for widget in self._widgets],
        }

    def _views_at(self, number: int) -> list[dict[str, Any]]:
        """What a stop sets in each widget: each key of any stop, as the last stop up to here has it."""
        used = dict.fromkeys(key for _, view in self._stops for key in view)
        upto = {key: value for _, view in self._stops[: number + 1] for key, value in view.items()}
        return [
            {
                key: upto[key] if key in upto else before.get(key)
                for key in used
                if key in widget._known_keys() and (key in upto or _can_be(widget, key, before.get(key)))
            }
            for widget, before in zip(self._widgets, self._before, strict=True)
        ]

    def _check_view(self, key: str, value: Any) -> None:
        super()._check_view(key, value)
        whole(key, value, 0, max(len(self._stops) - 1, 0), also=", the tour's last stop")

    def _view_changed(self, key: str, value: Any) -> None:
        super()._view_changed(key, value)
        self._turn(value)

    def _turn(self, number: int) -> None:
        if self._stops:
            for widget, view in zip(self._widgets, self._views_at(number), strict=True):
                widget.view = view

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """The texts of all stops, for print; the one that is shown in bold. See `LiveWidget.figure`."""
        from vaewidgets.figures import tour_figure

        return tour_figure([text for text, _ in self._stops], self.stop, size=size)

    def _subject(self) -> str:
        return ", ".join(dict.fromkeys(widget._words() for widget in self._widgets))

    def __repr__(self) -> str:
        names = ", ".join(type(widget).__name__ for widget in self._widgets)
        return f"Tour({names}, {len(self._stops)} stop{'' if len(self._stops) == 1 else 's'})"


def _listed(stops: Any) -> list[Any]:
    if isinstance(stops, str | Mapping) or not isinstance(stops, Iterable):
        raise OptionError(
            f"stops is {shown(stops)}; expected a list of texts and views, such as "
            '[("Before any training.", {"time": 0})].'
        )
    return list(stops)


def _is_pair(stop: Any) -> bool:
    return isinstance(stop, tuple | list) and len(stop) == 2 and isinstance(stop[1], Mapping)


def _can_be(widget: LiveWidget, key: str, value: Any) -> bool:
    """Whether a widget's key can be set back to what it was; some cannot be None."""
    try:
        widget._check_turn(key, value)
    except OptionError:
        return False
    return True
