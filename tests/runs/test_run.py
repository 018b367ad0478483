import asyncio
import gc
import threading
import weakref

import pytest
import torch

from tests.runs.conftest import make_data, make_model, our_threads, start, wait_until
from vaewidgets import concurrency
from vaewidgets.errors import OptionError
from vaewidgets.runs import Run, TrainingRun


def endless(**options):
    return start(**{"epochs": None, "eval_every": 0, **options})


def parked(run, step=None):
    return run.status == "paused" and run.is_halted and (step is None or run.step == step)


def test_a_run_from_start_to_finish():
    run = start(epochs=2, name="mine")
    assert isinstance(run, Run)
    assert run.can_train
    assert run.wait() is run
    assert (run.status, run.step, run.epoch, run.epochs, run.steps_per_epoch) == ("finished", 12, 2, 2, 6)
    assert run.error is None
    assert run.error_text is None
    assert repr(run) == "TrainingRun('mine')"
    assert not our_threads()
    assert run.steps_per_second == 0


def test_it_returns_at_once_and_shows_it_is_running():
    run = endless()
    assert run.status == "running"
    assert wait_until(lambda: run.step > 20 and run.steps_per_second > 0)
    run.stop()


def test_not_started():
    run = start(start=False)
    assert run.status == "created"
    assert not our_threads()
    assert run.snapshot().step == 0
    with pytest.raises(OptionError, match=r"was not started.*run\.resume\(\)"):
        run.wait()
    run.stop()
    assert run.status == "stopped"
    run.wait()


def test_pause_advance_resume_stop():
    run = endless()
    assert wait_until(lambda: run.step > 3)
    run.pause()
    run.pause()
    assert run.status == "paused"
    assert wait_until(lambda: parked(run))
    step = run.step
    assert len(run.history["loss"]) == step, "what was measured is there while it is paused"
    run.advance(3)
    assert wait_until(lambda: parked(run, step + 3))
    run.advance()
    assert wait_until(lambda: parked(run, step + 4))
    run.resume()
    run.resume()
    assert wait_until(lambda: run.step > step + 10)
    run.stop()
    run.stop()
    run.wait()
    assert run.status == "stopped"
    stopped_at = run.step
    run.resume()
    assert wait_until(lambda: run.step > stopped_at + 10)
    run.close()
    assert len(run.history["loss"]) == run.step
    assert run.history["step"].tolist() == list(range(run.step))


def test_advancing_while_advancing_adds_up():
    run = endless(start=False, speed=1.0)
    run.advance(2)
    run.advance(3)
    run.speed = None
    assert wait_until(lambda: parked(run))
    assert run.step == 5
    run.close()


def test_advance_on_a_stopped_run_and_to_the_end():
    run = start(epochs=1, start=False)
    run.advance(2)
    assert wait_until(lambda: parked(run, 2))
    run.stop()
    run.wait()
    run.advance(4)
    run.wait()
    assert (run.status, run.step, run.epoch) == ("finished", 6, 1)


@pytest.mark.parametrize("n", [0, -1, 1.5, True])
def test_advance_wants_a_number_of_steps(n):
    with pytest.raises(OptionError, match=r"n is .*; expected a whole number of at least 1"):
        start(start=False).advance(n)


def test_more_epochs_after_the_end():
    run = start(epochs=1).wait()
    with pytest.raises(OptionError, match=r"has trained its 1 epochs.*run\.epochs = 11"):
        run.resume()
    run.epochs = 3
    run.resume()
    run.wait()
    assert (run.epoch, run.step) == (3, 18)
    assert run.history["epoch"].tolist() == [1, 2, 3]


def test_stop_and_resume_change_nothing_in_the_numbers():
    whole = start(epochs=3).wait()
    run = start(epochs=3, start=False)
    for n in (1, 4, 5, 7):
        run.advance(n)
        assert wait_until(lambda: parked(run))
        run.stop()
        run.wait()
    run.resume()
    run.wait()
    assert torch.equal(torch.from_numpy(run.history["loss"]), torch.from_numpy(whole.history["loss"]))
    assert run.history["test_loss"].tolist() == whole.history["test_loss"].tolist()


def test_speed_holds_back_and_a_slow_run_still_answers():
    run = start(epochs=None, speed=2.0)  # 12 steps a second
    assert wait_until(lambda: run.step >= 2)
    assert run.step < 30
    run.speed = 0.001  # a step every 167 s
    step = run.step
    assert wait_until(lambda: len(run.history["loss"]) >= step)
    snapshot = run.snapshot(timeout=1.0)
    assert snapshot.step == run.step
    run.speed = None
    assert wait_until(lambda: run.step > step + 50)
    run.speed = 0.001
    run.close()
    assert run.status == "stopped"


def test_pacing_is_about_right(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("vaewidgets.runs.gate.time.monotonic", lambda: clock[0])
    run = start(start=False, speed=10.0)  # 60 steps a second
    gate = run._gate
    times = []
    while len(times) < 60:
        if gate._delay(True) <= 0:
            gate._take(True)
            times.append(clock[0])
        clock[0] += 0.001
    assert times[-1] - times[0] == pytest.approx(59 / 60, abs=0.02 + 0.1)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("speed", 0, r"speed is 0; expected a finite number above 0 \(epochs a second\)"),
        ("speed", float("nan"), "speed is nan"),
        ("lr", -1, "lr is -1; expected a finite number above 0"),
        ("lr", "fast", "lr is 'fast'"),
        ("beta", -1, "expected a finite number of at least 0"),
        ("epochs", 0, "epochs is 0; expected a whole number of at least 1"),
    ],
)
def test_controls_refuse_nonsense_and_keep_their_value(name, value, message):
    run = start(start=False)
    before = getattr(run, name)
    with pytest.raises(OptionError, match=message):
        setattr(run, name, value)
    assert getattr(run, name) == before


def test_beta_reads_what_is_in_force():
    run = start(start=False, beta=lambda step: step / 10)
    assert run.beta == run.current_beta == 0.0
    run.advance(4)
    assert wait_until(lambda: parked(run, 4))
    assert run.beta == 0.4
    run.beta = 2
    assert (run.beta, run.beta_description) == (2.0, "2")
    assert run.beta_is_controllable
    assert run.lr_is_controllable
    run.close()


def test_an_exception_is_kept_and_raised_by_wait():
    class Faulty(Exception):
        pass

    model = make_model()
    encode = model.encode

    def failing(x):
        if model.training and run.step == 5:
            raise Faulty("no such layer")
        return encode(x)

    run = endless(model=model, start=False)
    model.encode = failing
    run.resume()
    with pytest.raises(Faulty, match="no such layer"):
        run.wait()
    assert run.status == "failed"
    assert run.error_text == "Faulty: no such layer"
    assert len(run.history["loss"]) == 5
    # mended, it goes on with the batch that failed
    model.encode = encode
    run.epochs = 2
    run.resume()
    run.wait()
    assert run.error is None
    whole_model = make_model()
    whole_model.encode = whole_model.encode  # by autograd, too: the written-out step rounds differently
    whole = start(model=whole_model, epochs=2).wait()
    assert run.history["loss"][:5].tolist() == whole.history["loss"][:5].tolist()
    assert run.step == 12


def test_await():
    async def both():
        runs = [start(epochs=2), start(epochs=3)]
        return [await run for run in runs]

    assert [run.epoch for run in asyncio.run(both())] == [2, 3]


def test_a_schedule_that_raises_is_told_with_its_step():
    run = endless(beta=lambda step: 1 / (5 - step))
    with pytest.raises(
        OptionError, match=r"beta\(5\) raised ZeroDivisionError: division by zero; expected a"
    ) as found:
        run.wait(progress=False)
    assert isinstance(found.value.__cause__, ZeroDivisionError)
    assert run.step == len(run.history["loss"]) == 5
    run.beta = 1.0
    run.advance(2)
    assert wait_until(lambda: run.status == "paused" and run.step == 7)
    run.close()


def test_await_raises_what_failed():
    run = endless(beta=lambda step: 1.0 if step < 3 else -1.0)

    async def wait():
        await run

    with pytest.raises(OptionError, match=r"beta\(3\) is -1.0"):
        asyncio.run(wait())


def test_wait_with_a_timeout_returns():
    run = endless()
    assert run.wait(timeout=0.05) is run
    assert run.status == "running"
    run.close()


def test_a_paused_run_is_waited_for():
    run = start(epochs=2, start=False)
    run.advance(1)
    assert wait_until(lambda: parked(run))
    waiter = threading.Thread(target=run.wait)
    waiter.start()
    run.resume()
    waiter.join(10)
    assert not waiter.is_alive()
    assert run.status == "finished"


def test_a_context_stops_and_joins():
    with endless() as run:
        assert wait_until(lambda: run.step > 5)
    assert run.status == "stopped"
    assert not our_threads()


def test_two_runs_side_by_side():
    first, second = endless(), endless(data=make_data(), model=make_model(seed=1))
    assert wait_until(lambda: first.step > 20 and second.step > 20)
    first.stop()
    assert second.status == "running"
    second.stop()


def test_two_runs_do_not_share_a_model():
    run = endless(name="first")
    with pytest.raises(
        OptionError, match=r"is being trained by TrainingRun\('first'\) already\. Stop that first"
    ):
        start(run.data, run.model)
    run.close()
    start(run.data, run.model, epochs=1).wait()


def test_training_works_where_the_caller_has_gradients_off():
    with torch.no_grad():
        run = start(epochs=2).wait()
    assert run.status == "finished"


def test_listeners_hear_of_status_values_and_snapshots():
    run = start(epochs=2, start=False)
    heard = []
    remove = run.add_listener(lambda: heard.append((run.status, run.latest_snapshot is not None)))
    run.resume()
    run.wait()
    run.request_snapshot()
    remove()
    assert ("running", False) in heard
    assert heard[-1] == ("finished", True)
    count = len(heard)
    run.epochs = 9
    assert len(heard) == count


def test_a_listener_may_use_the_controls():
    run = endless(start=False)
    run.add_listener(lambda: run.step > 30 and run.status == "running" and run.pause())
    run.add_listener(run.request_snapshot)
    run.resume()
    assert wait_until(lambda: parked(run))
    run.close()


def test_a_dropped_run_is_freed():
    run = start(epochs=1).wait()
    reference = weakref.ref(run)
    del run
    gc.collect()
    assert reference() is None


def test_the_interpreter_s_exit_stops_runs(monkeypatch):
    monkeypatch.setattr(concurrency, "_is_exiting", False)  # puts it back after what follows has set it
    run = endless()
    assert wait_until(lambda: run.step > 1)
    concurrency._end_all()
    assert run.status == "stopped"
    assert not our_threads()
    with pytest.raises(RuntimeError, match="the interpreter is about to end"):
        run.resume()


def test_it_is_a_run_of_its_own_id():
    first, second = start(start=False), start(start=False)
    assert first.id != second.id
    assert isinstance(first, TrainingRun)
    assert first.options["batch_size"] == 16
    assert first.data.name == "noise"
    assert first.likelihood.name == "bernoulli"
