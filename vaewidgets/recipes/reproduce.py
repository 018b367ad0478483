"""Run a recipe: train each setting, compare published with obtained, write table and figures."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from vaewidgets.data import ImageDataset, load_dataset
from vaewidgets.recipes.base import Recipe, Results, Row, Setting
from vaewidgets.training import Run, train

__all__ = ["Report", "reproduce"]

# What is run of an experiment that needs a GPU, where there is none.
_WITHOUT_GPU = {"epochs": 2, "n_train": 5000}


@dataclass(frozen=True)
class Report:
    """Published against obtained.

    Attributes
    ----------
    recipe, title, source, scale : str
    rows : list of Row
    remarks : list of str
        What differs from the recipe.
    seconds : float
        Training and figures.
    """

    recipe: str
    title: str
    source: str
    scale: str
    rows: list[Row]
    remarks: list[str]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether no row was missed."""
        return all(row.verdict != "missed" for row in self.rows)

    def text(self) -> str:
        """The table for a terminal."""
        lines = [f"{self.recipe}. {self.title} ({self.scale}; {self.seconds:.0f} s)", f"   {self.source}"]
        lines += [f"   {remark}" for remark in self.remarks]
        numbers = [row for row in self.rows if not isinstance(row.obtained, str)]
        if numbers:
            cells = [("", "published", "obtained", "off", "allowed", ""), *map(_cells, numbers)]
            widths = [max(len(row[i]) for row in cells) for i in range(5)]
            for what, *middle, verdict in cells:
                aligned = "  ".join(text.rjust(width) for text, width in zip(middle, widths[1:], strict=True))
                lines.append(f"{what.ljust(widths[0])}  {aligned}  {verdict}".rstrip())
        for row in self.rows:
            if isinstance(row.obtained, str):
                lines += _sentences(row)
        counts = {v: sum(row.verdict == v for row in self.rows) for v in ("met", "missed", "told")}
        lines.append(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
        return "\n".join(lines)

    def to_json(self) -> str:
        """The same as JSON; NaN becomes null."""
        content = asdict(self)
        for row in content["rows"]:
            for name in ("published", "obtained"):
                if isinstance(row[name], float) and not math.isfinite(row[name]):
                    row[name] = None
        return json.dumps({**content, "ok": self.ok}, indent=2)


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
    recipe : Recipe
    scale : {"small", "published"}
    dataset : str, optional
        Another data set than the recipe's; then published numbers are told, not judged.
    epochs : int, optional
        Another number of epochs; likewise.
    root : path, optional
        As in `load_dataset`.
    device : str, optional
        As in `train`.
    folder : path, optional
        Where the table (JSON) and the figures (PNG and SVG) go; nothing is written without.
    figures : bool
        Draw them.
    progress : bool
        Show a bar for each run.
    say : callable
        Told what is being done.

    Returns
    -------
    Report
    """
    started = time.monotonic()
    at = recipe.at(scale)
    options = dict(at.data)
    remarks = []
    if dataset is not None and dataset != options["name"]:
        options["name"] = dataset
        remarks.append(f"on {dataset}: published numbers are told, not judged")
    if epochs is not None:
        remarks.append(f"{epochs} epochs: published numbers are told, not judged")
    if recipe.needs_gpu and scale == "published" and not torch.accelerator.is_available():
        epochs, options["n_train"] = epochs or _WITHOUT_GPU["epochs"], _WITHOUT_GPU["n_train"]
        remarks.append(f"NOT run at published scale, for want of a GPU: {epochs} epochs on 5,000 images")
    data = load_dataset(root=root, **options)
    runs: dict[str, Run] = {}
    for setting in at.settings:
        say(f"{recipe.name}: {setting.name}")
        runs[setting.name] = _train(setting, data, epochs=epochs, root=root, device=device, progress=progress)
    results = Results(runs, data, as_published=scale == "published" and not remarks)
    rows = [target.row(runs[target.setting]) for target in at.targets]
    if remarks:
        rows = [_told(row) for row in rows]
    rows += [claim.row(results) for claim in recipe.claims]
    rows += recipe.rows(results)
    if folder is not None and figures:
        _draw(recipe, results, Path(folder), say)
    seconds = time.monotonic() - started
    report = Report(recipe.name, recipe.title, recipe.source, scale, rows, remarks, seconds)
    if folder is not None:
        (Path(folder) / f"{recipe.name}_{scale}.json").write_text(report.to_json(), encoding="utf-8")
    return report


def _train(
    setting: Setting,
    data: ImageDataset,
    *,
    epochs: int | None,
    root: Any,
    device: str | None,
    progress: bool,
) -> Run:
    if setting.data is not None:
        data = load_dataset(root=root, **setting.data)
    options = dict(setting.train)
    if epochs is not None:
        options["epochs"] = epochs
    options["batch_size"] = min(options["batch_size"], len(data.train))
    model = setting.build(data)
    run = train(model, data, device=device, autosave=False, name=setting.name, **options)
    return run.wait(progress=progress)


def _told(row: Row) -> Row:
    return row if row.tolerance == 0.0 else replace(row, verdict="told")


def _draw(recipe: Recipe, results: Results, folder: Path, say: Callable[[str], None]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in recipe.figures(results):
        say(f"{recipe.name}: figure {name}")
        for kind in ("png", "svg"):
            figure.savefig(folder / f"{recipe.name}_{name}.{kind}", dpi=150, facecolor="white")


def _cells(row: Row) -> tuple[str, str, str, str, str, str]:
    off = ""
    if (
        isinstance(row.published, float | int)
        and isinstance(row.obtained, float)
        and row.published
        and math.isfinite(row.obtained)
    ):
        off = f"{row.obtained / row.published - 1:+.1%}"
    allowed = "" if row.tolerance is None else "exact" if row.tolerance == 0 else f"{row.tolerance:.1%}"
    verdict = row.verdict + (f" ({row.remark})" if row.remark else "")
    return row.what, _number(row.published), _number(row.obtained), off, allowed, verdict


def _sentences(row: Row) -> list[str]:
    """A row whose values are words."""
    published = [] if row.published is None else [f"    published: {_number(row.published)}"]
    remark = [f"    {row.remark}"] if row.remark else []
    return [f"{row.verdict}: {row.what}", *published, f"    obtained:  {row.obtained}", *remark]


def _number(value: float | str | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if not math.isfinite(value):
        return "not reached"
    if value == int(value) and abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.4g}"
