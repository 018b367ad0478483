"""An executed notebook whose widgets live without a kernel: their views become HTML outputs."""

from __future__ import annotations

import base64
import copy
import os
from collections.abc import Iterator, Mapping
from typing import Any

from vaewidgets.errors import OptionError
from vaewidgets.publish.pieces import html_pieces

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
OURS = "vaewidgets."
BOXES = {"HBoxModel": "row", "VBoxModel": "column"}


def revive_notebook(
    notebook: Mapping[str, Any], *, folder: str | os.PathLike[str] | None = None, address: str = ""
) -> dict[str, Any]:
    """Return a copy of a notebook in which the widgets of this package are alive in every HTML made from it.

    Converters show widgets by the standard manager, which they fetch from its server; here each view
    becomes an HTML output with the widget's own host, which asks nothing of anybody. Boxes of widgets stay
    boxes. Widgets of other packages, such as progress bars, are left out: they need that manager.

    Parameters
    ----------
    notebook : dict
        In the format of version 4, executed with its widgets' state kept (`store_widget_state` of nbclient
        and nbconvert, which is their default).
    folder, address
        As `html_pieces` takes them.

    Raises
    ------
    OptionError
        If a view has no state in the notebook.
    """
    result: dict[str, Any] = copy.deepcopy(dict(notebook))
    saved = result.get("metadata", {}).pop("widgets", {}).get(STATE, {}).get("state", {})
    views = [output for output in _outputs(result) if VIEW in output.get("data", {})]
    layouts = {id(output): _layout(output["data"][VIEW]["model_id"], saved) for output in views}
    names = dict.fromkeys(name for layout in layouts.values() for name in _names(layout))
    pieces = (
        html_pieces({n: _state(saved[n]) for n in names}, folder=folder, address=address) if names else None
    )
    last = max((i for i, output in enumerate(views) if _names(layouts[id(output)])), default=None)
    for i, output in enumerate(views):
        layout = layouts[id(output)]
        for kind in (VIEW, "text/plain"):
            output["data"].pop(kind, None)
        if pieces and _names(layout):
            html = _html(layout, pieces.places)
            output["data"] = {"text/html": f"{html}\n{pieces.rest}" if i == last else html}
    for cell in result.get("cells", []):
        if "outputs" in cell:
            cell["outputs"] = [output for output in cell["outputs"] if output.get("data", True)]
    return result


def _outputs(notebook: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for cell in notebook.get("cells", []):
        yield from cell.get("outputs", [])


# A widget of ours by its name, a box by its direction and what is in it, or nothing that could be shown.
_Layout = str | tuple[str, list["_Layout"]] | None


def _layout(name: str, saved: Mapping[str, Any]) -> _Layout:
    if name not in saved:
        raise OptionError(
            f"revive_notebook got a view of {name!r}, whose state is not in the notebook; execute it with "
            "the widgets' state kept: nbclient.NotebookClient(notebook, store_widget_state=True).execute()."
        )
    state = saved[name]["state"]
    if str(state.get("_anywidget_id", "")).startswith(OURS):
        return name
    direction = BOXES.get(str(saved[name].get("model_name")))
    if direction is None:
        return None
    children = [_layout(str(child).removeprefix("IPY_MODEL_"), saved) for child in state.get("children", [])]
    return direction, children


def _names(layout: _Layout) -> list[str]:
    if isinstance(layout, tuple):
        return [name for child in layout[1] for name in _names(child)]
    return [] if layout is None else [layout]


def _html(layout: _Layout, places: Mapping[str, str]) -> str:
    if isinstance(layout, str):
        return places[layout]
    if layout is None:
        return ""
    direction, children = layout
    inside = "".join(
        f'<div class="vw-page-cell">{_html(child, places)}</div>' for child in children if _names(child)
    )
    return f'<div class="vw-page-box" data-direction="{direction}">{inside}</div>'


def _state(saved: Mapping[str, Any]) -> dict[str, Any]:
    state = copy.deepcopy(dict(saved["state"]))
    for buffer in saved.get("buffers", []):
        *parents, key = buffer["path"]
        place: Any = state
        try:
            for parent in parents:
                place = place[parent]
            if isinstance(place, list) and not -1 < key < len(place):
                continue
        except (KeyError, IndexError, TypeError):
            continue  # of a state before the last one: clients keep the buffers of all that ever stood there
        if isinstance(place, dict | list):
            place[key] = base64.b64decode(buffer["data"])
    return state
