"""What a page may send, checked once, before anything else looks at it.

A message comes from outside: from a page of another version, a damaged notebook, or anybody who can reach the
kernel. What does not hold (`contract.messages`) is dropped and counted (`LiveWidget.dropped`), and changes
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vaewidgets.contract.messages import fields_of
from vaewidgets.errors import OptionError


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
    kind, fields, fault = fields_of(content, highest)
    if fault:
        raise MessageError(fault)
    match kind:
        case "hello":
            return Hello(**{name: one if isinstance(one, bool) else None for name, one in fields.items()})
        case "reached":
            return Reached(fields["thread"] is True)
        case "pull":
            return Pull(**fields)
        case "decode":
            return Question(**fields)
        case _:
            return Command(**fields)
