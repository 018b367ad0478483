"""The stop button at any instant, a run closed while its buttons are pressed, faults at a run's very end."""

import subprocess
import threading

import numpy as np
import pytest
import torch

from tests.faults.interrupts import hammer, table
from tests.forked import python
from vaewidgets.concurrency import BackgroundThread, Latch, Wakeup
from vaewidgets.engine.engine import Engine
from vaewidgets.engine.recorder import _CHUNK, Recorder
from vaewidgets.engine.snapshot import Shell
from vaewidgets.errors import OptionError
from vaewidgets.runs import attach, load_run
from vaewidgets.runs.autosave import Autosave
from vaewidgets.runs.copies import Copies
from vaewidgets.runs.gate import Ask, Gate
from vaewidgets.runs.interleave import Interleaver
from vaewidgets.runs.log_buffer import Pending
from vaewidgets.runs.logged_epochs import LoggedEpochs
from vaewidgets.runs.openmp import ThreadTuner

from .conftest import make_data, make_model, our_threads, start, wait_until


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["train", "attach", "sweep", "widget"])
def test_an_interrupt_at_any_instant_leaves_a_run_that_steps_pauses_and_stops(kind):
    subprocess.run(python("pass"), check=True)  # what forks the children imports for seconds when it starts
    tallies = hammer(kind, 120)
    total = sum(tally["interrupts"] for tally in tallies.values())
    inside = sum(tally["inside"] for tally in tallies.values())
    assert total >= 120
    assert inside > total / 2, table(tallies)
    assert sum(tally["hung"] + tally["late"] for tally in tallies.values()) == 0, table(tallies)


# pieces ------------------------------------------------------------------------------------------


def test_a_latch_lets_all_waiters_go():
    latch = Latch()
    assert not latch.wait(0.01)
    waiters = [threading.Thread(target=latch.wait) for _ in range(4)]
    for waiter in waiters:
        waiter.start()
    latch.set()
    latch.set()
    for waiter in waiters:
        waiter.join(5)
    assert not any(waiter.is_alive() for waiter in waiters)
    assert latch.wait()


def test_a_latch_whose_waiter_was_interrupted_still_lets_the_others_go():
    latch = Latch()
    latch.set()
    latch._closed.acquire()  # by a waiter that never came to release it
    latch.is_set = False
    other = threading.Thread(target=latch.wait)
    other.start()
    latch.is_set = True
    other.join(5)
    assert not other.is_alive()


def test_a_wakeup_that_rang_before_is_heard():
    wakeup = Wakeup()
    wakeup.set()
    wakeup.set()
    heard = threading.Thread(target=wakeup.wait, args=(60.0,))
    heard.start()
    heard.join(5)
    assert not heard.is_alive()
    wakeup.wait(0.001)


def test_a_thread_says_if_there_can_be_no_thread(monkeypatch):
    def none_left(*_):
        raise RuntimeError("can't start new thread")

    work = BackgroundThread("vaewidgets-test")
    monkeypatch.setattr(work.thread, "start", none_left)
    with pytest.raises(RuntimeError, match="can't start"):
        work.start(lambda: None)


def test_a_thread_whose_start_was_interrupted_leaves_and_the_run_starts_again(monkeypatch):
    """The interrupt comes after the thread was started, before the run knows of it."""
    run = start(epochs=None, eval_every=0, start=False)
    starting = BackgroundThread.start

    def interrupted(self, *args):
        starting(self, *args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(BackgroundThread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run.resume()
    assert wait_until(lambda: not our_threads())
    assert (run.status, run.step) == ("created", 0)
    run.resume()
    assert wait_until(lambda: run.step > 3)
    run.close()


def test_a_shared_thread_whose_start_was_interrupted(monkeypatch):
    worker = Interleaver("vaewidgets-shared")
    run = start(epochs=None, eval_every=0, start=False)
    worker.add(run)
    starting = BackgroundThread.start

    def interrupted(self, *args):
        starting(self, *args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(BackgroundThread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run.resume()
    run.resume()
    assert wait_until(lambda: run.step > 3)
    run.close()
    assert wait_until(lambda: not our_threads())


def test_who_serves_in_the_main_thread_keeps_its_interrupt():
    def interrupt():
        raise KeyboardInterrupt

    gate = Gate(before_halt=lambda: None, served=lambda: None)
    gate.enter()
    asked = []

    def ask():
        asked.append(Ask(interrupt))
        gate.post(asked[0])

    other = threading.Thread(target=ask)
    other.start()
    other.join(5)
    with pytest.raises(KeyboardInterrupt):
        gate.may_step()
    assert not asked[0].done.is_set
    assert gate.lock.acquire(timeout=1)
    gate.lock.release()


def test_an_interrupted_record_leaves_nothing_that_is_seen(monkeypatch):
    recorder = Recorder()
    columns = {"loss": torch.arange(_CHUNK).double().numpy()}
    recorder.extend(torch.arange(_CHUNK).numpy(), columns)
    blank = "vaewidgets.engine.recorder._blank"

    def interrupt(name):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(blank, interrupt)  # half a new chunk
        with pytest.raises(KeyboardInterrupt):
            recorder.append(_CHUNK, {"loss": -1.0})
    assert len(recorder) == _CHUNK
    recorder.append(_CHUNK, {"loss": -1.0})
    steps, values, _ = recorder.read("loss")
    assert steps.tolist() == list(range(_CHUNK + 1))
    assert values.tolist() == [*map(float, range(_CHUNK)), -1.0]


def test_a_flush_that_is_interrupted_loses_no_step(monkeypatch):
    monkeypatch.setattr("vaewidgets.runs.attached.FLUSH_SECONDS", float("inf"))
    run = attach(make_model(), make_data())
    for i in range(5):
        run.log(loss=float(i), epoch=i // 2, val_loss=10.0 * i)

    def interrupt(*args, **options):
        raise KeyboardInterrupt

    # before and after the steps are recorded, after what was measured by epoch is, and at the very end
    for owner, name in (
        (Recorder, "extend"),
        (LoggedEpochs, "evaluated"),
        (LoggedEpochs, "record"),
        (Pending, "forget"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, interrupt)
            with pytest.raises(KeyboardInterrupt):
                _ = run.history
    run.log(loss=5.0, epoch=2, val_loss=50.0)
    run.finish()
    assert run.history["loss"].tolist() == [0, 1, 2, 3, 4, 5]
    assert run.history["step"].tolist() == list(range(6))
    assert run.history["val_loss"].tolist() == [0, 10, 20, 30, 40, 50]
    means = run.history["train_loss"]  # by row: those of an evaluation alone have none
    assert means[~np.isnan(means)].tolist() == [0.5, 2.5, 4.5]


def test_an_interrupt_leaves_gradients_on_for_a_loop_of_ones_own():
    """`no_grad` is written in Python, too: nothing that the main thread calls in a loop may depend on it."""
    run = attach(make_model(), make_data())
    run.log(loss=torch.tensor(1.0))
    modes = []
    original = torch.no_grad.__enter__

    def enter(self):
        modes.append(threading.current_thread())
        return original(self)

    torch.no_grad.__enter__ = enter
    try:
        run.log(loss=torch.tensor(1.0))
        _ = run.history
        run.evaluate()
        run.snapshot().encoded("test")
    finally:
        torch.no_grad.__enter__ = original
    assert threading.main_thread() not in modes


# closing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("press", ["resume", "advance"])
def test_a_run_closes_while_its_buttons_are_pressed(press):
    for _ in range(10):
        run = start(epochs=None, eval_every=0)
        over = threading.Event()

        def keep_pressing(run=run, over=over):
            while not over.is_set():
                try:
                    getattr(run, press)()
                except OptionError:  # it was closed
                    over.wait(0.0005)

        thread = threading.Thread(target=keep_pressing)
        thread.start()
        closer = threading.Thread(target=run.close, daemon=True)
        closer.start()
        closer.join(10)
        hangs = closer.is_alive()
        over.set()
        thread.join(10)
        assert not hangs
        assert run.status == "stopped"
        assert run.has_ended
        step = run.step
        with pytest.raises(OptionError, match=r"was closed .* and cannot go on"):
            getattr(run, press)()
        assert run.step == step
        assert run.snapshot(timeout=0).step == step


# faults at the end -------------------------------------------------------------------------------


def full(*args, **options):
    raise MemoryError("no memory left")


def check_that_it_failed(run):
    waiter = threading.Thread(target=lambda: wait_until(lambda: run.has_ended, 10))
    waiter.start()
    waiter.join(15)
    assert run.has_ended, "wait() returns"
    assert run.status == "failed"
    with pytest.raises(MemoryError, match="no memory left"):
        run.wait()


@pytest.mark.parametrize("shared", [False, True])
def test_memory_that_is_full_when_a_run_ends(monkeypatch, shared):
    run = start(autosave=True, epochs=2, eval_every=0, start=False)
    if shared:
        Interleaver("vaewidgets-shared").add(run)
    clone = Shell.clone
    monkeypatch.setattr(
        Shell, "clone", lambda self, model, **o: full() if o["step"] == 12 else clone(self, model, **o)
    )
    monkeypatch.setattr("vaewidgets.runs.time_line.TimeLine.is_due", lambda self, epoch: False)
    run.resume()
    check_that_it_failed(run)
    assert load_run(run.autosave_path, data=run.data).step == 12
    monkeypatch.undo()
    run.epochs = 3
    run.resume()
    assert run.wait().status == "finished"


def test_the_last_file_needs_no_memory_for_clones(monkeypatch):
    run = start(autosave=True, epochs=1, start=False)
    state = Engine.state
    monkeypatch.setattr(
        Engine, "state", lambda self, *, copy=True: full() if copy else state(self, copy=False)
    )
    run.resume()
    assert run.wait().status == "finished"
    assert load_run(run.autosave_path, data=run.data).step == 6


@pytest.mark.parametrize(
    ("owner", "name"), [(ThreadTuner, "rest"), (Engine, "take_weights_back"), (Copies, "note_time")]
)
def test_whatever_fails_when_a_run_ends_wait_returns(monkeypatch, owner, name):
    run = start(epochs=1, start=False)
    monkeypatch.setattr(owner, name, full)
    run.resume()
    check_that_it_failed(run)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_autosave_that_raises_what_nobody_expects(monkeypatch):
    def leave(*args):
        raise SystemExit

    monkeypatch.setattr(Autosave, "write_now", leave)
    run = start(epochs=1, autosave=True)
    assert run.wait(timeout=10).has_ended


def test_a_shared_thread_that_fails_ends_its_runs(monkeypatch):
    worker = Interleaver("vaewidgets-shared")
    runs = [start(model=make_model(seed=i), epochs=None, start=False) for i in range(2)]
    for run in runs:
        worker.add(run)
    monkeypatch.setattr(ThreadTuner, "tick", full)
    for run in runs:
        run.resume()
    for run in runs:
        check_that_it_failed(run)
    assert wait_until(lambda: not our_threads())
