"""What nbval compares of a notebook's outputs: text, not tables of measured numbers."""

from __future__ import annotations

from typing import Any


def pytest_collectstart(collector: Any) -> None:
    """Leave HTML uncompared: it shows what `text/plain` beside it says, with numbers of this machine.

    Nor how long a progress bar took to be shown, which on a busy machine is a second.
    """
    if hasattr(collector, "skip_compare") and "text/html" not in collector.skip_compare:
        collector.skip_compare += ("text/html",)
    if hasattr(collector, "sanitize_patterns"):
        collector.sanitize_patterns[r"\[\d\d:\d\d<"] = "[so long<"
