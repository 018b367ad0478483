"""Which controls of a page one reaches by the Tab key alone."""

from __future__ import annotations

from typing import Any

__all__ = ["missed_by_tab"]


def missed_by_tab(page: Any, selector: str) -> tuple[int, list[str]]:
    """Press Tab from the first control inside elements of a page to the last.

    Returns
    -------
    marked : int
        How many controls can be seen and used.
    missed : list of str
        The beginnings of those that the key did not reach.
    """
    marked = page.evaluate(
        """selector => {
            const all = [...document.querySelectorAll(selector)].flatMap(root => [...root.querySelectorAll(
                'button, input, select, textarea, [role=slider], [role=application], [role=grid]')]);
            const usable = all.filter(e => e.checkVisibility({ visibilityProperty: true })
                && !e.disabled && e.tabIndex >= 0 && e.type !== 'radio');
            usable.forEach((e, i) => { e.dataset.stop = i; });
            window.reached = new Set();
            document.addEventListener('focusin', e => window.reached.add(e.target));
            document.activeElement.blur();
            usable[0].focus();
            return usable.length;
        }""",
        selector,
    )
    for _ in range(marked + 60):
        page.keyboard.press("Tab")
    missed = page.evaluate(
        """() => [...document.querySelectorAll('[data-stop]')].filter(e => !window.reached.has(e))
            .map(e => e.outerHTML.slice(0, 200))"""
    )
    page.evaluate("document.querySelectorAll('[data-stop]').forEach(e => { delete e.dataset.stop; })")
    return marked, missed
