"""All that a page needs to train a run by itself: graphs, data, settings, weights."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from vaewidgets.adapters import named_tensors
from vaewidgets.adapters.seeded import seeded
from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.checks import flag, one_of, wholes
from vaewidgets.contract.packing import pack
from vaewidgets.contract.sections import Packed
from vaewidgets.contract.training import (
    Trainable,
    TrainingChoice,
    TrainingHistory,
    TrainingOptions,
    TrainingTensor,
)
from vaewidgets.errors import OptionError, PortableError
from vaewidgets.models import MODELS, build
from vaewidgets.models.pixels import OUTPUTS
from vaewidgets.models.variants import KINDS, kind_of, variant
from vaewidgets.objectives import get_objective, traits
from vaewidgets.objectives.base import class_name
from vaewidgets.publish.training import graphs
from vaewidgets.publish.training.images import training_data
from vaewidgets.runs import Run, train
from vaewidgets.runs.api import prepare_model
from vaewidgets.runs.options import refuse_unknown
from vaewidgets.runs.run_file import model_facts

MOST_CHOICES = 24  # models that one page may train: some tens of kilobytes each
_MOST_STEPS = 10_000  # of a history that travels: 25 kB a thousand
_SMALL_WEIGHTS = 1_500_000  # bytes: larger ones travel only if asked for
_IN_FILES = {torch.float32: "F32", torch.int64: "I64"}


def trainable(
    run: Run,
    scored: bool = False,
    /,
    *,
    latent_dim: int | Sequence[int] | None = None,
    likelihood: str | Sequence[str] | None = None,
    kind: str | Sequence[str] | None = None,
    batch_size: int | Sequence[int] | None = None,
    n_images: int | None = None,
    n_test: int | None = None,
    weights: bool | None = None,
    **unknown: Any,
) -> Trainable:
    """What a page needs to train a run, and others like it, with no kernel.

    Parameters
    ----------
    run : Run
    scored : bool
        Whether a widget of the page wants the gradient of an image's cost by z, as `ElboMicroscope` does.
        Not by name: names are what a user chooses with `train`.
    latent_dim, likelihood, kind, batch_size : value or sequence of values, optional
        What a new run in the page may choose beside the run's own; `kind` is "VAE" or "AE". Each combination
        is a graph of some tens of kilobytes.
    n_images, n_test : int, optional
        How many images travel, spread over the split: all training images by default, and a fifth as many of
        the test set.
    weights : bool, optional
        Whether the run's weights travel in half precision, to go on from; by default those of up to 1.5 MB
        of a run that has begun. Without them the page begins with fresh ones.

    Raises
    ------
    OptionError
        If a setting is unknown or out of its range, there are too many of them or too many images.
    PortableError
        If the page cannot run an operation of a step; it names the operation and the layer.
    """
    refuse_unknown(trainable, unknown)
    run.likelihood.check_computed("training in a page")
    own = (kind_of(run.model), run.likelihood.name, int(run.model.latent_dim))
    lists = (
        _listed("kind", kind, own[0]),
        _listed("likelihood", likelihood, own[1]),
        _listed("latent_dim", latent_dim, own[2]),
    )
    wanted = list(dict.fromkeys([own, *itertools.product(*lists)]))
    if len(wanted) > MOST_CHOICES:
        sizes = " · ".join(str(len(values)) for values in lists)
        raise OptionError(
            f"kind, likelihood and latent_dim make {len(wanted)} models ({sizes}); expected at most "
            f"{MOST_CHOICES} in one page. Leave some values out of train=dict(...)."
        )
    checkpoint = run.checkpoint()
    choices = [_choice(run, settings, is_own=settings == own, scored=scored) for settings in wanted]
    options = _options(run, checkpoint.facts)
    n_classes = int(run.model.n_classes) if traits(run.model).takes_labels else _n_classes(run)
    kept = _weights(checkpoint.tensors, choices[0], checkpoint.step, weights)
    return {
        "name": run.name,
        "choices": choices,
        "chosen": 0,
        "weights": kept,
        "history": _history(checkpoint.recorder.state(checkpoint.mark)) if kept else None,
        "step": checkpoint.step if kept else 0,
        "epoch": int(checkpoint.facts["epoch"]) if kept else 0,
        "options": options,
        "batch_sizes": sorted({*_listed("batch_size", batch_size, options["batch_size"])}),
        "data": training_data(run.data, n_classes, n_images, n_test),
        "facts": {name: checkpoint.facts[name] for name in ("id", "name", "options")},
    }


def _listed(name: str, given: Any, own: Any) -> list[Any]:
    """The values that may be chosen, the run's own first."""
    if given is None:
        return [own]
    values = [given] if isinstance(given, str | int) else list(given)
    if name in ("latent_dim", "batch_size"):
        values = list(wholes(name, values, 1, also=", such as train=dict(latent_dim=[2, 8])"))
    for value in values if name in ("kind", "likelihood") else ():
        one_of(name, value, [*KINDS, own] if name == "kind" else OUTPUTS)
    return list(dict.fromkeys([own, *values]))


def _choice(
    run: Run, settings: tuple[str, str, int], *, is_own: bool, scored: bool = False
) -> TrainingChoice:
    """One model that the page may train."""
    goal = graphs.Goal(run.model, run.likelihood, run.objective)
    if not is_own:
        goal = _other(run, settings)
    data = run.data
    examples = graphs.examples_of(goal, data.image_shape, data.value_range)
    trained = graphs.trained_tensors(goal, examples)
    start = graphs.start_graph(goal.model)
    decoder = graphs.decoder_graph(goal)
    kind, likelihood, latent_dim = settings
    return {
        "kind": kind,
        "likelihood": likelihood,
        "latent_dim": latent_dim,
        "unit": goal.likelihood.unit,
        "takes_labels": traits(goal.model).takes_labels,
        "tensors": [_tensor(name, t, trained) for name, t in named_tensors(goal.model).items()],
        "terms": list(goal.terms),
        "step": graphs.as_graph(graphs.step_graph(goal, examples, trained)),
        "evaluation": graphs.as_graph(graphs.evaluation_graph(goal, examples)),
        "encoder": graphs.as_graph(graphs.encoder_graph(goal, examples)),
        "decoder": None if decoder is None else graphs.as_graph(decoder),
        "score": graphs.as_graph(graphs.score_graph(goal, examples)) if scored and kind != "AE" else None,
        "start": None if start is None else graphs.as_graph(start),
        "facts": model_facts(goal.model, goal.likelihood, goal.objective),
    }


def _other(run: Run, settings: tuple[str, str, int]) -> graphs.Goal:
    """A model of other settings, with fresh weights, as `train` would take it."""
    kind, likelihood, latent_dim = settings
    if type(run.model) not in MODELS.values():
        raise OptionError(
            f"a {class_name(run.model)} is no built-in model: the page cannot build it with other settings. "
            "Leave latent_dim, likelihood and kind out of train=dict(...)."
        )
    with restored_modes(), seeded(0):
        config = variant(run.model, kind=kind, likelihood=likelihood, latent_dim=latent_dim)
        model, scored = prepare_model(build(config), run.data, torch.device("cpu"))
    is_same = kind == kind_of(run.model)
    return graphs.Goal(
        model, scored, run.objective if is_same else get_objective(traits(model).default_objective)
    )


def _tensor(name: str, tensor: Tensor, trained: Sequence[str]) -> TrainingTensor:
    if tensor.is_floating_point():
        dtype = "F32"
    elif tensor.dtype in _IN_FILES:
        dtype = _IN_FILES[tensor.dtype]
    else:
        raise PortableError(
            f"{name} is {tensor.dtype}; the page trains float32 numbers and counts in int64. Keep it as "
            "one of them."
        )
    return {"name": name, "shape": list(tensor.shape), "dtype": dtype, "trained": name in trained}


def _options(run: Run, facts: dict[str, Any]) -> TrainingOptions:
    """Settings of the run; of a loop of the user's own, which says little, those of `train`."""
    options = run.options
    default = {name: p.default for name, p in inspect.signature(train).parameters.items()}
    given = {**default, **{name: value for name, value in options.items() if name in default}}
    return {
        "epochs": run.epochs if run.epochs is not None or run.can_train else given["epochs"],
        "batch_size": int(given["batch_size"]),
        "seed": int(given["seed"]),
        "lr": float(facts.get("lr") or given["lr"]),
        "schedule": facts.get("schedule") or {"kind": "constant", "value": facts["beta"]},
        "optimizer": str(given["optimizer"]),
        "eval_every": int(given["eval_every"]),
        "drop_last": bool(given["drop_last"]),
    }


def _n_classes(run: Run) -> int:
    classes = run.data.classes
    return 0 if classes is None else len(classes)


def _history(state: dict[str, Any]) -> TrainingHistory | None:
    """What the run recorded, for a page that goes on from its weights."""
    if len(state["steps"]) > _MOST_STEPS:
        return None
    columns = {name: pack(values, "f32") for name, values in state["columns"].items()}
    return {"steps": pack(state["steps"], "i32"), "columns": columns, "epochs": state["epochs"]}


def _weights(
    tensors: dict[str, Tensor], choice: TrainingChoice, step: int, wanted: bool | None
) -> Packed | None:
    """The run's weights, one after the other, if they are to travel."""
    if wanted is not None:
        flag("weights", wanted)
    flat = torch.cat([tensors[f"model.{t['name']}"].reshape(-1).float().cpu() for t in choice["tensors"]])
    if choice["start"] is None:
        wanted = True  # the page cannot draw others
    elif wanted is None:
        wanted = step > 0 and 2 * len(flat) <= _SMALL_WEIGHTS
    limit = torch.finfo(torch.float16).max
    return pack(flat.clamp(-limit, limit).numpy(), "f16") if wanted else None
