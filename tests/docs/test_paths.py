"""The pages for contributors name files that exist, and each room says what it holds and never imports."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STARTS = (".", "vaewidgets", "vaewidgets/js")  # folders in which a path of the text may begin


@pytest.mark.parametrize(
    "page", ["CONTRIBUTING.md", "docs/architecture.md", "docs/speed.md", "docs/hosts.md"]
)
def test_every_file_that_is_named_is_there(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    names = set(re.findall(r"`([\w.-]+/[\w./-]*)`", text))
    assert names
    missing = [name for name in names if not any((ROOT / start / name).exists() for start in STARTS)]
    assert missing == []


def rooms() -> list[Path]:
    return sorted(path for path in (ROOT / "vaewidgets").glob("*/__init__.py"))


@pytest.mark.parametrize("path", rooms(), ids=lambda path: path.parent.name)
def test_every_room_says_what_it_never_imports(path: Path) -> None:
    text = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert text
    assert re.search(r"^Never import(s|ed) .*\.$", text, re.MULTILINE)
    table = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    assert f"`{path.parent.name}`" in table, "the room is not in the table of rooms"
