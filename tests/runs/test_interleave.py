"""Runs that are interleaved in one thread: each as controllable as one with a thread of its own."""

import random

import numpy as np
import pytest
import torch

from tests.runs.conftest import make_data, make_model, our_threads, start, wait_until
from tests.runs.test_run import parked
from vaewidgets.errors import DivergedError, OptionError
from vaewidgets.runs.interleave import Interleaver


def interleaved(n, slice_seconds=0.002, **options):
    interleaver = Interleaver("vaewidgets-shared", slice_seconds=slice_seconds)
    runs = []
    for seed in range(n):
        run = start(
            model=make_model(seed=seed),
            start=False,
            seed=seed,
            **{"epochs": None, "eval_every": 0, **options},
        )
        interleaver.add(run)
        runs.append(run)
    return runs


def close(runs):
    for run in runs:
        run.stop()
    for run in runs:
        run.close()


def test_slices_change_nothing_in_the_numbers():
    together = interleaved(3, slice_seconds=0.0005, epochs=3, eval_every=1)
    for run in together:
        run.resume()
    for seed, run in enumerate(together):
        assert run.wait().status == "finished"
        alone = start(model=make_model(seed=seed), seed=seed, epochs=3).wait()
        for name in ("loss", "recon", "kl", "test_loss"):
            assert np.array_equal(run.history[name], alone.history[name]), name
        for mine, theirs in zip(run.model.parameters(), alone.model.parameters(), strict=True):
            assert torch.equal(mine, theirs)


def test_one_thread_and_all_move_together():
    runs = interleaved(4, slice_seconds=0.01)
    for run in runs:
        run.resume()
    assert len(our_threads()) == 1
    assert wait_until(lambda: min(run.step for run in runs) > 200)
    epochs = [run.step / run.steps_per_epoch for run in runs]
    assert all(run.status == "running" and run.steps_per_second > 0 for run in runs)
    # a slice of 10 ms is some tens of epochs of six tiny steps
    assert max(epochs) - min(epochs) < 0.5 * max(epochs)
    assert all(len(run.history["loss"]) > 0 for run in runs)
    close(runs)
    assert all(run.status == "stopped" for run in runs)
    assert wait_until(lambda: not our_threads()), "the thread goes with the last run"


def test_a_large_model_keeps_up_with_a_small_one():
    interleaver = Interleaver("vaewidgets-shared", slice_seconds=0.005)
    runs = []
    for hidden in ((8,), (1024, 1024)):
        run = start(model=make_model(hidden=hidden), start=False, epochs=None, eval_every=0)
        interleaver.add(run)
        runs.append(run)
    big = runs[1]
    for run in runs:
        run.resume()
    assert wait_until(lambda: big.step > 60)
    assert runs[0].step < 3 * big.step, "slices go by epochs made, not by the clock"
    close(runs)


def test_each_is_paused_stepped_slowed_and_stopped_by_itself():
    a, b, c = runs = interleaved(3)
    for run in runs:
        run.resume()
    assert wait_until(lambda: all(run.step > 5 for run in runs))
    a.pause()
    assert wait_until(lambda: parked(a))
    step = a.step
    assert wait_until(lambda: len(a.history["loss"]) == step), "what was measured is there while it is paused"
    mark = b.step
    assert wait_until(lambda: b.step > mark + 50), "the others go on"
    assert a.step == step
    a.advance(3)
    assert wait_until(lambda: parked(a, step + 3))
    assert wait_until(lambda: len(a.history["loss"]) == step + 3)
    b.speed = 0.001
    c.stop()
    c.wait()
    assert c.status == "stopped"
    slow = b.step
    a.resume()
    assert wait_until(lambda: a.step > step + 60)
    assert b.step <= slow + 2
    b.speed = None
    ahead = a.step
    assert wait_until(lambda: b.step > slow + 30)
    assert wait_until(lambda: a.step > ahead), "who comes back does not keep the others waiting"
    c.resume()
    assert wait_until(lambda: c.step > 100)
    close(runs)


def test_who_comes_back_does_not_catch_up():
    a, b = runs = interleaved(2)
    b.resume()
    assert wait_until(lambda: b.step > 250)
    a.resume()
    mark = b.step
    assert wait_until(lambda: a.step > 120)
    assert b.step > mark + 40
    close(runs)


def test_snapshots_and_saving_between_slices(tmp_path):
    a, b = runs = interleaved(2, slice_seconds=0.005)
    for run in runs:
        run.resume()
    assert wait_until(lambda: a.step > 5 and b.step > 5)
    for run in runs * 5:
        snapshot = run.snapshot(timeout=5)
        assert 0 < snapshot.step <= run.step
    a.save(tmp_path / "a.safetensors")
    assert (tmp_path / "a.safetensors").stat().st_size > 0
    a.beta, b.lr = 3.0, 0.01
    assert wait_until(lambda: a.history["beta"][-1] == 3.0 and b.history["lr"][-1] == 0.01)
    assert a.history["lr"][-1] == 0.001
    close(runs)


def test_one_that_fails_does_not_harm_the_others():
    good, bad = runs = interleaved(2, epochs=3)
    with torch.no_grad():
        next(bad.model.parameters())[0, 0] = float("inf")
    for run in runs:
        run.resume()
    with pytest.raises(DivergedError):
        bad.wait()
    assert bad.status == "failed"
    assert good.wait().status == "finished"


def test_more_epochs_after_the_end_and_a_second_thread():
    (run,) = interleaved(1, epochs=1)
    run.resume()
    run.wait()
    assert wait_until(lambda: not our_threads())
    run.epochs = 3
    run.resume()
    assert run.wait().step == 18


def test_an_evaluation_is_sliced_too_and_can_be_paused(monkeypatch):
    monkeypatch.setattr("vaewidgets.engine.evaluate._BATCH", 2)  # 12 batches
    interleaver = Interleaver("vaewidgets-shared", slice_seconds=0.0)
    long, other = (
        start(model=make_model(seed=seed), seed=seed, epochs=None, eval_every=eval_every, start=False)
        for seed, eval_every in ((0, 1), (1, 0))
    )
    interleaver.add(long)
    interleaver.add(other)
    asked = []
    going = type(long).may_go_on

    def pause_at_the_fourth(self):
        if self is long:
            asked.append(other.step)
            if len(asked) == 4:
                self.pause()
        return going(self)

    monkeypatch.setattr(type(long), "may_go_on", pause_at_the_fourth)
    for run in (long, other):
        run.resume()
    assert wait_until(lambda: parked(long))
    assert (long.step, long.epoch) == (6, 0)
    long.epochs = 1
    long.resume()
    long.wait()
    close([other])
    assert long.history["test_loss"].shape == (1,)
    # 12 batches, the fourth asked for twice, and perhaps once more to put things in order before the halt
    assert 13 <= len(asked) - 1 <= 15, "it goes on where it was"
    assert len(set(asked)) > 3, "the other one goes on in between"
    alone = start(model=make_model(seed=0), epochs=1).wait()
    assert alone.history["test_loss"].tolist() == long.history["test_loss"].tolist()


def test_a_run_with_its_own_thread_does_not_share():
    run = start(epochs=None)
    with pytest.raises(OptionError, match="has its own thread already"):
        Interleaver("vaewidgets-shared").add(run)
    run.close()


def test_random_commands_neither_deadlock_nor_leak():
    runs = interleaved(3, slice_seconds=0.001, data=make_data(32))
    rng = random.Random(0)
    commands = ("pause", "resume", "stop", "request_snapshot", "advance")
    for _ in range(3000):
        getattr(rng.choice(runs), rng.choice(commands))()
    for run in runs:
        run.resume()
        mark = run.step
        assert wait_until(lambda run=run, mark=mark: run.step > mark + 5)
    close(runs)
    for run in runs:
        assert run.history["step"].tolist() == list(range(run.step))
