"""The still picture that a notebook keeps of a widget, for where the widget itself cannot live.

The widget's output is published under a display id and renewed when the run has ended, so that a saved
notebook shows the finished run. While it trains the output has no picture: it would cost each widget most of
a second, and show the first moment. JupyterLab draws a renewed output anew, and the page takes over what was
drawn before (see js/host/widget.js).
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

from anywidget import AnyWidget

from vaewidgets.concurrency import Lock
from vaewidgets.contract.png import size_metadata
from vaewidgets.live.hosts import host
from vaewidgets.live.html_output import html_bundle, html_output, is_wanted, with_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vaewidgets.live.widget import LiveWidget

# Dots an inch, and the most bytes at which they are kept: sharp on screens with two dots a pixel, where the
# file stays small.
_SHARPNESS = {200: 160_000, 150: 160_000, 100: 300_000, 60: 300_000, 40: 300_000}
WAKE = "A still picture. To wake the widget, run its cell again."  # where a saved notebook has nothing else
KEEP = 8  # newest places where a widget is shown; older ones are cells that were run again

_log = logging.getLogger("vaewidgets")


def still_png(figure: Figure) -> bytes:
    """Return a figure as a PNG of few bytes, as sharp as they allow."""
    from vaewidgets.contract.few_colors import few_color_png
    from vaewidgets.figures import figure_pixels

    for dpi, most_bytes in _SHARPNESS.items():
        png = few_color_png(figure_pixels(figure, dpi), dpi)
        if len(png) <= most_bytes:
            break
    return png


class Picture:
    """PNG of a widget's figure, and the outputs that show it.

    Parameters
    ----------
    widget : LiveWidget
    """

    def __init__(self, widget: LiveWidget) -> None:
        self._widget = widget
        self._lock = Lock()
        self._drawn: tuple[Hashable, bytes | None] | None = None
        self._display_ids: list[str] = []
        self._shown: Hashable = None
        self._is_held = False

    def bundle(self, *, drawn: bool = True) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the widget's output, with its PNG if it is to be `drawn`, and metadata; both by MIME type.

        Text, view and metadata are anywidget's: it knows what a host asks for, such as Colab the address of
        the widget manager. On a host that has no widget manager a page is in place of the view.
        """
        if is_wanted():
            return self._page_bundle()
        data, metadata = AnyWidget._repr_mimebundle_(self._widget) or ({}, {})
        place = host()
        note = WAKE if place.widget_views and not place.saves_state else ""
        png = self.png(note) if drawn else None
        return with_picture(data, png), {**metadata, **size_metadata(png)}

    def _page_bundle(self) -> tuple[dict[str, Any], dict[str, Any]]:
        widget = self._widget
        png = self.png()
        page = html_output([widget.whole_state()], title=widget._title(), stills=[png])
        return html_bundle(page, repr(widget), png), size_metadata(png)

    def display(self) -> None:
        """Publish the widget as an output that can be renewed."""
        from IPython.display import publish_display_data

        with self._lock:
            waits = self._widget._changes_by_itself()
            moment = None if waits else self._widget._moment()
            display_id = uuid.uuid4().hex
            data, metadata = self.bundle(drawn=not waits)
            publish_display_data(data, metadata=metadata, transient={"display_id": display_id})
            self._display_ids = [*self._display_ids, display_id][-KEEP:]
            self._shown = moment

    @property
    def is_stale(self) -> bool:
        """Whether an output shows another moment than the widget's newest."""
        return bool(self._display_ids) and not self._is_held and self._shown != self._widget._moment()

    def hold(self, on: bool) -> None:
        """Renew nothing for now: the widget fills a screen, from which a renewed output would fall."""
        self._is_held = on

    def renew(self) -> None:
        """Bring the outputs up to date, from any thread."""
        from IPython.display import publish_display_data

        with self._lock:
            if not self.is_stale:
                return
            self._shown = self._widget._moment()
            try:
                data, metadata = self.bundle()
                for display_id in self._display_ids:
                    transient = {"display_id": display_id}
                    publish_display_data(data, metadata=metadata, transient=transient, update=True)
            except Exception:  # a picture of the moment before is better than a thread that ends
                _log.warning("the saved picture of %r could not be renewed", self._widget, exc_info=True)

    def forget(self) -> None:
        """The widget is off the page: its outputs stay as they are."""
        with self._lock:
            self._display_ids = []

    def png(self, note: str = "") -> bytes | None:
        """Return the picture of the widget's newest moment, with a note in it; None if it cannot be drawn."""
        moment = (note, self._widget._moment())
        if self._drawn is None or self._drawn[0] != moment:
            png = None
            try:
                figure = self._widget.figure()
                if note:
                    figure.text(0.99, 0.01, note, ha="right", fontsize=6, color="0.4")
                png = still_png(figure)
            except Exception:  # the widget itself must be shown all the same
                _log.warning("no picture of %r could be drawn", self._widget, exc_info=True)
            self._drawn = (moment, png)
        return self._drawn[1]
