"""How a training loop is controlled: what it checks between two steps, and how it halts before each."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from vaewidgets.engine.engine import Engine

Result = TypeVar("Result")
# Yields the engine before each update; what is sent says whether that has been made.
Steps: TypeAlias = "Generator[Engine, bool | None, Result]"


class Control(Protocol):
    """What the loop asks between two steps."""

    def may_step(self) -> bool:
        """Whether to take the next step; may block (a pause). False ends the loop."""
        ...

    def may_go_on(self) -> bool:
        """Whether to go on with an evaluation; may block. False ends the loop."""
        ...

    def flushed(self) -> None:
        """Told after each flush, between two steps."""
        ...


@dataclass(frozen=True)
class Upcoming:
    """What the next update is made of.

    Attributes
    ----------
    batch : Tensor, or (x, labels)
        int64 indices, shape (B,), of images that lie on the device; else the batch itself.
    beta, lr : float
    """

    batch: Any
    beta: float
    lr: float


def exhaust(steps: Steps[Result]) -> Result:
    """Go through a loop that makes all its updates itself; returns what it returns."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
