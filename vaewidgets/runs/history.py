"""The history of a run as a mapping of names to numpy arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import final

import numpy as np

from vaewidgets.engine.recorder import Recorder
from vaewidgets.objectives import TERMS, Likelihood, Objective

# These are empty before they are recorded, since a run has only just begun when `train` returns.
_EXPECTED = frozenset({*TERMS, "beta", "lr", *(f"{s}_{t}" for s in ("train", "test") for t in TERMS)})


@final
class History(Mapping[str, np.ndarray]):
    """Recorded values by name; each access gives a new array.

    By step: "step" (int64, from 0, or from where a loop of your own says), "loss", "recon", "kl" (means over
    the batch of per-image sums), "beta" and "lr" (those in force at the step), further terms of the objective
    (such as "mmd"), and what else the loop logged. By epoch: "epoch" (int64, from 1; epochs completed where a
    loop of your own evaluated within one), "epoch_step" (updates made by its end), "train_loss",
    "train_recon", "train_kl" (means over the epoch's images while they were trained on; over its steps in a
    loop of your own, which must log its epoch) and "test_loss", "test_recon", "test_kl" (after the epoch; NaN
    where it was not evaluated), likewise the objective's further terms. A loop of your own has what it logs
    as "val_loss" or "test_loss"; where it logs "val_loss" alone, that is also found as "test_loss". "elbo",
    by step, is −(recon + kl), and exists where that is a bound on the log-likelihood.
    """

    def __init__(
        self, recorder: Recorder, likelihood: Likelihood | None, objective: Objective | None = None
    ) -> None:
        self._recorder = recorder
        self.likelihood = likelihood
        self._bounds = objective is None or objective.bounds
        extras = () if objective is None else objective.extras
        self._expected = _EXPECTED.union(extras, (f"test_{name}" for name in extras))

    def __getitem__(self, name: str) -> np.ndarray:
        recorder = self._recorder
        steps, epochs = recorder.epochs()
        if name in recorder.names:
            values = recorder.read(name)[1]
        elif name == "step":
            values = recorder.state()["steps"]
        elif name == "epoch":
            values = _completed(epochs.get("epoch", np.zeros(len(steps))))
        elif name == "epoch_step":
            values = steps
        elif name in epochs:
            values = epochs[name]
        elif _as_validation(name) in epochs:
            values = epochs[_as_validation(name)]
        elif name in self._expected:
            values = np.empty(0)
        elif name == "elbo":
            values = self._elbo()
        else:
            raise KeyError(f"no {name!r} in the history; it has: {', '.join(self) or 'nothing yet'}")
        return values

    def __iter__(self) -> Iterator[str]:
        if len(self._recorder):
            yield "step"
            yield from self._recorder.names
        normalised = self.likelihood is not None and self.likelihood.normalised
        if normalised and self._bounds and self._has_terms():
            yield "elbo"
        steps, epochs = self._recorder.epochs()
        if len(steps):
            yield "epoch_step"
            yield from epochs

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"History({', '.join(self)})"

    def _has_terms(self) -> bool:
        return {"recon", "kl"} <= set(self._recorder.names)

    def _elbo(self) -> np.ndarray:
        likelihood = self.likelihood
        if likelihood is None or not likelihood.normalised:
            unit = "an unknown score" if likelihood is None else likelihood.unit
            raise KeyError(
                f"no 'elbo' here: recon is {unit}, not a normalised log-likelihood of these data, so that "
                "-(recon + kl) bounds nothing. Use 'loss', or binary pixels with the Bernoulli likelihood."
            )
        if not self._bounds:
            raise KeyError(
                "no 'elbo' here: this objective has no posterior, or scores its mean alone, so that "
                "-(recon + kl) bounds nothing. Use 'loss' or 'recon'."
            )
        if not self._has_terms():
            raise KeyError("no 'elbo' yet: it is -(recon + kl), and they were not both recorded")
        return -(self._recorder.read("recon")[1] + self._recorder.read("kl")[1])


def _as_validation(name: str) -> str:
    return f"val_{name.removeprefix('test_')}" if name.startswith("test_") else ""


def _completed(epochs: np.ndarray) -> np.ndarray:
    """Epochs completed at each row: the number of its own, or of the last one before it."""
    known = np.where(np.isfinite(epochs), epochs, 0)
    return np.maximum.accumulate(known).astype(np.int64) if len(known) else known.astype(np.int64)
