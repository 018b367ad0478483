"""Several engines as one batched model: what each would have done alone, up to rounding."""

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.runs.conftest import make_data, wait_until
from vaewidgets.engine.batched import BatchedStep, likeness, why_alone
from vaewidgets.errors import DivergedError
from vaewidgets.runs.interleave import MOST_IN_GROUP

CLOSE = 1e-4


def cells(grid, data=None, **options):
    """A sweep, and what it was made of."""
    data = make_data() if data is None else data
    options = {"hidden": (24,), "latent_dim": 3, "batch_size": 16, "epochs": 3, **options}
    options = {name: value for name, value in options.items() if name not in grid}
    together = vw.sweep(vw.MLPVAE, data, grid=grid, device="cpu", **options)
    return together, data, options


def alone(cell, data, options):
    every = options | cell.settings
    names = ("hidden", "latent_dim", "activation", "likelihood", "output")
    model_options = {name: every.pop(name) for name in names if name in every}
    with torch.random.fork_rng():
        torch.manual_seed(every.get("seed", 0))
        model = vw.MLPVAE(data.image_shape, **model_options)
    run = vw.train(model, data, **every, device="cpu", autosave=False)
    return run.wait(progress=False)


def assert_same(run, other):
    assert run.step == other.step
    assert run.epoch == other.epoch
    for name in ("loss", "recon", "kl", "beta", "lr", "train_loss", "test_loss", "test_kl"):
        np.testing.assert_allclose(run.history[name], other.history[name], rtol=CLOSE, err_msg=name)
    for mine, theirs in zip(run.model.parameters(), other.model.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=2e-4)


@pytest.mark.parametrize(
    ("grid", "options"),
    [
        ({"beta": [0.1, 1.0, 4.0]}, {}),
        ({"beta": [0.5, 2.0], "seed": [0, 7]}, {"activation": "tanh"}),
        ({"lr": [1e-3, 3e-3, 1e-4]}, {"hidden": (24, 12)}),
        ({"beta": [1.0, 2.0]}, {"likelihood": "squared_error", "output": "identity"}),
        ({"seed": [0, 1, 2]}, {"hidden": (), "optimizer": "sgd", "lr": 1e-4}),
        ({"beta": [1.0, 4.0]}, {"optimizer": "adamw", "drop_last": True}),
    ],
)
def test_each_cell_is_what_it_would_have_been_alone(grid, options):
    together, data, options = cells(grid, **options)
    together.wait(progress=False)
    assert together.engine == f"{len(together)} cells as one batched model"
    for cell in together:
        assert cell.run.engine.endswith(f"one batched model of {len(together)}")
        assert cell.status == "finished"
        assert_same(cell.run, alone(cell, data, options))


def test_mixed_grids_fall_into_groups():
    grid = {"batch_size": [16, 32], "beta": [1.0, 4.0]}
    together, data, options = cells(grid)
    together.wait(progress=False)
    assert together.engine == "2 cells as one batched model; 2 cells as one batched model"
    for cell in together:
        assert_same(cell.run, alone(cell, data, options))


def test_what_does_not_fit_trains_as_before():
    grid = {"objective": ["elbo", "free_bits"], "beta": [1.0, 4.0]}
    together, data, options = cells(grid)
    together.wait(progress=False)
    assert together.engine.startswith(
        "2 cells as one batched model; objective=free_bits, beta=1 and 1 more in turns: "
    )
    assert "plain ELBO" in together.engine
    for cell in together:
        assert_same(cell.run, alone(cell, data, options))


def test_more_than_a_team_holds():
    together, data, options = cells({"seed": range(MOST_IN_GROUP + 1)}, epochs=1)
    together.wait(progress=False)
    sizes = sorted(int(part.split()[0]) for part in together.engine.split("; "))
    assert sizes == [MOST_IN_GROUP // 2, MOST_IN_GROUP // 2 + 1]
    assert_same(together[3].run, alone(together[3], data, options))


def test_a_cell_that_diverges_harms_no_other():
    together, data, options = cells({"lr": [1e-3, 1e30, 2e-3]}, epochs=6)
    with pytest.warns(UserWarning, match="1 of 3 cells failed"):
        together.wait(progress=False)
    first, bad, last = together
    assert (first.status, bad.status, last.status) == ("finished", "failed", "finished")
    assert isinstance(bad.error, DivergedError)
    with pytest.raises(DivergedError) as separate:
        alone(bad, data, options)
    assert bad.error.step == separate.value.step
    assert bad.run.step == bad.error.step
    assert all(p.isfinite().all() for p in bad.run.model.parameters())
    assert np.isfinite(bad.run.history["loss"]).all()
    for cell in (first, last):
        assert_same(cell.run, alone(cell, data, options))


def test_an_error_of_one_schedule_is_that_cells_own():
    def breaks(step):
        if step == 7:
            raise RuntimeError("no such step")
        return 1.0

    together, data, options = cells({"beta": [1.0, breaks, 4.0]})
    with pytest.warns(UserWarning, match="no such step"):
        together.wait(progress=False)
    assert together[1].run.step == 7
    for cell in (together[0], together[2]):
        assert_same(cell.run, alone(cell, data, options))


def test_a_pause_of_one_keeps_the_others_right():
    together, data, options = cells({"beta": [0.5, 1.0, 4.0]}, epochs=40)
    first, middle, last = together
    middle.run.pause()
    first.run.wait(progress=False)
    last.run.wait(progress=False)
    assert middle.status == "paused"
    assert middle.run.step < first.run.step
    middle.run.resume()
    together.wait(progress=False)
    for cell in together:
        assert_same(cell.run, alone(cell, data, options))


def test_one_behind_goes_on_with_the_others():
    together, data, options = cells({"beta": [0.5, 1.0, 4.0]}, epochs=None)
    runs = together.runs
    assert wait_until(lambda: min(run.step for run in runs) > 3)
    runs[1].pause()
    assert wait_until(lambda: runs[0].step > runs[1].step + 8)
    runs[1].resume()
    for run in runs:
        run.epochs = run.epoch + 30
    together.wait(progress=False)
    for cell in together:
        assert_same(cell.run, alone(cell, data, options | {"epochs": cell.run.epochs}))


def test_the_same_sweep_twice_gives_the_same_numbers_to_the_last_bit():
    first, second = (cells({"beta": [0.5, 1.0, 4.0]})[0].wait(progress=False) for _ in range(2))
    for mine, theirs in zip(first.runs, second.runs, strict=True):
        assert np.array_equal(mine.history["loss"], theirs.history["loss"])
        for a, b in zip(mine.model.parameters(), theirs.model.parameters(), strict=True):
            assert torch.equal(a, b)


def test_those_that_come_to_be_a_little_apart_find_together_again():
    together, _, _ = cells({"beta": [0.5, 1.0, 4.0]}, make_data(n=960), epochs=None, eval_every=0)
    runs = together.runs
    assert wait_until(lambda: min(run.step for run in runs) > 3)
    together.pause()
    for run in runs:
        run.snapshot()  # halted now
    runs[0].advance(max(run.step for run in runs) - runs[0].step + 5)
    assert wait_until(lambda: runs[0].status == "paused")
    assert runs[0].step > runs[2].step
    together.resume()
    assert wait_until(lambda: min(run.step for run in runs) > runs[0].steps_per_epoch * 2)
    together.pause()
    for run in runs:
        run.snapshot()
    apart = max(run.step for run in runs) - min(run.step for run in runs)
    assert apart <= 1, "one may be paused a step before another"
    together.close()


def test_a_slow_one_is_not_waited_for():
    together, data, options = cells({"beta": [0.5, 1.0, 4.0]}, epochs=30)
    slow = together[2].run
    slow.speed = 0.5
    for cell in together.cells[:2]:
        cell.run.wait(progress=False)
        assert_same(cell.run, alone(cell, data, options))
    assert slow.status == "running"
    assert slow.epoch < 30
    together.close()


def test_snapshots_beta_and_files_while_they_train(tmp_path):
    together, data, _ = cells({"beta": [0.5, 1.0, 4.0]}, epochs=None, eval_every=0)
    runs = together.runs
    assert wait_until(lambda: min(run.step for run in runs) > 3)
    runs[1].beta = 2.5
    before = runs[1].snapshot()
    assert wait_until(lambda: runs[1].step > before.step + 20)
    after = runs[1].snapshot()
    assert not torch.equal(before.model.to_mu.weight, after.model.to_mu.weight), "a copy, not a view"
    assert wait_until(lambda: runs[1].history["beta"][-1] == 2.5)
    runs[1].save(tmp_path / "cell.safetensors")
    together.close()
    assert set(runs[0].history["beta"]) == {0.5}
    assert set(runs[2].history["beta"]) == {4.0}
    loaded = vw.load_run(tmp_path / "cell.safetensors", data=data)
    loaded.epochs = loaded.epoch + 1
    loaded.resume()
    assert loaded.wait(progress=False).status == "finished"


def test_weights_have_storage_of_their_own_at_the_end():
    together, _, _ = cells({"beta": [0.5, 1.0]})
    models = [run.model for run in together.runs]
    together.wait(progress=False)
    for p in (p for model in models for p in model.parameters()):
        assert p.untyped_storage().nbytes() == p.nbytes
    together[0].run.epochs = 4
    together[0].run.resume()
    assert together[0].run.wait(progress=False).epoch == 4


def test_what_fails_in_the_batched_step_fails_its_cells(monkeypatch):
    def no_memory(self):
        raise MemoryError("too many cells")

    monkeypatch.setattr(BatchedStep, "__call__", no_memory)
    together, _, _ = cells({"beta": [0.5, 1.0]})
    with pytest.raises(MemoryError, match="too many cells"):
        together.wait(progress=False)
    assert all(cell.status == "failed" for cell in together)


def test_why_an_engine_is_alone():
    data = make_data()

    def engine(model, **options):
        return vw.train(
            model, data, device="cpu", start=False, autosave=False, batch_size=16, **options
        )._engine

    plain = engine(vw.MLPVAE(data.image_shape, hidden=(8,)))
    assert why_alone(plain) is None
    assert likeness(plain) == likeness(
        engine(vw.MLPVAE(data.image_shape, hidden=(8,)), beta=4.0, seed=3, lr=0.1)
    )
    assert likeness(plain) != likeness(engine(vw.MLPVAE(data.image_shape, hidden=(9,))))
    assert "LinearVAE" in why_alone(engine(vw.LinearVAE(data.image_shape, 2)))
    hooked = vw.MLPVAE(data.image_shape, hidden=(8,))
    hooked.to_mu.register_forward_hook(lambda *_: None)
    assert "hooks" in why_alone(engine(hooked))


def test_two_hundred_steps_of_mnist_like_digits():
    together, data, options = cells(
        {"beta": [0.1, 1.0, 4.0]},
        vw.load_dataset("digits"),
        hidden=(64,),
        latent_dim=8,
        batch_size=32,
        epochs=5,
    )
    together.wait(progress=False)
    for cell in together:
        assert cell.run.step >= 200
        assert_same(cell.run, alone(cell, data, options))
