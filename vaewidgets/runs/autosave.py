"""Saving a run by itself, so that a killed kernel costs half a minute and not the run.

In the cache, the file of a run that lives (here, or in another process) stays; of the others the newest do.
Each process has a token, which is in the names of its files, and holds a lock on a file of that name as long
as it lives. Which of its own runs live it knows itself.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import re
import time
import uuid
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import final

from vaewidgets.concurrency import BackgroundThread, Lock
from vaewidgets.errors import OptionError, VAEWidgetsError
from vaewidgets.files import Held, cache_folder, is_held, sweep_leftovers
from vaewidgets.runs.run_file import Checkpoint, write

KEEP = 20  # files of runs that are gone

_UNSAVED = "The run could not be saved by itself, and trains on"

_log = logging.getLogger("vaewidgets")


@final
class Autosave:
    """Writes a run's checkpoint every so many seconds, and at its end. Called by the training thread.

    The training thread only clones tensors; a short-lived thread writes them. A fault (a full disk) does no
    harm to the run; it is `fault` until a write succeeds, and is logged when it is another one than before.
    Without a path the file is in the user's cache, where it stays as long as this object does; of the files
    of runs that are gone, the newest `KEEP` do.

    Attributes
    ----------
    path : Path or None
        None: there is no folder for it, as `fault` says.
    fault : str or None
        Why the newest write failed, and what to do, for the widgets of the run.
    """

    def __init__(self, name: str, run_id: str, seconds: float, path: Path | None = None) -> None:
        slug = re.sub(r"[^\w]+", "-", name, flags=re.ASCII).strip("-").lower() or "run"
        file_name = f"{time.strftime('%Y%m%d-%H%M%S')}-{slug[:40]}-{run_id}-{_token()}.safetensors"
        self._in_cache = path is None
        self.path = path
        self.fault: str | None = None
        if path is None:
            try:
                self.path = cache_folder() / "runs" / file_name
            except OptionError as error:
                self._say(f"This run is not saved by itself. {error}")
        self._seconds = seconds
        self._next = time.monotonic() + seconds
        self._writer: BackgroundThread | None = None

    def write_if_due(self, capture: Callable[[], Checkpoint]) -> None:
        """Write in a thread of its own, if it is time and the last write is over."""
        if time.monotonic() < self._next or (self._writer is not None and self._writer.is_alive):
            return
        self._next = time.monotonic() + self._seconds
        checkpoint = self._captured(capture)
        if checkpoint is not None:
            writer = BackgroundThread("vaewidgets-autosave")
            with contextlib.suppress(RuntimeError):  # the interpreter ends: the last write is due soon
                writer.start(self._write, checkpoint)
                self._writer = writer

    def write_now(self, capture: Callable[[], Checkpoint]) -> None:
        """Write here; leaves no thread behind."""
        if self._writer is not None:
            self._writer.join()
            self._writer = None
        checkpoint = self._captured(capture)
        if checkpoint is not None and checkpoint.step > 0:
            self._write(checkpoint)

    def _captured(self, capture: Callable[[], Checkpoint]) -> Checkpoint | None:
        try:
            return capture()
        except Exception as error:
            self._say(f"The run could not be copied to be saved ({type(error).__name__}: {error}).", error)
            return None

    def _write(self, checkpoint: Checkpoint) -> None:
        if self.path is None:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self._in_cache:
                _living.add(self)
                _show_life(self.path.parent)
            write(checkpoint, self.path)
            self.fault = None
            if self._in_cache:
                with contextlib.suppress(OSError):  # too many are no fault of this run
                    prune(self.path.parent)
        except VAEWidgetsError as error:
            self._say(f"{_UNSAVED}: {error}")
        except OSError as error:  # of a folder
            where = "Name another folder by the environment variable VAEWIDGETS_CACHE."
            self._say(f"{_UNSAVED}: {str(self.path)!r} has no folder to be in ({error.strerror}). {where}")
        except Exception as error:
            kind = type(error).__name__
            self._say(f"The run could not be saved by itself to {str(self.path)!r} ({kind}: {error}).", error)

    def _say(self, fault: str, error: Exception | None = None) -> None:
        """Keep what went wrong, and log it once; with a traceback where it is none of the usual faults."""
        if fault != self.fault:
            _log.warning(fault, exc_info=error)
        self.fault = fault


_lock = Lock()
_living: weakref.WeakSet[Autosave] = weakref.WeakSet()  # those that have a file in the cache
_tokens: dict[int, str] = {}  # by process: one that was forked off needs its own
_marks: dict[tuple[str, Path], Held] = {}


def _token() -> str:
    return _tokens.setdefault(os.getpid(), uuid.uuid4().hex[:8])


def _show_life(folder: Path) -> None:
    """Let other processes know that runs of this one live; clears up, once, after those that were killed."""
    with _lock:
        key = (_token(), folder)
        if key in _marks:
            return
        marks = _marks_of(folder)
        marks.mkdir(parents=True, exist_ok=True)
        sweep_leftovers(marks)
        _marks[key] = held = Held(marks / key[0])
        atexit.register(held.remove)
        sweep_leftovers(folder, ".", ".part")


def _marks_of(folder: Path) -> Path:
    return folder.parent / "alive"


def prune(folder: Path) -> None:
    """Delete all but the newest files of runs that are gone; another process may do so at the same moment."""
    ours = {autosave.path for autosave in list(_living)}
    lives: dict[str, bool] = {_token(): False}  # of which it is known one by one
    ages: list[tuple[float, Path]] = []
    for path in folder.glob("*.safetensors"):
        token = path.stem.rpartition("-")[2]
        if token not in lives:
            lives[token] = is_held(_marks_of(folder) / token)
        if path in ours or lives[token]:
            continue
        try:
            ages.append((path.stat().st_mtime, path))
        except FileNotFoundError:
            continue
    for _, path in sorted(ages, reverse=True)[KEEP:]:
        path.unlink(missing_ok=True)
