"""What nbval compares of a notebook's outputs: text, not tables of measured numbers."""

from __future__ import annotations

from typing import Any


def pytest_collectstart(collector: Any) -> None:
    """Leave HTML uncompared: it shows what `text/plain` beside it says, with numbers of this machine."""
    if hasattr(collector, "skip_compare") and "text/html" not in collector.skip_compare:
        collector.skip_compare += ("text/html",)
