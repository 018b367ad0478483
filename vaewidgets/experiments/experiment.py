"""A published experiment at one scale, trained run by run, and the results beside the published ones."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from typing import Any

import torch

from vaewidgets.checks import instance, path, whole
from vaewidgets.data import load_dataset
from vaewidgets.errors import OptionError, did_you_mean
from vaewidgets.experiments.base import NotRun, Recipe, Results, Row, Runs, Setting
from vaewidgets.experiments.kept import FREE, KeptRuns
from vaewidgets.experiments.report import Report
from vaewidgets.experiments.table import get_recipe
from vaewidgets.runs import ArchivedRun, Run, TrainingRun, train
from vaewidgets.runs.api import pick_device
from vaewidgets.runs.interleave import Interleaver

SCALE_VARIABLE = "VAEWIDGETS_SCALE"
# What is run of an experiment that needs a GPU, where there is none.
_WITHOUT_GPU = {"epochs": 2, "n_train": 5000}


class Experiment:
    """A published experiment at one scale.

    Parameters
    ----------
    recipe : str or Recipe
        "A" to "E", or one of your own.
    scale : {"small", "published"}
        scikit-learn's digits, in about a minute, or the data and length of the original. The environment
        variable VAEWIDGETS_SCALE overrides it, so that notebooks run at another scale as they are.
    dataset : str, optional
        Another data set than the recipe's; then published numbers are told, not judged.
    epochs : int, optional
        Another number of epochs; likewise.
    root : path, optional
        As in `load_dataset`.
    device : str, optional
        As in `train`.
    folder : path, optional
        Where each run is saved, every half minute and at its end. An experiment that was cut off and is made
        again with the same folder has the runs that are finished, and goes on with the one that is not.

    Attributes
    ----------
    data : ImageDataset
    runs : dict of str to Run
        What was trained or added, by the name of its setting.
    remarks : list of str
        What differs from the recipe.

    Raises
    ------
    OptionError
        For an experiment or a scale that there is not.

    Examples
    --------
    >>> experiment = Experiment("A", "small")
    >>> run = experiment.train("z=2")
    >>> run.wait()
    >>> experiment.report()
    """

    def __init__(
        self,
        recipe: str | Recipe,
        scale: str = "small",
        *,
        dataset: str | None = None,
        epochs: int | None = None,
        root: str | os.PathLike[str] | None = None,
        device: str | None = None,
        folder: str | os.PathLike[str] | None = None,
    ) -> None:
        if isinstance(recipe, str):
            recipe = get_recipe(recipe)
        instance("recipe", recipe, Recipe, "the letter of a recipe, or a Recipe")
        if epochs is not None:
            whole("epochs", epochs, 1)
        if device is not None:
            pick_device(device)
        self.recipe = recipe
        self.scale = os.environ.get(SCALE_VARIABLE) or scale
        self._at = recipe.at(self.scale)
        self._root, self._device, self._epochs = root, device, epochs
        self.remarks: list[str] = []
        options = dict(self._at.data)
        if dataset is not None and dataset != options["name"]:
            options["name"] = dataset
            self.remarks.append(f"on {dataset}: published numbers are told, not judged")
        if epochs is not None:
            self.remarks.append(f"{epochs} epochs: published numbers are told, not judged")
        if recipe.needs_gpu and self.scale == "published" and not torch.accelerator.is_available():
            self._epochs = epochs or _WITHOUT_GPU["epochs"]
            options["n_train"] = _WITHOUT_GPU["n_train"]
            self.remarks.append(
                f"NOT run at published scale, for want of a GPU: {self._epochs} epochs on 5,000 images"
            )
        self.data = load_dataset(root=root, **options)
        self._kept = None if folder is None else KeptRuns(path("folder", folder))
        self.runs: Runs = Runs()
        self._otherwise: set[str] = set()
        # Threads of their own would compete for the interpreter and for torch's thread pools: six runs at
        # once took a third longer, and nearly twice the processor time.
        self._worker = Interleaver(f"vaewidgets-experiment-{recipe.name}")

    @property
    def settings(self) -> tuple[str, ...]:
        """Names of the runs that the experiment is made of."""
        return tuple(setting.name for setting in self._at.settings)

    def setting(self, name: str) -> Setting:
        """Configuration of one of them; OptionError names those that there are."""
        for setting in self._at.settings:
            if setting.name == name:
                return setting
        raise OptionError(
            f"experiment {self.recipe.name} has no setting {name!r}; it has {', '.join(self.settings)}."
            f"{did_you_mean(name, self.settings)}"
        )

    def train(self, name: str, **options: Any) -> Run:
        """Start one of the experiment's runs; returns at once, as `vaewidgets.train` does.

        On a CPU those that train at the same time take turns in one thread.

        Parameters
        ----------
        name : str
            One of `settings`.
        **options
            Options for `train` that differ from the recipe's, such as `epochs`. If any that shapes the
            training differs, the published numbers of this setting are told, not judged.

        Returns
        -------
        Run
            Also kept in `runs`.
        """
        setting = self.setting(name)
        wanted = dict(setting.train)
        if self._epochs is not None:
            wanted["epochs"] = self._epochs
        given = {**wanted, **options}
        data = self.data if setting.data is None else load_dataset(root=self._root, **setting.data)
        given["batch_size"] = min(given["batch_size"], len(data.train))
        otherwise = any(options[key] != wanted.get(key) for key in options.keys() - FREE)
        shared = {"device": self._device, "autosave": False, "name": name}
        given = {**shared, **given}
        run: TrainingRun | ArchivedRun
        if self._kept is not None:
            run = self._kept.open(setting, data, given)
        else:
            run = train(setting.build(data), data, **{**given, "start": False})
        if isinstance(run, TrainingRun) and run.status != "finished":
            if run.device.type == "cpu":
                self._worker.add(run)
            if given.get("start", True):
                run.resume()
        self._keep(name, run, otherwise)
        return run

    def forget_files(self) -> None:
        """Delete what `folder` keeps of the runs; they themselves stay."""
        if self._kept is not None:
            self._kept.forget()

    def add(self, name: str, run: Run, *, as_published: bool = True) -> Run:
        """Put a run of your own in a setting's place: a hand-written model in a hand-written loop.

        Parameters
        ----------
        name : str
            One of `settings`.
        run : Run
        as_published : bool
            Whether it is trained as the experiment asks, so that the published numbers judge it.

        Returns
        -------
        Run
            The same.
        """
        self.setting(name)
        self._keep(name, run, not as_published)
        return run

    def _keep(self, name: str, run: Run, otherwise: bool) -> None:
        self.runs[name] = run
        (self._otherwise.add if otherwise else self._otherwise.discard)(name)

    @property
    def results(self) -> Results:
        """What the runs left so far."""
        whole = self.scale == "published" and not self.remarks and not self._otherwise
        return Results(self.runs, self.data, as_published=whole)

    def report(self) -> Report:
        """Compare what the runs came to with what was published; what was not trained is "not run"."""
        results = self.results
        rows = self.numbers()
        rows += [claim.row(results) for claim in self.recipe.claims]
        try:
            rows += self.recipe.rows(results)
        except NotRun as missing:
            rows.append(Row("further rows", None, None, None, "not run", f"{missing} was not trained"))
        if self.scale != "published" and "published" in self.recipe.scales:
            # last: what was obtained is read first
            rows += [
                Row(target.what, target.value, None, target.tolerance, "not run", "at published scale only")
                for target in self.recipe.at("published").targets
            ]
        told = [f"{name}: trained otherwise than published" for name in sorted(self._otherwise)]
        recipe = self.recipe
        return Report(recipe.name, recipe.title, recipe.source, self.scale, rows, [*self.remarks, *told])

    def numbers(self) -> list[Row]:
        """Published numbers beside those that were obtained, without the claims, which take longer."""
        return [self._number(target) for target in self._at.targets]

    def _number(self, target: Any) -> Row:
        run = self.runs.get(target.setting)
        if run is None:
            return Row(target.what, target.value, None, target.tolerance, "not run")
        row: Row = target.row(run)
        if row.tolerance == 0.0 or not (self.remarks or target.setting in self._otherwise):
            return row
        obtained = row.obtained
        reached = not isinstance(obtained, float) or math.isfinite(obtained)
        return replace(row, verdict="told" if reached else "not run")

    def __repr__(self) -> str:
        """Stable: no address, no result."""
        return f"Experiment({self.recipe.name}, {self.scale}: {', '.join(self.settings)})"
