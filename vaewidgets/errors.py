"""The error classes. A message says what happened, what was got, what was expected, and how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "CellError",
    "CheckpointError",
    "DataError",
    "DatasetNotFoundError",
    "DivergedError",
    "OptionError",
    "PortableError",
    "ProtocolError",
    "ShapeError",
    "TrainingStopped",
    "VAEWidgetsError",
    "WriteError",
    "did_you_mean",
]


class VAEWidgetsError(Exception):
    """Root of all errors that this package raises on purpose."""


class ShapeError(VAEWidgetsError, ValueError):
    """A tensor has another shape than the expected one."""


class DataError(VAEWidgetsError, ValueError):
    """The data cannot be used as they are: range, count, NaN, an empty set."""


class DatasetNotFoundError(DataError):
    """A named data set is not on this machine and could not be fetched."""


class OptionError(VAEWidgetsError, ValueError):
    """An argument is unknown or out of its range."""


class ProtocolError(VAEWidgetsError, TypeError):
    """A model does not speak the VAE protocol (see `vaewidgets.adapters.VAE`)."""


class PortableError(VAEWidgetsError, ValueError):
    """A model holds a layer that the page cannot run."""


class CheckpointError(VAEWidgetsError, ValueError):
    """A run file cannot be read, or does not fit the model."""


class WriteError(VAEWidgetsError, OSError):
    """A file could not be written: a full disk, a folder that is not to be written to."""


class CellError(VAEWidgetsError, RuntimeError):
    """A cell of a sweep failed in another process, or was lost with it; the message is what is known."""


class DivergedError(VAEWidgetsError, ArithmeticError):
    """A loss term or a gradient became NaN or infinite.

    Attributes
    ----------
    step : int
        The first step (counted from 0) at which it happened.
    term : str
        Which of "recon", "kl", "loss" or "gradient" was not finite first; "weights" where those were not.
    """

    def __init__(self, message: str, *, step: int, term: str) -> None:
        super().__init__(message)
        self.step = step
        self.term = term


class TrainingStopped(VAEWidgetsError):
    """Raised inside `run.log` when a stop was asked for, so that a hand-written loop ends.

    IPython shows it as one line, since it is an answer to a button and not a fault.
    """

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def did_you_mean(name: object, known: Iterable[str], cutoff: float = 0.4) -> str:
    """Name the nearest of `known`, as the end of a message; empty where none is near.

    `cutoff` is the likeness asked for, from 0 to 1, as in `difflib.get_close_matches`.
    """
    near = difflib.get_close_matches(str(name), list(known), n=1, cutoff=cutoff)
    return f" Did you mean {near[0]!r}?" if near else ""
