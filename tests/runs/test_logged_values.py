"""What a loop of one's own logs beside its steps: validation, values that are not finite, step numbers."""

import numpy as np
import pytest
import torch

from tests.runs.conftest import make_data, make_model, wait_until
from tests.runs.test_attached import Chapter, Loop, attached
from vaewidgets.adapters import LossConvention
from vaewidgets.contract.packing import unpack
from vaewidgets.errors import DataError, OptionError
from vaewidgets.figures import curves_figure
from vaewidgets.runs import attach, load_run, train
from vaewidgets.sections.state import curves_state, run_state

NAN, INF = float("nan"), float("inf")


def log_epoch(run, epoch, *, loss, n=6, **what):
    for _ in range(n):
        run.log(loss=loss, recon=loss - 1, kl=1.0, epoch=epoch, **what)


def series(run):
    found = curves_state(run)["series"]
    return {(one["name"], one["split"]): (unpack(one["step"]), unpack(one["mean"])) for one in found}


# ------------------------------------------------------------------ values by epoch


@pytest.mark.parametrize("prefix", ["val", "test"])
def test_a_value_after_an_epoch_is_no_step(prefix):
    run = attached()
    for epoch, loss in enumerate((9.0, 7.0, 6.0)):
        log_epoch(run, epoch, loss=loss)
        values = {f"{prefix}_loss": torch.tensor(loss + 0.5), f"{prefix}_kl": 1.25, f"{prefix}_accuracy": 0.5}
        run.log(**values)
    run.finish()
    assert run.step == len(run.history["loss"]) == 18
    assert np.isfinite(run.history["loss"]).all()
    assert run.history["epoch"].tolist() == [1, 2, 3]
    assert run.history["epoch_step"].tolist() == [6, 12, 18]
    assert run.history["train_loss"].tolist() == [9.0, 7.0, 6.0]
    for name in (f"{prefix}_loss", "test_loss"):
        assert run.history[name].tolist() == [9.5, 7.5, 6.5]
    assert run.history[f"{prefix}_accuracy"].tolist() == [0.5] * 3
    assert run.warning is None
    assert run.diagnose().verdict != "diverged"
    drawn = series(run)
    assert [v.tolist() for v in drawn["loss", "test"]] == [[6, 12, 18], [9.5, 7.5, 6.5]]
    assert [v.tolist() for v in drawn["kl", "test"]] == [[6, 12, 18], [1.25] * 3]
    assert ("recon", "test") not in drawn


def test_step_and_validation_in_one_call():
    run = attached()
    log_epoch(run, 0, loss=9.0, n=3)
    run.log(loss=8.0, recon=7.0, kl=1.0, epoch=0, val_loss=8.5)
    log_epoch(run, 1, loss=7.0, n=4)
    run.finish()
    assert run.step == 8
    assert run.history["epoch_step"].tolist() == [4, 8]
    np.testing.assert_array_equal(run.history["val_loss"], [8.5, NAN])
    assert run.history["train_loss"].tolist() == [8.75, 7.0]


def test_a_loop_that_names_its_epoch_only_when_it_evaluates():
    run = attached()
    for epoch, loss in enumerate((9.0, 7.0)):
        for _ in range(5):
            run.log(loss=loss)
        run.log(val_loss=loss, epoch=epoch)
    assert run.history["epoch"].tolist() == [1, 2]
    assert run.history["train_loss"].tolist() == [9.0, 7.0]
    assert run.history["val_loss"].tolist() == [9.0, 7.0]


def test_a_loop_without_epochs_may_evaluate_whenever_it_likes():
    run = attached()
    run.log(val_loss=10.0)
    for i in range(1, 7):
        run.log(loss=1.0)
        if i % 3 == 0:
            run.log(val_loss=float(i))
    assert run.history["epoch_step"].tolist() == [0, 3, 6]
    assert run.history["epoch"].tolist() == [0, 0, 0]
    assert run.history["val_loss"].tolist() == [10.0, 3.0, 6.0]
    assert run.step == 6


def test_batches_of_a_validation_set_are_averaged():
    run = attached()
    log_epoch(run, 0, loss=9.0)
    for value in (1.0, 2.0, 6.0):
        run.log(val_loss=value)
        len(run.history)  # read in between
    assert run.history["val_loss"].tolist() == [3.0]


def test_a_nan_in_validation_is_a_gap_and_said():
    run = attached()
    for epoch, value in enumerate((3.0, NAN, 2.0)):
        log_epoch(run, epoch, loss=9.0)
        run.log(val_loss=torch.tensor(value))
    np.testing.assert_array_equal(run.history["val_loss"], [3.0, NAN, 2.0])
    assert run.warning == "val_loss was NaN or infinite after 12 steps; left out of its curve."
    assert run_state(run)["error"] == run.warning
    assert [v.tolist() for v in series(run)["loss", "test"]] == [[6, 18], [3.0, 2.0]]
    assert run.diagnose().verdict != "diverged"


@pytest.mark.parametrize(
    ("losses", "recon", "kl", "loss", "batch_size"),
    [
        (LossConvention(), 10.0, 2.0, 12.0, None),
        (LossConvention(recon="batch_sum", kl="batch_sum"), 80.0, 16.0, 96.0, 8),
        # PyTorch's own example sums the training loss over a batch, and divides the test loss by all images
        (LossConvention(recon="batch_sum", kl="batch_sum"), 10.0, 2.0, 12.0, None),
        (LossConvention(recon="pixel_mean", kl="latent_mean"), 10.0 / 16, 1.0, 12.0 / 16, None),
        (LossConvention(recon_factor=0.5, kl_sign=-1), 5.0, -2.0, 6.0, None),
        (LossConvention(kl_weight=0.25), 10.0, 0.5, 12.0, None),
    ],
)
def test_validation_is_reduced_as_training_is(losses, recon, kl, loss, batch_size):
    run = attached(losses=losses)
    run.log(loss=1.0, batch_size=4)
    run.log(val_recon=torch.tensor(recon), val_kl=kl, val_loss=loss, batch_size=batch_size)
    values = {name: float(run.history[f"val_{name}"][0]) for name in ("recon", "kl", "loss")}
    assert values == pytest.approx({"recon": 10.0, "kl": 2.0, "loss": 12.0})


def test_an_evaluation_is_no_step_of_advance():
    run = attached()

    class Evaluating(Loop):
        def run(self):
            while not self.quit:
                self.run_.log(val_loss=1.0)
                self.run_.log(loss=1.0)

    loop = Evaluating(run)
    loop.start()
    assert wait_until(lambda: run.step > 10)
    run.pause()
    assert wait_until(lambda: run.is_halted)
    step = run.step
    run.advance(4)
    assert wait_until(lambda: run.status == "paused" and run.is_halted)
    assert run.step == step + 4
    loop.quit = True
    run.resume()
    loop.join(10)


def test_a_test_after_the_end_does_not_take_the_run_up_again():
    run = attached()
    log_epoch(run, 0, loss=9.0)
    run.finish()
    run.log(test_loss=8.0)
    assert run.status == "finished"
    assert run.history["test_loss"].tolist() == [8.0]


def test_the_figure_has_the_test_curve():
    run = attached()
    log_epoch(run, 0, loss=9.0)
    run.log(val_loss=8.0)
    log_epoch(run, 1, loss=7.0)
    run.log(val_loss=7.5)
    run.finish()
    figure = curves_figure(curves_state(run))
    dots = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [line.get_ydata().tolist() for line in dots] == [[8.0, 7.5]]
    assert [line.get_xdata().tolist() for line in dots] == [[6, 12]]


def test_it_is_saved_and_loaded(tmp_path):
    run = attached()
    log_epoch(run, 0, loss=9.0)
    run.log(val_loss=8.0)
    run.finish()
    run.save(tmp_path / "run.safetensors")
    loaded = load_run(tmp_path / "run.safetensors", model=Chapter(), data=make_data())
    assert loaded.history["test_loss"].tolist() == loaded.history["val_loss"].tolist() == [8.0]


# ------------------------------------------------------------------ values that are not finite


def skipping_loop(run, bad, n=400, value=NAN):
    """A loop that skips the update of a batch whose loss is not finite."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(n, generator=generator)
    for i in range(n):
        loss = 5.0 + 10.0 * 0.9**i + 0.01 * float(noise[i])
        terms = {"loss": loss, "recon": loss - 1, "kl": 1.0}
        if i in bad:
            terms |= {"loss": value, "recon": value}
        run.log(**terms)


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_a_bad_step_ends_nothing_and_is_said(value):
    run = attached()
    skipping_loop(run, {50}, value=torch.tensor(value))
    run.finish()
    assert (run.status, run.error, run.step) == ("finished", None, 400)
    assert len(run.history["loss"]) == 400
    assert np.flatnonzero(~np.isfinite(run.history["recon"])).tolist() == [50]
    sentence = "recon was NaN or infinite at step 50; left out of the curves"
    assert run.warning == sentence
    assert run_state(run)["error"] == sentence
    found = run.diagnose()
    assert found.verdict != "diverged"
    assert sentence in found.notes
    assert "beta" not in " ".join(found.notes)
    step, mean = series(run)["recon", "train"]
    assert 50 not in step
    assert np.isfinite(mean).all()


def test_what_stays_bad_has_diverged():
    run = attached()
    skipping_loop(run, set(range(300, 400)))
    found = run.diagnose()
    assert found.verdict == "diverged"
    assert found.evidence[0] == "the recon became NaN or infinite at step 300"
    assert run.status == "running", "it is the loop's to end"


def test_a_loop_that_breaks_off_has_diverged():
    run = attached()
    skipping_loop(run, {99}, n=100)
    assert run.diagnose().verdict != "diverged", "the next batch may be a good one"
    run.finish()
    assert run.diagnose().verdict == "diverged"


def test_steps_that_log_other_things_last_have_not_diverged():
    run = attached()
    skipping_loop(run, set())
    run.log(lr=1e-3)
    run.finish()
    assert run.diagnose().verdict != "diverged"


def test_values_that_are_no_numbers_end_nothing_once_the_loop_runs():
    run = attached()
    run.log(loss=1.0)
    run.log(loss=torch.zeros(3), recon=2.0, kl="high")
    run.log(loss=3.0)
    np.testing.assert_array_equal(run.history["loss"], [1.0, NAN, 3.0])
    np.testing.assert_array_equal(run.history["recon"], [NAN, 2.0, NAN])
    assert "log got loss of shape (3,); expected one number a step" in run.warning
    assert "log got kl of type str" in run.warning


def test_the_same_complaint_is_made_once_and_many_are_counted():
    run = attached()
    run.log(loss=1.0)
    for _ in range(5):
        run.log(loss=torch.zeros(3))
    for i in range(6):
        run.log(**{f"other_{i}": "x"})
    assert len(run.warning.splitlines()) == 4
    assert run.warning.endswith("... and 4 more values that could not be recorded.")


# ------------------------------------------------------------------ step numbers


def test_a_resumed_run_starts_where_it_starts():
    run = attached()
    for i in range(100):
        run.log(loss=1.0, step=50_000 + i)
    run.log(loss=1.0)
    assert run.history["step"].tolist() == list(range(50_000, 50_101))
    assert list(run.history).count("step") == 1
    assert run.step == 50_101
    step, _ = series(run)["loss", "train"]
    assert (step[0], step[-1]) == (50_000, 50_100)
    left, _ = curves_figure(curves_state(run)).axes[0].get_xlim()
    assert left > 49_000
    assert run.snapshot().step == 50_101
    assert run.warning is None


def test_a_return_to_a_checkpoint_is_counted_on_and_said():
    run = attached()
    for step in [*range(100), *range(50, 80)]:
        run.log(loss=float(step), step=step)
    assert run.history["step"].tolist() == list(range(130))
    assert run.history["loss"].tolist() == [*range(100), *range(50, 80)]
    assert run.warning == (
        "step went back to 50 after 99, as after a return to a checkpoint: it is counted on as step 100."
    )


def test_several_calls_a_step_keep_its_number():
    run = attached()
    for step in (7, 8):
        run.log(recon=1.0, step=step)
        run.log(kl=2.0, step=step)
    assert run.history["step"].tolist() == [7, 7, 8, 8]
    np.testing.assert_array_equal(run.history["recon"], [1, NAN, 1, NAN])
    assert run.warning is None
    assert run.step == 9


def test_batches_of_which_one_update_accumulates_the_gradients():
    """Each batch is logged under the number of its update; an epoch's mean is over its batches."""
    run = attached()
    for batch in range(12):
        run.log(loss=float(batch), step=batch // 3, epoch=batch // 6)
    run.finish()
    assert run.history["step"].tolist() == [i // 3 for i in range(12)]
    assert run.history["epoch_step"].tolist() == [2, 4]
    assert run.history["train_loss"].tolist() == [2.5, 8.5]
    assert (run.step, run.warning) == (4, None)


@pytest.mark.parametrize(
    ("step", "message"), [(-1, "step=-1; expected a whole number"), (1.5, "of type float")]
)
def test_steps_that_are_none(step, message):
    with pytest.raises(OptionError, match=message):
        attached().log(loss=1.0, step=step)
    run = attached()
    run.log(loss=1.0)
    run.log(loss=1.0, step=step)
    assert run.history["step"].tolist() == [0, 1]
    assert run.warning is not None


def test_epochs_of_a_resumed_run():
    run = attached()
    for epoch in (10, 11):
        for i in range(4):
            run.log(loss=float(epoch), epoch=epoch, step=1000 + 4 * (epoch - 10) + i)
        run.log(val_loss=1.0)
    run.finish()
    assert run.history["epoch_step"].tolist() == [1004, 1008]
    assert run.history["train_loss"].tolist() == [10.0, 11.0]


# ------------------------------------------------------------------ a loop that goes on


def saved(folder, epochs=2):
    run = attached()
    for epoch in range(epochs):
        log_epoch(run, epoch, loss=9.0 - epoch)
        run.log(val_loss=5.0 - epoch)
    run.finish()
    run.save(folder / "run.safetensors")
    return folder / "run.safetensors"


@pytest.mark.parametrize("first", [0, 2], ids=["from 0", "from where it was"])
@pytest.mark.parametrize("numbered", [False, True])
def test_the_older_history_stands_before_the_new(tmp_path, first, numbered):
    model = Chapter()
    older = load_run(saved(tmp_path), model=model, data=make_data())
    run = attached(model, after=older)
    assert (run.step, run.epoch, run.status) == (12, 2, "created")
    for i in range(12):
        step = {"step": i + 6 * first} if numbered else {}
        run.log(loss=7.0 - i // 6, recon=6.0, kl=1.0, epoch=first + i // 6, **step)
        if i % 6 == 5:
            run.log(val_loss=3.0 - i // 6)
    run.finish()
    assert run.history["step"].tolist() == list(range(24))
    assert run.history["loss"].tolist() == [9.0] * 6 + [8.0] * 6 + [7.0] * 6 + [6.0] * 6
    assert run.history["epoch"].tolist() == [1, 2, 3, 4]
    assert run.history["epoch_step"].tolist() == [6, 12, 18, 24]
    assert run.history["train_loss"].tolist() == [9.0, 8.0, 7.0, 6.0]
    assert run.history["val_loss"].tolist() == [5.0, 4.0, 3.0, 2.0]
    assert (run.step, run.epoch, run.warning) == (24, 4, None)
    assert len(older.history["loss"]) == 12, "the older run stays as it is"


def test_a_loop_may_go_on_from_a_file_or_from_a_run_of_train(tmp_path):
    assert attached(after=saved(tmp_path)).step == 12
    data, model = make_data(), make_model()
    older = train(model, data, epochs=2, batch_size=16, autosave=False).wait(progress=False)
    run = attach(model, data, after=older)
    assert (run.step, run.epoch) == (12, 2)
    run.log(loss=1.0, step=12)
    assert run.history["step"].tolist() == list(range(13))
    np.testing.assert_array_equal(run.history["loss"][:12], older.history["loss"])
    assert [frame.step for frame in run.time_line.frames] == [f.step for f in older.time_line.frames]


def test_what_a_loop_cannot_go_on_from(tmp_path):
    with pytest.raises(OptionError, match=r"after is a int; expected the run that your loop goes on from"):
        attached(after=3)
    with pytest.raises(OptionError, match=r"a run of another model"):
        attach(make_model(), make_data(), after=saved(tmp_path))
    older = load_run(saved(tmp_path), model=Chapter(), data=make_data())
    with pytest.raises(DataError, match=r"run = vw.attach\(model, data, after=run\)"):
        older.log(loss=1.0)
