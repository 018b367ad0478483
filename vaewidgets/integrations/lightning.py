"""A callback for Lightning: logs each step of a `Trainer` to an attached run."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Any

from vaewidgets.checks import instance
from vaewidgets.errors import TrainingStopped
from vaewidgets.integrations.guard import Guard
from vaewidgets.integrations.terms import MicroBatches, Names
from vaewidgets.objectives import TERMS
from vaewidgets.runs import AttachedRun

__all__ = ["LatentCallback"]

_PACKAGES = ("lightning.pytorch", "pytorch_lightning")


class LatentCallback:
    """Show a `LightningModule` in the widgets of a run while a `Trainer` trains it.

    Logged is what ``training_step`` returns under "loss", "recon" and "kl", or what it passes to ``self.log``
    under these names; and each value of a validation or test whose name begins with ``val`` or ``test``. The
    stop button of a widget ends the fit. Of several processes that of rank 0 logs.

    Parameters
    ----------
    run : AttachedRun
        ``vw.attach(module, data)``.
    terms : mapping of str to str, optional
        Names of your own for a term: ``{"recon": "mse", "kl": "regulariser"}``.

    Notes
    -----
    It is a callback of ``lightning.pytorch`` and of ``pytorch_lightning``, whichever your Trainer is of. With
    ``accumulate_grad_batches`` a step has the means over its batches. A fault in here is one warning and ends
    no training.

    Examples
    --------
    >>> run = vw.attach(module, data)                                       # doctest: +SKIP
    >>> vw.LatentExplorer(run)                                              # doctest: +SKIP
    >>> Trainer(callbacks=[LatentCallback(run)]).fit(module, loader)        # doctest: +SKIP
    """

    def __new__(cls, *_: Any, **__: Any) -> LatentCallback:
        # Trainer takes instances of its own package's class only; which it is shows when the first is made
        loaded = [name for name in _PACKAGES if name in sys.modules] or [_installed()]
        return object.__new__(_callback_class(cls, tuple(loaded)))

    def __init__(self, run: AttachedRun, *, terms: Mapping[str, str] | None = None) -> None:
        instance("run", run, AttachedRun, "an AttachedRun: run = vw.attach(module, data)")
        self.run = run
        self._names = Names(terms)
        self._batches = MicroBatches()
        self._guard = Guard("LatentCallback")
        self._seen: dict[str, Any] = {}
        self._global_step = 0
        self._is_stopped = False

    def on_train_start(self, trainer: Any, module: Any) -> None:
        self._is_stopped = False
        self._global_step = trainer.global_step

    def on_train_epoch_start(self, trainer: Any, module: Any) -> None:
        with self._guard:
            self._newly_logged(trainer)  # what the end of an epoch logs is none of the next step

    def on_train_batch_end(
        self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int, *_: Any
    ) -> None:
        if self._is_stopped or not trainer.is_global_zero:
            return
        try:
            with self._guard:
                self._log_step(trainer, module, outputs)
        except TrainingStopped:
            self._is_stopped = trainer.should_stop = True

    def _log_step(self, trainer: Any, module: Any, outputs: Any) -> None:
        terms = self._names.of_step(outputs)
        if "loss" in terms and module.automatic_optimization:
            terms["loss"] = terms["loss"] * trainer.accumulate_grad_batches  # Lightning has divided it
        if not set(TERMS) <= terms.keys():
            terms = self._names.of_step(self._newly_logged(trainer)) | terms
        self._batches.add(terms)
        if trainer.global_step == self._global_step:
            return  # gradients are being accumulated
        self._global_step = trainer.global_step
        self.run.log(**self._batches.take(), step=self._global_step - 1, epoch=trainer.current_epoch)

    def _newly_logged(self, trainer: Any) -> dict[str, Any]:
        """What `self.log` was given since the last call: an old value stays there as the same object."""
        metrics = dict(trainer.callback_metrics)
        new = {name: v for name, v in metrics.items() if self._seen.get(name) is not v}
        self._seen = metrics
        return {name.removesuffix("_step"): v for name, v in new.items()}

    def on_validation_end(self, trainer: Any, module: Any) -> None:
        if not trainer.sanity_checking:
            self._log_evaluation(trainer, "val_")

    def on_test_end(self, trainer: Any, module: Any) -> None:
        self._log_evaluation(trainer, "test_")

    def _log_evaluation(self, trainer: Any, split: str) -> None:
        if self._is_stopped or not trainer.is_global_zero:
            return
        try:
            with self._guard:
                metrics = {n.removesuffix("_epoch"): v for n, v in trainer.callback_metrics.items()}
                values = {n: v for n, v in self._names.read(metrics).items() if n.startswith(split)}
                if values:
                    self.run.log(**values)
        except TrainingStopped:
            self._is_stopped = trainer.should_stop = True

    def on_train_end(self, trainer: Any, module: Any) -> None:
        with self._guard:
            if trainer.is_global_zero:
                self.run.finish()

    def on_exception(self, trainer: Any, module: Any, exception: BaseException) -> None:
        with self._guard:
            if trainer.is_global_zero:
                self.run.__exit__(type(exception), exception, exception.__traceback__)


def _installed() -> str:
    for name in _PACKAGES:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        return name
    raise ModuleNotFoundError("LatentCallback needs Lightning: pip install lightning", name="lightning")


def _callback_class(cls: type, packages: tuple[str, ...]) -> type:
    """A subclass that is a `Callback` of these packages, too."""
    bases = tuple(sys.modules[name].Callback for name in packages)
    return type(cls.__name__, (cls, *bases), {"__module__": cls.__module__, "__doc__": cls.__doc__})
