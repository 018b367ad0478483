"""Widget states as text for an HTML page: plain JSON, and each distinct module and buffer once."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from vaewidgets.errors import OptionError

STATIC = Path(__file__).parents[1] / "static"  # the built programs and style sheets

TRAINER = "training.js"
OWN_IMAGES = "own_images.js"
IN_PLACE = "in_place.js"

Buffer = bytes | bytearray | memoryview
# Below this share of the plain size compressed bytes are worth the time that the page takes to unpack them.
WORTH = 0.95
# Numbers of two or four bytes are compressed better with their first bytes together, then the second ones.
PLANES = (1, 2, 4)
_SAMPLE = 1 << 16  # of so many bytes it is found out whether they are such numbers
_LEAST_SLICE = 4096  # what is shorter is not looked for in what stands in the page already


def split_buffers(value: Any, path: tuple[str | int, ...] = ()) -> tuple[Any, list[tuple[list, Buffer]]]:
    """Take the bytes out of a nested state; `path` is where `value` stands in the whole.

    Returns the same value with None in place of bytes and of numbers that JSON cannot write (NaN, infinity),
    and the bytes with their paths.
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


def content_html(widgets: list[dict[str, Any]], trainings: Sequence[Mapping[str, Any]] = ()) -> str:
    """Return the element in which the page's program finds its widgets, and what it can train."""
    content = script_json({"widgets": widgets, **({"trainings": list(trainings)} if trainings else {})})
    return f'<script type="application/json" id="vw-page-content">{content}</script>'


def in_script(text: str) -> str:
    """Return code as it may stand in a script element; in our strings a backslash changes nothing."""
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def in_style(text: str) -> str:
    """Return a style sheet as it may stand in a style element."""
    return text.replace("</style", "<\\/style")


Ref = int | str | list[int]


class Keeper(Protocol):
    """Keeps bytes for a page."""

    def add(self, data: Buffer) -> Ref:
        """Return the reference under which the page finds `data`."""


def pack(
    states: Iterable[Mapping[str, Any]], programs: Keeper, buffers: Keeper
) -> tuple[list[dict[str, Any]], list[str]]:
    """Take the states of widgets apart: programs and buffers into their keepers, the rest as JSON.

    `programs` takes the widgets' modules, `buffers` their arrays; they may be one. Returns what
    `js/host/page/content.js` reads, and each distinct style sheet once. Raises `OptionError` if a state has
    no module.
    """
    styles: dict[str, None] = {}
    widgets = []
    for state in states:
        module = state.get("_esm")
        if not isinstance(module, str) or not module:
            raise OptionError("got the state of a widget without `_esm`; expected the text of its module.")
        if state.get("_css"):
            styles[str(state["_css"])] = None
        kept = {key: value for key, value in state.items() if not key.startswith("_")}
        plain, found = split_buffers(kept)
        widgets.append(
            {
                "module": programs.add(module.encode("utf-8")),
                "state": plain,
                "buffers": [[path, buffers.add(data)] for path, data in found],
            }
        )
    return widgets, list(styles)


def pack_trainings(
    trainings: Mapping[str, Mapping[str, Any]], programs: Keeper, buffers: Keeper
) -> list[dict[str, Any]]:
    """Take apart what a page can train, by the id of the run that its widgets show; its programs, too.

    Unlike the states of widgets, which are small, the plain part of a payload (its graphs) is kept as bytes.
    """
    packed = []
    for run, payload in trainings.items():
        plain, found = split_buffers(payload)
        packed.append(
            {
                "run": run,
                "program": programs.add((STATIC / TRAINER).read_bytes()),
                "panel": programs.add((STATIC / OWN_IMAGES).read_bytes()),
                "state": buffers.add(script_json(plain).encode("ascii")),
                "buffers": [[path, buffers.add(data)] for path, data in found],
            }
        )
    return packed


def training_state(run: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """What a widget's state holds to be trained without its kernel: what a page has that trains, in JSON."""
    store = Store()
    (packed,) = pack_trainings({run: payload}, store, store)
    return {**packed, "host": (STATIC / IN_PLACE).read_text("utf-8"), "elements": store.texts()}


def _as_text(content: bytes) -> tuple[str, str]:
    """Return kind and text: compressed with gzip where that pays, then base64, which HTML leaves as it is.

    The kind is "plain", "gzip", or "gzip2" and "gzip4" if the bytes were taken apart into as many planes.
    """
    fitting = [n for n in PLANES if len(content) % n == 0]
    planes = min(fitting, key=lambda n: len(zlib.compress(_in_planes(content[:_SAMPLE], n), 1)))
    packed = gzip.compress(_in_planes(content, planes), 9, mtime=0)
    is_packed = len(packed) < WORTH * len(content)
    text = base64.b64encode(packed if is_packed else content).decode("ascii")
    return (f"gzip{planes if planes > 1 else ''}" if is_packed else "plain"), text


def _in_planes(content: bytes, n: int) -> bytes:
    """The first byte of each number of `n` bytes, then the second of each, and so on."""
    return b"".join(content[i::n] for i in range(n))


class Store:
    """Byte strings in script elements of a page, by content: what is added twice is kept once."""

    def __init__(self) -> None:
        self._index: dict[bytes, int] = {}
        self._contents: list[bytes] = []

    def add(self, data: Buffer) -> int | list[int]:
        """Return the number under which the page finds `data`; or number, start and length of a part.

        The weights of a decoder are a part of those of the whole model.
        """
        content = bytes(data)
        key = hashlib.sha256(content).digest()
        if key in self._index:
            return self._index[key]
        if len(content) >= _LEAST_SLICE:
            for number, known in enumerate(self._contents):
                start = known.find(content) if len(known) > len(content) else -1
                if start >= 0:
                    return [number, start, len(content)]
        self._contents.append(content)
        return self._index.setdefault(key, len(self._contents) - 1)

    def texts(self) -> list[tuple[str, str]]:
        """Return kind and text of each, in the order of their numbers."""
        return [_as_text(content) for content in self._contents]

    def html(self) -> str:
        """Return them as elements."""
        return "\n".join(
            f'<script type="text/plain" class="vw-data" data-kind="{kind}">{text}</script>'
            for kind, text in self.texts()
        )


class Table:
    """Byte strings in files that a page loads as programs: those may come from a disk, too.

    Attributes
    ----------
    programs : dict of str
        By name, which stands for the content: code that puts it into the page's table.
    """

    def __init__(self) -> None:
        self.programs: dict[str, str] = {}

    def add(self, data: Buffer) -> str:
        """Return the name under which the page finds `data`."""
        content = bytes(data)
        name = hashlib.sha256(content).hexdigest()[:16]
        if name not in self.programs:
            entry = json.dumps(_as_text(content))
            self.programs[name] = f'(globalThis.vaewidgetsData??={{}})["{name}"]={entry};'
        return name
