"""The documentation site, of a small notebook or the one in VAEWIDGETS_SITE: opened with no network."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import numpy as np
import pytest

from docs.names import room_of_names
from tests.browser.lab import wait_for
from tests.docs.site import SitePage, open_site
from tests.forked import python

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
EXPLORER, SCATTER = ".vw-latent-explorer", ".vw-latent-scatter"

TRAIN = """
import torch
import vaewidgets as vw

torch.manual_seed(0)
data = vw.load_dataset("digits", n_train=256)
model = vw.MLPVAE(data.image_shape, latent_dim=2, hidden=(32,))
run = vw.train(model, data, epochs=8, batch_size=64, autosave=False)
run.wait()
"""
NOTEBOOK = [
    "# A small notebook\n\nThe bound is $\\mathcal L = \\mathbb E_q[\\log p(x \\mid z)] - \\tfrac12 \\beta$.",
    TRAIN,
    "vw.LatentExplorer(run)",
    "import ipywidgets\n\nipywidgets.HBox([vw.LatentScatter(run), vw.ActiveUnitsBar(run)])",
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a site."""
    if built := os.environ.get("VAEWIDGETS_SITE"):
        assert (Path(built) / "index.html").exists(), f"VAEWIDGETS_SITE={built} holds no site"
        return Path(built)
    folder = tmp_path_factory.mktemp("site")
    text, *codes = NOTEBOOK
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell(text), *map(nbformat.v4.new_code_cell, codes)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(notebook, folder / "small.ipynb")
    arguments = ["--no-gallery", str(folder / "site"), "--notebooks", str(folder / "small.ipynb")]
    built = subprocess.run(
        python(f"import docs.build, sys; sys.argv += {arguments!r}; sys.exit(docs.build.main())"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert built.returncode == 0, f"{built.stdout}\n{built.stderr}"
    return folder / "site"


@pytest.fixture
def page(browser: Any, site: Path) -> Iterator[SitePage]:
    """The first notebook: the quick start, or the small one."""
    first = sorted(site.glob("notebooks/*.html"))[0]
    with open_site(browser, site, f"notebooks/{first.name}") as page:
        yield page
        page.assert_alone()


def test_every_page_opens_offline_and_draws_all_its_widgets(browser: Any, site: Path) -> None:
    drawn = 0
    with open_site(browser, site) as page:
        for path in sorted(site.rglob("*.html")):
            page.open(path)
            assert page.requests == [], path.name
            assert page.console == [], path.name
            places = page.page.locator("[data-vw-widget]")
            for i in range(places.count()):
                place = places.nth(i)
                name = f"{path.name}, widget {i}: {place.inner_text()[:200]}"
                assert place.locator(".vw-root").count() == 1, name
                place.scroll_into_view_if_needed()
                assert place.locator(".vw-root").get_attribute("data-status") in ("finished", "ready"), name
                assert not place.locator(".vw-error").first.is_visible(), name
                assert place.locator(".vw-body").first.bounding_box()["height"] > 40, name
                drawn += 1
            assert page.page.locator(".vw-page-fault").count() == 0, path.name
            assert page.page.locator("script[type='application/vnd.jupyter.widget-state+json']").count() == 0
    assert drawn >= 3


def test_hovering_an_explorer_decodes(page: SitePage) -> None:
    widget = page.widget(EXPLORER)
    there, elsewhere = widget.hover(1.0, 1.0), widget.hover(-1.0, -0.5)
    assert np.isfinite(there["image"]).all()
    assert np.abs(np.subtract(there["image"], elsewhere["image"])).max() > 0.01


def test_the_time_line_turns(page: SitePage) -> None:
    widget = page.widget(EXPLORER)
    widget.scroll_to()
    now = widget.points()
    page.page.locator(f"{EXPLORER} .vw-time-slider").first.focus()
    page.page.keyboard.press("Home")
    wait_for(lambda: np.abs(widget.points() - now).max() > 0.1, "the points before training")
    page.page.keyboard.press("End")
    wait_for(lambda: np.array_equal(widget.points(), now), "back again")


def test_widgets_follow_the_switch_of_the_theme(page: SitePage) -> None:
    widget = page.widget(EXPLORER)
    seen = []
    for _ in range(3):
        page.page.locator(".theme-toggle:visible").first.click()
        theme = page.page.evaluate("document.body.dataset.theme")
        wanted = "light" if theme == "auto" else theme
        wait_for(lambda wanted=wanted: widget.ask("root.dataset.theme") == wanted, f"the theme {theme}")
        background = widget.ask("getComputedStyle(root).backgroundColor")
        assert background == page.page.evaluate("getComputedStyle(document.body).backgroundColor")
        seen.append(theme)
    assert set(seen) == {"auto", "light", "dark"}


@pytest.mark.skipif("VAEWIDGETS_SITE" in os.environ, reason="what is in the small notebook")
class TestSmallNotebook:
    def test_views_of_a_run_are_linked(self, page: SitePage) -> None:
        explorer, scatter = page.widget(EXPLORER), page.widget(SCATTER)
        z = scatter.hover(0.8, -0.6)["z"]
        assert explorer.ask("w.view.hover") == z
        explorer.scroll_to()  # what is off the screen is not drawn
        wait_for(lambda: explorer.ask("w.hover && w.hover.z") == z, "the explorer follows", 10)

    def test_a_box_of_widgets_is_a_row(self, page: SitePage) -> None:
        first, second = page.page.locator(".vw-page-box .vw-root").all()
        assert first.bounding_box()["y"] == pytest.approx(second.bounding_box()["y"])

    def test_formulas_are_mathml(self, page: SitePage) -> None:
        assert page.page.locator("math mfrac").bounding_box()["height"] > 8

    def test_what_is_public_is_in_the_reference(self, site: Path) -> None:
        import vaewidgets as vw

        text = (site / "api" / "index.html").read_text("utf-8")
        rooms = room_of_names()
        modules = {name for name in vw.__all__ if isinstance(getattr(vw, name), ModuleType)}
        assert set(rooms) == set(vw.__all__) - modules - {"__version__"}
        missing = [name for name, room in rooms.items() if f'#vaewidgets.{room}.{name}"' not in text]
        assert missing == []


def test_the_playground_trains(browser: Any, site: Path) -> None:
    if not (site / "playground.html").exists():
        pytest.skip("this site was built without its gallery")
    with open_site(browser, site) as page:
        page.page.locator('a[href="playground.html"]').first.click()
        widget = page.wait_ready().widget(EXPLORER)
        page.page.locator(f"{EXPLORER} .vw-again").click()
        widget.wait("w.status === 'running' && w.step > 20 && w.frame.ghost !== null")
        page.assert_alone()
