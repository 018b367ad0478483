"""A callback for Hugging Face's `Trainer`: logs each of its steps to an attached run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, final

from transformers import TrainerCallback

from vaewidgets.checks import instance, is_number
from vaewidgets.errors import TrainingStopped
from vaewidgets.integrations.guard import Guard
from vaewidgets.integrations.terms import MicroBatches, Names
from vaewidgets.objectives import TERMS
from vaewidgets.runs import AttachedRun

__all__ = ["LatentCallback"]

_TIMES = ("runtime", "samples_per_second", "steps_per_second")  # of an evaluation, as `Trainer` measures them


class LatentCallback(TrainerCallback):
    """Show a model in the widgets of a run while Hugging Face's `Trainer` trains it.

    Logged is what the model returns under "loss", "recon" and "kl" in each step. Where it returns no loss,
    because your Trainer computes it, that is the Trainer's own, a mean over ``logging_steps`` steps. What an
    evaluation measures is a curve by epoch. The stop button of a widget ends the training. Of several
    processes that of rank 0 logs.

    Parameters
    ----------
    run : AttachedRun
        ``vw.attach(model, data)``.
    terms : mapping of str to str, optional
        Names of your own for a term: ``{"recon": "mse", "kl": "regulariser"}``.

    Notes
    -----
    With ``gradient_accumulation_steps`` a step has the means over its batches. A fault in here is one
    warning and ends no training.

    Examples
    --------
    >>> run = vw.attach(model, data)                                                 # doctest: +SKIP
    >>> vw.LatentExplorer(run)                                                       # doctest: +SKIP
    >>> Trainer(model, args, callbacks=[LatentCallback(run)], ...).train()           # doctest: +SKIP
    """

    def __init__(self, run: AttachedRun, *, terms: Mapping[str, str] | None = None) -> None:
        instance("run", run, AttachedRun, "an AttachedRun: run = vw.attach(model, data)")
        self.run = run
        self._names = Names(terms)
        self._batches = MicroBatches()
        self._guard = Guard("LatentCallback")
        self._hook: Any = None
        self._has_loss = False

    def on_train_begin(self, args: Any, state: Any, control: Any, *, model: Any = None, **_: Any) -> None:
        self._unhook()
        self._has_loss = False
        if state.is_world_process_zero:
            self._hook = model.register_forward_hook(_Hook(self._keep))

    def _keep(self, outputs: Any) -> None:
        with self._guard:
            self._batches.add(self._names.of_step(outputs))

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        values = self._batches.take()
        self._has_loss = self._has_loss or "loss" in values
        self._log(state, control, values)

    def on_log(
        self, args: Any, state: Any, control: Any, *, logs: Mapping[str, Any] | None = None, **_: Any
    ) -> None:
        logs = logs or {}
        if "learning_rate" not in logs:  # an evaluation's, or the summary at the end
            return
        names = ("learning_rate",) if self._has_loss else ("learning_rate", "loss")
        self._log(state, control, self._names.read({name: logs[name] for name in names if name in logs}))

    def on_evaluate(
        self, args: Any, state: Any, control: Any, *, metrics: Mapping[str, Any] | None = None, **_: Any
    ) -> None:
        values = self._names.read({n: v for n, v in (metrics or {}).items() if is_number(v)})
        values = {n: v for n, v in values.items() if n.startswith("val_") and not n.endswith(_TIMES)}
        self._log(state, control, values)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._unhook()
        with self._guard:
            if state.is_world_process_zero:
                self.run.finish()

    def _log(self, state: Any, control: Any, values: dict[str, Any]) -> None:
        if not values or not state.is_world_process_zero:
            return
        step = state.global_step - 1
        try:
            with self._guard:
                if any(name in TERMS or name == "lr" for name in values):
                    epoch = max(math.ceil(round(state.epoch or 0, 6)) - 1, 0)  # 1.0 is the end of the first
                    self.run.log(**values, step=step, epoch=epoch)
                else:
                    self.run.log(**values)
        except TrainingStopped:
            control.should_training_stop = True

    def _unhook(self) -> None:
        if self._hook is not None:
            self._hook.remove()
            self._hook = None


@final
class _Hook:
    """A forward hook of the model that is trained; in a copy of it, such as a snapshot, it does nothing."""

    def __init__(self, keep: Callable[[Any], None] | None) -> None:
        self._keep = keep

    def __call__(self, model: Any, _: Any, outputs: Any) -> None:
        if self._keep is not None and model.training:
            self._keep(outputs)

    def __deepcopy__(self, _: Any) -> _Hook:
        return _Hook(None)
