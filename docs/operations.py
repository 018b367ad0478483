"""The list of what a saved page can compute: `python -m docs.operations` writes docs/operations.md."""

from __future__ import annotations

from pathlib import Path

from vaewidgets.graphs.operations import GROUPS

PAGE = Path(__file__).parent / "operations.md"
HEAD = """# What the page can compute

Made by `python -m docs.operations` from `vaewidgets/graphs/operations.py`.

A decoder or encoder is recorded as the operations of PyTorch's ATen library that it comes down to, whatever
modules, functions and Python it is written with, and the page runs the same operations. A model is decoded
in the page if all of them are below; each may also write in place (`add_`). Many others, such as `einsum`,
attention, recurrent layers, `glu` or `cdist`, come down to these. An operation that is missing is named
with its layer and line, and a notebook's kernel decodes instead.

Not taken: three-dimensional convolutions; complex numbers; tensors whose size depends on the data
(`nonzero`, `x[x > 0]`; write `torch.where`); random draws in eval mode; models that mix the images of a
batch. What Python reads from a tensor (an `if`, `.item()`) stays as it was for one image, and is warned of.
A model that takes only one image at a time is run with one at a time.
"""


def listing() -> str:
    """The page as text."""
    parts = [HEAD]
    for title, names in GROUPS.items():
        parts.append(f"## {title}\n\n" + _wrapped([f"`{name}`" for name in sorted(names)]))
    return "\n".join(parts)


def _wrapped(words: list[str]) -> str:
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) > 110:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(listing(), encoding="utf-8")
