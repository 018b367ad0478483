"""A loop of one's own in a thread, in a process that was forked off, and in one of several processes."""

import json
import os
import threading

import numpy as np

from tests.runs.conftest import make_data, make_model, start, wait_until
from tests.runs.test_attached import Loop, attached
from vaewidgets.errors import OptionError
from vaewidgets.runs import attach, train


def in_fork(work):
    """What `work()` returns in a process that is forked off, as plain values."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            result = work()
        except BaseException as error:
            result = f"{type(error).__name__}: {error}"
        os.write(write, json.dumps(result).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        result = json.loads(pipe.read())
    os.waitpid(child, 0)
    return result


def test_a_loop_whose_thread_has_ended_is_finished():
    run = attached()
    heard = threading.Event()
    loop = Loop(run)
    loop.start()
    assert wait_until(lambda: run.step > 5)
    run.add_listener(heard.set)
    loop.quit = True
    loop.join(10)
    assert wait_until(lambda: run.status == "finished")
    assert heard.is_set(), "widgets hear of it"
    assert len(run.history["loss"]) == run.step


def test_a_second_loop_is_refused_while_the_first_is_alive():
    run = attached()
    first, second = Loop(run), Loop(run)
    first.start()
    assert wait_until(lambda: run.step > 5)
    second.start()
    second.join(10)
    assert isinstance(second.ended, OptionError)
    assert "a loop in another thread, and two would be mixed; expected one loop a run" in str(second.ended)
    assert first.is_alive(), "the first one goes on"
    first.quit = True
    first.join(10)
    run.log(loss=1.0)  # its thread has gone: another loop may take the run up
    assert run.status == "running"
    run.finish()


def test_values_by_epoch_may_come_from_another_thread():
    run = attached()
    loop = Loop(run)
    loop.start()
    assert wait_until(lambda: run.step > 5)
    for value in (3.0, 5.0):
        run.log(val_loss=value)
    step = run.step
    assert wait_until(lambda: run.step > step + 5), "the loop is still that of its thread"
    loop.quit = True
    loop.join(10)
    assert loop.ended is None
    assert np.nanmean(run.history["val_loss"]) == 4.0


def test_a_run_in_a_forked_process_belongs_to_another(caplog):
    run = attached()
    run.log(loss=1.0)

    def child():
        for _ in range(3):
            run.log(loss=2.0)
        said = [record.getMessage() for record in caplog.records]
        try:
            run.wait(progress=False)
        except OptionError as error:
            said.append(str(error))
        return {"status": run.status, "said": said, "losses": run.history["loss"].tolist()}

    found = in_fork(child)
    assert found["status"] == "failed"
    assert found["losses"] == [1.0]
    once, waited = found["said"]
    assert once.startswith("AttachedRun('Chapter on noise') belongs to another process: what this one (pid")
    assert "belongs to another process" in waited
    assert (run.status, run.step) == ("running", 1)
    assert "a process that was forked off logs to AttachedRun('Chapter on noise')" in run.warning
    assert 'Trainer(strategy="auto", devices=1)' in run.warning


def test_a_background_run_in_a_forked_process_is_over_and_its_model_free():
    run = start(epochs=None)
    assert wait_until(lambda: run.step > 2)

    def child():
        said = []
        for command in (run.resume, lambda: run.wait(progress=False)):
            try:
                command()
            except OptionError as error:
                said.append(str(error))
        said.append(train(run.model, make_data(), batch_size=16, start=False).status)
        return [run.status, *said]

    found = in_fork(child)
    assert isinstance(found, list), found
    status, resumed, waited, new = found
    assert (status, new) == ("failed", "created")
    assert "belongs to another process" in resumed
    assert "belongs to another process" in waited
    assert run.status == "running"
    run.close()


def test_only_rank_0_of_several_processes_is_recorded(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("RANK", "0")
    first = attached()
    first.log(loss=1.0)
    assert first.engine == "a loop of its own, rank 0 of 4, of which rank 0 alone is recorded and drawn"
    assert (first.step, first.warning) == (1, None)
    first.finish()
    monkeypatch.setenv("RANK", "3")
    other = attached()
    other.log(loss=1.0)
    other.log(val_loss=1.0)
    assert (other.step, other.status) == (0, "created")
    assert other.warning == (
        "this is rank 3 of 4, of which rank 0 alone is recorded and drawn: what this process logs is not "
        "shown."
    )


def test_alone_there_is_nothing_to_say():
    run = attach(make_model(), make_data())
    assert (run.engine, run.warning) == ("a loop of its own", None)
