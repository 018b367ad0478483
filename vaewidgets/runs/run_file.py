"""Run files: one safetensors file with weights, history and what training needs to go on. No code in it.

Tensors are named "model.<name>", "optimizer.<i>.<key>", "generator.noise", "generator.order",
"history.steps", "history.column.<name>", "time.<...>" (the time line) and "page.<i>" (what `replay` shows);
everything else is JSON in the file's metadata. `file_schema` and `file_tensors` have the
rules.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from vaewidgets import checks
from vaewidgets.adapters import named_tensors
from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.contract.run_file import FORMAT, KEY, PAGE, Faults, Layout
from vaewidgets.contract.run_file import read_facts as facts_of
from vaewidgets.engine.engine import EngineState
from vaewidgets.engine.recorder import Recorder
from vaewidgets.errors import CheckpointError
from vaewidgets.objectives import Constant, Likelihood, Objective, schedule_from_dict, traits
from vaewidgets.objectives.base import class_name
from vaewidgets.runs.file_schema import checked_facts
from vaewidgets.runs.file_tensors import checked_tensors
from vaewidgets.runs.tensor_file import open_layout, read_tensors, save_file

if TYPE_CHECKING:
    from vaewidgets.data import ImageDataset


@dataclass(frozen=True)
class Checkpoint:
    """A run at one moment: clones, and a mark up to where its (append-only) history counts."""

    step: int
    facts: dict[str, Any]
    tensors: dict[str, Tensor]
    recorder: Recorder
    mark: tuple[int, int]

    @classmethod
    def of(
        cls,
        facts: dict[str, Any],
        model: Any,
        likelihood: Likelihood,
        objective: Objective,
        *,
        recorder: Recorder,
        engine: EngineState | None,
        time_line: tuple[dict[str, Any], dict[str, Tensor]],
        copy: bool,
    ) -> Checkpoint:
        """Clone what training changes; quick. With ``copy=False`` it holds the weights themselves."""
        weights = {f"model.{name}": t.detach() for name, t in named_tensors(model).items()}
        tensors = {name: t.clone() for name, t in weights.items()} if copy else weights
        facts = {"format": FORMAT, **facts, **model_facts(model, likelihood, objective)}
        if engine is not None:
            facts |= {
                "position": engine.position,
                "steps_per_epoch": engine.steps_per_epoch,
                "epoch_sums": list(engine.epoch_sums),
                "lr": engine.lr,
                # A function cannot be kept; its present value can.
                "schedule": engine.schedule.to_dict() or Constant(facts["beta"]).to_dict(),
            }
            tensors |= {f"optimizer.{name}": value for name, value in engine.optimizer.items()}
            tensors |= {"generator.noise": engine.noise, "generator.order": engine.order}
        facts["time_line"], frames = time_line
        tensors |= {f"time.{name}": tensor for name, tensor in frames.items()}
        return cls(facts["step"], facts, tensors, recorder, recorder.mark())


@dataclass
class LoadedRun:
    """What a run file holds, checked; `faults` has what was lost where it was salvaged."""

    facts: dict[str, Any]
    weights: dict[str, Tensor]
    recorder: Recorder
    engine: EngineState | None
    time_line: tuple[dict[str, Any], dict[str, Tensor]]
    faults: Faults
    had_engine: bool


def model_facts(model: Any, likelihood: Likelihood, objective: Objective) -> dict[str, Any]:
    """What a file says of a model and of what it is trained for, as plain values."""
    convention = getattr(model, "convention", None)  # of a foreign model
    reading = convention and {
        "output": convention.output,
        "likelihood": convention.likelihood,
        "spread": convention.spread,
        "prior": convention.prior,
    }
    return {
        "model_class": class_name(model),
        "model": model.config() if callable(getattr(model, "config", None)) else None,
        "likelihood": likelihood.name,
        "reading": reading,
        "likelihood_options": dict(traits(model).likelihood_options),
        "objective": objective.to_dict(),
        "normalised": likelihood.normalised,
    }


def describe_data(data: ImageDataset) -> dict[str, Any]:
    """Identify a data set, as plain values."""
    return {
        "name": data.name,
        "image_shape": list(data.image_shape),
        "value_range": list(data.value_range),
        "n_train": len(data.train),
        "n_test": 0 if data.test is None else len(data.test),
    }


def write(checkpoint: Checkpoint, path: str | os.PathLike[str]) -> None:
    """Write a run file: to a temporary file beside it, then renamed, so that it is whole or not there."""
    target = checks.path("path", path)
    history = checkpoint.recorder.state(checkpoint.mark)
    tensors = {name: t.detach().cpu().contiguous() for name, t in checkpoint.tensors.items()}
    tensors["history.steps"] = torch.from_numpy(history["steps"])
    for name, values in history["columns"].items():
        tensors[f"history.column.{name}"] = torch.from_numpy(values)
    facts = {**checkpoint.facts, "columns": list(history["columns"]), "history_epochs": history["epochs"]}
    if not target.parent.is_dir():
        raise CheckpointError(f"{str(target.parent)!r} is no folder; make it first, or give another path.")
    save_file(tensors, target, {KEY: json.dumps(facts)})


def read(path: str | os.PathLike[str], *, salvage: bool = False) -> LoadedRun:
    """Read a run file and check all of it.

    CheckpointError if it is none, of a later version, or damaged; with `salvage` what is whole is read.
    """
    target, faults, layout, facts = _opened(path, salvage=salvage)
    had_engine = "position" in facts
    facts = checked_facts(facts, faults)
    tensors = read_tensors(target, layout, faults, lambda name: not name.startswith(f"{PAGE}."))
    if layout.checksums is None and had_engine:
        _refuse_not_finite(tensors, faults)
    checked_tensors(facts, tensors, faults)
    time_line = (facts.get("time_line", {}), _under("time.", tensors))
    return LoadedRun(
        facts,
        _under("model.", tensors),
        _recorder(facts, tensors),
        _engine(facts, tensors),
        time_line,
        faults,
        had_engine,
    )


def read_facts(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read what a run file says of its run, without weights and history; raises as `read`."""
    _, faults, _, facts = _opened(path)
    return checked_facts(facts, faults)


def _opened(
    path: str | os.PathLike[str], *, salvage: bool = False
) -> tuple[Path, Faults, Layout, dict[str, Any]]:
    """Header and facts of a run file; the facts are not checked one by one."""
    target = checks.path("path", path)
    if not target.is_file():
        raise CheckpointError(f"there is no file {str(target)!r}.")
    faults = Faults(target, salvage=salvage)
    layout = open_layout(target, faults)
    return target, faults, layout, facts_of(layout, faults)


def _refuse_not_finite(tensors: dict[str, Tensor], faults: Faults) -> None:
    """In a file without checksums: what `train` keeps is finite."""
    for name, tensor in [*tensors.items()]:
        if name.startswith(("model.", "optimizer.")) and not bool(torch.isfinite(tensor).all()):
            faults.note(f"tensor {name!r}", "not finite", "finite numbers")
            del tensors[name]


def load_weights(model: nn.Module, weights: Mapping[str, Tensor], path: str | os.PathLike[str]) -> None:
    """Copy weights into a model, all or none; CheckpointError names the first tensor that does not fit."""
    own, weights = check_shapes(model, weights, path)
    with restored_modes(), torch.no_grad():
        for name, tensor in weights.items():
            own[name].copy_(tensor)


def check_shapes(
    model: nn.Module, weights: Mapping[str, Tensor], path: str | os.PathLike[str] | object
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Tensors of a model, and those for them by the same names; CheckpointError where one does not fit."""
    own = named_tensors(model)
    weights = {name.replace("_orig_mod.", ""): tensor for name, tensor in weights.items()}  # older files
    for name in [*own, *(name for name in weights if name not in own)]:
        got, wanted = (
            f"shape {tuple(tensors[name].shape)}" if name in tensors else "no such tensor"
            for tensors in (own, weights)
        )
        if got != wanted:
            kind = type(getattr(model, "module", model)).__name__
            raise CheckpointError(
                f"{str(path)!r} was saved from another model: its tensor {name!r} has {wanted}, in this "
                f"{kind} it has {got}. Build the model with the options that the run was trained with."
            )
    return own, weights


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _recorder(facts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Recorder:
    # safetensors keeps names in an order of its own
    columns: dict[str, np.ndarray] = {n: tensors[f"history.column.{n}"].numpy() for n in facts["columns"]}
    steps = tensors["history.steps"].numpy() if "history.steps" in tensors else np.empty(0, np.int64)
    epochs = [
        (step, {name: math.nan if value is None else value for name, value in values.items()})
        for step, values in facts["history_epochs"]  # a page writes null
    ]
    return Recorder.restore({"steps": steps, "columns": columns, "epochs": epochs})


def _engine(facts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> EngineState | None:
    if "position" not in facts:
        return None
    return EngineState(
        step=facts["step"],
        epoch=facts["epoch"],
        epochs=facts["epochs"],
        steps_per_epoch=facts["steps_per_epoch"],
        position=facts["position"],
        epoch_sums=tuple(map(float, facts["epoch_sums"])),
        schedule=schedule_from_dict(facts["schedule"]),
        lr=facts["lr"],
        optimizer=_under("optimizer.", tensors),
        noise=tensors["generator.noise"],
        order=tensors["generator.order"],
    )
