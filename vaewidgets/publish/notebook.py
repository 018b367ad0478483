"""An executed notebook whose widgets live without a kernel: their views become HTML outputs."""

from __future__ import annotations

import base64
import copy
import os
from collections.abc import Iterator, Mapping
from typing import Any

from vaewidgets.errors import OptionError
from vaewidgets.publish.frame import frame_html
from vaewidgets.publish.pieces import html_pieces

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
OURS = "vaewidgets."
BOXES = {"HBoxModel": "row", "VBoxModel": "column"}


def revive_notebook(
    notebook: Mapping[str, Any],
    *,
    folder: str | os.PathLike[str] | None = None,
    address: str = "",
    alone: bool = False,
    pictures: bool = False,
) -> dict[str, Any]:
    """Return a copy of a notebook in which the widgets of this package are alive in every HTML made from it.

    Converters show widgets by the standard manager, which they fetch from its server; here each view
    becomes an HTML output with the widget's own host, which asks nothing of anybody. Boxes of widgets stay
    boxes. Widgets of other packages, such as progress bars, are left out: they need that manager. Until a
    widget is drawn, and where scripts are forbidden, the output's picture stands in its place.

    Parameters
    ----------
    notebook : dict
        In the format of version 4, executed with its widgets' state kept (`store_widget_state` of nbclient
        and nbconvert, which is their default).
    folder, address
        As `html_pieces` takes them.
    alone : bool
        Whether each output holds all that it needs, in a frame of its own: for tools that show outputs one
        by one, such as MyST, or take a page apart. Widgets of different outputs are not linked then.
    pictures : bool
        Whether a view that has no state in the notebook becomes its picture.

    Raises
    ------
    OptionError
        If a view has no state in the notebook, unless `pictures`; if `alone` comes with a folder.
    """
    if alone and folder is not None:
        raise OptionError("revive_notebook got alone=True and a folder; expected one: alone shares no files.")
    result: dict[str, Any] = copy.deepcopy(dict(notebook))
    saved = result.get("metadata", {}).pop("widgets", {}).get(STATE, {}).get("state", {})
    shown: _Shown = []
    for output in _outputs(result):
        name = output.get("data", {}).get(VIEW, {}).get("model_id")
        if name is None or (pictures and name not in saved):
            output.get("data", {}).pop(VIEW, None)
        elif _names(layout := _layout(name, saved)):
            shown.append((output, layout))
        else:
            for kind in (VIEW, "text/plain"):
                output["data"].pop(kind, None)
    if alone:
        _make_alone(shown, saved)
    elif shown:
        _make_one_page(shown, saved, folder, address)
    for cell in result.get("cells", []):
        if "outputs" in cell:
            cell["outputs"] = [output for output in cell["outputs"] if output.get("data", True)]
    return result


def count_without_state(notebook: Mapping[str, Any]) -> int:
    """Return how many views a notebook has whose state is not in it."""
    saved = notebook.get("metadata", {}).get("widgets", {}).get(STATE, {}).get("state", {})
    views = [output["data"][VIEW] for output in _outputs(notebook) if VIEW in output.get("data", {})]
    return sum(view["model_id"] not in saved for view in views)


def _make_one_page(shown: _Shown, saved: Mapping[str, Any], folder: Any, address: str) -> None:
    """Put a place into each output, and into the last what all of them need."""
    names = dict.fromkeys(name for _, layout in shown for name in _names(layout))
    stills = {layout: _png(output) for output, layout in shown if isinstance(layout, str)}
    states = {name: _state(saved[name]) for name in names}
    pieces = html_pieces(states, stills=stills, folder=folder, address=address)
    for output, layout in shown:
        output["data"] = {"text/html": _html(layout, pieces.places)}
    shown[-1][0]["data"]["text/html"] += f"\n{pieces.rest}"


def _make_alone(shown: _Shown, saved: Mapping[str, Any]) -> None:
    """Put a frame into each output; its picture and its text stay beside it, for what takes no HTML."""
    for output, layout in shown:
        names = _names(layout)
        title = ", ".join(str(saved[name]["state"]["_anywidget_id"]).rpartition(".")[2] for name in names)
        states = [_state(saved[name]) for name in names]
        del output["data"][VIEW]
        output["data"]["text/html"] = frame_html(states, title=title, stills=[_png(output)])


def _png(output: Mapping[str, Any]) -> bytes | None:
    text = output["data"].get("image/png")
    return base64.b64decode(text) if text else None


def _outputs(notebook: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for cell in notebook.get("cells", []):
        yield from cell.get("outputs", [])


# A widget of ours by its name, a box by its direction and what is in it, or nothing that could be shown.
_Layout = str | tuple[str, list["_Layout"]] | None
_Shown = list[tuple[dict[str, Any], _Layout]]  # outputs, and what is in each


def _layout(name: str, saved: Mapping[str, Any]) -> _Layout:
    if name not in saved:
        raise OptionError(
            f"revive_notebook got a view of {name!r}, whose state is not in the notebook; execute it with "
            "the widgets' state kept: nbclient.NotebookClient(notebook, store_widget_state=True).execute(), "
            "or python -m vaewidgets revive NOTEBOOK --execute. With pictures=True its picture is shown."
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
