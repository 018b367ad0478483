"""A notebook that was executed with no page open, as `jupyter nbconvert --execute` and CI do it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

CELLS = [
    "import vaewidgets as vw\n"
    "data = vw.load_dataset('digits', n_train=256)\n"
    "model = vw.MLPVAE(data.image_shape, hidden=(16,))\n"
    "run = vw.train(model, data, epochs=200, batch_size=32, seed=0, autosave=False)\n"
    "widget = vw.LatentScatter(run)\n"
    "widget",
    "run.wait()",
    "# NBVAL_IGNORE_OUTPUT\n"
    "from vaewidgets.live.still_image import still_png\n"
    "import base64\n"
    "assert widget.frame['run']['step'] == run.step == 1600\n"
    "png = still_png(widget.figure())\n"
    "print(base64.b64encode(png).decode())",
    "vw.TrainingCurves(run)",
]


@pytest.fixture(scope="session")
def executed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The file, and what is in it."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    path = tmp_path_factory.mktemp("executed") / "executed.ipynb"
    nbformat.write(notebook, path)
    return path, notebook
