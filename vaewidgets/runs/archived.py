"""A run that was loaded from a file and cannot go on here: to be looked at, measured and saved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, final

from vaewidgets.engine.engine import EngineState
from vaewidgets.errors import DataError, OptionError
from vaewidgets.objectives import Constant, Schedule
from vaewidgets.runs.options import check_epochs, check_lr
from vaewidgets.runs.run import Run


@final
class ArchivedRun(Run):
    """Made by `vaewidgets.load_run` where something that training needs is not there; see `Run`.

    What is set (`epochs`, `lr`, `beta`) counts where it is saved and loaded again with what was missing.

    Parameters
    ----------
    step, epoch, epochs : int
        Of the file.
    state : EngineState or None
        What training needs to go on; None of a loop of the user's own.
    why : str
        Why it cannot go on, and what would help: "was loaded without ...".
    """

    can_train = True

    def __init__(
        self, *, step: int, epoch: int, epochs: int | None, state: EngineState | None, why: str, **what: Any
    ) -> None:
        super().__init__(**what)
        self._step, self._epoch, self._epochs = step, epoch, epochs
        self._state = state
        self._lr = None if state is None else state.lr
        self._why = why
        self._schedule: Schedule = Constant(1.0) if state is None else state.schedule

    @property
    def data(self) -> Any:
        if self._data is None:
            raise DataError(
                f"{self!r} was loaded without its data, {self.options.get('dataset')!r}. "
                "Give them: load_run(path, data=...)."
            )
        return self._data

    @property
    def step(self) -> int:
        return self._step

    @property
    def epoch(self) -> int:
        return self._epoch

    @property
    def epochs(self) -> int | None:
        return self._epochs

    @epochs.setter
    def epochs(self, epochs: int | None) -> None:
        self._epochs = check_epochs(epochs)

    @property
    def lr(self) -> float | None:
        return self._lr

    @lr.setter
    def lr(self, lr: float) -> None:
        self._lr = check_lr(lr)

    @property
    def lr_is_controllable(self) -> bool:
        return True

    @property
    def steps_per_epoch(self) -> int | None:
        return None if self._state is None else self._state.steps_per_epoch

    @property
    def engine(self) -> str:
        return f"none: it {self._why}"

    def _refuse(self, name: str) -> None:
        raise OptionError(f"{self!r} cannot go on, so it has no {name}: it {self._why}.")

    def _go(self, steps: int | None) -> None:
        raise DataError(f"{self!r} cannot go on: it {self._why}.")

    def _engine_state(self, *, copy: bool) -> EngineState | None:
        return self._state and replace(self._state, lr=self._lr or self._state.lr, schedule=self._schedule)

    def log(self, *_: Any, **__: Any) -> None:
        """Refuse: a loop that goes on logs to a run of its own, ``vw.attach(model, data, after=run)``."""
        self._go(None)

    def close(self) -> None:
        """Do nothing: no thread trains it."""

    def __exit__(self, *_: object) -> None: ...
