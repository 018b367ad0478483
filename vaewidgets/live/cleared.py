"""Widgets in an `ipywidgets.Output` are closed when they are gone from it.

`interact(lambda d: vw.LatentScatter(runs[d]))` makes a widget at each move of its slider, and shows the
newest alone: all others would live on in the kernel, and get frames that nobody sees.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from ipywidgets import Output
from ipywidgets.widgets import widget as registry

from vaewidgets.cells import ipython_shell

if TYPE_CHECKING:
    from vaewidgets.live.widget import LiveWidget

VIEW = "application/vnd.jupyter.widget-view+json"

# In the order in which they were shown.
_shown: weakref.WeakKeyDictionary[Output, list[weakref.ref[LiveWidget]]] = weakref.WeakKeyDictionary()


def note_shown(widget: LiveWidget) -> None:
    """Remember in which Output a widget is being shown, if it is in one."""
    output = _capturing()
    if output is None:
        return
    if output not in _shown:
        output.observe(_close_gone, "outputs")  # the page tells what stands in it
    _shown.setdefault(output, []).append(weakref.ref(widget))


def _capturing() -> Output | None:
    """The Output that takes what this cell, or message of a page, displays; None if there are several."""
    header: Any = getattr(ipython_shell(), "parent_header", None)
    message = header.get("header", {}).get("msg_id") if isinstance(header, dict) else None
    # ipywidgets 7 has them in the class
    known = getattr(registry, "_instances", None) or registry.Widget.widgets
    found = [one for one in list(known.values()) if isinstance(one, Output) and one.msg_id == message]
    return found[0] if message and len(found) == 1 else None


def _close_gone(change: Any) -> None:
    """Close what an Output showed, if it shows something newer now, or nothing."""
    output = change["owner"]
    there = {model for one in change["new"] if (model := _model(one))}
    before = {model for one in change["old"] or () if (model := _model(one))}
    widgets = [widget for one in _shown.get(output, ()) if (widget := one()) is not None]
    newest = max((i for i, widget in enumerate(widgets) if widget.model_id in there), default=-1)
    gone = [
        widget
        for i, widget in enumerate(widgets)
        if widget.model_id not in there and (i < newest or widget.model_id in before)
    ]
    _shown[output] = [weakref.ref(widget) for widget in widgets if widget not in gone]
    for widget in gone:
        if widgets.count(widget) == widget.times_shown:  # else it is in a place of its own, too
            widget.close_for_now()


def _model(output: Any) -> str | None:
    view = output.get("data", {}).get(VIEW) if isinstance(output, dict) else None
    return view.get("model_id") if isinstance(view, dict) else None
