"""Accessibility of a page, as axe-core judges it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

__all__ = ["axe_source", "findings"]

_AXE = Path(__file__).parents[2] / "vaewidgets" / "js" / "node_modules" / "axe-core" / "axe.min.js"


def axe_source() -> str:
    """The program; skips where `npm ci` was not run, fails there in CI."""
    if not _AXE.is_file():
        reason = "axe-core is not installed: run npm ci in vaewidgets/js"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return _AXE.read_text("utf-8")


def findings(page: Any, selector: str) -> list[str]:
    """What is serious or critical inside elements of a page that has the program, one line each.

    One run for all of them: each would go through the whole page anew. A line begins with the widget's class.
    """
    result = page.evaluate(
        """async selector => {
            const { violations } = await axe.run(selector, { resultTypes: ['violations'], elementRef: true });
            return violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))
                .flatMap(({ id, nodes }) => nodes.map(({ html, element, any, all, none }) =>
                    `${element?.closest('.vw-root')?.classList[1] ?? 'page'}: ${id}: `
                    + `${[...any, ...all, ...none].map(one => one.message).join('; ')} in ${html}`));
        }""",
        selector,
    )
    return [line[:600] for line in result]
