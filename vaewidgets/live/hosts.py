"""Where the notebook is open, and what can be done there; found out at run time.

A name is read from what the place leaves in its process (a module, a variable of the environment), never from
a version. What a probe can tell, a probe does: whether the cell's message carries its id, whether a view has
opened, whether it has seen what a thread sent.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from vaewidgets.cells import cell_has_id, in_marimo, ipython_shell

LAB: Final = "JupyterLab or Notebook 7"
RUN_AGAIN: Final = "run the cell again"
AS_HTML: Final = "vw.show(widget, as_html=True)"


@dataclass(frozen=True)
class Place:
    """What is known of a host before any view has opened in it.

    Parameters
    ----------
    name : str
    is_here : callable
        Whether this process belongs to it.
    threads_reach_page : bool, optional
        See `Host`; None: to be found out when a view opens.
    widget_views, saves_state : bool
        See `Host`.
    advice : str
        What to do where a widget does not live, or to wake one in a notebook that was opened again.
    """

    name: str
    is_here: Callable[[], bool]
    threads_reach_page: bool | None = True
    widget_views: bool = True
    saves_state: bool = True
    advice: str = f"Where a notebook was opened again, {RUN_AGAIN}."


@dataclass(frozen=True, repr=False)
class Host:
    """Where the notebook is open, and what can be done there.

    Attributes
    ----------
    name : str
        As far as it is known: "Google Colab", "VS Code", "marimo", "JupyterLab or Notebook 7", ...
    threads_reach_page : bool or None
        Whether what a thread sends is shown while no cell runs. Else views ask for it. None: that is found
        out when the first view opens.
    cell_ids : bool
        Whether a message that runs a cell says which cell it is.
    widget_views : bool
        Whether a widget can be shown at all; False only where it is known that none can.
    saves_state : bool
        Whether a saved notebook keeps the widgets' state, so that they live on without a kernel.
    page : mapping
        What the page has said of itself when a view opened: `workers`, `wasm` (booleans); empty before.
    advice : str
        What to do where a widget does not live.
    """

    name: str
    threads_reach_page: bool | None
    cell_ids: bool
    widget_views: bool
    saves_state: bool
    page: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    advice: str = ""

    def __repr__(self) -> str:
        """One line for each thing that can be done or not."""
        says = {
            "shows widgets": self.widget_views,
            "shows what threads send": self.threads_reach_page,
            "says which cell is run": self.cell_ids,
            "saves widgets in the notebook": self.saves_state,
            "allows workers": self.page.get("workers"),
            "allows WebAssembly": self.page.get("wasm"),
        }
        words = {True: "yes", False: "no", None: "not known before a widget is shown"}
        lines = [self.name, *(f"  {what}: {words[answer]}" for what, answer in says.items())]
        return "\n".join([*lines, f"  {self.advice}"] if self.advice else lines)


def _has(variable: str) -> Callable[[], bool]:
    return lambda: variable in os.environ


def _shell_is(*names: str) -> Callable[[], bool]:
    """Whether the shell's class, or one that it is derived from, has one of these names."""
    return lambda: any(kind.__name__ in names for kind in type(ipython_shell()).__mro__)


def _in_vs_code() -> bool:
    shell = ipython_shell()
    names = getattr(shell, "user_ns", {})
    return shell is not None and ("__vsc_ipynb_file__" in names or "VSCODE_PID" in os.environ)


def _in_sagemaker() -> bool:
    return Path("/opt/ml/metadata/resource-metadata.json").exists()


_NO_WIDGETS = f"It has no place for widgets of this kind: {AS_HTML} shows a page instead."
# The first that is here counts.
PLACES: Final = (
    Place("marimo", in_marimo, saves_state=False, advice="Its own ids bring a widget back after a reload."),
    Place(
        "Google Colab",
        lambda: "google.colab" in sys.modules or _has("COLAB_RELEASE_TAG")(),
        threads_reach_page=False,
        advice=f"Widgets ask for news four times a second. Where a notebook was opened again, {RUN_AGAIN}.",
    ),
    Place(
        "Kaggle", _has("KAGGLE_KERNEL_RUN_TYPE"), widget_views=False, saves_state=False, advice=_NO_WIDGETS
    ),
    Place("Deepnote", _has("DEEPNOTE_PROJECT_ID"), widget_views=False, saves_state=False, advice=_NO_WIDGETS),
    Place("SageMaker", _in_sagemaker, widget_views=False, saves_state=False, advice=_NO_WIDGETS),
    Place(
        "VS Code",
        _in_vs_code,
        saves_state=False,
        advice=f"A notebook that was opened again shows pictures: to wake a widget, {RUN_AGAIN}.",
    ),
    Place("JupyterLite", lambda: sys.platform == "emscripten"),
    Place(
        "IPython in a terminal",
        _shell_is("TerminalInteractiveShell"),
        widget_views=False,
        saves_state=False,
        advice="Open a notebook, or save a page: widget.save_html('page.html').",
    ),
    Place(LAB, lambda: _shell_is("ZMQInteractiveShell")() and cell_has_id(), advice=""),
    Place("a notebook", _shell_is("ZMQInteractiveShell"), threads_reach_page=None),
    Place(
        "Python without IPython",
        lambda: ipython_shell() is None,
        widget_views=False,
        saves_state=False,
        advice="Open a notebook, or save a page: widget.save_html('page.html').",
    ),
    Place("another shell of IPython", lambda: True),
)


class _Found:
    """What pages have told, and what probes have shown; one of it a process."""

    def __init__(self) -> None:
        self.threads_reach_page: bool | None = None
        self.page: dict[str, Any] = {}


found: Final = _Found()


def _place() -> Place:
    return next(place for place in PLACES if place.is_here())


def threads_reach_page() -> bool | None:
    """Whether what a thread sends is shown; None as long as that is not known."""
    known = _place().threads_reach_page
    return found.threads_reach_page if known is None else known


def host() -> Host:
    """Where this notebook is open, and what can be done there; print it.

    Returns
    -------
    Host
    """
    place = _place()
    return Host(
        name=place.name,
        threads_reach_page=threads_reach_page(),
        cell_ids=cell_has_id(),
        widget_views=place.widget_views,
        saves_state=place.saves_state,
        page=MappingProxyType(dict(found.page)),
        advice=place.advice,
    )
