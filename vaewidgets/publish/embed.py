"""Widget states as text that stands inside an HTML page: plain JSON, and each distinct buffer once."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Store", "script_json", "split_buffers"]

Buffer = bytes | bytearray | memoryview
# Below this share of the plain size compressed bytes are worth the time that the page takes to unpack them.
WORTH = 0.95


def split_buffers(value: Any, path: tuple[str | int, ...] = ()) -> tuple[Any, list[tuple[list, Buffer]]]:
    """Take the bytes out of a nested state.

    Parameters
    ----------
    value : dict, list, bytes or plain JSON
    path : tuple
        Where `value` stands in the whole.

    Returns
    -------
    rest : the same value with None in place of bytes and of numbers that JSON cannot write (NaN, infinity)
    buffers : list of (path, bytes)
    """
    if isinstance(value, Buffer):
        return None, [(list(path), value)]
    if isinstance(value, float) and not math.isfinite(value):
        return None, []
    if isinstance(value, Mapping):
        pairs = {str(key): split_buffers(item, (*path, str(key))) for key, item in value.items()}
        return {key: rest for key, (rest, _) in pairs.items()}, [
            b for _, found in pairs.values() for b in found
        ]
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = [split_buffers(item, (*path, i)) for i, item in enumerate(value)]
        return [rest for rest, _ in items], [b for _, found in items for b in found]
    return value, []


def script_json(value: Any) -> str:
    """JSON that can stand inside a script element: nothing in it ends the element or opens a comment."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


class Store:
    """Byte strings by content: what is added twice is kept once.

    Compressed with gzip where that pays, then base64, whose alphabet holds nothing that HTML knows.
    """

    def __init__(self) -> None:
        self._index: dict[bytes, int] = {}
        self._elements: list[str] = []

    def add(self, data: Buffer) -> int:
        """Return the number under which the page finds `data`."""
        content = bytes(data)
        key = hashlib.sha256(content).digest()
        if key not in self._index:
            self._index[key] = len(self._elements)
            self._elements.append(self._element(content))
        return self._index[key]

    def _element(self, content: bytes) -> str:
        packed = gzip.compress(content, 9, mtime=0)
        is_packed = len(packed) < WORTH * len(content)
        text = base64.b64encode(packed if is_packed else content).decode("ascii")
        kind = "gzip" if is_packed else "plain"
        return f'<script type="text/plain" class="vw-data" data-kind="{kind}">{text}</script>'

    def html(self) -> str:
        """Return the elements, in the order of their numbers."""
        return "\n".join(self._elements)
