"""What a run measures on a snapshot: thin methods over `vaewidgets.diagnostics`."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import torch
from torch import Tensor

from vaewidgets.data.sample import evenly
from vaewidgets.diagnostics import (
    Ablation,
    ActiveUnits,
    Audit,
    Diagnosis,
    NotFinite,
    PathVerdict,
    RunStats,
    UnitLives,
    ablation,
    active_units,
    diagnose,
    nearest_class,
    path_between,
    run_stats,
)
from vaewidgets.engine.epoch import evaluation_seed
from vaewidgets.engine.evaluate import evaluate
from vaewidgets.engine.snapshot import Snapshot
from vaewidgets.errors import OptionError, ShapeError
from vaewidgets.objectives import Likelihood, Objective
from vaewidgets.runs.auditor import Auditor
from vaewidgets.runs.controlled import Controlled
from vaewidgets.runs.copies import Copies
from vaewidgets.runs.gate import Ask
from vaewidgets.runs.history import History
from vaewidgets.runs.unit_watch import UnitWatch
from vaewidgets.runs.unsettled import unsettled

# What a test split is called that the loop may have trained on.
PERHAPS_TRAINED_ON = "held out here, perhaps trained on"


class Measured(Controlled):
    """A run as far as it is measured, on snapshots of its weights.

    Attributes
    ----------
    unit_watch : UnitWatch or None
        What `watch_units` began.
    """

    model: Any
    likelihood: Likelihood
    objective: Objective
    device: torch.device
    options: dict[str, Any]
    error: BaseException | None
    unit_watch: UnitWatch | None = None
    _auditor: Auditor | None = None
    _data: Any
    _history: History
    _copies: Copies
    _clone_ask: Ask | None = None

    @property
    def data(self) -> Any:
        """The `ImageDataset`."""
        return self._data

    @property
    def history(self) -> History:
        """What was recorded, as a mapping of names to numpy arrays."""
        return self._history

    @property
    def test_name(self) -> str:
        """What the test split is called: "test", unless a loop of its own has perhaps trained on it."""
        return "test"

    @property
    def not_finite(self) -> NotFinite | None:
        """Steps that a loop of its own logged as NaN or infinite; None where such a step ends the run."""
        return None

    @property
    def audited(self) -> Audit | None:
        """What the audit of a loop of its own has found wrong so far; see `audit`."""
        return None if self._auditor is None else self._auditor.finding

    def request_snapshot(self) -> None:
        """Ask for a copy of the weights between two steps. Returns at once; see `latest_snapshot`."""
        ask = self._clone_ask
        if ask is None or ask.done.is_set or not self._gate.is_busy:
            ask = Ask(self._copies.renew_if_cheap)
            self._gate.post(ask)
            self._clone_ask = ask

    def snapshot(self, timeout: float = 10.0) -> Snapshot:
        """Copy of the model as it is between two steps.

        Parameters
        ----------
        timeout : float
            Seconds to wait for the end of the step under way.

        Raises
        ------
        TimeoutError
        """
        self._gate.call(self._copies.renew, timeout)
        snapshot = self.latest_snapshot
        assert snapshot is not None
        return snapshot

    @property
    def latest_snapshot(self) -> Snapshot | None:
        """Newest snapshot taken, None before the first. The same object until there is a newer one."""
        return self._copies.latest

    def snapshot_at(self, step: int) -> Snapshot:
        """Model as it was at or before `step`: the nearest set of weights of `time_line`, in half precision.

        Raises
        ------
        OptionError
            If there is none.
        """
        return self._copies.at(step)

    def evaluate(self, split: str | None = None) -> dict[str, float]:
        """Mean of "loss", "recon", "kl" and further terms over a split, on a snapshot, by a fixed seed.

        Of the test split at the end of an epoch they equal the last values of the test curve.

        Parameters
        ----------
        split : {"test", "train"}, optional
            By default "test", or where there is no test split "train", with a warning.

        Returns
        -------
        dict of str to float
            Without "loss" and "kl" for a model with a prior of its own (``attach(..., prior="learned")``).

        Warns
        -----
        UserWarning
            While it is not decided how recon of a foreign model is computed, and it is not the logged one; or
            what is logged has shown that recon or the KL is another. With the line that settles it.
        """
        images = self.data.split(self._split_or_default(split))
        model = self.snapshot().model
        values = evaluate(
            model,
            images,
            self.likelihood,
            self.objective,
            beta=self.scored_beta,
            step=max(self.step - 1, 0),
            device=self.device,
            seed=evaluation_seed(int(self.options.get("seed", 0))),
        )
        assert values is not None
        self._warn_if_unsettled(values["recon"])
        if getattr(getattr(model, "convention", None), "prior", "standard") == "learned":
            return {name: value for name, value in values.items() if name not in ("loss", "kl")}
        return values

    def stats(self, *, n: int = 1000) -> RunStats:
        """Measure both splits, over at most `n` images of each; see `vaewidgets.diagnostics.run_stats`."""
        found = self._stats(n)
        self._warn_if_unsettled(found.train_recon)
        return found

    def diagnose(self, *, n: int = 1000) -> Diagnosis:
        """Say what the run is doing, with evidence and advice; see `vaewidgets.diagnostics.diagnose`.

        Parameters
        ----------
        n : int
            Images of each split to measure.
        """
        lives = None
        if self.unit_watch is not None:
            self.unit_watch.look()
            lives = self.unit_watch.lives()
        # a run that was loaded without its data is judged by its curves
        return judge(self, None if self._data is None else self._stats(n), lives)

    def active_units(
        self,
        split: str | None = None,
        *,
        n: int | None = None,
        delta: float = 0.01,
        var_threshold: float = 0.01,
        fraction: float | None = None,
    ) -> ActiveUnits:
        """Count the units in use by both criteria; see `vaewidgets.diagnostics.active_units`.

        Parameters
        ----------
        split : {"test", "train"}, optional
            By default "test", or where there is no test split "train", with a warning.
        n : int, optional
            Images, evenly spread; all of the split by default.
        """
        mu, logvar = self._encode(self._split_or_default(split), n)
        if logvar is None:
            raise OptionError(
                f"{self!r} has no posterior variance, so no KL and no active units; expected a VAE. "
                "run.ablation() works for it."
            )
        return active_units(mu, logvar, delta=delta, var_threshold=var_threshold, fraction=fraction)

    def ablation(
        self,
        split: str | None = None,
        *,
        n: int = 1000,
        off: Literal["mean", "zero"] = "mean",
        tolerance: float | None = None,
    ) -> Ablation:
        """Switch off one unit after the other; see `vaewidgets.diagnostics.ablation`."""
        x, labels = self._images(self._split_or_default(split), n)
        model = self.snapshot().model
        return ablation(model, x, self.likelihood, labels=labels, off=off, tolerance=tolerance)

    def path(
        self,
        start: int | Tensor,
        end: int | Tensor,
        *,
        split: str | None = None,
        n: int = 33,
        kind: Literal["lerp", "slerp"] = "lerp",
    ) -> PathVerdict:
        """Decode the path between two images and judge it; see `vaewidgets.diagnostics.judge_path`.

        Parameters
        ----------
        start, end : int or Tensor of shape (latent_dim,)
            Numbers of images of the split, or latent points.
        split : {"test", "train"}, optional
            By default "test", or where there is no test split "train", with a warning.
        n : int
            Points along it.
        kind : {"lerp", "slerp"}

        Notes
        -----
        Where the data have classes, those passed through are read off the nearest of 2,000 training images.
        """
        split = self._split_or_default(split)
        images = self.data.split(split)
        snapshot = self.snapshot()
        model = snapshot.model
        ends, classes = [], []
        for end_of in (start, end):
            if isinstance(end_of, Tensor):
                if end_of.shape != (model.latent_dim,):
                    raise ShapeError(
                        f"a point has shape {tuple(end_of.shape)}; expected ({model.latent_dim},)."
                    )
                ends.append(end_of.float().cpu())
                continue
            if isinstance(end_of, bool) or not 0 <= end_of < len(images):
                raise OptionError(f"there is no image {end_of!r}; the {split} split has {len(images)}.")
            label = None if images.labels is None else images.labels[[end_of]]
            ends.append(snapshot.encode(images.images([end_of]), label)[0][0])
            if label is not None:
                classes.append(int(label[0]))
        classify = None
        train, labels = self._images("train", 2000)
        if labels is not None:
            classify = nearest_class(train, labels)
        own = (classes[0], classes[1]) if len(classes) == 2 else None
        return path_between(model, ends[0], ends[1], n=n, kind=kind, classify=classify, ends=own)

    def watch_units(self, *, n: int = 500, delta: float = 0.01) -> UnitWatch:
        """Look at the units from now on, while it trains, so that it can be said when each died.

        Calling it again returns the watch there is.

        Parameters
        ----------
        n : int
            Images to look at.
        delta : float
            A unit is alive while its mean KL is above this, in nats.
        """
        if self.unit_watch is None:
            self.unit_watch = UnitWatch(self, n=n, delta=delta)
        return self.unit_watch

    def _stats(self, n: int) -> RunStats:
        return run_stats(self.snapshot().model, self.data, self.likelihood, n=n, test_name=self.test_name)

    def _warn_if_unsettled(self, recon: float) -> None:
        words = unsettled(getattr(self.model, "convention", None), self._auditor, recon, self._recorder)
        if words is not None:
            warnings.warn(words, stacklevel=3)

    def _split_or_default(self, split: str | None) -> str:
        """Return the split that was named; else the test split, or where there is none the training split."""
        if split in (None, "test") and self.data.test is not None:
            if self.test_name != "test":
                warnings.warn(
                    f"{len(self.data.test)} images of {self.data.name!r} were held out here, and your loop "
                    "has perhaps trained on them: this is no test. Give its test set, "
                    "vw.ImageDataset(train_set, test=test_set), or train on data.train.batches(...).",
                    stacklevel=3,
                )
            return "test"
        if split is not None:
            return split
        warnings.warn(
            f"{self.data.name!r} has no test split: measured on its training images, which the model has "
            'seen. Say split="train" to leave out this warning.',
            stacklevel=3,
        )
        return "train"

    def _images(self, split: str, n: int | None) -> tuple[Tensor, Tensor | None]:
        images = self.data.split(split)
        index = evenly(len(images), len(images) if n is None else n)
        return images.images(index), None if images.labels is None else images.labels[index]

    def _encode(self, split: str, n: int | None) -> tuple[Tensor, Tensor | None]:
        x, labels = self._images(split, n)
        return self.snapshot().encode(x, labels)


def judge(run: Measured, stats: RunStats | None, lives: UnitLives | None) -> Diagnosis:
    """Judge a run by all that it knows, and by what was measured on its model."""
    return diagnose(
        run.history,
        stats,
        error=run.error,
        not_finite=run.not_finite,
        lives=lives,
        audit=run.audited,
    )
