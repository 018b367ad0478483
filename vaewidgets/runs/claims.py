"""Which run writes to which weights: one run at a time trains a model, and a second one is refused.

A run claims its model before its first step, wherever that comes from, and lets go when it has ended and is
saved; a paused run keeps its claim. What counts are the tensors, so that two models that share a layer are
found, too.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable
from typing import Any, Protocol

from vaewidgets.concurrency import Lock
from vaewidgets.errors import OptionError


class Writer(Protocol):
    """A run that writes to its model's weights, or whose loop does."""

    model: Any
    can_train: bool  # by itself; of the user's own loops one may log several runs

    def has_let_go(self) -> bool:
        """Whether it has released its model after all; asked, without a lock, when another run wants it."""
        ...

    def how_to_end(self) -> str:
        """Say how the user ends it."""


_lock = Lock()
_writers: weakref.WeakSet[Writer] = weakref.WeakSet()


def claim(run: Writer) -> None:
    """Let a run write to its model until `release`; OptionError if another writes to a parameter of it."""
    with _lock:
        other = _other(run.model, run, run.can_train)
        if other is None:
            _writers.add(run)
            return
    raise _refusal(other)


def release(run: Writer) -> None:
    """Take back what `claim` allowed."""
    with _lock:
        _writers.discard(run)


def check_unclaimed(model: Any, *, run: Writer | None = None, can_train: bool = True) -> None:
    """Refuse a model that another run than `run` writes to; waits a moment for one that is just ending."""
    while True:
        with _lock:
            other = _other(model, run, can_train)
        if other is None:
            return
        if not other.has_let_go():
            raise _refusal(other)


def check_apart(models: Iterable[Any]) -> None:
    """Refuse models of which two share a parameter that is trained."""
    # weak, so that models which nobody else keeps need not all be in memory at once
    seen: list[weakref.ref[Any]] = []
    for model in models:
        if any(earlier is not None and _share(model, earlier) for earlier in (ref() for ref in seen)):
            raise OptionError(
                f"two runs were given one {type(model).__name__}, or models that share parameters; expected "
                "a model for each run. Build a new one each time: sweep(vw.MLPVAE, ...), or sweep(lambda: "
                "Net(), ...) with a function that calls the class."
            )
        seen.append(weakref.ref(model))


def _other(model: Any, run: Writer | None, can_train: bool) -> Writer | None:
    return next(
        (w for w in list(_writers) if w is not run and (can_train or w.can_train) and _share(w.model, model)),
        None,
    )


def _refusal(other: Writer) -> OptionError:
    return OptionError(
        f"this model, or one that shares parameters with it, is being trained by {other!r} already. "
        f"{other.how_to_end()} or build a new model."
    )


def _share(a: Any, b: Any) -> bool:
    """Whether one of them trains a parameter that the other has, too; a layer frozen in both is no matter."""
    if a is b:
        return True
    all_a, trained_a = _tensors(a)
    all_b, trained_b = _tensors(b)
    return bool(trained_a & all_b or all_a & trained_b)


def _tensors(model: Any) -> tuple[set[Any], set[Any]]:
    """Each parameter as an object and as a place in memory, which two parameters may share."""
    all_: set[Any] = set()
    trained: set[Any] = set()
    # what is no model at all is refused elsewhere
    for p in model.parameters() if callable(getattr(model, "parameters", None)) else ():
        marks: set[Any] = {id(p)}
        if p.numel() and p.device.type != "meta":
            marks.add((p.device, p.data_ptr()))
        all_ |= marks
        if p.requires_grad:
            trained |= marks
    return all_, trained


def _forget_writers() -> None:
    """After a fork: what trains in the parent does not train here."""
    _writers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_writers)
