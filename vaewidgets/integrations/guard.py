"""Keeps the faults of an integration out of the training that it watches."""

from __future__ import annotations

import logging
import warnings
from types import TracebackType
from typing import final

from vaewidgets.errors import DivergedError, TrainingStopped

_log = logging.getLogger("vaewidgets")

# What the user asked for: the button that stops, and attach(..., on_bad_value="raise").
_ASKED_FOR = (TrainingStopped, DivergedError)


@final
class Guard:
    """A ``with`` block that lets no fault out; the first one is a warning, the others are silent."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._has_warned = False

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception) or isinstance(error, _ASKED_FOR):
            return False
        if not self._has_warned:
            self._has_warned = True
            said = (
                f"{self._name} failed, and training goes on without it ({type(error).__name__}: {error}). "
                "This is said once."
            )
            try:
                warnings.warn(said, stacklevel=3)
            except UserWarning:  # where warnings are errors: this one must not end a training either
                _log.warning("%s", said)
        return True
