"""A consistent copy of a model that trains: the tensors are cloned between two steps, the rest was before.

The training thread only clones tensors. The structure around them is a deep copy of a *shell*, itself a
deep copy made before training, so that no thread ever walks the live model while another trains it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from vaewidgets.adapters import Convention, copy_model, named_tensors
from vaewidgets.concurrency import Lock
from vaewidgets.errors import ProtocolError
from vaewidgets.inference import Codes, Inference, joined

_CHUNK = 1024  # images read at once
_MAX_CACHED = 4


@dataclass(frozen=True, eq=False)
class Weights:
    """Clones of a model's parameters and buffers, in the order of `Shell`, after `step` updates."""

    step: int
    epoch: int
    tensors: tuple[Tensor, ...]


def model_tensors(model: nn.Module) -> list[Tensor]:
    """Parameters and buffers, each once, and parameters in plain lists."""
    return [*named_tensors(model).values()]


@final
class Shell:
    """The structure of a model, copied once before training, in eval mode; it holds no weights.

    Raises
    ------
    ProtocolError
        If the copy does not have the weights of the model.
    """

    def __init__(self, model: nn.Module) -> None:
        self._shell = copy_model(model).eval().requires_grad_(False)
        slots = named_tensors(self._shell)
        self._slots = [*slots.values()]
        wrong = _first_difference(named_tensors(model), slots)
        if wrong:
            name = type(getattr(model, "module", model)).__name__
            raise ProtocolError(
                f"a copy of {name} differs from it in {wrong!r}; expected equal weights, since widgets draw "
                "from copies. The usual cause is a __deepcopy__ or __getstate__ that leaves it out: remove "
                "that."
            )
        for slot in self._slots:
            if not is_lazy(slot):
                slot.data = slot.new_zeros(()).expand(slot.shape)  # a place is all that is needed of it

    def read_as(self, convention: Convention) -> None:
        """Read a foreign model otherwise in all copies that are built from now on."""
        self._shell.convention = convention  # type: ignore[assignment]

    def clone(self, model: nn.Module, *, step: int, epoch: int) -> Weights:
        """Clone the tensors of the live model; the only part that must happen between two steps."""
        tensors = tuple(tensor.detach().clone() for tensor in model_tensors(model))
        return Weights(step, epoch, tensors)

    def build(self, weights: Weights) -> nn.Module:
        """Put clones into a copy of the shell. Any thread may do it."""
        if len(weights.tensors) != len(self._slots):
            raise ProtocolError(
                f"the model has {len(weights.tensors)} tensors, at the start it had {len(self._slots)}: "
                "it must keep its parameters and buffers while it trains."
            )
        instead: dict[int, Tensor] = {}
        for slot, tensor in zip(self._slots, weights.tensors, strict=True):
            if isinstance(slot, nn.Parameter):
                instead[id(slot)] = nn.Parameter(tensor, requires_grad=False)
            else:
                instead[id(slot)] = tensor.requires_grad_(slot.requires_grad)
        built = copy_model(self._shell, instead)
        for slot, tensor in zip(model_tensors(built), weights.tensors, strict=True):
            if slot.data_ptr() != tensor.data_ptr():  # a __deepcopy__ of the model's own made another
                slot.data = tensor
        return built


def _first_difference(live: dict[str, Tensor], copied: dict[str, Tensor]) -> str | None:
    """Name of a tensor that is not the same in both."""
    if [*live] != [*copied]:
        return next(iter({*live} ^ {*copied}), next(iter(live)))
    for name, tensor in live.items():
        other = copied[name]
        if is_lazy(tensor):
            continue
        equal = torch.equal(other, tensor)
        if not equal and other.shape == tensor.shape and tensor.is_floating_point():
            equal = torch.allclose(other, tensor, rtol=0, atol=0, equal_nan=True)
        if not equal:
            return name
    return None


class GoodWeights:
    """Keeps a recent copy of weights that are known to be finite.

    Whether a copy is finite is computed on the device and looked at one call later, so that nothing waits.
    Copies take at most a fiftieth of the time.

    Attributes
    ----------
    weights : Weights or None
    """

    _SHARE = 0.02
    _AT_MOST_EVERY = 0.1  # seconds

    def __init__(self) -> None:
        self.weights: Weights | None = None
        self._candidate: tuple[Weights, Tensor] | None = None
        self._next = 0.0

    def keep(self, clone: Callable[[], Weights | None]) -> Weights | None:
        """Accept the copy before, if it is finite, and make a new one, if it is time. Between two steps.

        `clone` may return None, for later. Returns the new one.
        """
        if self._candidate is not None:
            weights, probe = self._candidate
            if bool(torch.isfinite(probe)):
                self.weights = weights
            self._candidate = None
        start = time.monotonic()
        if start < self._next:
            return None
        copied = clone()
        if copied is None:
            return None
        self._candidate = (copied, _probe(copied.tensors))
        cost = time.monotonic() - start
        self._next = start + max(self._AT_MOST_EVERY, cost / self._SHARE)
        return copied

    def renew(self, model: nn.Module, clone: Callable[[], Weights]) -> Weights:
        """Copy the weights as they are now, and keep them where they are finite.

        They take the place of the copies before, which are freed first.
        """
        is_finite = bool(torch.isfinite(_probe(model_tensors(model))))
        if self._candidate is not None and not is_finite and bool(torch.isfinite(self._candidate[1])):
            self.weights = self._candidate[0]
        self._candidate = None
        if is_finite:
            self.weights = None
        weights = clone()
        if is_finite:
            self.weights = weights
        return weights


def _probe(tensors: Sequence[Tensor]) -> Tensor:
    """A number that is finite if, and (short of overflow) only if, all of them are."""
    sums = [t.detach().sum(dtype=torch.float32) for t in tensors if t.is_floating_point()]
    return torch.stack(sums).sum()


@final
class Snapshot:
    """The model as it was after `step` updates, in eval mode. It never changes.

    Its weights require no gradients, so nothing here builds a graph.

    Attributes
    ----------
    step, epoch : int
        Updates and epochs made.
    model : nn.Module
        Deep copy, on the run's device.
    data : ImageDataset
    likelihood : Likelihood
    inference : Inference
        Encodes, decodes and scores.
    weights : Weights or None
        What `model` was built from, where it was.
    """

    def __init__(
        self, model: Any, data: Any, likelihood: Any, *, step: int, epoch: int, weights: Weights | None = None
    ) -> None:
        self.model = model
        self.weights = weights
        self.data = data
        self.likelihood = likelihood
        self.step = step
        self.epoch = epoch
        self.inference = Inference(model, likelihood)
        self._lock = Lock()
        self._encoded: dict[Any, Codes] = {}

    def encode(self, x: Tensor, labels: Tensor | None = None) -> Codes:
        """Posterior of each image; see `vaewidgets.inference.Inference.encode`."""
        return self.inference.encode(x, labels)

    def decode(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Mean image of each point (n, latent_dim), float32 on the CPU, shape (n, C, H, W).

        In the data's ``value_range``; `labels`, int64, shape (n,), are used where the model takes them.
        """
        return self.inference.decode(z, labels)

    def labels_needed(self, labels: Any) -> Tensor | None:
        """Labels, of an array or tensor, for a model that has no code of an image without; else None."""
        if labels is None or not getattr(self.model, "needs_labels", False):
            return None
        return torch.as_tensor(labels)

    def encoded(self, split: str = "test", index: Any = None) -> Codes:
        """Posterior of a split's images, kept for the next call.

        Parameters
        ----------
        split : {"train", "test"}
        index : sequence of int, optional
            Which images; all by default.

        Returns
        -------
        mu, logvar : Tensor, each float32 on the CPU, shape (n, latent_dim)
            Shared: not to be written to. logvar as in `encode`.
        """
        images = self.data.split(split)
        wanted = torch.arange(len(images)) if index is None else torch.as_tensor(index, dtype=torch.int64)
        key = (split, None if index is None else tuple(wanted.tolist()))
        with self._lock:
            if key not in self._encoded:
                labels = self.labels_needed(images.labels)
                encoded = joined(
                    [
                        self.encode(images.images(part), None if labels is None else labels[part])
                        for part in wanted.split(_CHUNK)
                    ]
                )
                while len(self._encoded) >= _MAX_CACHED:
                    self._encoded.pop(next(iter(self._encoded)))
                self._encoded[key] = encoded
            return self._encoded[key]

    def __repr__(self) -> str:
        return f"Snapshot(step={self.step}, epoch={self.epoch}, {type(self.model).__name__})"
