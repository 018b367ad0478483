"""What a page may send, checked once, before anything else looks at it.

A message comes from outside: from a page of another version, a damaged notebook, or anybody who can reach the
kernel. What does not hold is dropped and counted (`LiveWidget.dropped`), and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vaewidgets.checks import is_whole
from vaewidgets.errors import OptionError

MOST_NAME = 64  # letters
MOST_VALUE = 1_000_000  # about bytes of JSON
MOST_DEPTH = 32
# A page counts its commands, and goes on from the highest number that was acknowledged anywhere. A number far
# ahead of all would make every later command look late.
MOST_AHEAD = 2**31


class MessageError(Exception):
    """A message that is dropped; its text is the reason under which it is counted."""


class UnknownNameError(OptionError):
    """A command, or a key of the view, that the widget does not have."""


@dataclass(frozen=True)
class Hello:
    """A view opened in a page, which allows workers and WebAssembly, or not (None: it does not say)."""

    workers: bool | None = None
    wasm: bool | None = None


@dataclass(frozen=True)
class Pull:
    """A page has the live keys up to this number, and asks for what is newer."""

    have: int


@dataclass(frozen=True)
class Reached:
    """A page got a message sent in answer to its own, and perhaps one that a thread sent."""

    thread: bool


@dataclass(frozen=True)
class Command:
    """Something that the reader wants done, or turned (`name` is "view:" and a key)."""

    seq: int
    name: str
    value: Any
    page: str = ""  # where it was turned


@dataclass(frozen=True)
class Question:
    """Points to be decoded."""

    seq: int
    z: Any
    run: str


def read(content: Any, highest: int) -> Hello | Pull | Reached | Command | Question:
    """Read a message.

    Parameters
    ----------
    content : object
        As it came.
    highest : int
        The highest number that any message had before.

    Raises
    ------
    MessageError
        If it does not hold.
    """
    kind = content.get("type") if isinstance(content, dict) else None
    if not isinstance(kind, str):
        raise MessageError("no message")
    if kind == "hello":
        allows = [content.get(name) for name in ("workers", "wasm")]
        return Hello(*(one if isinstance(one, bool) else None for one in allows))
    if kind == "reached":
        return Reached(content.get("thread") is True)
    if kind == "pull":
        have = content.get("have", 0)
        if not is_whole(have, 0, MOST_AHEAD):
            raise MessageError("bad have")
        return Pull(have)
    if kind not in ("command", "decode"):
        raise MessageError("unknown type")
    seq = content.get("seq", 0)
    if not is_whole(seq, 0, highest + MOST_AHEAD):
        raise MessageError("bad seq")
    if kind == "decode":
        run = content.get("run", "")
        if not isinstance(run, str) or len(run) > MOST_NAME:
            raise MessageError("bad run")
        _check_size(content.get("z"))
        return Question(seq, content.get("z"), run)
    name = content.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= MOST_NAME:
        raise MessageError("bad name")
    _check_size(content.get("value"))
    page = content.get("page", "")
    if not isinstance(page, str) or len(page) > MOST_NAME:
        raise MessageError("bad page")
    return Command(seq, name, content.get("value"), page)


def _check_size(value: Any) -> None:
    """Raise a `MessageError` if a value is too large or too deep; looks at no more of it than that takes."""
    left = MOST_VALUE
    parts: list[tuple[Any, int]] = [(value, 0)]
    while parts:
        part, depth = parts.pop()
        if isinstance(part, int) and not isinstance(part, bool):
            left -= 2 + part.bit_length() // 3
        else:
            left -= 2 + len(part) if isinstance(part, str | list | dict) else 4
        if left < 0:
            raise MessageError("value too large")
        if isinstance(part, list | dict) and depth == MOST_DEPTH:
            raise MessageError("value too deep")
        if isinstance(part, list):
            parts.extend((item, depth + 1) for item in part)
        elif isinstance(part, dict):
            parts.extend((item, depth + 1) for pair in part.items() for item in pair)
