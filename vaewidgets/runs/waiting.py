"""Waiting for what trains in the background, in a cell or in a coroutine."""

from __future__ import annotations

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Generator
from typing import Any, Self

from vaewidgets.cells import give_moment
from vaewidgets.runs.openmp import release_cores
from vaewidgets.runs.progress import Progress, progress_bar


class Waitable(ABC):
    """A run, or a sweep of them.

    Attributes
    ----------
    name : str
    """

    name: str

    @property
    @abstractmethod
    def has_ended(self) -> bool:
        """Whether it finished, stopped or failed, and all is put in order."""

    @abstractmethod
    def join(self, seconds: float) -> None:
        """Wait until it has ended, for so many seconds at most; raises no error of training."""

    @property
    @abstractmethod
    def progress(self) -> Progress:
        """How far it is."""

    @abstractmethod
    def _report(self) -> None:
        """Raise what ended it, or warn of that."""

    def _check_waitable(self) -> None:  # noqa: B027
        """Raise if waiting would never end."""

    def wait(self, timeout: float | None = None, progress: bool = True) -> Self:
        """Wait until it has ended, with a progress bar. What is paused is waited for.

        An interrupt (the kernel's stop button) ends the waiting, not the training.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most; then it returns all the same.
        progress : bool
            Show a bar.

        Returns
        -------
        Run or Sweep
            Itself.

        Raises
        ------
        Exception
            What ended the run, if it failed. Of a sweep, what ended its first cell, if all cells failed; a
            warning names the cells that failed beside others that did not.
        """
        self._check_waitable()
        release_cores()
        end = None if timeout is None else time.monotonic() + timeout
        bar = (
            progress_bar(self.name, lambda: self.progress)
            if progress
            else contextlib.nullcontext(lambda: None)
        )
        with bar as refresh:
            while not self.has_ended:
                left = 0.1 if end is None else min(0.1, end - time.monotonic())
                if left <= 0:
                    return self
                self.join(left)
                refresh()
                give_moment()
        self._report()
        return self

    def __await__(self) -> Generator[Any, None, Self]:
        return self._wait_async().__await__()

    async def _wait_async(self) -> Self:
        self._check_waitable()
        while not self.has_ended:
            await asyncio.sleep(0.05)
            give_moment()
        self._report()
        return self

    def __enter__(self) -> Self:
        return self
