"""Widgets in an output, as views or as a page that needs no widget manager."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from vaewidgets.checks import flag
from vaewidgets.errors import OptionError
from vaewidgets.live.html_output import html_bundle, html_output, is_wanted
from vaewidgets.live.save import page_parts, widgets_of
from vaewidgets.live.widget import LiveWidget


def show(
    widgets: LiveWidget | Iterable[LiveWidget],
    *,
    as_html: bool | None = None,
    train: bool | Mapping[str, Any] = False,
    title: str | None = None,
) -> None:
    """Show widgets in the output of this cell, also where no widget can live.

    As HTML they are the page of `save_html` in a sandboxed frame, of 5 MB at most: hovering decodes, the time
    line moves, selections work, and with `train` the page trains. It asks nothing of a kernel or a network,
    and shows the run as it is now. Where scripts are forbidden, such as in a notebook that is not trusted, a
    picture is left.

    Parameters
    ----------
    widgets : LiveWidget or iterable of LiveWidget
        Several of them as HTML are one page, linked where they share a run.
    as_html : bool, optional
        Whether to show a page in place of a view; by default where the host is known to have no widget
        manager, such as Kaggle, Deepnote or SageMaker (`vaewidgets.host()`).
    train, title
        As `save_html` takes them; a page alone trains.

    Raises
    ------
    OptionError
        If there are no widgets or one is something else; if `train` is given and no page is shown; if the
        page is larger than 5 MB even without earlier weights, pictures of the originals and the decoder.

    Examples
    --------
    >>> vw.show(explorer, as_html=True)   # doctest: +SKIP
    """
    from IPython.display import display, publish_display_data

    is_page = is_wanted() if as_html is None else flag("as_html", as_html)
    if train and not is_page:
        raise OptionError(
            "show(train=...) is for a page; expected as_html=True with it (a view trains anyway)."
        )
    if not is_page:
        for widget in widgets_of(widgets, "show"):
            display(widget)
        return
    parts = page_parts(widgets, train, title=title, caller="show")
    page = html_output(parts.states, title=parts.title, stills=parts.stills, trainings=parts.trainings)
    png = next((png for png in parts.stills if png), None)
    publish_display_data(html_bundle(page, parts.title, png))
