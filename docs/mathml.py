"""Formulas as MathML, which browsers set by themselves: no script, no font, no request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.errors import ExtensionError

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

__all__ = ["mathml", "setup"]

# What the converter does not know: sizes, which MathML finds itself, and other names.
_SIZES = re.compile(r"\\(?:[bB]igg?[lrm]?|middle)(?![A-Za-z])")
_NAMES = {r"\dots": r"\ldots"}
_SHORT_FRACTION = re.compile(r"\\([td]?frac)\s*([0-9a-zA-Z])\s*([0-9a-zA-Z])")


def mathml(latex: str, *, block: bool = False) -> str:
    """Return a formula as a `math` element.

    Raises
    ------
    ExtensionError
        If the formula has something that cannot be converted.
    """
    text = _SHORT_FRACTION.sub(r"\\\1{\2}{\3}", _SIZES.sub("", latex))
    for name, known in _NAMES.items():
        text = re.sub(re.escape(name) + r"(?![A-Za-z])", lambda _, known=known: known, text)
    try:
        return tex2mathml(text, as_block=block)
    except MathError as error:
        raise ExtensionError(f"mathml got {latex!r}; {error} Say it in other commands.") from error


def _inline(writer: Any, node: nodes.math) -> None:
    from docutils import nodes

    writer.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def _block(writer: Any, node: nodes.math_block) -> None:
    from docutils import nodes

    writer.body.append(f'<div class="math">{mathml(node.astext(), block=True)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer under the name "mathml"."""
    app.add_html_math_renderer("mathml", inline_renderers=(_inline, None), block_renderers=(_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
