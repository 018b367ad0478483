"""Files that are written as a whole or not at all, the cache folder, and files that a living process holds.

A file is held by a lock of the operating system, which ends with its process: a process that is killed leaves
files behind, and its number may soon be another's, but no lock outlives it. Where there are no locks (some
network disks), no file counts as left behind.
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

_TRIES, _TRY_SECONDS = 100, 0.002  # another process may test the file's lock at this moment


def cache_folder() -> Path:
    """Return the folder named by VAEWIDGETS_CACHE, or that of the platform for this package's cache."""
    if own := os.environ.get("VAEWIDGETS_CACHE"):
        return Path(own).expanduser()
    import platformdirs

    return platformdirs.user_cache_path("vaewidgets", appauthor=False, opinion=False)


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
    """A file that this process holds until it lets it go, or ends; created if it does not exist.

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
        # `sweep_leftovers` may have deleted it between the two
        if locked is None or (locked and _is_still(self.path, handle)):
            self._handle = handle
            return True
        os.close(handle)
        return False

    def let_go(self) -> None:
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)

    def remove(self) -> None:
        """Release the lock and delete the file; a forked process leaves it to its parent."""
        self.let_go()
        if self._process == os.getpid():
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)


def is_held(path: Path) -> bool:
    """Whether a living process, or this one, holds a file."""
    with _locked(path) as mine:
        return mine is False


def sweep_leftovers(folder: Path, pattern: str) -> list[Path]:
    """Delete the files of this pattern that no process holds; return them."""
    gone = []
    for path in folder.glob(pattern):
        with _locked(path) as mine:
            if mine and sys.platform != "win32":  # under the lock, so that no process takes it in between
                path.unlink(missing_ok=True)
        if mine:
            if sys.platform == "win32":  # where an open file cannot be deleted
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)
            gone.append(path)
    return gone


@contextlib.contextmanager
def write_whole(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file beside `path`, which replaces it at the end and is deleted after an exception.

    Of a symbolic link the target is replaced. A new file has the mode that the umask leaves, a replaced one
    keeps its own. What writers of the same file left behind when they were killed is deleted.
    """
    target = Path(path).expanduser()
    if target.is_symlink():
        target = target.resolve()
    sweep_leftovers(target.parent, f".{glob.escape(target.name)}.*.part")
    held = Held(target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part"))
    try:
        with open(held.path, "wb") as file:  # the lock is on the same file
            yield file
        with contextlib.suppress(FileNotFoundError):
            held.path.chmod(target.stat().st_mode & 0o777)
        if sys.platform == "win32":  # where an open file cannot be renamed
            held.let_go()
        held.path.replace(target)
        held.let_go()
    except BaseException:
        held.remove()
        raise


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[bool | None]:
    """Give True if the lock was free, False if another process has it, None if there is no file."""
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        yield None
        return
    except OSError:  # unreadable: assume that it is held
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
