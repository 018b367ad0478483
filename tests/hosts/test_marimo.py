"""Cells of marimo: what one made ends when it runs again, is deleted, or its reader has left."""

from __future__ import annotations

import gc
import json
import runpy
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import marimo
import pytest
import torch
from marimo._plugins.ui._impl.from_anywidget import get_anywidget_state
from marimo._runtime import context
from marimo._runtime.cell_lifecycle_registry import CellLifecycleRegistry

import vaewidgets as vw
from vaewidgets import replay


@pytest.fixture
def again(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Runs a cell of marimo's own registry again, as far as what the cell had made is concerned."""
    registry = CellLifecycleRegistry()
    here = SimpleNamespace(cell_id="slider", cell_lifecycle_registry=registry)
    monkeypatch.setattr(marimo, "running_in_notebook", lambda: True)
    monkeypatch.setattr(context, "get_context", lambda: here)

    def run(cell: str) -> None:
        here.cell_id = cell
        registry.dispose(cell, deletion=False)

    yield run
    for cell in list(registry.registry):
        registry.dispose(cell, deletion=True)


def started(beta: float) -> tuple[vw.Run, vw.TrainingCurves]:
    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=128)
    model = vw.MLPVAE(data.image_shape, hidden=(4,))
    run = vw.train(model, data, epochs=100_000, speed=1, beta=beta, autosave=False)
    return run, vw.TrainingCurves(run)


def test_ten_presses_of_a_slider_leave_one_run_and_one_widget(again: Callable[[str], None]) -> None:
    made = []
    for beta in range(1, 11):
        again("train")
        made.append(started(beta))
    assert [run.status for run, _ in made] == ["stopped"] * 9 + ["running"]
    assert [widget.comm is None for _, widget in made] == [True] * 9 + [False]
    assert "image/png" not in made[-1][1]._repr_mimebundle_()[0]  # which marimo drops, and costs a second
    again("another")
    assert made[-1][0].status == "running"


def test_a_cell_reads_what_its_reader_did_and_no_more(again: Callable[[str], None], tmp_path: Path) -> None:
    again("train")
    run, _ = started(1.0)
    widget = vw.LatentExplorer(run)
    turn = {"type": "command", "seq": 10**9, "name": "view:selected", "value": [3, 1], "page": "abc"}
    widget._handle_custom_msg(turn, [])
    value = get_anywidget_state(widget)  # mo.ui.anywidget(widget).value
    assert value["selected"] == [3, 1]
    assert value["beta"] == 1
    assert value["hover"] is None
    assert len(json.dumps(value)) < 1000
    # a reloaded page gets what was sent to the one before
    assert widget.whole_state("view_state")["view_state"]["pages"] == {"selected": "abc"}
    assert len(widget.save_html(tmp_path / "page.html").read_bytes()) > 300_000
    replay.save(widget, tmp_path / "run.safetensors", train=False)
    saved = replay.open(tmp_path / "run.safetensors")
    saved.view = {"selected": [2]}
    assert get_anywidget_state(saved) == {"selected": [2]}


def test_a_sweep_ends_with_its_cell(again: Callable[[str], None]) -> None:
    again("sweep")
    data = vw.load_dataset("digits", n_train=128)
    sweep = vw.sweep(lambda beta: vw.MLPVAE(data.image_shape, hidden=(4,)), data, beta=[1, 2], epochs=100_000)
    again("sweep")
    assert {run.status for run in sweep.runs} == {"stopped"}


def test_runs_end_with_the_thread_of_their_reader(again: Callable[[str], None]) -> None:
    made: list[Any] = []
    again("train")
    reader = threading.Thread(target=lambda: made.append(started(1.0)))
    reader.start()
    reader.join()
    assert made[0][0].status == "running"
    del reader
    gc.collect()
    assert made[0][0].status == "stopped"


def test_the_quick_start_runs_as_a_script() -> None:
    path = Path(__file__).parents[2] / "docs" / "examples" / "quickstart_marimo.py"
    app = runpy.run_path(str(path))["app"]
    _, made = app.run()
    run = made["run"]
    run.stop()
    run.join(10)
    assert made["explorer"].widget.run is run
    assert made["explorer"].selected.shape == (0,)
    assert run.current_beta == made["beta"].value == 1
