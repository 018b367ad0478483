"""The pages for contributors name files that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STARTS = (".", "vaewidgets", "vaewidgets/js")  # folders in which a path of the text may begin


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_every_file_that_is_named_is_there(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    names = set(re.findall(r"`([\w.-]+/[\w./-]*)`", text))
    assert len(names) > 10
    missing = [name for name in names if not any((ROOT / start / name).exists() for start in STARTS)]
    assert missing == []
