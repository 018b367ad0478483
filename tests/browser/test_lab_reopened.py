"""A notebook with its widgets' state, opened again: no kernel knows the run, and the page trains it."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
import torch
from ipywidgets.embed import dependency_state, embed_data
from nbformat.sign import NotebookNotary

import vaewidgets as vw
from tests.browser.helpers import EXPLORER, Widget
from tests.browser.lab import Lab

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
OTHERS = (".vw-training-curves", ".vw-active-units-bar")


@pytest.fixture
def reopened(lab: Lab) -> Lab:
    """JupyterLab with such a notebook, which it trusts, as one that was executed and saved there."""
    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=64, n_test=32)
    options = {"epochs": 2, "batch_size": 32, "autosave": False}
    run = vw.train(vw.MLPVAE(data.image_shape, 2, hidden=(8,)), data, **options).wait(progress=False)
    made = [
        vw.LatentExplorer(run, train={"latent_dim": [2, 4]}),
        vw.TrainingCurves(run),
        vw.ActiveUnitsBar(run),
    ]
    for widget in made:
        widget._refresh()
    cells = []
    for widget in made:
        view = {"model_id": widget.model_id, "version_major": 2, "version_minor": 1}
        shown = nbformat.v4.new_output("display_data", {VIEW: view, "text/plain": repr(widget)})
        cells.append(nbformat.v4.new_code_cell("widget", outputs=[shown], metadata={"trusted": True}))
    state = embed_data(made, state=dependency_state(made))["manager_state"]
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"widgets": {STATE: state}, "kernelspec": spec})
    nbformat.write(notebook, lab.notebooks / "reopened.ipynb")
    NotebookNotary(data_dir=str(lab.folder / "data")).sign(nbformat.read(lab.notebooks / "reopened.ipynb", 4))
    for widget in made:
        widget.close()
    lab.go_to("reopened.ipynb")
    return lab


def test_all_widgets_of_the_run_train_in_the_page(reopened: Lab) -> None:
    page: Any = reopened.page
    explorer = page.locator(EXPLORER)
    explorer.locator(".vw-train-here").click(timeout=60_000)
    explorer.locator(".vw-again").click()
    widget = Widget(reopened)
    widget.wait("w.frame.run.id.startsWith('page-')")
    widget.wait("w.step === 4 && w.status === 'finished' && w.frame.scatter?.step === 4")
    shown = widget.ask("w.frame.run.id")
    for selector in OTHERS:  # one may be drawn only now: JupyterLab leaves out what is far below
        page.locator(selector).scroll_into_view_if_needed()
        other = Widget(reopened, selector)
        other.wait(f"w.frame.run.id === '{shown}' && w.step === 4")
    widget.scroll_to()
    assert page.locator(".vw-train-here:visible").count() == 0
    assert reopened.console_of_widgets() == []
