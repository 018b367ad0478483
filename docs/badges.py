"""Where the notebooks can be opened by a click: badges, and the cell that installs what is missing there.

`python -m docs.badges` writes them into README.md and the notebooks, from the address in pyproject.toml.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat

__all__ = ["BADGE", "binder", "colab", "in_notebook", "in_readme"]

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"
ADDRESS: str = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]["Repository"]
REPOSITORY = urlsplit(ADDRESS).path.strip("/")
BRANCH = "main"

BADGE = re.compile(r"\[!\[([^\]]*)\]\(https?://[^)]*\)\]\(([^)]*)\)")
_BADGES = re.compile(rf"^(?:{BADGE.pattern}\n?)+\n", re.M)
_INSTALL = """\
# On Colab and its like: first choose Runtime > Change runtime type > GPU, if you want the published scale.
import importlib.util

if importlib.util.find_spec("{module}") is None:
    %pip install --quiet {package}"""
# A module that the notebook cannot do without, and what brings it; 06 attaches to other people's packages.
_NEEDS = {"06_your_own_model": ("pythae", "'vaewidgets[notebooks]'")}
_PACKAGE = ("vaewidgets", "vaewidgets")


def colab(name: str, folder: str = "notebooks") -> str:
    """Return the badge that opens a notebook in Colab."""
    host = "https://colab.research.google.com"
    link = f"{host}/github/{REPOSITORY}/blob/{BRANCH}/{folder}/{name}.ipynb"
    return f"[![Open in Colab]({host}/assets/colab-badge.svg)]({link})"


def binder() -> str:
    """Return the badge that opens the quick start on Binder, with all notebooks beside it."""
    host = "https://mybinder.org"
    link = f"{host}/v2/gh/{REPOSITORY}/{BRANCH}?urlpath=lab/tree/notebooks/00_quickstart.ipynb"
    return f"[![Binder]({host}/badge_logo.svg)]({link})"


def in_readme(text: str) -> str:
    """Return README.md with its badges."""
    return _after_title(text, f"{colab('00_quickstart')}\n{binder()}\n")


def in_notebook(notebook: Any, name: str) -> None:
    """Give a notebook its badge, below the title, and its first code cell."""
    title, *others = notebook.cells
    title.source = _after_title(title.source, f"{colab(name)}\n")
    module, package = _NEEDS.get(name, _PACKAGE)
    cell = nbformat.v4.new_code_cell(_INSTALL.format(module=module, package=package), id="install")
    notebook.cells = [title, cell, *(other for other in others if other.id != cell.id)]


def _after_title(text: str, badges: str) -> str:
    title, rest = _BADGES.sub("", text, count=1).split("\n\n", 1)
    return f"{title}\n\n{badges}\n{rest}"


def main() -> None:
    """Write them."""
    readme = ROOT / "README.md"
    readme.write_text(in_readme(readme.read_text("utf-8")), encoding="utf-8")
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        in_notebook(notebook, path.stem)
        nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
