"""Links ``#view=`` of junk to a saved page: what makes no sense is left out, and every widget draws.

python -m tests.faults.links --count 60 --seed 0
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import vaewidgets as vw
from tests.browser.conftest import CHROMIUM_ARGUMENTS, find_browser
from tests.browser.pages import SavedPage, open_page
from tests.faults.messages import finished_run
from tests.faults.table import Row, run_machine
from vaewidgets.contract.frame import SHARED, VIEW_KEYS

__all__ = ["faults_of", "link", "rows"]

COUNT = 60
WIDGETS = (
    *(vw.LatentExplorer, vw.LatentScatter, vw.TrainingCurves, vw.InterpolationStrip, vw.LatentGeometry),
    *(vw.LatentManifold, vw.LatentTraversal, vw.LatentArithmetic, vw.ActiveUnitsBar, vw.PriorSamples),
)  # fmt: skip
VALUES: list[Any] = [
    None, True, -1, 0, 3, 0.5, 1e308, 2**53,
    "", "x", "pca", "y" * 300, [], [[]], [0], [-1], [1e9], [None], ["a"],
    [0, 0, 0],
    [[0, 0], [1]], {}, {"a": 1}, {"length": 3}, {"x": [None]}, [[[[[]]]]],
]  # fmt: skip


def link(dice: random.Random, widgets: int) -> str:
    """The end of an address."""
    kind = dice.random()
    if kind < 0.1:
        return "#view=" + dice.choice(["%", "%7B", "[]", "null", "3", '{"runs":3}', "%FF%FE", "x" * 5000])

    def junk(keys: tuple[str, ...]) -> dict[str, Any]:
        return {key: dice.choice(VALUES) for key in dice.sample(keys, min(len(keys), dice.randrange(8)))}

    own = tuple(key for key in VIEW_KEYS if key not in SHARED)
    names = (*SHARED, "__proto__", "nobody")
    view = {"runs": [junk(names)], "widgets": [junk((*own, "nobody")) for _ in range(widgets)]}
    return "#view=" + quote(json.dumps(view))


def faults_of(page: SavedPage) -> str:
    """What is wrong with a page that was opened; empty if all of its widgets are drawn."""
    said = page.page.evaluate(
        """() => [...document.querySelectorAll(".vw-page-fault, .vw-root")].map((el) => el.innerText)
            .filter((text) => /could not be/.test(text)).map((text) => text.slice(-200))"""
    )
    return "; ".join([*said, *page.console])


def rows(scale: float, seed: int) -> list[Row]:
    """The promise about links, `scale` times 60 of them."""
    from playwright.sync_api import sync_playwright

    count, broken = max(1, round(scale * COUNT)), 0
    run = finished_run()
    widgets = [kind(run) for kind in WIDGETS]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=CHROMIUM_ARGUMENTS)
        path = vw.save_html(widgets, Path(folder) / "page.html")
        with open_page(browser, path) as page:
            for i in range(count):
                end = link(random.Random(f"{seed} {i}"), len(widgets))
                try:
                    page.go_to(end)
                    wrong = faults_of(page)
                except AssertionError as error:
                    wrong = str(error)
                if wrong:
                    broken += 1
                    print(f"link {i} of seed {seed}: {wrong[:600]}\n  {end[:100]}", file=sys.stderr)
                page.console.clear()
        browser.close()
    for widget in widgets:
        widget.close()
    return [Row("a page draws whatever its address says", count, broken, f"{len(widgets)} widgets on it")]


if __name__ == "__main__":
    sys.exit(run_machine(__doc__, rows, COUNT, "links"))
