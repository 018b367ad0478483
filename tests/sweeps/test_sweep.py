"""Sweeps in this process: the grid, what is refused, all curves together, going on from a folder."""

import asyncio
import csv
import io
import sys

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.runs.conftest import make_data, make_model, nearly, our_threads, start, wait_until
from vaewidgets import cells
from vaewidgets.data import load_dataset
from vaewidgets.errors import DataError, DivergedError, OptionError
from vaewidgets.models import MLPVAE
from vaewidgets.objectives import LinearWarmup
from vaewidgets.runs import load_run
from vaewidgets.sweeps import Table, grid, sweep
from vaewidgets.sweeps.data import read_data, write_data
from vaewidgets.sweeps.grid import plan_cells
from vaewidgets.sweeps.key import fingerprint
from vaewidgets.sweeps.task import read_status

SMALL = {"hidden": (8,), "batch_size": 16, "epochs": 2}


def small(**options):
    return sweep(MLPVAE, make_data(), **{**SMALL, **options})


def test_a_sweep_without_files_does_not_read_all_pixels_to_name_them(monkeypatch):
    monkeypatch.setattr(grid, "fingerprint", lambda data: pytest.fail("read"))
    out = small(beta=[1.0], epochs=1).wait()
    assert out[0].path is None


def test_a_sweep_from_start_to_finish():
    out = vw.sweep(MLPVAE, make_data(), beta=[0.5, 4], latent_dim=[1, 2, 3], **SMALL)
    assert repr(out) == "Sweep(beta (2) x latent_dim (3), on 'noise')"
    assert (out.shape, len(out), len(out.runs)) == ((2, 3), 6, 6)
    assert len(our_threads()) <= 1
    assert out.wait() is out
    assert out.has_ended
    assert [cell.settings for cell in out][:4] == [
        {"beta": 0.5, "latent_dim": 1},
        {"beta": 0.5, "latent_dim": 2},
        {"beta": 0.5, "latent_dim": 3},
        {"beta": 4, "latent_dim": 1},
    ]
    assert {cell.status for cell in out} == {"finished"}
    assert out[1].run.name == "beta=0.5, latent_dim=2"
    assert [run.model.latent_dim for run in out.runs] == [1, 2, 3, 1, 2, 3]
    assert [run.history["beta"][0] for run in out.runs] == [0.5] * 3 + [4] * 3
    rows = out.table()
    assert rows.columns[:5] == ("beta", "latent_dim", "status", "step", "epoch")
    assert {"train_loss", "train_recon", "train_kl", "test_loss", "test_recon", "test_kl"} <= set(
        rows.columns
    )
    for row, run in zip(rows, out.runs, strict=True):
        assert (row["step"], row["epoch"], row["status"]) == (12, 2, "finished")
        assert row["test_loss"] == run.history["test_loss"][-1]
        assert row["test_loss"] == pytest.approx(row["test_recon"] + row["beta"] * row["test_kl"])
    assert wait_until(lambda: not our_threads())


def test_a_cell_has_the_numbers_of_the_run_alone():
    out = small(seed=[0, 5], beta=[2.0]).wait()
    alone = start(model=make_model(seed=5), beta=2.0, epochs=2, seed=5).wait()
    mine = out.cell(seed=5).run
    for name in ("loss", "test_kl"):
        np.testing.assert_allclose(mine.history[name], alone.history[name], rtol=1e-5)
    for a, b in zip(mine.model.parameters(), alone.model.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_the_global_generator_is_left_alone():
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    out = small(seed=[0, 1])
    out.close()
    assert torch.equal(torch.rand(2), wanted)


def test_all_curves_move_together_and_each_is_controlled_by_itself():
    out = small(beta=[0, 1, 4], epochs=None, eval_every=0)
    assert wait_until(lambda: min(run.step for run in out.runs) > 200)
    steps = [run.step for run in out.runs]
    assert {run.status for run in out.runs} == {"running"}
    assert max(steps) < 2 * min(steps) + 500
    first = out.cell(beta=0).run
    first.pause()
    assert wait_until(lambda: out.cell(beta=0).status == "paused")
    mark = out.runs[1].step
    assert wait_until(lambda: out.runs[1].step > mark + 50)
    assert first.snapshot().step == first.step
    out.pause()
    assert {cell.status for cell in out} == {"paused"}
    out.resume()
    assert {cell.status for cell in out} == {"running"}
    assert out.wait(timeout=0.05) is out
    assert not out.has_ended
    out.stop()
    out.wait()
    assert {cell.status for cell in out} == {"stopped"}
    out.resume()
    assert wait_until(lambda: first.step > 210)
    with out:
        pass
    assert out.has_ended


def test_select():
    out = small(beta=[0, 1], latent_dim=[1, 2], seed=[0, 1], epochs=1).wait()
    assert len(out.select(beta=1)) == 4
    assert [run.options["seed"] for run in out.select(beta=1, latent_dim=2)] == [0, 1]
    assert out.cell(beta=1, latent_dim=2, seed=1).run is out.select(beta=1, latent_dim=2, seed=1)[0]
    with pytest.raises(OptionError, match="2 cells have these settings; say which seed"):
        out.cell(beta=1, latent_dim=2)
    with pytest.raises(
        OptionError, match=r"'latent' is not swept over; the axes are .*Did you mean 'latent_dim'"
    ):
        out.select(latent=2)
    with pytest.raises(OptionError, match="beta=3 is not in the grid; its values are 0, 1"):
        out.select(beta=3)


def test_tables():
    out = small(beta=[1, LinearWarmup(steps=5)], epochs=1, eval_every=0).wait()
    rows = out.table(lambda run: {"twice": 2 * run.step})
    assert rows.column("twice") == [12, 12]
    assert rows.column("beta") == [1, "0 to 1 over 5 steps"]
    assert "test_loss" not in rows.columns, "it was never evaluated"
    parsed = list(csv.DictReader(io.StringIO(rows.to_csv())))
    assert float(parsed[0]["train_loss"]) == rows[0]["train_loss"], "in full"
    assert repr(rows).splitlines()[0].split() == list(rows.columns)
    assert "&lt;b&gt;" in Table([{"a": "<b>", "c": None}])._repr_html_()
    assert Table([]).columns == ()


def test_to_csv_writes(tmp_path):
    table = Table([{"a": 1}, {"b": 0.1}])
    assert table.to_csv(tmp_path / "t.csv") == (tmp_path / "t.csv").read_text() == "a,b\n1,\n,0.1\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"latent_dims": [1, 2]},
            "neither MLPVAE nor .*train has an option 'latent_dims'.*mean 'latent_dim'",
        ),
        ({"betas": [1, 2]}, "no|Did you mean 'beta'"),
        ({"grid": {"epoch": [1]}}, "Did you mean 'epochs'"),
        ({"executer": 1}, "Did you mean 'executor'"),
        ({"zzz": 1}, "Known: image_shape, latent_dim"),
        ({"beta": []}, "'beta' has no values"),
        ({"beta": [1, 1.0]}, "'beta' has the value 1 twice"),
        ({"grid": {"beta": "1,2"}}, "expected a sequence of values"),
        ({"grid": [1]}, "expected a dict of sequences"),
        ({"grid": {"beta": [1]}, "beta": 2}, "'beta' is in grid and beside it"),
        ({"autosave": True}, r"no option 'autosave': finished cells are kept in folder="),
        ({"start": False}, "no option 'start'"),
        ({"retries": -1}, "retries is -1; expected a whole number of at least 0"),
        ({"threads_per_cell": 0}, "threads_per_cell is 0"),
        ({"executor": 4}, "executor is of type int; expected a concurrent.futures.Executor"),
        ({"beta": [1, -1]}, "expected a finite number of at least 0"),
        ({"latent_dim": [2, 0]}, "latent_dim is 0"),
        ({"hidden": [8, 4]}, "hidden"),
        ({"seed": [0, 2**70]}, "seed is 1180591620717411303424; expected a whole number"),
        ({"lr": np.array([1e-3, 0])}, "lr is 0"),
    ],
)
def test_refusals_before_anything_is_trained(options, message):
    with pytest.raises(OptionError, match=message):
        small(**options)
    assert not our_threads()


def test_more_refusals(tmp_path):
    with pytest.raises(OptionError, match=r"sweep got a model, MLPVAE; every cell needs one of its own"):
        sweep(make_model(), make_data())
    with pytest.raises(OptionError, match="expected a class"):
        sweep("MLPVAE", make_data())
    with pytest.raises(OptionError, match="expected an ImageDataset"):
        sweep(MLPVAE, torch.zeros(3))
    with pytest.raises(OptionError, match=r"<lambda> returned an object of type int"):
        sweep(lambda: 3, make_data())
    with pytest.raises(OptionError, match=r"missing a required argument: 'shape'"):
        sweep(lambda shape: None, make_data())
    (tmp_path / "file").touch()
    with pytest.raises(OptionError, match="cannot be made"):
        small(folder=tmp_path / "file")
    with pytest.raises(DataError):
        sweep(MLPVAE, make_data(value_range=(-1, 1)), hidden=(8,), batch_size=16)


def test_makers_of_all_kinds():
    data = make_data()
    seen = []

    def from_data(data, width=4, **more):
        seen.append((data.name, width, more))
        return MLPVAE(data.image_shape, hidden=(width,))

    out = sweep(from_data, data, width=range(3, 5), colour="red", batch_size=16, epochs=1).wait()
    assert seen == [("noise", 3, {"colour": "red"}), ("noise", 4, {"colour": "red"})]
    assert out.axes == {"width": (3, 4)}
    one = sweep(MLPVAE, data, grid={"hidden": [[4], [8, 4]]}, batch_size=16, epochs=1).wait()
    assert [run.model.hidden for run in one.runs] == [(4,), (8, 4)]
    single = small(epochs=1).wait()
    assert (single.shape, len(single), repr(single)) == ((), 1, "Sweep(one cell, on 'noise')")


def test_a_failed_cell_carries_its_error_and_the_rest_finish():
    out = small(lr=[1e-3, 1e30])
    with pytest.warns(UserWarning, match=r"1 of 2 cells failed \(sweep.failed\).*lr=1e\+30: DivergedError"):
        out.wait()
    (cell,) = out.failed
    assert isinstance(cell.error, DivergedError)
    assert [row["status"] for row in out.table()] == ["finished", "failed"]
    assert out.table()[0]["error"] is None
    assert "diverged" in out.table()[1]["error"]
    all_bad = small(lr=1e30, latent_dim=[1, 2])
    with pytest.raises(DivergedError):
        all_bad.wait()


def test_finished_cells_are_skipped_and_others_go_on(tmp_path):
    folder = tmp_path / "deep" / "sweep"
    whole = small(seed=[0, 1], epochs=4).wait()
    first = small(seed=[0], epochs=4, folder=folder).wait()
    files = sorted(folder.iterdir())
    assert [file.suffix for file in files] == [".safetensors"]
    assert files[0].name.startswith("seed-0_")
    stamp = files[0].stat().st_mtime_ns

    part = small(seed=[1], epochs=4, folder=folder, speed=0.001)
    part.pause()
    part[0].run.speed = None
    part[0].run.advance(9)
    assert wait_until(lambda: part[0].run.step == 9 and part[0].status == "paused")
    part.close()
    assert read_status(part[0].path) == "stopped"

    again = small(seed=[0, 1], epochs=4, folder=folder)
    assert again[0].status == "finished", "skipped"
    assert again[1].run.step >= 9, "goes on"
    again.wait()
    assert files[0].stat().st_mtime_ns == stamp
    for theirs, mine in zip(whole.table(), again.table(), strict=True):
        assert theirs == nearly(mine), "with another as one batched model, and alone"
    assert first.table()[0] == again.table()[0]
    loaded = load_run(again[1].path, data=make_data())
    assert (loaded.status, loaded.step, loaded.name) == ("finished", 24, "seed=1")
    np.testing.assert_allclose(loaded.history["loss"], whole.runs[1].history["loss"], rtol=1e-5)


def test_a_damaged_file_is_trained_anew(tmp_path):
    path = small(folder=tmp_path).wait()[0].path
    path.write_bytes(b"no run")
    assert small(folder=tmp_path).wait()[0].status == "finished"
    assert read_status(path) == "finished"


def test_what_makes_another_cell():
    data = make_data()

    def names(data=data, maker=MLPVAE, **options):
        return {plan.file_name for plan in plan_cells(maker, data, None, {"hidden": (8,), **options})[1]}

    base = names(beta=[1, 4])
    assert base == names(beta=[1.0, 4.0])
    assert base == names(beta=np.array([1, 4]), device="cpu", speed=3.0), "where and how fast do not count"
    assert base.isdisjoint(names(beta=[1, 4], epochs=3))
    assert base.isdisjoint(names(beta=[1, 4], hidden=(9,)))
    assert base.isdisjoint(names(data=make_data(binary=True), beta=[1, 4])), "other pixels of the same name"
    assert names(beta=LinearWarmup(steps=4)).isdisjoint(names(beta=LinearWarmup(steps=5)))
    assert names(beta=lambda step: 1.0).isdisjoint(names(beta=lambda step: 2.0))
    assert names(beta=lambda step: 1.0) == names(beta=lambda step: 1.0)
    assert names(beta=[1]) < base, "the size of the grid does not count"


def test_data_survive_the_trip(tmp_path):
    shapes = load_dataset("shapes", n_train=20, n_test=6, size=8, value_range=(-1, 1))
    for i, data in enumerate((shapes, make_data(), make_data(n_test=0), load_dataset("digits", n_train=30))):
        write_data(data, tmp_path / f"{i}.safetensors")
        back = read_data(tmp_path / f"{i}.safetensors")
        assert fingerprint(back) == fingerprint(data)
        assert back.class_names == data.class_names
        assert back.factor_names == data.factor_names
        assert repr(back) == repr(data)
        assert torch.equal(back.train.images([3]), data.train.images([3]))
        if data.factors is not None:
            assert torch.equal(back.test.factors, data.test.factors)


def test_running_the_cell_again_stops_the_sweep_before(monkeypatch):
    current = [cells.Cell("a", "1")]
    monkeypatch.setattr(sys.modules[sweep.__module__], "current_cell", lambda: current[0])
    one = small(epochs=None)
    current[0] = cells.Cell("a", "2")
    two = small(epochs=None)
    assert one.has_ended
    assert not two.has_ended
    two.close()


def test_awaiting():
    async def main():
        return await small(beta=[1, 2])

    assert asyncio.run(main()).has_ended
