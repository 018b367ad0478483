"""The explorer's new run in a saved page: no form without a kernel, the ghost, the code to copy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import vaewidgets as vw
from tests.browser.pages import SavedPage, open_page

EXPLORER = ".vw-latent-explorer"


@pytest.fixture(scope="module")
def explorer() -> Iterator[vw.LatentExplorer]:
    data = vw.load_dataset("digits", n_train=256)
    options = {"epochs": 3, "batch_size": 64, "autosave": False, "hidden": (16,)}
    widget = vw.LatentExplorer(data, speed=None, **options)
    widget.run.wait(progress=False)
    model = vw.MLPVAE(data.image_shape, 5, hidden=(16,))
    widget.show_run(vw.train(model, data, beta=2.0, epochs=3, batch_size=64, autosave=False))
    widget.run.wait(progress=False)
    yield widget
    widget.close()


@pytest.fixture(scope="module")
def page(
    browser: Any, explorer: vw.LatentExplorer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SavedPage]:
    with open_page(browser, explorer.save_html(tmp_path_factory.mktemp("run") / "run.html")) as page:
        yield page


def test_the_form_is_hidden_and_the_code_can_be_copied(page: SavedPage, explorer: vw.LatentExplorer) -> None:
    root = page.page.locator(EXPLORER)
    assert not root.locator(".vw-new-run").is_visible()
    assert not root.locator(".vw-form").is_visible()
    root.locator(".vw-copy").press("Enter")
    code = root.locator(".vw-code")
    code.wait_for(state="visible")
    assert code.input_value() == explorer.code()
    assert "latent_dim=5" in code.input_value()
    # the page may not be allowed to write the clipboard; then the text is selected
    page.widget(EXPLORER).wait("root.querySelector('.vw-copied').textContent.length > 0", 5)
    page.assert_alone()


def test_the_ghost_stands_beside_the_run_until_it_is_dismissed(
    page: SavedPage, explorer: vw.LatentExplorer
) -> None:
    root = page.page.locator(EXPLORER)
    table = root.locator(".vw-ghost-table").inner_text()
    assert "previous run (β = 1, latent_dim = 2)" in table
    old = explorer.previous.recorder.epochs()[1]["test_kl"][-1]
    assert any(f"{old:.{digits}f} (test)" in table for digits in (1, 2, 3))
    assert "of 5" in table
    assert "of 2" in table
    ghosts = page.widget(EXPLORER).wait("w.curves().filter(c => c.ghost).map(c => c.name)", 5)
    assert set(ghosts) == {"loss", "recon", "kl"}
    root.locator(".vw-dismiss").press("Enter")
    page.widget(EXPLORER).wait("w.view.ghost === false", 5)
    assert not root.locator(".vw-ghost").is_visible()
    page.widget(EXPLORER).wait("!w.curves().some(c => c.ghost)", 5)
    page.assert_alone()
