"""An encoder or decoder for the page: recorded on a copy, compared with torch on other inputs, or refused."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vaewidgets.adapters import AdaptedVAE, copy_model, named_tensors
from vaewidgets.adapters.seeded import seeded
from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.errors import PortableError, ProtocolError
from vaewidgets.graphs.batch import FEW, Differs, Recording, Size, merged
from vaewidgets.graphs.places import Place
from vaewidgets.graphs.recorded import Network, assembled
from vaewidgets.graphs.recording import plain, record, tensors_of
from vaewidgets.graphs.refusals import picks_by_mask, refusal
from vaewidgets.graphs.simplify import simplified

_TOGETHER = 3  # images of the comparison with torch: neither one nor a size that was recorded


def portable_network(
    function: Callable[..., Any] | str,
    example_shape: Sequence[int] | Sequence[Sequence[int]],
    *,
    module: nn.Module,
    gradients: bool = False,
) -> Network:
    """Record a function of a module as a network that the page runs.

    Two forwards of different batch sizes are recorded on a copy of `module` (float32, on the CPU, in eval
    mode), and what was recorded is compared with the copy on other random inputs and batch sizes, with full
    and with half-precision weights. A function that takes only one image at a time is recorded with one.

    Parameters
    ----------
    function : callable or str
        ``function(module, x)``, a bound method of `module`, or a method's name. It returns a tensor or a
        tuple of tensors (or None, which is left out).
    example_shape : sequence of int, or sequence of such
        Shape of one input, without the batch axis; several make ``function(module, x, y, …)``, such as a
        decoder of z and a class as a one-hot vector, ``((latent_dim,), (n_classes,))``.
    module : nn.Module
        Holds the parameters. It is neither called nor changed.
    gradients : bool
        Whether the function takes gradients (`torch.autograd.grad` under `torch.enable_grad`): the page then
        needs the operations of backward passes, and gets the weights in full where half precision, as in
        front of a ReLU's kink, gives another gradient.

    Raises
    ------
    PortableError
        If an operation that the output needs has no counterpart in the page (the message names the layer and
        the line), if the module cannot be copied or the forward fails, or if the replay gives other values.

    Warns
    -----
    UserWarning
        If the forward takes a Python value from the data, such as an ``if`` on a tensor.
    """
    module = getattr(module, "_orig_mod", module)
    replica = _copied(module)
    call, method = _bound(function, module, replica)
    name = type(_shown(module)).__name__
    root = f"{name}.{method}" if method else name
    tracing = _Tracing(replica, call, name, root, _shapes(example_shape), gradients)
    with restored_modes(), torch.no_grad(), plain(), seeded(0):
        try:
            return tracing.for_any_batch()
        except _OneByOne as reason:
            return tracing.for_one_image(str(reason))


def decoder_network(model: nn.Module, latent_dim: int) -> Network:
    """The decoder of a model that speaks the VAE protocol: z of size `latent_dim` to x_hat in value_range.

    A model with ``decode_told(z, one_hot)``, such as `ConditionalVAE`, is recorded with the class as a second
    input: a vector of ``n_classes`` numbers with one 1, or all 0 for none.

    Raises
    ------
    PortableError
        As `portable_network`.
    """
    if getattr(_shown(model), "sees_pixels", False):
        raise PortableError(
            f"{type(_shown(model)).__name__}.decode draws each pixel from those before it, by a network for "
            "each; the page runs one for the whole image."
        )
    if getattr(model, "takes_labels", False) and callable(getattr(model, "decode_told", None)):
        classes: Any = model.n_classes
        return portable_network("decode_told", ((latent_dim,), (int(classes),)), module=model)
    return portable_network("decode", (latent_dim,), module=model)


def encoder_network(model: nn.Module, image_shape: Sequence[int]) -> Network:
    """The encoder of a model that speaks the VAE protocol: an image to two outputs, mu and logvar.

    A model without a posterior variance (its encode returns z and None) has one output.

    Parameters
    ----------
    image_shape : sequence of int
        ``(C, H, W)``.

    Raises
    ------
    PortableError
        As `portable_network`.
    ProtocolError
        If ``encode`` does not return two tensors of one shape (or one and None, for an autoencoder).
    """
    network = portable_network("encode", image_shape, module=model)
    certain = getattr(_shown(model), "default_objective", "elbo") != "elbo"
    if len(network.outputs) not in ({1, 2} if certain else {2}) or len(set(network.output_shapes)) != 1:
        raise ProtocolError(
            f"{type(_shown(model)).__name__}.encode(x) returned shapes {list(network.output_shapes)}; "
            "expected (mu, logvar) of one shape. Wrap it: as_vae(model, encode=…, decode=…, latent_dim=…)."
        )
    return network


class _OneByOne(Exception):
    """Why a function can be recorded for one image at a time at best."""


@dataclass
class _Tracing:
    """One function that is recorded and compared with torch."""

    replica: nn.Module
    call: Callable[..., Any]
    name: str  # of the model
    root: str  # of the function
    shapes: list[tuple[int, ...]]
    gradients: bool = False
    warned: set[str] = field(default_factory=set)
    picked: Place | None = None

    def for_any_batch(self) -> Network:
        """Record at two batch sizes."""
        try:
            both = merged(lambda size: self._recorded(size, _OneByOne), FEW)
        except Differs as reason:
            raise _OneByOne(str(reason)) from reason
        alone = [i for i in both.outputs if both.shapes[i][:1] != (Size(1, 0),)]
        if alone:
            raise _OneByOne("what it returns has no axis of the batch")
        network = self._assembled(both, reason="")
        try:
            inputs, outputs = self._wanted(_TOGETHER, 0.1)
            together = self._compare(network, inputs, outputs, half=False)
        except PortableError as error:
            raise _OneByOne(f"it fails for {_TOGETHER} images: {error}") from error
        self._check_apart(network, inputs, together)
        return self._compare_alone(network, 2.0)

    def for_one_image(self, reason: str) -> Network:
        """Record with one image, and compare with others."""
        network = self._assembled(self._recorded(1, PortableError), reason=reason)
        for scale in (1.0, 0.1, 2.0):
            network = self._compare_alone(network, scale)
        return network

    def _recorded(self, size: int, error: type[Exception]) -> Recording:
        examples = self._examples(size, 1.0)
        at = [Place(self.root)]
        try:
            recording = record(
                self.call, examples, self.replica, root=self.root, layers=_shown(self.replica),
                warned=self.warned, at=at, training=self.gradients,
            )  # fmt: skip
        except PortableError:
            raise
        except Exception as problem:
            shapes = " and ".join(str(tuple(example.shape)) for example in examples)
            raise error(
                f"{at[0].layer} failed on an input of shape {shapes}: {type(problem).__name__}: {problem}. "
                "The model must take a batch of one in eval mode."
            ) from problem
        return recording

    def _assembled(self, recording: Recording, *, reason: str) -> Network:
        unseen = [i for i in recording.outputs if recording.values[i].kind == "constant"]
        if unseen:
            raise PortableError(
                f"{self.root} returned a tensor that does not come from its input through "
                "torch functions that can be recorded (NumPy and some C++ extensions cannot)."
            )
        self.picked = recording.picked
        needed = simplified(recording, keep_state=False)
        problem = refusal(needed, training=self.gradients)
        if problem is not None:
            raise PortableError(problem)
        return assembled(
            needed, module=self.replica, optional=len(self.shapes) - 1, precision="f16", reason=reason
        )

    def _examples(self, size: int, scale: float) -> list[Tensor]:
        """Random inputs. numpy's generator: the user's torch seed stays untouched."""
        random = np.random.default_rng([size, int(10 * scale)])
        arrays = [
            random.uniform(0.0, 1.0, (size, *shape))  # images
            if len(shape) > 1
            else random.normal(0.0, scale, (size, *shape))
            for shape in self.shapes
        ]
        return [torch.from_numpy(array).float() for array in arrays]

    def _wanted(self, size: int, scale: float) -> tuple[list[Tensor], list[Tensor]]:
        """Inputs and what torch makes of them."""
        inputs = self._examples(size, scale)
        try:
            return inputs, tensors_of(self.call(*[x.clone() for x in inputs]))
        except Exception as error:
            raise PortableError(
                f"{self.name} took one random input and failed on another: {type(error).__name__}: {error}. "
                "The page can only run what does the same for every input."
            ) from error

    def _compare_alone(self, network: Network, scale: float) -> Network:
        """One image, with full and with half-precision weights; the network as it travels."""
        inputs, outputs = self._wanted(1, scale)
        self._compare(network, inputs, outputs, half=False)
        try:
            self._compare(network, inputs, outputs, half=True)
        except PortableError:
            if not self.gradients:
                raise
            return replace(network, precision="f32")
        return network

    def _compare(
        self, network: Network, inputs: list[Tensor], outputs: list[Tensor], *, half: bool
    ) -> tuple[Any, ...]:
        """Refuse a network that gives something else than torch; returns what it gives."""
        exact = torch.get_float32_matmul_precision() == "highest"
        got = network.run(*(x.numpy() for x in inputs), half=half)
        for one, want in zip(got, outputs, strict=True):
            self._close(
                one, want.reshape(len(one), -1).numpy(), 1e-4 if exact and not half else 2e-2, half=half
            )
        return got

    def _close(self, got: Any, want: Any, tolerance: float, *, half: bool) -> None:
        error = float(np.abs(got - want).max()) if got.shape == want.shape and got.size else math.inf
        allowed = tolerance * max(1.0, float(np.abs(want).max()) if want.size else 1.0)
        if error <= allowed:
            return
        if self.picked is not None:
            raise PortableError(picks_by_mask(self.picked))
        if not np.isfinite(want).all():
            cause = "its weights or outputs are not finite"
        elif half:
            cause = "its weights do not survive half precision"
        else:
            cause = (
                "it follows the data (an `if`, a loop), keeps state between calls, or computes outside torch"
            )
        raise PortableError(
            f"{self.name}: the recorded network differs from the model by {error:.3g} (allowed "
            f"{allowed:.3g}) on another random input, so the page cannot run it. Most likely {cause}."
        )

    def _check_apart(self, network: Network, inputs: list[Tensor], together: tuple[Any, ...]) -> None:
        """An image's result must not depend on the other images of its batch."""
        alone = network.run(*(x[:1].numpy() for x in inputs))
        for whole, part in zip(together, alone, strict=True):
            if not np.allclose(whole[:1], part, rtol=1e-3, atol=1e-3):
                raise PortableError(
                    f"{self.root}: what it returns for an image depends on the other images of the batch, so "
                    "the page, which shows one, cannot run it."
                )


def _shown(module: nn.Module) -> nn.Module:
    """The model that the user wrote, for messages."""
    return module.module if isinstance(module, AdaptedVAE) else module


def _copied(module: nn.Module) -> nn.Module:
    """A copy as the page computes: float32 whatever the weights are kept in, on the CPU, in eval mode."""
    tensors = list(named_tensors(module, remove_duplicate=False).values())
    for part in module.modules():
        tensors += [value for value in vars(part).values() if isinstance(value, Tensor)]
    moved = {id(tensor): _plain_tensor(tensor) for tensor in tensors if not _is_plain(tensor)}
    try:
        return copy_model(module, moved).eval()
    except ProtocolError as error:
        raise PortableError(str(error)) from error


def _is_plain(tensor: Tensor) -> bool:
    return tensor.device.type == "cpu" and (not tensor.is_floating_point() or tensor.dtype == torch.float32)


def _plain_tensor(tensor: Tensor) -> Tensor:
    moved = tensor.detach().to("cpu", torch.float32 if tensor.is_floating_point() else tensor.dtype)
    return nn.Parameter(moved, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else moved


def _bound(
    function: Callable[..., Any] | str, module: nn.Module, replica: nn.Module
) -> tuple[Callable[..., Any], str]:
    if isinstance(function, str):
        name = function
        if not callable(getattr(replica, name, None)):
            raise PortableError(f"{type(module).__name__} has no method {name!r} to trace.")
        return getattr(replica, name), name
    name = getattr(function, "__name__", "")
    name = "" if name == "<lambda>" else name
    if getattr(function, "__self__", None) is module:
        return getattr(replica, function.__name__), name
    return functools.partial(function, replica), name


def _shapes(given: Sequence[int] | Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """One shape or several, as a list of shapes."""
    several = [tuple(int(n) for n in item) for item in given if isinstance(item, Sequence)]
    return several or [tuple(int(n) for n in given)]  # type: ignore[arg-type]
