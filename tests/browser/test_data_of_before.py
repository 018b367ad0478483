"""A saved page and an executed notebook of older commits still do what they did, without a kernel."""

from __future__ import annotations

import lzma
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from nbconvert import HTMLExporter

import vaewidgets as vw
from tests.browser.pages import open_page
from tests.data_of_before import make
from vaewidgets.publish import revive_notebook

COMMITS = ("d1773ed", "de2550a")


@pytest.fixture(params=COMMITS)
def folder(request: pytest.FixtureRequest) -> Path:
    return Path(make.__file__).parent / request.param


def unpacked(folder: Path, name: str, target: Path) -> Path:
    target.write_bytes(lzma.decompress((folder / f"{name}.xz").read_bytes()))
    return target


def assert_hover_decodes(page: Any, selector: str, decode: Any) -> None:
    shown = page.widget(selector).hover(0.5, -0.5)
    with torch.no_grad():
        torchs = decode(torch.tensor([shown["z"]])).flatten().numpy()
    assert np.abs(np.array(shown["image"]) - torchs).max() < 1e-2
    assert np.ptp(torchs) > 0.2, "an image without contrast proves nothing"


def test_a_saved_page_decodes_with_the_network_off(browser: Any, folder: Path, tmp_path: Path) -> None:
    run = vw.load_run(folder / "mlp.safetensors", data=make.dataset())
    with open_page(browser, unpacked(folder, "page.html", tmp_path / "page.html")) as page:
        assert_hover_decodes(page, ".vw-latent-explorer", run.snapshot().decode)
        assert page.widget(".vw-training-curves").ask("root.dataset.status") == "finished"
        page.assert_alone()


def test_the_widgets_of_a_notebook_are_revived(browser: Any, folder: Path, tmp_path: Path) -> None:
    path = unpacked(folder, "notebook.ipynb", tmp_path / "notebook.ipynb")
    notebook = nbformat.from_dict(revive_notebook(nbformat.read(path, as_version=4)))
    page_path = tmp_path / "notebook.html"
    page_path.write_text(HTMLExporter().from_notebook_node(notebook)[0], encoding="utf-8")
    with open_page(browser, page_path) as page:
        for selector in (".vw-latent-scatter", ".vw-training-curves", ".vw-kl-playground"):
            root = page.page.locator(selector)
            root.scroll_into_view_if_needed()
            page.widget(selector).wait("['finished', 'ready'].includes(root.dataset.status)", 20)
            assert not root.locator(".vw-error").is_visible()
        image = page.widget(".vw-latent-scatter").hover(0.5, -0.5)["image"]
        assert np.ptp(image) > 0.2
