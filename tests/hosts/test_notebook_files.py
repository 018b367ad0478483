"""What a notebook file keeps of a widget: a picture of the finished run, a state that lives on in HTML."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from nbconvert import HTMLExporter

from tests.forked import python

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"


def output(notebook: Any, cell: int) -> Any:
    outputs = [o for o in notebook.cells[cell].outputs if VIEW in o.get("data", {})]
    assert len(outputs) == 1
    return outputs[0]


def test_the_picture_is_of_the_finished_run_though_it_was_shown_while_training(executed: Any) -> None:
    _, notebook = executed
    shown = output(notebook, 0)
    finished = notebook.cells[2].outputs[0].text.strip()
    assert shown.data["image/png"].strip() == finished
    assert base64.b64decode(finished).startswith(b"\x89PNG")


def test_a_run_that_is_over_is_pictured_at_once(executed: Any) -> None:
    _, notebook = executed
    assert len(base64.b64decode(output(notebook, 3).data["image/png"])) < 300_000


def test_the_text_is_stable(executed: Any) -> None:
    _, notebook = executed
    assert output(notebook, 0).data["text/plain"] == "LatentScatter(digits, MLPVAE on digits)"


def test_html_of_it_holds_the_whole_state(executed: Any) -> None:
    _, notebook = executed
    text, _ = HTMLExporter().from_notebook_node(notebook)
    state = json.loads(re.search(rf'<script type="{re.escape(STATE)}">(.*?)</script>', text, re.S)[1])[
        "state"
    ]
    view = output(notebook, 0).data[VIEW]
    kept = state[view["model_id"]]["state"]
    assert kept["_esm"].startswith("/* vaewidgets")
    assert kept["frame"]["run"]["status"] == "finished"
    assert kept["frame"]["run"]["step"] == 1600
    assert {"decoder", "view_state"} <= set(kept)
    paths = [buffer["path"] for buffer in state[view["model_id"]]["buffers"]]
    assert ["frame", "scatter", "points", "data"] in paths


def test_nbval_passes_on_it(executed: Any) -> None:
    path, _ = executed
    arguments = ["-q", "--nbval", "-p", "no:cacheprovider", path.name]
    command = python(f"import sys, pytest\nsys.exit(pytest.main({arguments}))")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    ended = subprocess.run(
        command, cwd=path.parent, env=environment, check=False, capture_output=True, text=True, timeout=200
    )
    assert ended.returncode == 0, ended.stdout[-3000:]
    assert "4 passed" in ended.stdout
