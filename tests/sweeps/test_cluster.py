"""Sweeps on Dask clusters whose processes are killed on the way: by us, and by what a cell does."""

import os
import signal
from contextlib import contextmanager

import pytest

from tests.runs.conftest import wait_until
from vaewidgets.data import load_dataset
from vaewidgets.errors import CellError
from vaewidgets.models import MLPVAE
from vaewidgets.sweeps import remote, sweep

distributed = pytest.importorskip(
    "distributed", reason="dask.distributed is not installed: vaewidgets[cluster]"
)

GRID = {"beta": [0.5, 1.0, 4.0], "latent_dim": [1, 2, 4]}
OPTIONS = {"hidden": (32,), "batch_size": 128, "epochs": 8, "seed": 7}


@contextmanager
def cluster_of(n_workers, folder):
    """A client of so many processes; threads that talk to one which is killed complain on their way."""
    with (
        distributed.LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            local_directory=folder,
            memory_limit=0,
            silence_logs=50,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    dask = pytest.importorskip("dask")
    # Dask's own retries of what its workers were killed with would hide ours
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        cluster_of(2, tmp_path_factory.mktemp("dask")) as client,
    ):
        yield client


def test_three_by_three_with_one_worker_killed_in_mid_sweep(client, tmp_path):
    data = load_dataset("digits")
    here = sweep(MLPVAE, data, grid=GRID, **OPTIONS).wait()
    before = set(client.run(os.getpid).values())
    assert len(before) == 2

    there = sweep(
        MLPVAE, data, grid=GRID, executor=client.get_executor(), folder=tmp_path / "sweep", **OPTIONS
    )
    assert wait_until(lambda: sum(cell.has_ended for cell in there) >= 2, seconds=60)
    # one that is busy: what it was doing is lost with it
    busy = {address: keys for address, keys in client.processing().items() if keys}
    victim = client.run(os.getpid, workers=list(busy)[:1])
    (pid,) = victim.values()
    os.kill(pid, signal.SIGKILL)
    assert not there.has_ended, "in mid-sweep"
    there.wait()

    assert [cell.status for cell in there] == ["finished"] * 9
    assert 1 <= sum(cell.lost for cell in there) <= 2, "what the worker held was sent again"
    workers = {cell.where[1] for cell in there}
    assert os.getpid() not in workers
    after = set(client.run(os.getpid).values())
    assert pid not in after
    assert workers <= before | after | {pid}
    mine, theirs = here.table(), there.table()
    assert mine.columns == theirs.columns
    for a, b in zip(mine, theirs, strict=True):
        for name, value in a.items():
            if isinstance(value, float):
                assert b[name] == pytest.approx(value, rel=1e-3), (a, name)
            else:
                assert b[name] == value
    assert here.table().column("test_loss") != [here.table()[0]["test_loss"]] * 9, "cells differ at all"


def make_fateful(image_shape, fate, home):
    """A model, or the end of the worker that is to make it."""
    if fate == "dies" and os.getpid() != home:
        os.kill(os.getpid(), signal.SIGKILL)
    return MLPVAE(image_shape, hidden=(8,))


def test_a_cell_that_kills_its_workers_fails_and_the_rest_finishes(client):
    out = sweep(
        make_fateful,
        load_dataset("digits", n_train=64, n_test=16),
        grid={"fate": ["fine", "dies", "fine too", "fine as well"], "home": [os.getpid()]},
        executor=client.get_executor(),
        retries=2,
        batch_size=32,
        epochs=1,
    )
    with pytest.warns(UserWarning, match=r"1 of 4 cells failed.*lost with its worker"):
        out.wait()
    assert [cell.status for cell in out] == ["finished", "failed", "finished", "finished"]
    assert out[1].lost == 3, "two retries"
    assert isinstance(out[1].error, CellError)


def test_cells_of_a_cluster_that_has_no_worker_left_fail(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(remote._log, "warning", lambda text, n: said.append(text % n))
    monkeypatch.setattr(remote, "_SAID_SECONDS", 1.0)
    monkeypatch.setattr(remote, "_ALONE_SECONDS", 3.0)
    with cluster_of(1, tmp_path / "dask") as client:
        out = sweep(
            MLPVAE,
            load_dataset("digits", n_train=64, n_test=16),
            grid={"beta": [0.5, 1.0, 2.0, 4.0, 8.0]},
            executor=client.get_executor(),
            hidden=(8,),
            batch_size=4,
            epochs=20,
        )
        assert wait_until(lambda: out[0].status == "finished", seconds=60)
        client.cluster.scale(0)  # a worker that is killed again and again in its start leaves Dask so, too
        assert wait_until(lambda: "workers" in out.progress.values, seconds=10)
        with pytest.warns(UserWarning, match="no worker of the cluster is left"):
            out.wait()
    assert out[0].status == "finished"
    assert out[4].status == "failed"
    assert len(said) == 1
    assert "wait for a worker" in said[0]
