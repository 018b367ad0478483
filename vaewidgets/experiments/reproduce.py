"""Run an experiment: train each setting, compare published with obtained, write table and figures."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from vaewidgets.experiments.base import Recipe, Results
from vaewidgets.experiments.experiment import Experiment
from vaewidgets.experiments.report import Report


def reproduce(
    recipe: Recipe,
    *,
    scale: str = "small",
    dataset: str | None = None,
    epochs: int | None = None,
    root: str | os.PathLike[str] | None = None,
    device: str | None = None,
    folder: str | os.PathLike[str] | None = None,
    figures: bool = True,
    progress: bool = True,
    say: Callable[[str], None] = print,
) -> Report:
    """Train what a recipe asks for and compare with what was published.

    Parameters
    ----------
    recipe, scale, dataset, epochs, root, device
        As in `Experiment`.
    folder : path, optional
        Where the table (JSON) and the figures (PNG and SVG) go; nothing is written without. Until both are
        written, the runs are kept there, too: called again after it was cut off, it goes on where it was.
    figures : bool
        Draw them.
    progress : bool
        Show a bar for each run.
    say : callable
        Told what is being done.
    """
    started = time.monotonic()
    experiment = Experiment(
        recipe,
        scale,
        dataset=dataset,
        epochs=epochs,
        root=root,
        device=device,
        folder=None if folder is None else Path(folder) / f"{recipe.name}_runs",
    )
    for name in experiment.settings:
        run = experiment.train(name, start=False)
        if run.status == "finished":
            say(f"{recipe.name}: {name}, trained before")
            continue
        say(f"{recipe.name}: {name}")
        run.resume()
        run.wait(progress=progress)
    report = experiment.report()
    if folder is not None and figures:
        _draw(recipe, experiment.results, Path(folder), say)
    report = replace(report, seconds=time.monotonic() - started)
    if folder is not None:
        (Path(folder) / f"{recipe.name}_{experiment.scale}.json").write_text(
            report.to_json(), encoding="utf-8"
        )
        experiment.forget_files()
    return report


def _draw(recipe: Recipe, results: Results, folder: Path, say: Callable[[str], None]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in recipe.figures(results):
        say(f"{recipe.name}: figure {name}")
        for kind in ("png", "svg"):
            figure.savefig(folder / f"{recipe.name}_{name}.{kind}", dpi=150, facecolor="white")
