"""Puts the lecture's notebooks into the wheel, where `python -m vaewidgets notebooks` finds them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class NotebooksInWheel(BuildHookInterface):
    """Of the folder only what is a notebook: not checkpoints, nor pages that notebooks wrote."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":  # reads those of the checkout
            return
        for path in Path(self.root, "notebooks").glob("*.ipynb"):
            build_data["force_include"][str(path)] = f"vaewidgets/notebooks/{path.name}"
