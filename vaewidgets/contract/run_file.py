"""Run files as bytes: which tensors lie where in them, and a checksum of each. Read with and without torch.

A run file is a safetensors file: the length of a header in eight bytes, the header in JSON, the tensors one
after the other. The header's metadata hold what the file says of its run (`KEY`, JSON) and a checksum of that
and of each tensor (`CHECKSUMS`, JSON; files of before have none, nor have those that a page writes).
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from vaewidgets.checks import is_whole
from vaewidgets.errors import CheckpointError

KEY = "vaewidgets"  # of the facts, in the metadata of a safetensors file
CHECKSUMS = "vaewidgets.checksums"  # of their checksum, under "", and of each tensor's by its name
FORMAT = 1
PAGE = "page"  # of what a page shows of the run: a fact, and the beginning of its tensors' names

# Bytes of one value, by the name of its type in a header.
WIDTHS = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1,
    "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1, "C64": 8,
}  # fmt: skip
_TEXTS = {KEY, CHECKSUMS, "format"}  # the last one by other programs; a changed name would hide the checksums
_MOST_AXES = 32
_MOST_DEPTH = 32  # of lists in lists, in what the file says of its run
_MOST_WHOLE = 2**63


class Faults:
    """What is wrong with a file: the first fault is raised, or all are noted.

    Parameters
    ----------
    path : str
        Of the file, for the message.
    salvage : bool
        Note them, and go on with what is whole.

    Attributes
    ----------
    lost : list of str
        What was noted: the entry, what was got, what was expected; the first of each entry.
    count : int
        How many were noted, each time counted.
    """

    def __init__(self, path: object, *, salvage: bool = False) -> None:
        self.path, self.salvage = str(path), salvage
        self.lost: list[str] = []
        self.count = 0

    def note(self, entry: str, got: str, expected: str, *, fix: str = "") -> None:
        """Raise a `CheckpointError` that names the file and the entry, or keep it in `lost`."""
        self.count += 1
        if self.salvage:
            if not any(one.startswith(f"{entry} is ") for one in self.lost):
                self.lost.append(f"{entry} is {got}; expected {expected}")
            return
        fix = fix or "load_run(path, salvage=True) gives the parts of it that are whole."
        raise CheckpointError(
            f"{self.path!r} is damaged or no run file: {entry} is {got}; expected {expected}. {fix}"
        )

    def end(self, what: str) -> CheckpointError:
        """An error for what nothing can be salvaged from."""
        return CheckpointError(f"{self.path!r} is no run file, or is damaged ({what}).")


@dataclass(frozen=True)
class Entry:
    """Where a tensor lies in a file, in bytes from the file's begin, and what it is."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    def checksum(self, data: bytes | bytearray | memoryview) -> int:
        """CRC-32 of type, shape and bytes."""
        return checksum(self.dtype, self.shape, data)


@dataclass(frozen=True)
class Layout:
    """The header of a file, checked: every entry lies within the file, and is as large as its shape says."""

    metadata: dict[str, str]
    entries: dict[str, Entry]
    checksums: dict[str, int] | None


def checksum(dtype: str, shape: Iterable[int], data: bytes | bytearray | memoryview) -> int:
    return zlib.crc32(data, zlib.crc32(f"{dtype} {[*shape]}".encode()))


def text_checksum(text: str) -> int:
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


def parsed(text: str | bytes) -> Any:
    """JSON as plain values; ValueError where it is none, says a name twice, or nests too deeply."""
    try:
        return json.loads(text, object_pairs_hook=_once)
    except RecursionError:
        raise ValueError("lists nest too deeply in it") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in it")
    return found


def is_plain(value: Any) -> bool:
    """Whether a value is JSON that can be written again: not too deep, whole numbers of 64 bits."""
    parts = [(value, 0)]
    while parts:
        part, depth = parts.pop()
        if depth > _MOST_DEPTH or (isinstance(part, int) and abs(part) >= _MOST_WHOLE):
            return False
        if isinstance(part, list | dict):
            parts.extend((one, depth + 1) for one in (part.values() if isinstance(part, dict) else part))
    return True


def read_layout(file: BinaryIO, size: int, faults: Faults) -> Layout:
    """Read the header of a file of `size` bytes.

    What an entry lacks is noted in `faults`, and the entry left out; without a header: CheckpointError.
    """
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > size - 8:
        raise faults.end("it ends within its header")
    try:
        header = parsed(file.read(length))
    except ValueError as error:  # JSON and UTF-8
        raise faults.end(f"its header is not readable: {error}") from error
    if not isinstance(header, dict):
        raise faults.end(f"its header is of type {type(header).__name__}")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise faults.end("the texts in its header are none")
    entries = {}
    for name, about in header.items():
        found = _entry(about, 8 + length)
        if isinstance(found, str):
            faults.note(f"tensor {name!r}", found, "a type, a shape, and as many bytes as these take")
        elif found.end > size:
            got = f"cut off: {max(0, size - found.start):,} of {found.end - found.start:,} bytes are here"
            faults.note(f"tensor {name!r}", got, "all of them")
        else:
            entries[name] = found
    _check_order(entries, 8 + length, size, faults)
    return Layout(metadata, entries, _checksums(metadata, faults))


def _entry(about: Any, start: int) -> Entry | str:
    """An entry of a header, or what is wrong with it."""
    if not isinstance(about, dict) or {*about} != {"dtype", "shape", "data_offsets"}:
        return f"said to be {_short(about)}"
    dtype, shape, place = about["dtype"], about["shape"], about["data_offsets"]
    if not isinstance(dtype, str) or dtype not in WIDTHS:
        return f"of type {_short(dtype)}"
    for many in (shape, place):
        if not isinstance(many, list) or not all(is_whole(one, 0, _MOST_WHOLE) for one in many):
            return f"of shape {_short(shape)} at {_short(place)}"
    if len(shape) > _MOST_AXES or len(place) != 2 or place[1] - place[0] != math.prod(shape) * WIDTHS[dtype]:
        return f"{dtype} of shape {_short(shape)} at {_short(place)}"
    return Entry(dtype, tuple(shape), start + place[0], start + place[1])


def _check_order(entries: Mapping[str, Entry], start: int, size: int, faults: Faults) -> None:
    """Note a tensor that lies over another one, and bytes that belong to none."""
    at = start
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].start, item[1].end)):
        if entry.start != at and not faults.salvage:
            faults.note(
                f"tensor {name!r}", f"at byte {entry.start:,}", f"byte {at:,}, where the last one ends"
            )
        at = entry.end
    if at != size and not faults.salvage:
        faults.note("the end of its last tensor", f"byte {at:,}", f"byte {size:,}, the end of the file")


def _checksums(metadata: Mapping[str, str], faults: Faults) -> dict[str, int] | None:
    if CHECKSUMS not in metadata:
        return None
    try:
        found = parsed(metadata[CHECKSUMS])
    except ValueError:
        found = None
    if isinstance(found, dict) and all(is_whole(one, 0, 2**32) for one in found.values()):
        return found
    faults.note("the list of its checksums", _short(metadata[CHECKSUMS]), "a number for each tensor")
    return None


def read_facts(layout: Layout, faults: Faults) -> dict[str, Any]:
    """What a file says of its run, as plain values not yet checked one by one.

    CheckpointError if it says nothing of one, or was written by another version.
    """
    text = layout.metadata.get(KEY)
    if text is None:
        raise CheckpointError(
            f"{faults.path!r} is no run file, or is damaged: it is a safetensors file without a run in it; "
            "expected one of run.save."
        )
    sums = layout.checksums
    if sums is not None and sums.get("") != text_checksum(text):
        faults.note("what it says of its run", "changed since it was written", "text of its checksum")
    try:
        facts = parsed(text)
    except ValueError as error:
        faults.note("what it says of its run", f"not readable ({error})", "JSON")
        return {}
    if not isinstance(facts, dict):
        faults.note("what it says of its run", f"a {type(facts).__name__}", "a JSON object")
        return {}
    if facts.get("format") != FORMAT and not faults.salvage:
        raise CheckpointError(
            f"{faults.path!r} has format {_short(facts.get('format'))}; this version reads {FORMAT}. "
            "It was written by another version of vaewidgets."
        )
    for name in sorted({*layout.metadata} - _TEXTS):
        faults.note("a text of its header", f"called {_short(name)}", f"one of {', '.join(sorted(_TEXTS))}")
    if sums is not None:
        for name in sorted({*sums} ^ {"", *layout.entries}):
            where = "its checksums, but not in the file" if name in sums else "the file without a checksum"
            faults.note(f"tensor {name!r}", f"in {where}", "each tensor with its checksum")
    return facts


def read_bytes(file: BinaryIO, name: str, layout: Layout, faults: Faults) -> bytearray | None:
    """The bytes of a tensor; None, noted in `faults`, where they are not those that were written."""
    entry = layout.entries[name]
    data = bytearray(entry.end - entry.start)
    file.seek(entry.start)
    file.readinto(data)  # type: ignore[attr-defined]
    sums = layout.checksums
    if sums is not None and name in sums and sums[name] != entry.checksum(data):
        faults.note(f"tensor {name!r}", "changed since it was written", "bytes of its checksum")
        return None
    return data


def _short(value: Any) -> str:
    """A value from a file, for a message."""
    if isinstance(value, list | dict):
        return f"a {type(value).__name__} of {len(value)}" if not is_plain(value) else repr(value)[:100]
    return repr(value)[:100]
