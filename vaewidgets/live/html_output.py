"""A widget as one HTML output, for hosts that have no widget manager: within a size, by thinning first."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from vaewidgets.cells import ipython_shell
from vaewidgets.errors import OptionError
from vaewidgets.live.hosts import host
from vaewidgets.live.size_limit import SizeLimit
from vaewidgets.publish.frame import FRAME_BYTES, frame_html

# Most bytes of a widget's arrays, tried one after the other; the page says what was left out.
_BUDGETS = tuple(int(share * FRAME_BYTES) for share in (0.68, 0.5, 0.25, 0.12))


def is_wanted() -> bool:
    """Whether this is a notebook on a host that is known to have no widget manager."""
    return hasattr(ipython_shell(), "kernel") and not host().widget_views


def with_picture(data: Mapping[str, Any], png: bytes | None) -> dict[str, Any]:
    """Return an output's data by MIME type with a PNG among them."""
    return {**data, "image/png": base64.b64encode(png).decode("ascii")} if png else dict(data)


def html_bundle(page: str, text: str, png: bytes | None) -> dict[str, Any]:
    """Return an output's data by MIME type: the page; picture and text are for tools that take no HTML."""
    return with_picture({"text/html": page, "text/plain": text}, png)


def html_output(
    states: Sequence[Mapping[str, Any]],
    *,
    title: str,
    stills: Sequence[bytes | None] = (),
    trainings: Mapping[str, Mapping[str, Any]] | None = None,
) -> str:
    """Return what `frame_html` does, thinned where the whole would be larger than `FRAME_BYTES`.

    Raises
    ------
    OptionError
        If it is still too large without weights of the decoder and pictures of the originals.
    """

    def frame(thinned: Sequence[Mapping[str, Any]]) -> str:
        return frame_html(thinned, title=title, stills=stills, trainings=trainings)

    refused: OptionError | None = None
    for budget in (None, *_BUDGETS):
        try:
            return frame([state if budget is None else _thinned(state, budget) for state in states])
        except OptionError as error:
            refused = error
    raise refused or OptionError("html_output(states) got none.")


def _thinned(state: Mapping[str, Any], budget: int) -> dict[str, Any]:
    return {**state, **SizeLimit(budget).apply({}, state)}
