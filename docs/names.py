"""The role of single backticks in docstrings: a name of ours becomes a link, all else is code.

Public names may stand alone (`LatentScatter`), after `vw.` or in full; what is said in full has to exist.
"""

from __future__ import annotations

import functools
import pydoc
import re
from importlib import import_module
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.domains.python import PyObject
from sphinx.util.docutils import SphinxRole
from sphinx.util.inspect import signature, stringify_signature
from sphinx.util.logging import getLogger

import vaewidgets as vw

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

__all__ = ["ROOMS", "room_of_names", "setup"]

# Room: what its page is called.
ROOMS = {
    "data": "Data",
    "models": "Models",
    "objectives": "Objectives and likelihoods",
    "adapters": "Models of your own",
    "runs": "Runs",
    "sweeps": "Sweeps",
    "engine": "Engine",
    "diagnostics": "Diagnostics",
    "widgets": "Widgets",
    "publish": "Publishing",
    "replay": "Saved runs without torch",
    "figures": "Figures",
    "graphs": "Networks in the page",
    "experiments": "Published experiments",
    "errors": "Errors",
}
_FULL = re.compile(r"(?:vw|vaewidgets)((?:\.\w+)+)(?:\(\))?$")
_CODE = re.compile(r"(`+.*?`+)", re.S)


@functools.cache
def room_of_names() -> dict[str, str]:
    """Room whose page describes it, for each public name of the package that is no room."""
    public = set(vw.__all__)
    return {
        name: room
        for room in ROOMS
        for name in import_module(f"vaewidgets.{room}").__all__
        if name in public and name not in ROOMS
    }


@functools.cache
def _pages() -> dict[str, str]:
    """Full name of what has a place of its own, by each name that it goes by."""
    found = {f"vaewidgets.{room}": f"vaewidgets.{room}" for room in ROOMS}
    for room in ROOMS:
        module = import_module(f"vaewidgets.{room}")
        found |= {f"vaewidgets.{room}.{name}": f"vaewidgets.{room}.{name}" for name in module.__all__}
    for name, room in room_of_names().items():
        found[name] = found[f"vaewidgets.{name}"] = f"vaewidgets.{room}.{name}"
    return found


class _Name(SphinxRole):
    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        shown = nodes.literal(self.text, self.text, classes=["py"])
        full = _FULL.match(self.text)
        name = f"vaewidgets{full[1]}" if full else self.text.removesuffix("()")
        target = _pages().get(name)
        if target is None:
            if full and pydoc.locate(name) is None:
                where = self.get_location()
                getLogger(__name__).warning("there is no %s", name, location=where, type="ref")
            return [shown], []
        reference = pending_xref(
            "", shown, refdomain="py", reftype="obj", reftarget=target, refexplicit=True, refwarn=True
        )
        reference["refdoc"] = self.env.docname
        return [reference], []


def _plain(_app: Sphinx, _what: str, _name: str, _obj: Any, _options: Any, lines: list[str]) -> None:
    """Keep |mu| and a lone star what they are: our docstrings use neither for mark-up."""
    text = _CODE.split("\n".join(lines))
    text[::2] = [re.sub(r"(?<![\\*])([|*])(?!\*)", r"\\\1", part) for part in text[::2]]
    lines[:] = "".join(text).split("\n")


def _signature(
    _app: Sphinx, what: str, _name: str, obj: Any, _options: Any, said: str | None, returns: str | None
) -> tuple[str | None, str | None] | None:
    """Take a widget's signature from its constructor: what makes objects of traits hides it."""
    if what != "class" or not said or not said.startswith("(*args"):
        return None
    return stringify_signature(
        signature(obj.__init__, bound_method=True), unqualified_typehints=True
    ), returns


def _short(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, contnode: nodes.TextElement
) -> nodes.reference | None:
    """Resolve a short name in another role, such as those of "See Also"."""
    target = _pages().get(str(node.get("reftarget")))
    if target is None or target == node.get("reftarget"):
        return None
    python = env.domains.python_domain
    return python.resolve_xref(env, node["refdoc"], app.builder, "obj", target, node, contnode)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the role, and what is done to docstrings before they are read."""
    for field in PyObject.doc_field_types:
        if field.name == "variable":
            field.label = "Attributes"  # as our docstrings call them
    app.add_role("name", _Name())
    app.connect("autodoc-process-signature", _signature)
    app.connect("missing-reference", _short)
    app.connect("autodoc-process-docstring", _plain, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
