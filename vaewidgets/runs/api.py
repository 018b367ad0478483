"""`train` and `attach`: check everything, then start."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from vaewidgets.adapters import AdaptedVAE, LossConvention, as_vae, check_vae, loose_tensors
from vaewidgets.cells import current_cell, note, stop_earlier
from vaewidgets.checks import flag, instance, number, one_of
from vaewidgets.data import ImageDataset
from vaewidgets.engine.engine import Engine
from vaewidgets.engine.graphed import check_cuda_graph
from vaewidgets.engine.optimizers import check_optimizer
from vaewidgets.engine.precision import check_precision
from vaewidgets.engine.recorder import Recorder
from vaewidgets.engine.snapshot import Shell, model_tensors
from vaewidgets.errors import OptionError
from vaewidgets.objectives import (
    Constant,
    Likelihood,
    Objective,
    Schedule,
    as_schedule,
    get_likelihood,
    get_objective,
    traits,
)
from vaewidgets.runs.attached import AttachedRun
from vaewidgets.runs.background import TrainingRun
from vaewidgets.runs.claims import check_unclaimed
from vaewidgets.runs.earlier import earlier
from vaewidgets.runs.options import (
    check_counts,
    check_data,
    check_epochs,
    check_labels,
    check_last_batch,
    check_lr,
    check_name,
    check_output,
    check_speed,
    refuse_unknown,
)
from vaewidgets.runs.reading import Reading
from vaewidgets.runs.run import Run


def train(
    model: nn.Module,
    data: ImageDataset,
    *,
    epochs: int | None = 10,
    beta: float | Callable[[int], float] | Schedule = 1.0,
    objective: str | Objective | None = None,
    batch_size: int = 128,
    lr: float = 1e-3,
    optimizer: str = "adam",
    seed: int = 0,
    device: str | torch.device | None = None,
    eval_every: int = 1,
    drop_last: bool = False,
    precision: str = "float32",
    cuda_graph: bool = False,
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
    objective : str or Objective, optional
        What is minimised; by default the model's own, which is the ELBO for a VAE.
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
    precision : {"float32", "bf16"}
        "bf16" computes the model in bfloat16, weights and loss in float32: to the same loss within 0.5 %,
        faster on processors that have it (AMX, AVX512-BF16, GPUs from Ampere on) and refused on others. A
        fully connected VAE on a CPU then leaves its written-out step; `run.engine` tells.
    cuda_graph : bool
        Record a step once and replay it, which spares a small network on a GPU most of its time; only on a
        CUDA device. For models and objectives that do nothing between their operations that the device does
        not see; each replay is that of a plain step, compared with one every 500 steps and given up, with
        the reason in `run.engine`, if they differ. Has been tested without a GPU only, hence not the default.
    speed : float, optional
        Epochs a second at most, to watch; full speed by default.
    autosave : bool
        Save to the user's cache (or VAEWIDGETS_CACHE) every `autosave_seconds` and at the end. It stays as
        long as the run does; of runs that are gone the newest 20 are kept. See `TrainingRun.autosave_path`.
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
        score, a model that does not speak the protocol, or that another run is training.
    """
    refuse_unknown(train, unknown)
    check_data(data)
    flag("start", start)
    check_name(name)
    batch_size, seed, eval_every = check_counts(data, batch_size, seed, eval_every)
    cell = current_cell()
    stop_earlier(cell)
    where = pick_device(device)
    check_unclaimed(model)
    vae, likelihood = prepare_model(model, data, where)
    goal = get_objective(traits(vae).default_objective if objective is None else objective)
    goal.check(vae)
    likelihood.check_computed("training")
    check_last_batch(vae, data, batch_size, drop_last=flag("drop_last", drop_last))
    options: dict[str, Any] = {
        "epochs": check_epochs(epochs),
        "batch_size": batch_size,
        "lr": check_lr(lr),
        "optimizer": check_optimizer(optimizer),
        "seed": seed,
        "eval_every": eval_every,
        "drop_last": drop_last,
        "precision": check_precision(precision, where),
        "cuda_graph": check_cuda_graph(cuda_graph, where),
        "device": str(where),
        "autosave": flag("autosave", autosave),
        "autosave_seconds": number("autosave_seconds", autosave_seconds, above=0),
        "dataset": data.name,
    }
    schedule = as_schedule(beta)
    if isinstance(schedule, Constant) and traits(vae).takes_beta:
        warnings.warn(
            f"{type(vae).__name__} is conditioned on beta, and beta is {schedule.describe()} at every step: "
            "it learns that one alone. For a range write beta=vw.LogUniform(0.1, 10).",
            stacklevel=2,
        )
    options |= {"beta": schedule.describe(), "speed": check_speed(speed), "objective": goal.name}
    recorder = Recorder()
    engine = assemble(vae, data, likelihood, goal, recorder=recorder, options=options, schedule=schedule)
    run = TrainingRun(
        engine,
        autosave_seconds=options["autosave_seconds"] if options["autosave"] else None,
        speed=speed,
        model=vae,
        data=data,
        likelihood=likelihood,
        objective=goal,
        recorder=recorder,
        device=where,
        options=options,
        name=name,
    )
    note(run, cell)
    if start:
        run.resume()
    return run


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


_ADAPTER = ("encode", "decode", "latent_dim", "output", "likelihood", "spread", "prior", "n_classes")


def _shapes(data: ImageDataset) -> dict[str, Any]:
    """What a model must know of the data."""
    items = data.items
    return {
        "image_shape": data.image_shape,
        "item_shape": None if items is None else items.shape,
        "value_range": data.value_range,
        "n_classes": None if data.train.labels is None else max(1, int(data.train.labels.max()) + 1),
    }


def prepare_model(
    model: nn.Module, data: ImageDataset, device: torch.device, **adapter: Any
) -> tuple[Any, Likelihood]:
    """Adapt a model as `as_vae` does, move it to the device, try it, and find its likelihood for the data."""
    vae = as_vae(model, **{**_shapes(data), **adapter})
    if isinstance(vae, AdaptedVAE):  # whatever was possible: this is what it is trained with
        vae.convention = replace(vae.convention, others=())
    likelihood = get_likelihood(vae.likelihood, **traits(vae).likelihood_options)
    likelihood.check(data)
    check_output(vae, data)
    check_labels(vae, data)
    loose = [name for name, tensor in loose_tensors(vae).items() if tensor.requires_grad]
    if loose:
        raise OptionError(
            f"{type(model).__name__} keeps {len(loose)} trainable tensors in a plain list, tuple or dict "
            f"(the first is {loose[0].removeprefix('module.')}), where torch does not find them: they would "
            "not be trained. Use nn.ParameterList, nn.ParameterDict or nn.ModuleList."
        )
    if not any(p.requires_grad for p in vae.parameters()):
        raise OptionError(
            f"{type(model).__name__} has no parameter that requires a gradient: nothing to train."
        )
    vae.to(device)
    check_vae(vae, data.image_shape, data.value_range, device)
    return vae, likelihood.fitted_to(data)


def assemble(
    model: Any,
    data: ImageDataset,
    likelihood: Likelihood,
    objective: Objective,
    *,
    recorder: Recorder,
    options: dict[str, Any],
    schedule: Schedule,
) -> Engine:
    names = ("epochs", "lr", "optimizer", "batch_size", "drop_last", "seed", "eval_every")
    return Engine(
        model,
        data,
        likelihood,
        objective,
        recorder,
        schedule=schedule,
        device=torch.device(options["device"]),
        # files from before had neither
        precision=options.get("precision", "float32"),
        cuda_graph=options.get("cuda_graph", False),
        **{name: options[name] for name in names},
    )


def attach(
    model: nn.Module,
    data: ImageDataset,
    *,
    losses: LossConvention | None = None,
    name: str | None = None,
    autosave: bool = False,
    autosave_seconds: float = 30.0,
    on_bad_value: str = "warn",
    after: Run | str | os.PathLike[str] | None = None,
    **adapter: Any,
) -> AttachedRun:
    """Watch a model that a loop of your own trains: call `run.log(loss=..., recon=..., kl=...)` in each step.

    Parameters
    ----------
    model : nn.Module
        Your model, where it is; nothing about it is changed.
    data : ImageDataset
        What widgets show.
    losses : LossConvention, optional
        How your loop reduces the terms that it logs; by default what the model's project is known for.
    name : str, optional
    autosave : bool
        Save history and weights every `autosave_seconds`.
    autosave_seconds : float
    on_bad_value : {"warn", "raise"}
        What `log` does with a loss, recon or kl that is NaN or infinite, or with a value that is no number:
        leave it out and say so in the widgets, in `run.warning` and in `run.diagnose()`; or raise
        `DivergedError` (within a tenth of a second) or `OptionError`, which ends your loop.
    after : Run, str or Path, optional
        The run, or the file of one, that your loop goes on from: its history and time line stand before what
        is logged, and steps and epochs are counted on. Its weights are yours to load
        (`load_run(path, model=model)` does), as is your optimiser's state.
    **adapter
        encode, decode, latent_dim, output, likelihood, spread, prior, n_classes: as in `as_vae`; n_classes is
        by default the number of the data's.

    Returns
    -------
    AttachedRun

    Raises
    ------
    ProtocolError, OptionError, DataError
        If the model, an option or the data cannot be used; or if a run of `train` is training the model. Once
        the loop logs, `train` refuses the model until the loop has ended (`AttachedRun.finish`, or the
        notebook's cell).
    """
    fix = "Make one of what your loader reads: vw.ImageDataset(train_loader.dataset)"
    instance("data", data, ImageDataset, f"an ImageDataset. {fix}")
    seconds = number("autosave_seconds", autosave_seconds, above=0)
    check_name(name)
    one_of("on_bad_value", on_bad_value, ("warn", "raise"))
    check_unclaimed(model, can_train=False)
    refuse_unknown(attach, adapter, handed_on=_ADAPTER)
    vae = as_vae(model, losses=losses, **{**_shapes(data), **adapter})
    likelihood = get_likelihood(vae.likelihood, **traits(vae).likelihood_options)
    likelihood.check(data)
    check_output(vae, data)
    check_vae(vae, data.image_shape, data.value_range)
    check_labels(vae, data)
    own, reading = LossConvention(), None
    if isinstance(vae, AdaptedVAE):
        own = vae.convention.losses
        if vae.convention.others:
            reading = Reading(vae, data, reduction_is_known=losses is not None or own != LossConvention())
    device = next((t.device for t in model_tensors(vae)), torch.device("cpu"))
    past = None if after is None else earlier(after, model_tensors(vae))
    return AttachedRun(
        losses=losses or own,
        past=past,
        autosave_seconds=seconds if flag("autosave", autosave) else None,
        raises_on_bad_value=on_bad_value == "raise",
        reading=reading,
        model=vae,
        data=data,
        likelihood=likelihood.fitted_to(data),
        recorder=Recorder() if past is None else past.recorder,
        device=device,
        options={"dataset": data.name, "device": str(device)},
        name=name,
        shell=Shell(vae),
    )
