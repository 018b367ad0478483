"""Files that are written as a whole or not at all, the cache folder, and files that a living process holds.

A file is held by a lock of the operating system, which ends with its process: a process that is killed leaves
files behind, and its number may soon be another's, but no lock outlives it. Where there are no locks (some
network disks), no file counts as left behind.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, final

from vaewidgets.errors import OptionError, WriteError

_TRIES, _TRY_SECONDS = 100, 0.002  # another process may test the file's lock at this moment


_MENDS = {
    errno.ENOSPC: "Free some space, or give a path on another disk.",
    errno.EDQUOT: "Your share of this disk is used up: free some of it, or give a path on another disk.",
    errno.EFBIG: "No file may be as large there: give a path on another disk.",
    errno.EROFS: "Give a path on a disk that can be written to.",
    errno.EACCES: "Give a path in a folder that you may write to.",
    errno.EPERM: "Give a path in a folder that you may write to.",
    errno.ENOENT: "Make its folder first, or give another path.",
}


def cache_folder() -> Path:
    """Return the folder named by VAEWIDGETS_CACHE, or that of the platform for this package's cache.

    Raises
    ------
    OptionError
        If that is below the user's home folder, and there is none.
    """
    import platformdirs

    try:
        if own := os.environ.get("VAEWIDGETS_CACHE"):
            return Path(own).expanduser()
        # it leaves a "~" in the path where nothing is known to put in its place
        return platformdirs.user_cache_path("vaewidgets", appauthor=False, opinion=False).expanduser()
    except RuntimeError as error:
        raise OptionError(
            "There is no home folder to keep a cache in: HOME is not set, and the system knows none for this "
            "user. Name a folder by the environment variable VAEWIDGETS_CACHE."
        ) from error


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


def sweep_leftovers(folder: Path, start: str = "", end: str = "") -> list[Path]:
    """Delete the files whose names start and end so, and that no process holds; return them.

    Not by a pattern: Python keeps each one that was ever used, up to 32,768 of them.
    """
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    gone = []
    for path in (folder / name for name in names if name.startswith(start) and name.endswith(end)):
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

    Raises
    ------
    WriteError
        If the system does not let it be written; it names the file, the reason and what to do.
    """
    target = Path(path).expanduser()
    try:
        if target.is_symlink():
            target = target.resolve()
        with _written(target) as file:
            yield file
    except WriteError:  # of another file, written meanwhile
        raise
    except OSError as error:
        raise _not_written(target, error) from error


def _not_written(target: Path, error: OSError) -> WriteError:
    old = "; what was there before is as it was" if target.is_file() else ""
    said = WriteError(
        f"{str(target)!r} was not written: {error.strerror or error}{old}. "
        f"{_MENDS.get(error.errno or 0, 'Give another path.')}"
    )
    said.errno = error.errno
    return said


@contextlib.contextmanager
def _written(target: Path) -> Iterator[BinaryIO]:
    sweep_leftovers(target.parent, f".{target.name}.", ".part")
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
