"""`load_run`: a run from its file."""

from __future__ import annotations

import math
import os
import warnings
from typing import Any

import torch
from torch import nn

from vaewidgets.adapters.seeded import seeded
from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.checks import flag, instance
from vaewidgets.data import ImageDataset, load_dataset
from vaewidgets.engine.engine import Engine
from vaewidgets.engine.snapshot import Shell
from vaewidgets.errors import CheckpointError, DataError, OptionError
from vaewidgets.models import build
from vaewidgets.objectives import Bernoulli, Likelihood, Objective, get_likelihood, objective_from_dict
from vaewidgets.runs.api import assemble, pick_device, prepare_model
from vaewidgets.runs.archived import ArchivedRun
from vaewidgets.runs.background import TrainingRun
from vaewidgets.runs.claims import check_unclaimed
from vaewidgets.runs.file_weights import check_size, fit_to_model, n_values, whole_weights
from vaewidgets.runs.options import check_data
from vaewidgets.runs.run_file import LoadedRun, check_shapes, describe_data, load_weights, read


def load_run(
    path: str | os.PathLike[str],
    *,
    model: nn.Module | None = None,
    data: ImageDataset | None = None,
    device: str | torch.device | None = None,
    objective: Objective | None = None,
    salvage: bool = False,
) -> TrainingRun | ArchivedRun:
    """Load a run that `run.save` or the autosave wrote. Executes no code of the file.

    Parameters
    ----------
    path : str or Path
    model : nn.Module, optional
        One built with the same options; its weights are overwritten. Built-in models are rebuilt without.
    data : ImageDataset, optional
        By default the set of the saved name, if `load_dataset` knows it and finds it on this machine in the
        same size. Without data the run can be looked at, but not resumed or evaluated.
    device : str or torch.device, optional
    objective : Objective, optional
        By default the one in the file. Needed to go on where it was none of ours, which cannot be kept.
    salvage : bool, default False
        Load what is whole of a file that is cut off or damaged in part, and say what is not in a warning and
        in `run.lost`. Weights that are lost come from the newest whole ones of the time line, in half
        precision, else they are those that `model` has. Without its header a file holds nothing.

    Returns
    -------
    TrainingRun or ArchivedRun
        An `ArchivedRun` where something is missing that it needs to go on. Its status is "stopped" or
        "finished"; `resume` goes on. Saved between two epochs or in the middle of one, it goes on bit for bit
        as the uninterrupted run on a CPU, but for a beta that was a function (its value is kept) and for what
        the model itself draws from torch's global generator (dropout).

    Raises
    ------
    CheckpointError
        If the file is none of ours, is damaged (the entry is named), or does not fit the model (the first
        tensor that differs is named) or the data. All of it is checked before anything is built.
    OptionError
        If another run is training the model.
    """
    if objective is not None:
        instance("objective", objective, Objective, "an Objective, such as vw.ELBO()")
    loaded = read(path, salvage=flag("salvage", salvage))
    facts, faults = loaded.facts, loaded.faults
    options = dict(facts["options"])
    where = pick_device(device)
    options["device"] = str(where)
    data = _find_data(loaded, data, path)
    if model is None:
        model = _rebuild(loaded, data, path)
    check_unclaimed(model)
    if data is None:
        vae: Any = model
        likelihood = _likelihood(facts, path)
    else:
        # files from before did not say how a foreign model was read
        vae, likelihood = prepare_model(model, data, where, **_reading(facts))
    goal = objective or objective_from_dict(facts.get("objective", {"name": "elbo"}))
    weights = whole_weights(loaded, vae) if salvage else loaded.weights
    check_shapes(vae, weights, path)
    fit_to_model(loaded, vae)
    load_weights(vae, weights, path)
    vae.to(where)
    what: dict[str, Any] = {
        "model": vae,
        "data": data,
        "likelihood": likelihood,
        "objective": goal,
        "recorder": loaded.recorder,
        "device": where,
        "options": options,
        "name": facts["name"],
        "autosave_seconds": options.get("autosave_seconds") if options.get("autosave") else None,
        "status": "finished" if facts["status"] == "finished" else "stopped",
    }
    why = _why_archived(loaded, data, goal)
    run: TrainingRun | ArchivedRun
    if why is None:
        run = TrainingRun(_engine(loaded, what), **what)
    else:
        position = {name: facts[name] for name in ("step", "epoch", "epochs")}
        run = ArchivedRun(**position, state=loaded.engine, why=why, shell=Shell(vae), **what)
    run.restore(loaded)
    if faults.lost:
        first = "; ".join(faults.lost[:5]) + (
            f"; {len(faults.lost) - 5} more" if len(faults.lost) > 5 else ""
        )
        warnings.warn(
            f"{str(path)!r} was loaded without what is damaged: {first}. See run.lost.", stacklevel=2
        )
    return run


def _why_archived(loaded: LoadedRun, data: ImageDataset | None, objective: Objective | None) -> str | None:
    """Say why a run cannot go on; None if it can."""
    facts = loaded.facts
    if loaded.engine is None and loaded.had_engine:
        return (
            "was salvaged from a damaged file without all that training needs to go on: start a new run from "
            "its weights, vw.train(run.model, data)"
        )
    if loaded.engine is None:
        return (
            "was trained by a loop of its own: go on with that, run = vw.attach(model, data, after=run), or "
            "start a new run, vw.train(run.model, data)"
        )
    if data is None:
        return f"was loaded without its data, {facts['options'].get('dataset')!r}: load_run(path, data=...)"
    if objective is None:
        name = facts["objective"]["name"]
        return f"was trained with an objective of your own, {name!r}: load_run(path, objective=...)"
    return None


def _engine(loaded: LoadedRun, what: dict[str, Any]) -> Engine:
    names = ("model", "data", "likelihood", "objective", "recorder", "options")
    state = loaded.engine
    assert state is not None
    engine = assemble(**{name: what[name] for name in names}, schedule=state.schedule)
    engine.restore(state)
    engine.lr, engine.epochs = state.lr, state.epochs
    return engine


def _find_data(loaded: LoadedRun, data: ImageDataset | None, path: Any) -> ImageDataset | None:
    """The data given, checked, or the named set if it is here in the same size."""
    wanted = loaded.facts["data"]
    if data is not None:
        check_data(data)
        got = describe_data(data)
        for name in ("image_shape", "value_range") if wanted else ():
            if got[name] != wanted[name]:
                raise CheckpointError(
                    f"{str(path)!r} was trained on data of {name} {tuple(wanted[name])}; "
                    f"the data given have {tuple(got[name])}."
                )
        return data
    # A decoder has a weight for each pixel, at least: no set is made in a size that only the file speaks of.
    if wanted is None or math.prod(wanted["image_shape"]) > n_values(loaded.weights):
        return None
    try:
        found = load_dataset(
            wanted["name"],
            size=tuple(wanted["image_shape"][1:]),
            value_range=tuple(wanted["value_range"]),
            download=False,
        )
    except (DataError, OptionError):
        return None
    return found if describe_data(found) == wanted else None


def _rebuild(loaded: LoadedRun, data: ImageDataset | None, path: Any) -> nn.Module:
    facts = loaded.facts
    if facts["model"] is None:
        raise CheckpointError(
            f"{str(path)!r} holds the weights of a {facts['model_class']}, which is no built-in model. Give "
            "one with the same options: load_run(path, model=...)."
        )
    try:
        check_size(loaded, path)
        with restored_modes(), seeded(0):  # the weights are written over; the caller's random numbers stay
            model: Any = build(facts["model"])
    except (OptionError, TypeError, ValueError, RuntimeError, ArithmeticError, MemoryError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{str(path)!r}: its model cannot be built ({error}).") from error
    if data is not None and model.image_shape != data.image_shape:
        raise CheckpointError(
            f"{str(path)!r}: its model takes images of shape {model.image_shape}, and its data have images "
            f"of shape {data.image_shape}; expected the same. What the file says of one of them is damaged."
        )
    return model


def _likelihood(facts: dict[str, Any], path: Any) -> Likelihood:
    """That of a run without data."""
    if facts["likelihood"] is None:
        raise CheckpointError(
            f"{str(path)!r} has lost its likelihood: give the data, load_run(path, data=...)."
        )
    likelihood = get_likelihood(facts["likelihood"], **facts.get("likelihood_options", {}))
    return Bernoulli(binary=facts["normalised"]) if isinstance(likelihood, Bernoulli) else likelihood


def _reading(facts: dict[str, Any]) -> dict[str, Any]:
    """How a foreign model was read, as options of `as_vae`; files from before did not say."""
    reading = dict(facts.get("reading") or {})
    if reading and facts["likelihood"] and facts.get("likelihood_options"):
        reading["likelihood"] = get_likelihood(facts["likelihood"], **facts["likelihood_options"])
    return reading
