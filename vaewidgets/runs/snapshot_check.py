"""A check that snapshots equal the model, made once after the first change of the weights."""

from __future__ import annotations

from typing import Any, final

import torch
from torch import Tensor, nn

from vaewidgets.adapters import copy_model
from vaewidgets.adapters.seeded import seeded
from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.engine.snapshot import Shell, Weights, model_tensors
from vaewidgets.objectives import traits
from vaewidgets.objectives.base import class_name


@final
class SnapshotCheck:
    """Compares a snapshot of the first weights with itself, later, and a later one with a whole copy.

    The live model is copied, never called; `x` are the images to encode. `fault` says what is wrong.
    """

    def __init__(self, model: Any, shell: Shell, x: Tensor) -> None:
        self._model = model
        self._shell = shell
        self._x = x
        self._first: tuple[Weights, Any, list[Tensor]] | None = None
        self._is_done = False
        self.fault: str | None = None

    def check(self, weights: Weights) -> None:
        """Check, if it is time, against a clone of what the weights are now; between two steps.

        It never raises into a training.
        """
        if self._is_done:
            return
        try:
            self._compare(weights)
        except Exception as error:
            self._is_done, self._first = True, None
            self.fault = (
                f"no snapshot of {class_name(self._model)} can be made: {type(error).__name__}: {error}"
            )

    def _compare(self, weights: Weights) -> None:
        if self._first is None:
            snapshot = self._shell.build(weights)
            self._first = (weights, snapshot, self._outputs(snapshot))
            # one that draws random numbers on ways of its own cannot be compared
            if not _same(self._first[2], self._outputs(snapshot)):
                self._is_done, self._first = True, None
            return
        first, snapshot, before = self._first
        if all(map(torch.equal, first.tensors, weights.tensors)):
            return
        self._is_done, self._first = True, None
        name = class_name(self._model)
        if not _same(before, self._outputs(snapshot)):
            self.fault = (
                f"snapshots of {name} change with the live model, so that pictures of the past show the "
                "present: something in it refers to the live model or shares tensors with it. Define encode "
                "and decode as methods of the class, and keep tensors as parameters or buffers."
            )
            return
        if not _same(self._outputs(self._whole(weights)), self._outputs(self._shell.build(weights))):
            self.fault = (
                f"snapshots of {name} do not follow it: what it computes changes with something that is "
                "neither a parameter nor a buffer, and that keeps its first value in them. Register such "
                "tensors: self.register_buffer(name, tensor)."
            )

    def _whole(self, weights: Weights) -> Any:
        """A copy of the live model as it is, with the clones in place of what they were cloned from."""
        instead: dict[int, Tensor] = {}
        for live, clone in zip(model_tensors(self._model), weights.tensors, strict=True):
            is_parameter = isinstance(live, nn.Parameter)
            instead[id(live)] = nn.Parameter(clone, requires_grad=False) if is_parameter else clone
        return copy_model(self._model, instead).eval()

    def _outputs(self, model: Any) -> list[Tensor]:
        device = next((t.device for t in model.parameters()), torch.device("cpu"))
        with restored_modes(), torch.no_grad(), seeded(0):  # the model may draw numbers, which the loop needs
            found = [part for part in model.encode(self._x.to(device)) if part is not None]
            if not traits(model).sees_pixels:  # that draws pixel after pixel
                found.append(model.decode(found[0]))
        return found


def _same(first: list[Tensor], second: list[Tensor]) -> bool:
    pairs = zip(first, second, strict=True)
    return all(torch.allclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=True) for a, b in pairs)
