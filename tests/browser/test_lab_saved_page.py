"""A saved page in JupyterLab's file browser: scripts are off there until somebody presses "Trust HTML"."""

from __future__ import annotations

from typing import Any

import torch

import vaewidgets as vw
from tests.browser.lab import Lab, wait_for


def test_a_page_says_how_to_run_it_and_shows_a_picture_until_then(lab: Lab) -> None:
    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=128)
    run = vw.train(vw.MLPVAE(data.image_shape, 2, hidden=(16,)), data, epochs=1, autosave=False)
    vw.LatentScatter(run.wait(progress=False)).save_html(lab.notebooks / "saved.html")
    lab.open(["1"])
    lab.page.evaluate("jupyterapp.commands.execute('docmanager:open', { path: 'saved.html' })")
    frame = lab.page.frame_locator(".jp-HTMLViewer iframe")
    word = frame.locator(".vw-page-fault:visible")
    word.wait_for(timeout=30_000)
    assert word.inner_text() == "JavaScript is off. In JupyterLab, press “Trust HTML” above."
    still = frame.locator(".vw-page-still")

    def size() -> Any:
        return still.evaluate(
            "image => image.complete && image.naturalWidth > 100 && image.naturalHeight > 100"
        )

    wait_for(size, "the picture is there", 10)
    box = still.bounding_box()
    assert box
    assert box["y"] > word.bounding_box()["y"]
    button = lab.page.get_by_text("Trust HTML")
    assert button.is_visible(), "the page names a button that there is not"
    button.click()
    root = frame.locator(".vw-root")
    root.wait_for(timeout=30_000)
    wait_for(lambda: root.get_attribute("data-status") == "finished", "the widget is drawn", 20)
    drawn = """canvas => canvas.width > 100
        && canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(byte => byte)"""
    wait_for(lambda: frame.locator(".vw-scatter-base").evaluate(drawn), "its points are drawn", 10)
    assert not still.is_visible()
