"""Run files of older commits are read as they were written."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vaewidgets as vw
from tests.data_of_before.make import STOPPED_AT, Foreign, dataset, facts
from vaewidgets.contract.packing import unpack

HERE = Path(__file__).parent
COMMITS = sorted(path.parent.name for path in HERE.glob("*/expected.json"))
WIDGETS = {
    "mlp": (vw.LatentExplorer, vw.TrainingCurves, vw.ReconstructionGrid, vw.ActiveUnitsBar, vw.Diagnosis),
    "attached": (vw.LatentScatter, vw.TrainingCurves, vw.InterpolationStrip, vw.Diagnosis),
    "vq": (vw.CodebookUsage, vw.TrainingCurves, vw.ReconstructionGrid),
    "named": (vw.LatentManifold, vw.PriorSamples),
}


@pytest.fixture(params=COMMITS)
def folder(request: pytest.FixtureRequest) -> Path:
    return HERE / request.param


def load(folder: Path, name: str) -> vw.Run:
    path = folder / f"{name}.safetensors"
    if name == "named":
        return vw.load_run(path)
    return vw.load_run(path, data=dataset(), model=Foreign() if name == "attached" else None)


def expected(folder: Path) -> Any:
    return json.loads((folder / "expected.json").read_text("utf-8"))


def assert_same(run: vw.Run, then: dict[str, Any]) -> None:
    """What a run of before says, but for the noise of the draws behind the recon of `evaluate`."""
    now = facts(run)
    assert now["step"] == then["step"]
    assert set(then["history"]) <= set(now["history"])
    for name, values in then["history"].items():
        np.testing.assert_array_equal(now["history"][name], values, err_msg=name)
    np.testing.assert_allclose(now["decoded"], then["decoded"], atol=1e-5)
    assert set(then["evaluate"]) <= set(now["evaluate"])
    np.testing.assert_allclose(now["evaluate"].get("kl", 0), then["evaluate"].get("kl", 0), rtol=1e-5)
    np.testing.assert_allclose(now["evaluate"]["recon"], then["evaluate"]["recon"], rtol=0.03)


def test_there_are_files_of_two_commits() -> None:
    assert len(COMMITS) == 2


@pytest.mark.parametrize("name", WIDGETS)
def test_a_run_file_has_its_history_and_its_model(folder: Path, name: str) -> None:
    assert_same(load(folder, name), expected(folder)[name])


@pytest.mark.parametrize("name", WIDGETS)
def test_widgets_show_a_loaded_run(folder: Path, name: str, tmp_path: Path) -> None:
    run = load(folder, name)
    then = expected(folder)[name]
    for kind in WIDGETS[name]:
        widget: Any = kind(run)
        assert widget.save_html(tmp_path / "page.html").stat().st_size > 10_000
        frame = widget.frame
        assert (frame["run"]["step"], frame["run"]["status"]) == (then["step"], "finished")
        assert frame.get("error") is None
        if kind is vw.TrainingCurves:
            series = {(one["name"], one["split"]): one for one in frame["curves"]["series"]}
            losses = [value for value in then["history"]["loss"] if math.isfinite(value)]
            assert unpack(series["loss", "train"]["mean"])[-1] == pytest.approx(losses[-1], rel=1e-3)
        widget.close()


def test_a_run_that_was_saved_in_mid_epoch_goes_on(folder: Path) -> None:
    then = expected(folder)["mlp"]
    run = load(folder, "stopped")
    assert (run.step, run.status) == (STOPPED_AT, "stopped")
    run.resume()
    run.wait(progress=False)
    assert (run.step, run.status) == (then["step"], "finished")
    for name in ("loss", "recon", "kl", "beta", "train_loss", "test_loss"):
        np.testing.assert_allclose(run.history[name], then["history"][name], rtol=1e-5, err_msg=name)


def test_the_time_line_of_before_is_kept(folder: Path) -> None:
    steps = load(folder, "mlp").time_line.steps
    assert steps[0] == 0
    assert steps[-1] == expected(folder)["mlp"]["step"]
    assert len(steps) > 4


def test_a_sweep_finds_its_cells_finished(folder: Path, tmp_path: Path) -> None:
    cells = tmp_path / "sweep"
    shutil.copytree(folder / "sweep", cells)
    then = {path.name: path.read_bytes() for path in cells.iterdir()}
    assert len(then) == 2
    sweep = vw.sweep(
        vw.MLPVAE,
        dataset(),
        beta=[1.0, 4.0],
        latent_dim=2,
        grid={"hidden": [(8,)]},
        epochs=3,
        batch_size=32,
        folder=cells,
    )
    for cell in sweep.wait(progress=False):
        assert cell.run is not None
        assert_same(cell.run, expected(folder)["sweep"][f"{cell.settings['beta']:g}"])
    assert {path.name: path.read_bytes() for path in cells.glob("*.safetensors")} == then
