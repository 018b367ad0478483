"""Saving a run by itself, so that a killed kernel costs half a minute and not the run."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import final

from vaewidgets.at_exit import BackgroundThread
from vaewidgets.training.checkpoint import Checkpoint, write

__all__ = ["Autosave", "cache_folder"]

KEEP = 20

_log = logging.getLogger("vaewidgets")


def cache_folder() -> Path:
    """Folder for saved runs: in VAEWIDGETS_CACHE, or the user's cache as the platform has it."""
    if own := os.environ.get("VAEWIDGETS_CACHE"):
        return Path(own).expanduser() / "runs"
    home = Path.home()
    if sys.platform == "darwin":
        base = home / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "vaewidgets" / "runs"


@final
class Autosave:
    """Writes a run's checkpoint every so many seconds, and at its end. Called by the training thread.

    The training thread only clones tensors; a short-lived thread writes them. A fault (a full disk) is
    written to the log and does no harm to the run.

    Parameters
    ----------
    name : str
        Of the run.
    run_id : str
    seconds : float
        Between two writes.
    path : Path, optional
        By default one in the user's cache, of which the newest `KEEP` files are kept.

    Attributes
    ----------
    path : Path
        The file, replaced at each write.
    """

    def __init__(self, name: str, run_id: str, seconds: float, path: Path | None = None) -> None:
        slug = re.sub(r"[^\w]+", "-", name, flags=re.ASCII).strip("-").lower() or "run"
        file_name = f"{time.strftime('%Y%m%d-%H%M%S')}-{slug[:40]}-{run_id}.safetensors"
        self._in_cache = path is None
        self.path = path or cache_folder() / file_name
        self._seconds = seconds
        self._next = time.monotonic() + seconds
        self._writer: threading.Thread | None = None

    def write_if_due(self, capture: Callable[[], Checkpoint]) -> None:
        """Write in a thread of its own, if it is time and the last write is over."""
        if time.monotonic() < self._next or (self._writer is not None and self._writer.is_alive()):
            return
        self._next = time.monotonic() + self._seconds
        checkpoint = self._captured(capture)
        if checkpoint is not None:
            writer = BackgroundThread(self._write, args=(checkpoint,), name="vaewidgets-autosave")
            with contextlib.suppress(RuntimeError):  # the interpreter ends: the last write is due soon
                writer.start()
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
        except Exception:
            _log.warning("the run could not be copied to be saved", exc_info=True)
            return None

    def _write(self, checkpoint: Checkpoint) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write(checkpoint, self.path)
            if self._in_cache:
                _prune(self.path.parent)
        except Exception:
            _log.warning("the run could not be saved to %s", self.path, exc_info=True)


def _prune(folder: Path) -> None:
    """Delete all but the newest files; another process may do so at the same moment."""
    ages: list[tuple[float, Path]] = []
    for path in folder.glob("*.safetensors"):
        try:
            ages.append((path.stat().st_mtime, path))
        except FileNotFoundError:
            continue
    for _, path in sorted(ages, reverse=True)[KEEP:]:
        path.unlink(missing_ok=True)
