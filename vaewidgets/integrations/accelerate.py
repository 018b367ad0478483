"""A tracker for Hugging Face's accelerate: what `accelerator.log` gets goes to an attached run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accelerate.tracking import GeneralTracker, on_main_process

from vaewidgets.checks import instance
from vaewidgets.integrations.guard import Guard
from vaewidgets.integrations.terms import Names
from vaewidgets.runs import AttachedRun

__all__ = ["LatentTracker"]


class LatentTracker(GeneralTracker):
    """Show a model in the widgets of a run while a loop with an `Accelerator` trains it.

    ``accelerator.log({"loss": loss, "recon": recon, "kl": kl}, step=step)`` logs a step, and values whose
    names begin with ``val`` or ``test`` are a curve by epoch. The main process logs, as accelerate has it.

    Parameters
    ----------
    run : AttachedRun
        ``vw.attach(model, data)``; before ``accelerator.prepare(model)``, or with what
        ``accelerator.unwrap_model`` gives.
    terms : mapping of str to str, optional
        Names of your own for a term: ``{"recon": "mse", "kl": "regulariser"}``.

    Notes
    -----
    A fault in here is one warning and ends no training. The stop button of a widget raises
    `TrainingStopped` in ``accelerator.log``, which ends your loop.

    Examples
    --------
    >>> run = vw.attach(model, data)                              # doctest: +SKIP
    >>> accelerator = Accelerator(log_with=LatentTracker(run))    # doctest: +SKIP
    >>> accelerator.init_trackers("vae")                          # doctest: +SKIP
    """

    name = "vaewidgets"
    requires_logging_directory = False

    def __init__(self, run: AttachedRun, *, terms: Mapping[str, str] | None = None) -> None:
        super().__init__()
        instance("run", run, AttachedRun, "an AttachedRun: run = vw.attach(model, data)")
        self._run = run
        self._names = Names(terms)
        self._guard = Guard("LatentTracker")

    @property
    def tracker(self) -> AttachedRun:
        """The run."""
        return self._run

    @on_main_process
    def log(self, values: Mapping[str, Any], step: int | None = None, **_: Any) -> None:
        """Log the values of a step, or of an epoch."""
        with self._guard:
            self._run.log(**self._names.read(values), step=step)

    @on_main_process
    def finish(self) -> None:
        """The loop has ended: ``accelerator.end_training()``."""
        with self._guard:
            self._run.finish()
