"""Widgets saved as one page that lives without a kernel."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaewidgets.checks import number, text
from vaewidgets.contract.training import Trainable
from vaewidgets.errors import OptionError
from vaewidgets.live.page_time_line import TIME_LINE_MB, TRAINING_TIME_LINE_MB, with_short_time_line
from vaewidgets.live.run_widget import RunWidget
from vaewidgets.live.widget import LiveWidget
from vaewidgets.publish import page_html, write_page
from vaewidgets.publish.training import trainable

_OF_THE_DATA = "of the data"  # as js/host/page/training.js reads it


def save_html(
    widgets: LiveWidget | Iterable[LiveWidget],
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
    train: bool | Mapping[str, Any] = False,
    time_line_mb: float | None = None,
) -> Path:
    """Save widgets as one HTML file: offline, alive, with no kernel behind it.

    What the page can compute by itself works there as it does live: hovering decodes, sliders turn.
    Widgets of one run are linked. What is still being measured (what switching units off costs: some
    seconds for a slow decoder) is waited for. Data and programs that several widgets share stand in the file
    once.

    Parameters
    ----------
    widgets : LiveWidget or iterable of LiveWidget
        In the order in which the page shows them.
    path : str or path
        The file; replaced if it exists, whole or not at all.
    title : str, optional
        Heading of the page; by default the widgets' names in words, and what they show.
    train : bool or dict, default False
        Whether the page trains, with no kernel: images and the recorded steps of training go along, and each
        widget of the run moves. A dict says what a new run in the page may choose beside the run's own
        settings, such as ``dict(latent_dim=[2, 8], likelihood=["bernoulli"], n_images=5000)``: latent_dim,
        likelihood, kind ("VAE", "AE") and batch_size, a value or several, and n_images and n_test, how many
        images travel.
    time_line_mb : float, optional
        Most megabytes of frames and earlier weights that the page keeps of a widget's time line; by default
        1, and 0.1 where the page trains and makes a time line of its own. What stays is spread evenly, the
        first and the last frame among it.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    OptionError
        If there are no widgets, one is something else, or the folder does not exist; if `train` asks for what
        cannot be, such as a size that is none or more images than a page can hold.
    PortableError
        If the page cannot train a model: it names the operation and the layer.

    Examples
    --------
    >>> save_html([scatter, curves], "lecture.html", title="Latent spaces")   # doctest: +SKIP
    >>> save_html(explorer, "train_me.html", train=dict(latent_dim=[2, 8]))   # doctest: +SKIP
    """
    if time_line_mb is not None:
        number("time_line_mb", time_line_mb, 0)
    parts = page_parts(widgets, train, title=title, caller="save_html", time_line_mb=time_line_mb)
    page = page_html(parts.states, title=parts.title, stills=parts.stills, trainings=parts.trainings)
    return write_page(path, page)


@dataclass(frozen=True)
class PageParts:
    """What a page of widgets is made from, as `page_html` takes it."""

    states: list[dict[str, Any]]
    title: str
    stills: list[bytes | None]
    trainings: dict[str, Trainable]


def page_parts(
    widgets: Any, train: Any, *, title: str | None, caller: str, time_line_mb: float | None = None
) -> PageParts:
    """Bring widgets up to date and take their states; `caller` is named where they are refused."""
    chosen = widgets_of(widgets, caller)
    states, trainings = page_states(chosen, train, time_line_mb)
    title = _title_of(chosen) if title is None else text("title", title)
    return PageParts(states, title, [widget._picture.png() for widget in chosen], trainings)


def page_states(
    widgets: list[LiveWidget], train: bool | Mapping[str, Any], time_line_mb: float | None = None
) -> tuple[list[dict[str, Any]], dict[str, Trainable]]:
    """Widgets as they are to be saved, each brought up to date, and what trains their runs, by run id."""
    trainings = _trainings(widgets, train)
    if time_line_mb is None:
        time_line_mb = TRAINING_TIME_LINE_MB if trainings else TIME_LINE_MB
    states = []
    for widget in widgets:
        widget._refresh(whole=True)
        states.append(with_short_time_line(_without_originals(widget, trainings), time_line_mb))
    return states, trainings


def training_options(train: Any) -> dict[str, Any] | None:
    """What `trainable` is given beside a run; None: the page is not to train."""
    if train is False or train is None:
        return None
    if train is not True and not isinstance(train, Mapping):
        raise OptionError(
            f"train is {train!r}; expected True, or what a new run may choose: train=dict(latent_dim=[2, 8])."
        )
    return {} if train is True else dict(train)


def _trainings(widgets: list[LiveWidget], train: Any) -> dict[str, Trainable]:
    """What the page needs to train each run that a widget shows alone, by the id of the run."""
    options = training_options(train)
    if options is None:
        return {}
    runs = {w.run.id: w.run for w in widgets if isinstance(w, RunWidget) and len(w.runs) == 1}
    if not runs:
        names = ", ".join(dict.fromkeys(type(widget).__name__ for widget in widgets))
        raise OptionError(
            f"train={train!r} got {names}, which shows no single run; expected a widget of one run, such as "
            "vw.LatentExplorer(run)."
        )
    scored = {w.run.id for w in widgets if isinstance(w, RunWidget) and w._scores_images}
    return {name: trainable(run, name in scored, **options) for name, run in runs.items()}


def _without_originals(widget: LiveWidget, trainings: Mapping[str, Trainable]) -> dict[str, Any]:
    """The state, without the small pictures if the page can take them from the images that it trains on."""
    state: dict[str, Any] = widget.whole_state()
    state.pop("training", None)  # a page has its own, for all widgets of the run
    training = trainings.get(widget.run.id) if isinstance(widget, RunWidget) else None
    if training is not None and training["data"]["whole"] and state.get("originals"):
        state["originals"] = _OF_THE_DATA
    return state


def _title_of(widgets: list[LiveWidget]) -> str:
    """Return the widgets' names, each once; and what they show where they show the same."""
    if len(widgets) == 1:
        return widgets[0]._title()
    first, *rest = dict.fromkeys(widget._words() for widget in widgets)
    names = ", ".join([first, *(word if word[:2].isupper() else word[0].lower() + word[1:] for word in rest)])
    subjects = {subject for widget in widgets if (subject := widget._subject())}
    return f"{names} — {subjects.pop()}" if len(subjects) == 1 else names


def widgets_of(widgets: Any, caller: str) -> list[LiveWidget]:
    """Return one widget or several as a list; `caller` is named where they are none."""
    if isinstance(widgets, LiveWidget):
        return [widgets]
    rest = ", path" if caller == "save_html" else ""
    if not isinstance(widgets, Iterable) or isinstance(widgets, str | bytes | os.PathLike):
        raise OptionError(
            f"{caller} got {type(widgets).__name__}; expected widgets: vw.{caller}([a, b]{rest})."
        )
    chosen = list(widgets)
    if not chosen:
        raise OptionError(f"{caller} got no widgets; expected one at least: vw.{caller}([widget]{rest}).")
    for widget in chosen:
        if not isinstance(widget, LiveWidget):
            raise OptionError(
                f"{caller} got {type(widget).__name__} among its widgets; expected widgets of vaewidgets, "
                "such as vw.LatentScatter(run)."
            )
    return chosen
