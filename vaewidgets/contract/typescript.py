"""Writes what the page knows of the contract: `python -m vaewidgets.contract.typescript`."""

from __future__ import annotations

import inspect
import json
import types
import typing
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, Required, Union

from vaewidgets.contract import compared, frame, sections, training

FOLDER = Path(__file__).parents[1] / "js" / "contract"
HEAD = "/** Written by `python -m vaewidgets.contract.typescript` from vaewidgets/contract. */\n"
PLAIN = {int: "number", float: "number", str: "string", bool: "boolean", type(None): "null", Any: "any"}
NAMED = {
    "Bytes": sections.Bytes,
    "Draw": sections.Draw,
    "Dtype": sections.Dtype,
    "Status": sections.Status,
}
WORDS = {"CommandName": frame.COMMANDS, "ViewKey": frame.VIEW_KEYS}


def files() -> dict[Path, str]:
    modules = (sections, compared, training, frame)
    names = {name: kind for module in modules for name, kind in vars(module).items()}
    shapes = [kind for kind in names.values() if typing.is_typeddict(kind)]
    parts = [f"export type {name} = {_new_type(kind)};" for name, kind in NAMED.items()]
    parts += [f"export type {name} = {' | '.join(map(json.dumps, words))};" for name, words in WORDS.items()]
    parts += ["export type LiveKey = keyof LiveState;", *map(_interface, shapes)]
    shared = ", ".join(map(json.dumps, frame.SHARED))
    keys = "\n/** Keys of the view that all widgets of one run on a page share. @type {string[]} */\n"
    return {
        FOLDER / "types.d.ts": HEAD + "\n".join(parts) + "\n",
        FOLDER / "keys.js": f"{HEAD}{keys}export const SHARED = [{shared}];\n",
    }


def _interface(shape: Any) -> str:
    """Return a TypedDict in TypeScript, with all of its fields."""
    lines = [f"/** {inspect.getdoc(shape)} */", f"export interface {shape.__name__} {{"]
    for name, hint in typing.get_type_hints(shape, include_extras=True).items():
        needed = typing.get_origin(hint)
        is_required = needed is Required or (needed is not NotRequired and name in shape.__required_keys__)
        inner = typing.get_args(hint)[0] if needed in (Required, NotRequired) else hint
        lines.append(f"  {name}{'' if is_required else '?'}: {_type(inner)};")
    return "\n".join([*lines, "}"])


def _type(hint: Any) -> str:
    """Return a type by its name where it has one."""
    known = [name for name, kind in NAMED.items() if kind == hint]
    if known:
        return known[0]
    return str(hint.__name__) if typing.is_typeddict(hint) else _new_type(hint)


def _new_type(hint: Any) -> str:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in PLAIN:
        return PLAIN[hint]
    if origin is Annotated:
        return str(arguments[1])
    if origin is Literal:
        return " | ".join(map(json.dumps, arguments))
    if origin in (Union, types.UnionType):
        return " | ".join(dict.fromkeys(map(_type, arguments)))
    inner = _type(arguments[-1])
    if origin is dict:
        return f"Record<string, {inner}>"
    return f"({inner})[]" if "|" in inner else f"{inner}[]"


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
