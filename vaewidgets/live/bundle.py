"""The files that a widget's page is made of, as anywidget takes them."""

from __future__ import annotations

import functools
import os
from pathlib import Path

STATIC = Path(__file__).parents[1] / "static"


class Bundle:
    """Text of a file, read when it is first wanted.

    anywidget takes a path, too, but then keeps every widget alive that was ever made: it connects each to a
    signal of the class, "the file has changed", and never disconnects it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return _text(self.path)


def bundle(path: Path) -> Bundle | Path:
    """Return what a class is to have as `_esm` or `_css`: the path itself only where files are watched."""
    return path if os.environ.get("ANYWIDGET_HMR") == "1" else Bundle(path)


@functools.cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
