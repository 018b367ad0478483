"""Which files belong to somebody who is alive: a lock of the operating system, gone with its process.

A process that is killed leaves files behind, and its number may soon be another's; but no lock outlives it.
Where locks cannot be had (some network disks), nothing counts as left behind.
"""

from __future__ import annotations

import contextlib
import glob
import os
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, final

__all__ = ["Held", "is_held", "replacing", "sweep_leftovers"]

_TRIES, _TRY_SECONDS = 100, 0.002  # somebody may be looking at the file at this moment

if sys.platform == "win32":
    import msvcrt

    _FAR = 2**31 - 2  # there a lock keeps others from the bytes: one that no file of ours has

    def _lock(handle: int) -> bool | None:
        os.lseek(handle, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(handle: int) -> bool | None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # there are no locks on this disk
            return None
        return True


@final
class Held:
    """A file that is this process's as long as it lives, or until it is let go; made if it is not there.

    Parameters
    ----------
    path : Path
        In a folder that exists.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._process = os.getpid()
        self._handle = -1
        for _ in range(_TRIES):
            if self._is_taken():
                return
            time.sleep(_TRY_SECONDS)

    def _is_taken(self) -> bool:
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)  # less the user's mask, as open() does
        locked = _lock(handle)
        # `sweep_leftovers` may have taken it away between the two
        if locked is None or (locked and _is_still(self.path, handle)):
            self._handle = handle
            return True
        os.close(handle)
        return False

    def let_go(self) -> None:
        """Give up the lock; the file stays."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)

    def remove(self) -> None:
        """Give up the lock and the file. In a process that was forked off, the file stays its parent's."""
        self.let_go()
        if self._process == os.getpid():
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)


def is_held(path: Path) -> bool:
    """Whether a living process, or this one, holds a file."""
    with _locked(path) as mine:
        return mine is False


def sweep_leftovers(folder: Path, pattern: str) -> list[Path]:
    """Delete the files of this pattern that nobody holds; returns them."""
    gone = []
    for path in folder.glob(pattern):
        with _locked(path) as mine:
            if mine and sys.platform != "win32":  # under the lock, so that nobody takes it in between
                path.unlink(missing_ok=True)
        if mine:
            if sys.platform == "win32":  # where an open file cannot be deleted
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)
            gone.append(path)
    return gone


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[BinaryIO]:
    """File beside `target` to write to, which takes its place at the end, or is gone after a fault.

    What writers of the same file left there when they were killed is deleted.
    """
    sweep_leftovers(target.parent, f".{glob.escape(target.name)}.*.part")
    held = Held(target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part"))
    try:
        with open(held.path, "wb") as file:  # the lock is on the same file
            yield file
        if sys.platform == "win32":  # where an open file cannot be renamed
            held.let_go()
        os.replace(held.path, target)
        held.let_go()
    except BaseException:
        held.remove()
        raise


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[bool | None]:
    """True while the lock could be taken here, False where somebody has it, None where there is no file."""
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        yield None
        return
    except OSError:  # not ours to judge
        yield False
        return
    try:
        yield bool(_lock(handle)) and _is_still(path, handle)
    finally:
        os.close(handle)


def _is_still(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))
    except OSError:
        return False
