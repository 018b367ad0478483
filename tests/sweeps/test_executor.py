"""Sweeps on executors: the same numbers, lost workers, failed cells, stopping, interrupts."""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.forked import python
from tests.runs.conftest import make_data, nearly, wait_until
from vaewidgets.errors import CellError, DivergedError, OptionError
from vaewidgets.models import MLPVAE
from vaewidgets.sweeps import sweep
from vaewidgets.sweeps.task import run_task

SMALL = {"hidden": (8,), "batch_size": 16, "epochs": 2}


def small(executor, **options):
    return sweep(MLPVAE, make_data(), executor=executor, **{**SMALL, **options})


class Fateful(Exception):
    """Not picklable as it is made: unpickling calls it with one argument."""

    def __init__(self, what, why):
        super().__init__(f"{what}: {why}")


def make_fateful(image_shape, fate, home, folder):
    """A model, unless its fate is to take its process with it; at home it does no harm."""
    if os.getpid() != home:
        marker = Path(folder, f"{fate}-died")
        if fate == "dies" or (fate == "dies once" and not marker.exists()):
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if fate == "raises":
            raise Fateful("a model", "that cannot be built there")
    return MLPVAE(image_shape, hidden=(8,))


def sigint_and_threads():
    return signal.getsignal(signal.SIGINT), torch.get_num_threads()


@pytest.fixture(scope="module")
def context():
    """Processes that have imported torch already, forked from one that runs no thread."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["vaewidgets.sweeps", __name__])
    return context


class Losing(Executor):
    """Runs tasks at once, but loses the first so many of each cell: begun, or waiting for a worker."""

    def __init__(self, losses, error, *, begun=True):
        self.losses, self.error, self.begun = losses, error, begun
        self.seen = []

    def submit(self, fn, /, task):
        future = Future()
        self.seen.append((task.plan.name, task.attempt))
        if task.attempt < self.losses.get(task.plan.name, 0):
            if self.begun:
                task.mark_path.touch()
            future.set_exception(self.error)
        else:
            future.set_result(fn(task))
        return future


class KilledWorker(Exception):
    """Named as that of dask.distributed."""


def test_threads_give_the_same_numbers_and_leave_torch_alone():
    threads = torch.get_num_threads()
    here = small(None, beta=[0.5, 4], latent_dim=[1, 2]).wait()
    with ThreadPoolExecutor(2) as pool:
        there = small(pool, beta=[0.5, 4], latent_dim=[1, 2]).wait()
    assert [cell.where[1] for cell in there] == [os.getpid()] * 4
    assert torch.get_num_threads() == threads
    for mine, theirs in zip(here.table(), there.table(), strict=True):
        assert mine == nearly(theirs), "as one batched model and alone: up to rounding"
    run = there.cell(beta=4, latent_dim=2).run
    mine = here.cell(beta=4, latent_dim=2).run
    np.testing.assert_allclose(run.history["loss"], mine.history["loss"], rtol=1e-5)
    run.epochs = 3
    run.resume()
    assert run.wait().step == 18, "a run that came back goes on like any other"


def test_a_folder_keeps_cells_and_a_temporary_one_goes_with_the_sweep(tmp_path):
    with ThreadPoolExecutor(1) as pool:
        out = small(pool, beta=[1, 2], folder=tmp_path).wait()
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted(cell.path.name for cell in out)
        again = small(pool, beta=[1, 2, 3], folder=tmp_path).wait()
        assert [cell.where is None for cell in again] == [True, True, False]
        assert again.table()[:2] == out.table()
        loose = small(pool).wait()
    folder = loose[0].path.parent
    assert folder.is_dir()
    del loose
    assert wait_until(lambda: not folder.exists())


def test_stopping_keeps_what_there_is():
    with ThreadPoolExecutor(1) as pool:
        out = small(pool, beta=[1, 2], epochs=None)
        assert wait_until(lambda: out[0].status == "submitted")
        assert not out.has_ended
        with pytest.raises(OptionError, match="on an executor cannot pause"):
            out.pause()
        out.close()
        assert [cell.status for cell in out] == ["stopped", "stopped"]
        assert [run.status for run in out.runs] == ["stopped"]
        assert [row["status"] for row in out.wait().table()] == ["stopped", "stopped"]


def test_a_lost_worker_costs_a_retry():
    pool = Losing({"beta=1": 1, "beta=2": 2}, KilledWorker("beta"))
    out = small(pool, beta=[0, 1, 2], retries=1)
    with pytest.warns(
        UserWarning, match=r"1 of 3 cells failed.*beta=2: CellError.*lost with its worker 2 time"
    ):
        out.wait()
    assert [cell.status for cell in out] == ["finished", "finished", "failed"]
    assert [cell.lost for cell in out] == [0, 1, 2]
    assert sorted(pool.seen) == [("beta=0", 0), ("beta=1", 0), ("beta=1", 1), ("beta=2", 0), ("beta=2", 1)]
    assert isinstance(out[2].error.__cause__, KilledWorker)
    assert "KilledWorker" in out.table()[2]["error"]
    assert len(out.runs) == 2


def test_a_cell_that_waited_for_a_lost_worker_is_charged_nothing_but_not_for_ever():
    pool = Losing({"beta=1": 5, "beta=2": 99}, KilledWorker("another"), begun=False)
    out = small(pool, beta=[0, 1, 2], retries=1)
    with pytest.warns(UserWarning, match=r"1 of 3 cells failed.*beta=2"):
        out.wait()
    assert [cell.status for cell in out] == ["finished", "finished", "failed"]
    assert [cell.lost for cell in out] == [0, 0, 2], "charged from the twenty-first loss on"
    assert len(pool.seen) == 1 + 6 + 22


def test_what_is_no_loss_is_not_tried_again():
    pool = Losing({"beta=1": 9}, TypeError("cannot be pickled"))
    with pytest.warns(UserWarning, match="cannot be pickled"):
        small(pool, beta=[0, 1]).wait()
    assert len(pool.seen) == 2
    broken = Losing({"beta=1": 9}, BrokenProcessPool("gone"))
    with pytest.warns(UserWarning, match="lost with its worker"):
        small(broken, beta=[0, 1]).wait()


def test_an_executor_that_is_shut_down():
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(RuntimeError, match="after shutdown"):
        small(pool, beta=[0, 1]).wait()


def test_a_diverged_cell_comes_back_with_its_history():
    with ThreadPoolExecutor(1) as pool:
        out = small(pool, lr=[1e-3, 1e30])
        with pytest.warns(UserWarning, match="DivergedError"):
            out.wait()
    (cell,) = out.failed
    assert isinstance(cell.error, DivergedError)
    assert cell.run.status == "failed"
    assert cell.run.step == cell.error.step == len(cell.run.history["loss"])
    assert all(torch.isfinite(p).all() for p in cell.run.model.parameters())


def test_settings_are_tried_before_anything_is_sent():
    pool = Losing({}, None)
    with pytest.raises(OptionError, match="latent_dim is 0"):
        small(pool, latent_dim=[1, 0])
    assert pool.seen == []


def test_a_client_is_no_executor():
    class Client:
        def get_executor(self): ...

    with pytest.raises(OptionError, match=r"of type Client; expected .*executor=client.get_executor\(\)"):
        small(Client())


def test_a_process_pool_that_breaks(context, tmp_path):
    options = {"home": os.getpid(), "folder": str(tmp_path)}
    fates = ["fine", "dies", "fine too", "dies once", "raises", "fine, three"]
    here = sweep(
        make_fateful,
        make_data(),
        fate=fates[:1],
        batch_size=16,
        epochs=2,
        grid={name: [value] for name, value in options.items()},
    ).wait()
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        out = sweep(
            make_fateful,
            make_data(),
            grid={"fate": fates} | {name: [value] for name, value in options.items()},
            executor=pool,
            batch_size=16,
            epochs=2,
        )
        with pytest.warns(UserWarning, match="2 of 6 cells failed"):
            out.wait()
        with pytest.raises(BrokenProcessPool):  # it stays the caller's, as it is
            pool.submit(os.getpid).result()
    by_fate = {cell.settings["fate"]: cell for cell in out}
    status = {fate: cell.status for fate, cell in by_fate.items()}
    assert status == dict.fromkeys(fates, "finished") | {"dies": "failed", "raises": "failed"}
    assert by_fate["dies"].lost >= 2
    assert by_fate["dies once"].lost >= 1
    assert isinstance(by_fate["dies"].error, CellError)
    assert "lost with its worker" in str(by_fate["dies"].error)
    assert str(by_fate["raises"].error) == "Fateful: a model: that cannot be built there"
    assert "make_fateful" in by_fate["raises"].error.__notes__[0], "the worker's own traceback"
    assert all(cell.where[1] != os.getpid() for cell in out if cell.status == "finished")
    wanted = here[0].run.history["loss"]
    for fate in ("fine", "fine too", "dies once"):
        np.testing.assert_allclose(by_fate[fate].run.history["loss"], wanted, rtol=1e-5)


def name_it(name):
    os.environ["VAEWIDGETS_TEST_POOL"] = name


def make_named(image_shape, home, folder):
    """A model, in a process that `name_it` has prepared; the first one is killed."""
    if os.getpid() != home:
        assert os.environ["VAEWIDGETS_TEST_POOL"] == "prepared"
        marker = Path(folder, "died")
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    return MLPVAE(image_shape, hidden=(8,))


def test_a_function_makes_the_pool_and_what_replaces_it(context, tmp_path):
    made = []

    def make():
        made.append(ProcessPoolExecutor(1, mp_context=context, initializer=name_it, initargs=("prepared",)))
        return made[-1]

    options = {"home": os.getpid(), "folder": str(tmp_path), "batch_size": 16, "epochs": 1}
    out = sweep(
        make_named, make_data(), executor=make, beta=[1, 2], grid={k: [v] for k, v in options.items()}
    )
    out.wait()
    assert [cell.status for cell in out] == ["finished", "finished"]
    assert [cell.lost for cell in out] == [1, 0], "what was not begun is not charged"
    assert len(made) == 2
    with pytest.raises(RuntimeError, match="after shutdown"):
        made[1].submit(os.getpid)
    assert out.engine == "tasks on ProcessPoolExecutor"


def test_workers_ignore_interrupts_and_take_one_thread(context):
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        small(pool, threads_per_cell=1).wait()
        assert pool.submit(sigint_and_threads).result() == (signal.SIG_IGN, 1)


def test_a_worker_that_does_not_see_the_folder(tmp_path):
    class Elsewhere(Executor):
        def submit(self, fn, /, task):
            future = Future()
            future.set_result(fn(replace(task, data=tmp_path / "none.safetensors")))
            return future

    with pytest.raises(CellError, match="must be one that all workers see"):
        small(Elsewhere()).wait()


def test_a_task_is_plain(tmp_path):
    seen = []

    class Keeping(Losing):
        def submit(self, fn, /, task):
            seen.append(pickle.dumps((fn, task)))
            return super().submit(fn, task)

    small(Keeping({}, None), beta=[1]).wait()
    assert len(seen[0]) < 4000, "a path, not the pixels"
    assert pickle.loads(seen[0])[0] is run_task


KILLED = """
    import os, signal, sys
    from concurrent.futures import ThreadPoolExecutor
    from vaewidgets.models import MLPVAE
    from vaewidgets.sweeps import sweep
    from tests.runs.conftest import make_data
    out = sweep(MLPVAE, make_data(), beta=[1, 2], hidden=(8,), batch_size=16, epochs=100_000,
                executor=ThreadPoolExecutor(1), folder={folder!r})
    print(out.id, flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_what_a_killed_sweep_left_goes_at_the_next_start_that_of_a_living_one_stays(tmp_path):
    # a dot is what marks our own files in the folder
    def hidden():
        return {path.name for path in tmp_path.iterdir() if path.name.startswith(".")}

    code = python(textwrap.dedent(KILLED).format(folder=str(tmp_path)))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    with subprocess.Popen(code, env=environment, **pipes) as victim:
        of_it = victim.stdout.readline().strip()
        assert f".data-{of_it}.safetensors" in hidden()
        before = hidden()
        sweep(MLPVAE, make_data(), beta=[7], folder=tmp_path, **SMALL).wait(progress=False)
        assert before <= hidden()
        victim.terminate()
    (tmp_path / ".data-0123456789ab.safetensors").touch()  # of a version that left no mark
    (tmp_path / ".stop-0123456789ab").touch()
    sweep(MLPVAE, make_data(), beta=[8], folder=tmp_path, **SMALL).wait(progress=False)
    assert hidden() == set()
