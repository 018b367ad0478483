"""`sweep`: check everything, then start."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from torch import nn

from vaewidgets import checks
from vaewidgets.cells import current_cell, note, stop_earlier
from vaewidgets.checks import instance, whole
from vaewidgets.data import ImageDataset
from vaewidgets.errors import OptionError
from vaewidgets.files import is_held, sweep_leftovers
from vaewidgets.runs.api import train
from vaewidgets.runs.claims import check_apart
from vaewidgets.runs.options import check_data
from vaewidgets.sweeps.cell import Cell
from vaewidgets.sweeps.grid import Plan, build_model, plan_cells
from vaewidgets.sweeps.sweep import Sweep
from vaewidgets.sweeps.task import read_status

_TRIED_APART = 32  # cells for an executor whose models are made here, to see that each has its own


def sweep(
    make_model: Callable[..., nn.Module],
    data: ImageDataset,
    *,
    grid: Mapping[str, Sequence[Any]] | None = None,
    executor: Executor | Callable[[], Executor] | None = None,
    folder: str | os.PathLike[str] | None = None,
    retries: int = 1,
    threads_per_cell: int = 1,
    **options: Any,
) -> Sweep:
    """Train a model over a grid of settings. Returns at once.

    Without an executor all cells train in this process, interleaved in one thread, so that their curves move
    together; each is a run like any other. Cells that differ in beta, seed or learning rate only take their
    steps together, as one batched model, where that can be done (`Sweep.engine` says where, and where not).
    With an executor, each cell is a task that writes a run file, read back when it is finished.

    ::

        sweep = vw.sweep(vw.MLPVAE, data, beta=[1, 4, 16], latent_dim=[2, 8], seed=range(3), epochs=20)
        sweep.wait().table()

    Parameters
    ----------
    make_model : class or function
        Makes one model. It is given those keywords that it takes, and, where it takes arguments of these
        names, ``image_shape`` and ``data``. For a process pool it must be importable: defined in a module.
    data : ImageDataset
    grid : dict of sequences, optional
        Values of each swept keyword.
    executor : concurrent.futures.Executor or function that makes one, optional
        Such as ``ProcessPoolExecutor(mp_context=get_context("spawn"))``, or ``client.get_executor()`` of a
        `dask.distributed.Client` (``pip install "vaewidgets[cluster]"``). An executor stays
        yours to shut down; a process pool that breaks, because one of its processes was killed, is replaced
        by one of fresh processes. A function makes the executor and what replaces it, also with an
        initializer: ``executor=lambda: ProcessPoolExecutor(4, initializer=...)``.
    folder : path, optional
        Where each cell's run is saved, every half minute and at its end. A sweep that is started again with
        the same folder skips the cells that are finished and goes on with the others. With an executor, it
        must be one that all workers see; by default a temporary one of this machine is used, and removed
        with the sweep.
    retries : int
        How often a cell is sent again when its worker was killed. Of a local Dask cluster that has lost all
        its workers the cells fail after a minute; another cluster is waited for, which is said.
    threads_per_cell : int
        torch's threads for a cell in another process.
    **options
        Keywords of `make_model` and of `vaewidgets.train`. A list, a range or an array is swept over; a tuple
        or anything else is one value. A value that is a list is put into `grid`: ``grid={"hidden": [[64]]}``.

    Returns
    -------
    Sweep

    Raises
    ------
    OptionError, DataError, ProtocolError
        Before anything is trained: a keyword that nobody takes, with the nearest known one; a setting that
        `make_model` or `train` refuses.

    Notes
    -----
    The seed of a cell (0 by default) is that of its weights, too. A cell has its own generators, and the same
    numbers wherever and beside whatever it is trained, within rounding: except for a model that itself draws
    from torch's global generator while it trains (dropout).
    """
    check_data(data)
    _check_options(executor, retries, threads_per_cell)
    axes, plans = plan_cells(
        make_model, data, grid, options, with_files=folder is not None or executor is not None
    )
    notebook_cell = current_cell()
    stop_earlier(notebook_cell)
    kept = None if folder is None else _make_folder(folder)
    home = kept
    if kept is not None:
        _clear_up(kept)
    if executor is not None and home is None:
        home = Path(tempfile.mkdtemp(prefix="vaewidgets-sweep-"))
    cells = [Cell(plan, data, None if home is None else home / plan.file_name) for plan in plans]
    for cell in cells:
        if cell.path is not None and read_status(cell.path) == "finished":
            cell.becomes("finished")
    open_cells = [cell for cell in cells if not cell.has_ended]
    out = Sweep(axes, cells, data)
    if home is not None and kept is None:
        weakref.finalize(out, _remove, home, os.getpid())
    note(out, notebook_cell)  # before anything trains: an interrupt then leaves nothing that nobody can stop
    if executor is None:
        out.train_here(open_cells)
    else:
        assert home is not None
        _try_settings([cell.plan for cell in open_cells], data)
        out.send(open_cells, executor, home, retries=retries, threads=threads_per_cell)
    return out


def _try_settings(plans: Sequence[Plan], data: ImageDataset) -> None:
    """Refuse here what every worker would refuse: each value is tried once, on the CPU, without a step."""
    check_apart(build_model(plan) for plan in plans[:_TRIED_APART])
    seen: set[tuple[str, str]] = set()
    for plan in plans:
        values = {(name, repr(value)) for name, value in plan.settings.items()}
        if values <= seen and seen:
            continue
        seen |= values
        options = {**plan.train_options, "device": "cpu"}
        train(build_model(plan), data, **options, autosave=False, start=False)


def _make_folder(folder: str | os.PathLike[str]) -> Path:
    path = checks.path("folder", folder).absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError(f"folder={str(folder)!r} cannot be made ({error}); give one to write to.") from None
    return path


def _clear_up(folder: Path) -> None:
    """Delete what sweeps and writers left in a folder when they were killed."""
    sweep_leftovers(folder, ".", ".part")
    for path in [path for what in ("begun", "data", "stop") for path in folder.glob(f".{what}-*")]:
        sweep_id = path.name.split("-")[1].removesuffix(".safetensors")
        if not is_held(folder / f".sweep-{sweep_id}"):
            path.unlink(missing_ok=True)
    sweep_leftovers(folder, ".sweep-")


def _check_options(executor: object, retries: object, threads: object) -> None:
    if executor is not None and (isinstance(executor, type) or not callable(executor)):
        fix = ": executor=client.get_executor()" if hasattr(executor, "get_executor") else ""
        instance("executor", executor, Executor, f"a concurrent.futures.Executor{fix}")
    whole("retries", retries, 0)
    whole("threads_per_cell", threads, 1)


def _remove(folder: Path, process: int) -> None:
    """Delete a sweep's own folder: by its own process, not by one that was forked off and ends."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)
