"""Diagnosis in a saved page: the verdict, its sentences and the units' lives."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import vaewidgets as vw
from tests.browser.pages import open_page

DIAGNOSIS = ".vw-diagnosis"


def test_the_page_says_what_the_run_is_doing(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    data = vw.load_dataset("digits", n_train=256)
    torch.manual_seed(0)
    model = vw.MLPVAE(data.image_shape, 8, hidden=(32,))
    run = vw.train(model, data, beta=50.0, epochs=40, batch_size=64, autosave=False, start=False)
    widget = vw.Diagnosis(run)
    run.resume()
    run.wait(progress=False)
    path = widget.save_html(tmp_path_factory.mktemp("diagnosis") / "page.html")
    said = widget.verdict
    with open_page(browser, path) as page:
        shown = page.widget(DIAGNOSIS)
        assert shown.ask("w.verdict()") == said.verdict
        assert shown.ask("w.sentences()") == [list(said.evidence), list(said.advice), list(said.notes)]
        words = page.page.locator(f"{DIAGNOSIS} .vw-verdict")
        assert words.get_attribute("aria-live") == "polite"
        label = page.page.locator(f"{DIAGNOSIS} .vw-lives canvas").get_attribute("aria-label")
        assert "of 8 units alive" in label
        assert "z" in label.split("died:")[1], "a death is told with its unit"
        page.assert_alone()
    widget.close()
