"""What a page may send: which message has which fields, and how large they may be (types: `frame`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from vaewidgets.checks import is_whole

MOST_NAME = 64  # letters
MOST_VALUE = 1_000_000  # about bytes of JSON
MOST_DEPTH = 32
# A page counts its commands, and goes on from the highest number that was acknowledged anywhere. A number far
# ahead of all would make every later command look late.
MOST_AHEAD = 2**31


class Field(NamedTuple):
    """A field of a message.

    Attributes
    ----------
    fault : callable
        Takes the value and the highest `seq` so far; returns why the message is dropped, or "".
    default : object
        Where a message does not have it.
    """

    fault: Callable[[Any, int], str]
    default: Any = None


def _whole(name: str) -> Callable[[Any, int], str]:
    return lambda value, highest: "" if is_whole(value, 0, highest + MOST_AHEAD) else f"bad {name}"


def _text(name: str, least: int = 0) -> Callable[[Any, int], str]:
    def fault(value: Any, _: int) -> str:
        return "" if isinstance(value, str) and least <= len(value) <= MOST_NAME else f"bad {name}"

    return fault


def _anything(_value: Any, _highest: int) -> str:
    return ""  # what is no bool says nothing: a page of another version is not sent away for it


def _size_fault(value: Any, _: int) -> str:
    """Looks at no more of a value than it takes to say that it is too large or too deep."""
    left = MOST_VALUE
    level, below = [value], list[Any]()
    for depth in range(MOST_DEPTH + 1):
        for part in level:
            if isinstance(part, int) and not isinstance(part, bool):
                left -= 2 + part.bit_length() // 3
            else:
                left -= 2 + len(part) if isinstance(part, str | list | dict) else 4
            if isinstance(part, list | dict):
                if depth == MOST_DEPTH:
                    return "value too deep"
                below += part
                if isinstance(part, dict):
                    below += part.values()
            if left < 2 * len(below):  # each takes two at least
                return "value too large"
        level, below = below, []
    return ""


_HAVE = Field(lambda value, _: "" if is_whole(value, 0, MOST_AHEAD) else "bad have", 0)

MESSAGES: Mapping[str, Mapping[str, Field]] = {
    "hello": {"workers": Field(_anything), "wasm": Field(_anything)},
    "pull": {"have": _HAVE},
    "reached": {"thread": Field(_anything)},
    "command": {
        "seq": Field(_whole("seq"), 0),
        "name": Field(_text("name", 1)),
        "value": Field(_size_fault),
        "page": Field(_text("page"), ""),
    },
    "decode": {"seq": Field(_whole("seq"), 0), "z": Field(_size_fault), "run": Field(_text("run"), "")},
}
# Why a message is dropped; the last one where the widget has no such command, key or question.
REASONS = (
    "no message", "unknown type", "bad have", "bad seq", "bad name", "bad run", "bad page",
    "value too large", "value too deep", "unknown name",
)  # fmt: skip


def fields_of(content: Any, highest: int) -> tuple[str, dict[str, Any], str]:
    """Type and fields of a message, and why it is dropped ("" where it holds)."""
    kind = content.get("type") if isinstance(content, dict) else None
    if not isinstance(kind, str):
        return "", {}, "no message"
    if kind not in MESSAGES:
        return "", {}, "unknown type"
    found = {}
    for name, field in MESSAGES[kind].items():
        value = content.get(name, field.default)
        if fault := field.fault(value, highest):
            return kind, {}, fault
        found[name] = value
    return kind, found, ""
