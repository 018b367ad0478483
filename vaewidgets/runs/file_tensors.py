"""What the tensors of a run file must be for what it says of its run (see `file_schema`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from vaewidgets.contract.run_file import Faults

# Tensors of an optimiser's state; of the last of them one number each weight.
OPTIMIZER_STATE = {
    "adam": ("step", "exp_avg", "exp_avg_sq"),
    "adamw": ("step", "exp_avg", "exp_avg_sq"),
    "adagrad": ("step", "sum"),
    "sgd": (),
}


class Kind(NamedTuple):
    """Type and number of axes of a tensor."""

    dtypes: tuple[str, ...]
    axes: int


_FLOATS = ("float32", "float64")
HISTORY = {"history.steps": Kind(("int64",), 1)}
GENERATORS = {f"generator.{name}": Kind(("uint8",), 1) for name in ("noise", "order")}
FRAME = {  # of a time line
    "var_mu": Kind(_FLOATS, 1),
    "kl": Kind(_FLOATS, 1),
    "mu": Kind(("int16",), 2),
    "mu.limits": Kind(("float64",), 2),
    "logvar": Kind(("int16",), 2),
    "logvar.limits": Kind(("float64",), 2),
}
FRAME_NEEDS = ("var_mu", "mu", "mu.limits")


def checked_tensors(facts: dict[str, Any], tensors: dict[str, Tensor], faults: Faults) -> None:
    """Take out of `tensors`, and of `facts`, what does not fit the other."""
    _history(facts, tensors, faults)
    if "position" in facts:
        before = faults.count
        for name, kind in GENERATORS.items():
            _is(name, kind, tensors, faults)
        _optimizer(facts["options"]["optimizer"], tensors, faults)
        if faults.count > before:
            del facts["position"]
    if facts.get("time_line"):
        _frames(facts["time_line"]["frames"], tensors, faults)
        _weights(facts["time_line"]["weights"], tensors, faults)
        if not facts["time_line"]["frames"]["items"]:
            facts["time_line"] = {}


def _is(name: str, kind: Kind, tensors: dict[str, Tensor], faults: Faults, count: int | None = None) -> bool:
    """Whether a tensor is there and of its kind, `count` long; noted, and taken out, where it is not."""
    found = tensors.get(name)
    many = "" if count is None else f"{count} long "
    expected = f"{' or '.join(kind.dtypes)} with {kind.axes} axes {many}".rstrip()
    if found is None:
        faults.note(f"tensor {name!r}", "missing", expected)
        return False
    dtype = str(found.dtype).removeprefix("torch.")
    if dtype in kind.dtypes and found.ndim == kind.axes and count in (None, len(found)):
        return True
    faults.note(f"tensor {name!r}", f"{dtype} of shape {tuple(found.shape)}", expected)
    del tensors[name]
    return False


def _history(facts: dict[str, Any], tensors: dict[str, Tensor], faults: Faults) -> None:
    steps = tensors.get("history.steps")
    if not _is("history.steps", HISTORY["history.steps"], tensors, faults):
        facts["columns"] = []
        return
    assert steps is not None
    if len(steps) and (int(steps[0]) < 0 or bool((steps[1:] < steps[:-1]).any())):
        faults.note("tensor 'history.steps'", "falling or below 0", "steps in order")
        facts["columns"], tensors["history.steps"] = [], steps[:0]
        return
    kind = Kind(("float32", "float64"), 1)
    facts["columns"] = [
        name for name in facts["columns"] if _is(f"history.column.{name}", kind, tensors, faults, len(steps))
    ]


def _optimizer(optimizer: str, tensors: dict[str, Tensor], faults: Faults) -> None:
    """Each weight has all of the state, or none; its shapes are compared with the model's in `load`."""
    keys = OPTIMIZER_STATE[optimizer]
    names = [name.split(".", 2)[1:] for name in tensors if name.startswith("optimizer.")]
    for number in {name[0] for name in names}:
        found = {name[-1] for name in names if name[0] == number}
        if not (number.isdecimal() and len(number) < 10) or found != {*keys}:
            got = ", ".join(sorted(found))[:100]
            faults.note(
                f"state of the optimizer {number[:20]!r}", got, f"{', '.join(keys) or 'none'} of {optimizer}"
            )


def _frames(line: dict[str, Any], tensors: dict[str, Tensor], faults: Faults) -> None:
    """Leave out the frames that are not whole."""
    kept: list[tuple[Any, dict[str, Tensor]]] = []
    for i, item in enumerate(line["items"]):
        prefix = f"time.{i}."
        before = faults.count
        own = {name.removeprefix(prefix) for name in tensors if name.startswith(prefix)}
        pair = {"logvar", "logvar.limits"}
        for name in sorted(own | {*FRAME_NEEDS} | (pair if own & pair else set())):
            if name in FRAME:
                _is(prefix + name, FRAME[name], tensors, faults, 2 if name.endswith("limits") else None)
            else:
                faults.note(f"tensor {prefix + name!r}", "in the file", "no tensor of this name")
        if faults.count > before:
            continue
        found = {name: tensors[prefix + name] for name in own}
        if _is_one_frame(found) and (not kept or found["mu"].shape[1] == kept[0][1]["mu"].shape[1]):
            kept.append((item, found))
        else:
            got = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in sorted(found.items()))
            faults.note(
                f"frame {i} of the time line", f"of {got}", "as many dimensions in all, finite limits"
            )
    if len(kept) == len(line["items"]):
        return
    for name in [n for n in tensors if n.startswith("time.") and not n.startswith("time.weights.")]:
        del tensors[name]
    line["items"] = [item for item, _ in kept]
    for i, (_, found) in enumerate(kept):
        tensors |= {f"time.{i}.{name}": tensor for name, tensor in found.items()}


def _is_one_frame(found: Mapping[str, Tensor]) -> bool:
    n, dims = found["mu"].shape
    wanted = {"mu": (n, dims), "logvar": (n, dims), "var_mu": (dims,), "kl": (dims,)}
    return all(
        tuple(tensor.shape) == wanted.get(name, (2, dims))
        and (name in wanted or bool(torch.isfinite(tensor).all()))
        for name, tensor in found.items()
    )


def _weights(line: dict[str, Any], tensors: dict[str, Tensor], faults: Faults) -> None:
    sets: list[list[Tensor]] = []
    for i in range(len(line["items"])):
        prefix = f"time.weights.{i}."
        own = {name.removeprefix(prefix): tensors[name] for name in tensors if name.startswith(prefix)}
        found = [own[str(j)] for j in range(len(own)) if str(j) in own]
        sets.append(found if len(found) == len(own) else [])
    most = max((len(one) for one in sets), default=0)
    kept: list[tuple[Any, list[Tensor]]] = []
    for i, (item, found) in enumerate(zip(line["items"], sets, strict=True)):
        shapes = [tuple(tensor.shape) for tensor in found]
        first = kept[0][1] if kept else found
        if len(found) < most or not most or shapes != [tuple(tensor.shape) for tensor in first]:
            faults.note(
                f"weights {i} of the time line", f"{len(found)} tensors", f"{most}, shaped as the others"
            )
        else:
            kept.append((item, found))
    if len(kept) < len(line["items"]):
        for name in [name for name in tensors if name.startswith("time.weights.")]:
            del tensors[name]
        line["items"] = [item for item, _ in kept]
        for i, (_, found) in enumerate(kept):
            tensors |= {f"time.weights.{i}.{j}": tensor for j, tensor in enumerate(found)}
