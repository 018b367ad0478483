"""`train` and `load_run`: check everything, then start."""

from __future__ import annotations

import difflib
import inspect
import os
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from vaewidgets.data import ImageDataset, load_dataset
from vaewidgets.errors import CheckpointError, DataError, OptionError
from vaewidgets.models import build
from vaewidgets.objectives import ELBO, Bernoulli, Likelihood, Schedule, as_schedule, get_likelihood
from vaewidgets.protocol import as_vae, check_vae
from vaewidgets.training.background import TrainingRun, check_epochs, check_lr, check_speed
from vaewidgets.training.cells import current_cell, take_over
from vaewidgets.training.checkpoint import LoadedRun, describe_data, load_weights, read
from vaewidgets.training.engine import Engine, EngineState
from vaewidgets.training.optimizers import check_optimizer
from vaewidgets.training.recorder import Recorder
from vaewidgets.training.snapshot import Shell

__all__ = ["load_run", "pick_device", "prepare_model", "train"]

_NAMED = ("digits", "mnist", "fashion-mnist", "frey")


def train(
    model: nn.Module,
    data: ImageDataset,
    *,
    epochs: int | None = 10,
    beta: float | Callable[[int], float] | Schedule = 1.0,
    batch_size: int = 128,
    lr: float = 1e-3,
    optimizer: str = "adam",
    seed: int = 0,
    device: str | torch.device | None = None,
    eval_every: int = 1,
    drop_last: bool = False,
    speed: float | None = None,
    autosave: bool = True,
    autosave_seconds: float = 30.0,
    start: bool = True,
    name: str | None = None,
    **unknown: Any,
) -> TrainingRun:
    """Train a VAE in the background. Returns at once.

    Running the same notebook cell again stops the run that it started before.

    Parameters
    ----------
    model : nn.Module
        A built-in model, or any that `as_vae` recognises. It is moved to the device, and trained in place.
    data : ImageDataset
    epochs : int or None
        None to train until stopped.
    beta : float, callable or Schedule
        Weight of the KL term, at least 0; a function takes the step, from 0.
    batch_size : int
        At most the number of training images.
    lr : float
        Learning rate, above 0.
    optimizer : {"adam", "adamw", "sgd", "adagrad"}
        With torch's defaults.
    seed : int
        Of the order, the noise of training and that of evaluation. The weights are the model's own.
    device : str or torch.device, optional
        By default the accelerator that torch finds (cuda, xpu, mps), else the CPU.
    eval_every : int
        Evaluate on the test set every so many epochs; 0 for never.
    drop_last : bool
        Leave out an epoch's last batch where it is smaller.
    speed : float, optional
        Epochs a second at most, to watch; full speed by default.
    autosave : bool
        Save to the user's cache (or VAEWIDGETS_CACHE) every `autosave_seconds` and at the end; the newest
        20 runs are kept. See `TrainingRun.autosave_path`.
    autosave_seconds : float
    start : bool
        False to start it by `resume` or `advance`.
    name : str, optional

    Returns
    -------
    TrainingRun

    Raises
    ------
    OptionError, DataError, ProtocolError
        Before anything is trained: an option out of its range or unknown, data that the likelihood cannot
        score, a model that does not speak the protocol.
    """
    _refuse_unknown(unknown)
    _check_data(data)
    _check_counts(data, batch_size, seed, eval_every)
    where = pick_device(device)
    vae, likelihood = prepare_model(model, data, where)
    options: dict[str, Any] = {
        "epochs": check_epochs(epochs),
        "batch_size": batch_size,
        "lr": check_lr(lr),
        "optimizer": check_optimizer(optimizer),
        "seed": seed,
        "eval_every": eval_every,
        "drop_last": bool(drop_last),
        "device": str(where),
        "autosave": bool(autosave),
        "autosave_seconds": _check_seconds(autosave_seconds),
        "dataset": data.name,
    }
    schedule = as_schedule(beta)
    options |= {"beta": schedule.describe(), "speed": check_speed(speed)}
    recorder = Recorder()
    engine = _assemble(vae, data, likelihood, recorder=recorder, options=options, schedule=schedule)
    run = TrainingRun(
        engine,
        autosave_seconds=options["autosave_seconds"] if options["autosave"] else None,
        speed=speed,
        model=vae,
        data=data,
        likelihood=likelihood,
        recorder=recorder,
        device=where,
        options=options,
        name=name,
        shell=engine.shell,
    )
    take_over(run, current_cell())
    if start:
        run.resume()
    return run


def load_run(
    path: str | os.PathLike[str],
    *,
    model: nn.Module | None = None,
    data: ImageDataset | None = None,
    device: str | torch.device | None = None,
) -> TrainingRun:
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

    Returns
    -------
    TrainingRun
        Its status is "stopped" or "finished"; `resume` goes on. Saved between two epochs or in the middle of
        one, it goes on bit for bit as the uninterrupted run on a CPU, but for a beta that was a function
        (its value is kept) and for what the model itself draws from torch's global generator (dropout).

    Raises
    ------
    CheckpointError
        If the file is none of ours, or does not fit the model (the first tensor that differs is named) or
        the data.
    """
    loaded = read(path)
    facts = loaded.facts
    options = dict(facts["options"])
    where = pick_device(device)
    options["device"] = str(where)
    data = _find_data(facts, data, path)
    if model is None:
        model = _rebuild(facts, path)
    if data is None:
        vae: Any = model
        likelihood: Likelihood = get_likelihood(facts["likelihood"])
        if isinstance(likelihood, Bernoulli):
            likelihood = Bernoulli(binary=bool(facts["normalised"]))
    else:
        vae, likelihood = prepare_model(model, data, where)
    load_weights(vae, loaded.weights, path)
    vae.to(where)
    return _revive(vae, data, likelihood, loaded, options)


def pick_device(device: str | torch.device | None) -> torch.device:
    """The device named, or torch's accelerator, or the CPU; OptionError if it is not there."""
    if device is None:
        found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        return found or torch.device("cpu")
    try:
        # an allocation, since a name alone says nothing about the machine
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError, TypeError) as error:
        first = str(error).splitlines()[0]
        raise OptionError(
            f"device {str(device)!r} cannot be used here ({first}). Leave it out for the best there is."
        ) from None


def prepare_model(
    model: nn.Module, data: ImageDataset, device: torch.device, **options: Any
) -> tuple[Any, Likelihood]:
    """Adapt a model, move it to the device, try it, and find its likelihood for the data.

    Returns
    -------
    model, likelihood
    """
    vae = as_vae(model, image_shape=data.image_shape, value_range=data.value_range, **options)
    likelihood = get_likelihood(vae.likelihood)
    likelihood.check(data)
    if not any(p.requires_grad for p in vae.parameters()):
        raise OptionError(
            f"{type(model).__name__} has no parameter that requires a gradient: nothing to train."
        )
    vae.to(device)
    check_vae(vae, data.image_shape, data.value_range, device)
    return vae, likelihood.fitted_to(data)


def _assemble(
    model: Any,
    data: ImageDataset,
    likelihood: Likelihood,
    *,
    recorder: Recorder,
    options: dict[str, Any],
    schedule: Schedule,
) -> Engine:
    names = ("epochs", "lr", "optimizer", "batch_size", "drop_last", "seed", "eval_every")
    return Engine(
        model,
        data,
        ELBO(likelihood),
        recorder,
        schedule=schedule,
        device=torch.device(options["device"]),
        **{name: options[name] for name in names},
    )


def _revive(
    model: Any, data: ImageDataset | None, likelihood: Likelihood, loaded: LoadedRun, options: dict[str, Any]
) -> TrainingRun:
    facts, state = loaded.facts, loaded.engine
    engine: Engine | EngineState
    cannot_resume = None
    if data is not None and state is not None:
        engine = _assemble(
            model, data, likelihood, recorder=loaded.recorder, options=options, schedule=state.schedule
        )
        engine.restore(state)
        engine.lr, engine.epochs = state.lr, state.epochs
    elif state is not None:
        engine = state
        cannot_resume = f"was loaded without its data, {options.get('dataset')!r}: load_run(path, data=...)"
    else:
        engine = EngineState.at(facts["step"], facts["epoch"], facts["epochs"])
        cannot_resume = "was trained by a loop of its own: start a new run, vw.train(run.model, data)"
    run = TrainingRun(
        engine,
        autosave_seconds=options.get("autosave_seconds") if options.get("autosave") else None,
        status="finished" if facts["status"] == "finished" else "stopped",
        cannot_resume=cannot_resume,
        model=model,
        data=data,
        likelihood=likelihood,
        recorder=loaded.recorder,
        device=torch.device(options["device"]),
        options=options,
        name=facts["name"],
        shell=engine.shell if isinstance(engine, Engine) else Shell(model),
    )
    run.data_facts = facts["data"]
    return run


def _find_data(facts: dict[str, Any], data: ImageDataset | None, path: Any) -> ImageDataset | None:
    """The data given, checked, or the named set if it is here in the same size."""
    wanted = facts["data"]
    if data is not None:
        _check_data(data)
        got = describe_data(data)
        for name in ("image_shape", "value_range"):
            if got[name] != wanted[name]:
                raise CheckpointError(
                    f"{str(path)!r} was trained on data of {name} {tuple(wanted[name])}; "
                    f"the data given have {tuple(got[name])}."
                )
        return data
    if wanted["name"] not in _NAMED:
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


def _rebuild(facts: dict[str, Any], path: Any) -> nn.Module:
    if facts["model"] is None:
        raise CheckpointError(
            f"{str(path)!r} holds the weights of a {facts['model_class']}, which is no built-in model. Give "
            "one with the same options: load_run(path, model=...)."
        )
    try:
        return build(facts["model"])
    except (OptionError, TypeError) as error:
        raise CheckpointError(f"{str(path)!r}: its model cannot be built ({error}).") from error


def _refuse_unknown(unknown: dict[str, Any]) -> None:
    if not unknown:
        return
    known = [name for name in inspect.signature(train).parameters if name != "unknown"]
    name = next(iter(unknown))
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else f" It takes: {', '.join(known)}."
    raise OptionError(f"train has no option {name!r}.{hint}")


def _check_data(data: object) -> None:
    if not isinstance(data, ImageDataset):
        raise OptionError(
            f"data is of type {type(data).__name__}; wanted an ImageDataset. Make one: "
            "vw.ImageDataset(images, labels), or vw.load_dataset('mnist')."
        )


def _check_counts(data: ImageDataset, batch_size: object, seed: object, eval_every: object) -> None:
    for name, value, least in (
        ("batch_size", batch_size, 1),
        ("seed", seed, 0),
        ("eval_every", eval_every, 0),
    ):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise OptionError(f"{name} is {value!r}; wanted a whole number of at least {least}.")
    n = len(data.train)
    if batch_size > n:  # type: ignore[operator]
        raise OptionError(
            f"batch_size is {batch_size}, but {data.name!r} has {n} training images; wanted at most {n}."
        )


def _check_seconds(seconds: object) -> float:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        raise OptionError(f"autosave_seconds is {seconds!r}; wanted a number of seconds above 0.")
    return float(seconds)
