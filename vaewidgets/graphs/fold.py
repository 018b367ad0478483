"""Fewer steps for the same function: scales and shifts (BatchNorm in eval) go into the layer before."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from torch import Tensor

from vaewidgets.graphs.builder import Step, Weight
from vaewidgets.graphs.record import Environment


def folded(steps: list[Step], outputs: list[int], *, inputs: int = 1) -> tuple[list[Step], list[int]]:
    """Fold each "affine" and "scale_shift" that is the only user of a linear or convolution; number anew."""
    uses = Counter([i for step in steps for i in step.inputs] + outputs)
    kept: dict[int, Step] = {}  # by the number of their result
    same_as: dict[int, int] = {}
    for step in steps:
        sources = tuple(same_as.get(i, i) for i in step.inputs)
        before = kept.get(sources[0]) if sources else None
        if before is not None and _fits(before, step) and uses[step.inputs[0]] == 1:
            kept[before.out] = _scaled(before, step)
            same_as[step.out] = before.out
            uses[before.out] = uses[step.out]
        else:
            kept[step.out] = replace(step, inputs=sources)
    ends = [same_as.get(i, i) for i in outputs]
    kept = _needed(kept, ends)
    numbers = {out: i for i, out in enumerate([*range(inputs), *kept])}
    steps = [
        replace(step, inputs=tuple(numbers[i] for i in step.inputs), out=numbers[step.out])
        for step in kept.values()
    ]
    return steps, [numbers[i] for i in ends]


def _needed(steps: dict[int, Step], ends: list[int]) -> dict[int, Step]:
    """Drop what no output depends on, such as the other half of a chunk."""
    needed = set(ends)
    for out, step in reversed(steps.items()):
        if out in needed:
            needed.update(step.inputs)
    return {out: step for out, step in steps.items() if out in needed}


def _fits(layer: Step, step: Step) -> bool:
    """Whether `step` has one scale and shift for each output of a linear or channel of a convolution."""
    if step.op not in ("affine", "scale_shift"):
        return False
    if layer.op == "linear":
        return True
    return layer.op in ("conv2d", "conv_transpose2d") and (
        step.op == "scale_shift" or step.attributes["n"] in (1, layer.attributes["out_channels"])
    )


def _scaled(layer: Step, step: Step) -> Step:
    """The layer with the step in its weights, whose first axis is the output's (also if transposed)."""
    n_out: int = layer.attributes["out_features" if layer.op == "linear" else "out_channels"]
    w: Weight = layer.attributes["w"]
    b: Weight | None = layer.attributes["b"]

    def factor(env: Environment, like: Tensor) -> Tensor | float:
        return _per_output(step, "scale", env, like)

    def weight(env: Environment) -> Tensor:
        value = w.compute(env).reshape(n_out, -1)
        scale = factor(env, value)
        return value * (scale[:, None] if isinstance(scale, Tensor) else scale)

    def bias(env: Environment) -> Tensor:
        like = w.compute(env).reshape(n_out, -1)[:, 0]
        start = like.new_zeros(n_out) if b is None else b.compute(env)
        return start * factor(env, like) + _per_output(step, "shift", env, like)

    return replace(
        layer, attributes={**layer.attributes, "w": Weight(weight, w.size), "b": Weight(bias, n_out)}
    )


def _per_output(step: Step, name: str, env: Environment, like: Tensor) -> Tensor | float:
    """The scale or shift of each output: one number, or one a channel repeated over a linear's pixels."""
    if step.op == "scale_shift":
        return float(step.attributes[name])
    weight: Weight = step.attributes[name]
    values = weight.compute(env).to(like.dtype).reshape(-1, 1)
    return values.expand(len(values), max(len(like) // len(values), 1)).reshape(-1)
