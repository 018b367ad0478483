"""A page on disk: whole, or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from vaewidgets.errors import OptionError

__all__ = ["write_page"]


def write_page(path: str | os.PathLike[str], html: str) -> Path:
    """Write a page to a temporary file beside `path`, then put it in its place.

    Raises
    ------
    OptionError
        If `path` is a folder, or stands in one that does not exist.
    """
    target = Path(path).expanduser()
    if target.is_dir():
        raise OptionError(
            f"save_html(path) got the folder {target}; expected a file, such as {target / 'page.html'}."
        )
    if not target.parent.is_dir():
        raise OptionError(
            f"save_html(path) got {target}, but there is no folder {target.parent}; make it first."
        )
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(html)
        # mkstemp makes files that nobody else can read; a page is made to be read
        temporary.chmod(_mode(target))
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return target


def _mode(target: Path) -> int:
    """Return the permissions that the page gets: those it had, else what the umask leaves of 0o666."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
