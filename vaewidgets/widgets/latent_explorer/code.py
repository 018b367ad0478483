"""Python code as text that a person will run: made of checked identifiers and quoted literals only.

Data sets, models, functions and run files have names of anybody's choosing. Text becomes code nowhere but in
this module, and no function here takes a piece of code as a plain string: what is not `Code` is quoted.
"""

from __future__ import annotations

import keyword
import math
from dataclasses import dataclass
from typing import Any, final

_LONGEST = 80  # characters of a value that is shown in a comment
_LONGEST_LITERAL = 1000  # no setting of ours comes near


@final
@dataclass(frozen=True)
class Code:
    """A piece of Python on one line; made by the functions of this module."""

    text: str


UNKNOWN = Code("...")  # for the reader to fill in


def name(dotted: str) -> Code:
    """Return a name or attribute, such as ``data.image_shape``.

    Raises
    ------
    ValueError
        If a part of it is no identifier in ASCII, or a keyword.
    """
    for part in dotted.split("."):
        if not (part.isascii() and part.isidentifier()) or keyword.iskeyword(part):
            raise ValueError(f"{dotted!r} is no dotted name of Python; expected identifiers in ASCII.")
    return Code(dotted)


def is_literal(value: Any) -> bool:
    """Whether a value can be written as a short literal that reads back as an equal value."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, tuple | list):
        return all(is_literal(v) for v in value)
    if isinstance(value, str):
        return len(value) <= _LONGEST_LITERAL
    return value is None or isinstance(value, int)


def literal(value: Any) -> Code:
    """Return a value as a literal on one line.

    Parameters
    ----------
    value : None, bool, int, float, str, or a tuple or list of these

    Raises
    ------
    ValueError
        If it is of another type, not finite, or a text longer than any setting.
    """
    if not is_literal(value):
        raise ValueError(f"a value of type {type(value).__name__} cannot be written as a short literal.")
    if isinstance(value, tuple | list):
        inner = ", ".join(literal(v).text for v in value)
        return Code(f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})")
    if value is None or isinstance(value, bool):
        return Code(repr(value))
    # of the base class, since a subclass may write anything; that of str escapes whatever is not printable
    kind = next(kind for kind in (int, float, str) if isinstance(value, kind))
    return Code(kind.__repr__(value))


def call(function: str, /, *args: Any, **options: Any) -> Code:
    """Return the call of a function by its dotted name; arguments are `Code`, or values to quote."""
    given = [_value(arg).text for arg in args]
    given += [f"{name(key).text}={_value(value).text}" for key, value in options.items()]
    return Code(f"{name(function).text}({', '.join(given)})")


def assign(target: str, value: Code) -> Code:
    return Code(f"{name(target).text} = {value.text}")


def imported(module: str, short: str = "") -> Code:
    return Code(f"import {name(module).text}" + (f" as {name(short).text}" if short else ""))


def comment(text: str, *values: Any, behind: Code | None = None) -> Code:
    """Return a comment, a text of ours whose ``{}`` are filled with values, quoted and shortened.

    Parameters
    ----------
    text : str
    *values
    behind : Code, optional
        What it stands behind, on the same line.
    """
    note = f"# {text.format(*map(_shown, values))}"
    return Code(note if behind is None else f"{behind.text}  {note}")


def cell(*lines: Code | None) -> str:
    """Join lines to the code of a cell; None is an empty line."""
    return "\n".join("" if line is None else line.text for line in lines)


def _value(value: Any) -> Code:
    return value if isinstance(value, Code) else literal(value)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return literal(value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…").text
    if type(value) is float:
        return f"{value:g}"
    text = literal(value).text if is_literal(value) else f"a value of type {type(value).__name__}"
    return text if len(text) <= _LONGEST and text.isprintable() else _shown(text)
