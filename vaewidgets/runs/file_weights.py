"""The tensors of a run file against the model that they go to, before any of it is allocated or written."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from vaewidgets.adapters import named_tensors
from vaewidgets.errors import CheckpointError
from vaewidgets.models import build
from vaewidgets.runs.file_tensors import OPTIMIZER_STATE
from vaewidgets.runs.run_file import LoadedRun, check_shapes


def n_values(tensors: Mapping[str, Tensor]) -> int:
    """How many numbers there are in all tensors."""
    return sum(tensor.numel() for tensor in tensors.values())


def check_size(loaded: LoadedRun, path: object) -> None:
    """CheckpointError unless a built-in model of these options has the file's tensors; allocates nothing."""
    config, most = loaded.facts["model"], n_values(loaded.weights)
    if loaded.faults.salvage:
        most = max(most, 2**20)  # some of them may be lost
    for name, value in config.items():
        many = value if isinstance(value, list) else [value]
        # Each layer has a tensor, and a width or a size is an axis of one.
        if any(isinstance(one, int) and abs(one) > most for one in many) or len(many) > max(most, 8):
            raise CheckpointError(
                f"{str(path)!r} is damaged: option {name!r} of its model is {repr(value)[:100]}; expected no "
                f"number above {most:,}, which is how many weights the file holds."
            )
    with torch.device("meta"):
        shell = build(config)
    if not loaded.faults.salvage:
        check_shapes(shell, loaded.weights, path)
    elif n_values(named_tensors(shell)) > 4 * most:
        raise CheckpointError(
            f"{str(path)!r}: its model would have {n_values(named_tensors(shell)):,} weights, and it holds "
            f"{most:,}. Give the model: load_run(path, model=..., salvage=True)."
        )


def fit_to_model(loaded: LoadedRun, model: nn.Module) -> None:
    """Note what of the optimizer's state and of the time line is of other shapes than the model."""
    _fit_optimizer(loaded, model)
    tensors = [tuple(tensor.shape) for tensor in named_tensors(model).values()]
    line, parts = loaded.time_line
    kept = [tuple(parts[f"weights.0.{j}"].shape) for j in range(len(parts)) if f"weights.0.{j}" in parts]
    means = parts.get("0.mu")
    size = getattr(model, "latent_dim", None)
    if (kept and kept != tensors) or (means is not None and means.shape[1] != size):
        loaded.faults.note("the time line", "of another model", f"{len(tensors)} tensors, {size} dimensions")
        line.clear()


def _fit_optimizer(loaded: LoadedRun, model: nn.Module) -> None:
    state = loaded.engine
    if state is None:
        return
    trained = [tuple(p.shape) for p in model.parameters() if p.requires_grad]
    last = OPTIMIZER_STATE[loaded.facts["options"]["optimizer"]][1:]
    for name, tensor in state.optimizer.items():
        number, key = name.split(".", 1)
        is_known = int(number) < len(trained)
        wanted = trained[int(number)] if is_known and key in last else ()
        if not is_known or tuple(tensor.shape) != wanted or not tensor.is_floating_point():
            got = f"{tensor.dtype} of shape {tuple(tensor.shape)}"
            expected = f"floats of shape {wanted}" if is_known else f"one of {len(trained)} trained weights"
            loaded.faults.note(f"tensor {f'optimizer.{name}'!r}", got, expected)
            loaded.engine = None
            return


def whole_weights(loaded: LoadedRun, model: nn.Module) -> dict[str, Tensor]:
    """All weights of a model: the file's, where one is lost the time line's, else the model's own."""
    own = named_tensors(model)
    line, parts = loaded.time_line
    items = line.get("weights", {}).get("items", [])
    found = {name.replace("_orig_mod.", ""): tensor for name, tensor in loaded.weights.items()}
    for i, (name, tensor) in enumerate(own.items()):
        if name in found and found[name].shape == tensor.shape:
            continue
        earlier = parts.get(f"weights.{len(items) - 1}.{i}")
        instead = "left as the model had it" if earlier is None else f"taken from step {items[-1][1]}"
        loaded.faults.note(
            f"tensor {f'model.{name}'!r}", f"lost, and {instead}", f"shape {tuple(tensor.shape)}"
        )
        found[name] = tensor.detach() if earlier is None else earlier.to(tensor.dtype)
        loaded.engine = None
    return {name: found[name] for name in own}
