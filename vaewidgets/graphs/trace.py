"""One forward recorded on a copy, translated, replayed on other inputs, and refused if it differs."""

from __future__ import annotations

import contextlib
import functools
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vaewidgets.adapters import AdaptedVAE, copy_model, named_tensors
from vaewidgets.errors import PortableError, ProtocolError
from vaewidgets.graphs.builder import Builder, Unsupported
from vaewidgets.graphs.fold import folded
from vaewidgets.graphs.lower import dead_calls_dropped, lower
from vaewidgets.graphs.network import Network, assemble
from vaewidgets.graphs.record import Environment, Recorder, Register

_TAKES = (
    "Linear, Conv2d and ConvTranspose2d of one group, Conv1d and ConvTranspose1d likewise, BatchNorm with "
    "running statistics, pooling, interpolation, padding, Dropout, views, slices and reindexing, "
    "concatenation, the common activations, and sums and products"
)


def portable_network(
    function: Callable[..., Any] | str,
    example_shape: Sequence[int] | Sequence[Sequence[int]],
    *,
    module: nn.Module,
) -> Network:
    """Record a function of a module as a network that the page runs.

    One forward of batch 1 is recorded on a deep copy of `module` in eval mode, then replayed on other random
    inputs with the recorded operations, with full and with half-precision weights.

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

    Raises
    ------
    PortableError
        If an operation that the output needs has no counterpart in the page (the message names the layer), if
        the module cannot be copied or the forward fails, or if the replay gives other values.

    Warns
    -----
    UserWarning
        If the forward takes a Python value from the data, such as an ``if`` on a tensor.
    """
    module = getattr(module, "_orig_mod", module)
    shapes = _shapes(example_shape)
    replica = _copied(module)
    call, method = _bound(function, module, replica)
    name = type(_shown(module)).__name__
    with _quiet(replica) as (device, dtype):
        examples = list(zip(*(_examples(shape, device, dtype) for shape in shapes), strict=True))
        recorder = Recorder(
            replica, examples[0], root=f"{name}.{method}" if method else name, layers=_shown(replica)
        )
        outputs = _recorded(recorder, call, examples[0])
        network = _translated(recorder, outputs, replica, [math.prod(shape) for shape in shapes])
        recorder.detach()
        _check_replay(network, call, examples[1:], dtype, name=name)
    return network


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


def _shown(module: nn.Module) -> nn.Module:
    """The model that the user wrote, for messages."""
    return module.module if isinstance(module, AdaptedVAE) else module


def _copied(module: nn.Module) -> nn.Module:
    try:
        replica = copy_model(module)
    except ProtocolError as error:
        raise PortableError(str(error)) from error
    for tensor in named_tensors(replica).values():
        if tensor.is_floating_point():
            tensor.data = tensor.data.float()  # as the page computes, whatever type the weights are kept in
    return replica.eval()


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


@contextlib.contextmanager
def _quiet(replica: nn.Module) -> Iterator[tuple[torch.device, torch.dtype]]:
    """No gradients, no autocast, no compiled functions; where and in which type the module computes."""
    first = next((t for t in named_tensors(replica).values() if t.is_floating_point()), torch.zeros(()))
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        for kind in {"cpu", first.device.type}:
            stack.enter_context(torch.autocast(kind, enabled=False))
        if "torch._dynamo" in sys.modules:
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        yield first.device, first.dtype


def _shapes(given: Sequence[int] | Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """One shape or several, as a list of shapes."""
    several = [tuple(int(n) for n in item) for item in given if isinstance(item, Sequence)]
    return several or [tuple(int(n) for n in given)]  # type: ignore[arg-type]


def _examples(shape: tuple[int, ...], device: torch.device, dtype: torch.dtype) -> list[Tensor]:
    """One input to record and three to replay. numpy's generator: the user's torch seed stays untouched."""
    random = np.random.default_rng(0)
    if len(shape) > 1:  # images
        arrays = [random.uniform(0.0, 1.0, (1, *shape)) for _ in range(4)]
    else:
        arrays = [random.normal(0.0, scale, (1, *shape)) for scale in (1.0, 1.0, 0.1, 2.0)]
    return [torch.from_numpy(array).to(device=device, dtype=dtype) for array in arrays]


def _recorded(recorder: Recorder, call: Callable[..., Any], examples: Sequence[Tensor]) -> list[Tensor]:
    try:
        with recorder:
            result = call(*examples)
    except Exception as error:
        shapes = " and ".join(str(tuple(example.shape)) for example in examples)
        raise PortableError(
            f"{recorder.last_where} failed on an input of shape {shapes}: "
            f"{type(error).__name__}: {error}. The model must take a batch of one in eval mode."
        ) from error
    outputs = _parts(result)
    if not outputs or not all(isinstance(item, Tensor) for item in outputs):
        kinds = ", ".join(type(item).__name__ for item in outputs) or "nothing"
        raise PortableError(f"{recorder.root} returned {kinds}; expected a tensor, or a tuple of tensors.")
    return outputs


def _parts(result: Any) -> list[Any]:
    """What a forward returned, without None for what the model does not have."""
    return [item for item in result if item is not None] if isinstance(result, (tuple, list)) else [result]


def _translated(
    recorder: Recorder, outputs: list[Tensor], replica: nn.Module, input_sizes: list[int]
) -> Network:
    registers = []
    for tensor in outputs:
        reference = recorder.refer(tensor)
        if not isinstance(reference, Register):
            raise PortableError(
                f"{recorder.root} returned a tensor that does not come from its input through "
                "torch functions that can be recorded (TorchScript, NumPy and C++ extensions cannot)."
            )
        registers.append(reference)
    environment = Environment(recorder.constants, named_tensors(replica, remove_duplicate=False))
    builder = Builder(recorder.inputs)
    for call in dead_calls_dropped(recorder.calls, registers):
        try:
            lower(builder, call, environment)
        except Unsupported as reason:
            raise PortableError(f"the page cannot run {call.where}: {reason}. It takes {_TAKES}.") from reason
    ends = [builder.id_of(register) for register in registers]
    steps, ids = folded(builder.steps, ends, inputs=len(input_sizes))
    return assemble(
        steps,
        ids,
        input_sizes=input_sizes,
        output_shapes=[tuple(tensor.shape[1:]) for tensor in outputs],
        constants=recorder.constants,
        module=replica,
    )


def _check_replay(
    network: Network,
    call: Callable[..., Any],
    inputs: list[tuple[Tensor, ...]],
    dtype: torch.dtype,
    *,
    name: str,
) -> None:
    exact = dtype in (torch.float32, torch.float64) and torch.get_float32_matmul_precision() == "highest"
    flat = [np.stack([x.double().cpu().numpy().reshape(-1) for x in xs]) for xs in zip(*inputs, strict=True)]
    try:
        results = [call(*xs) for xs in inputs]
    except Exception as error:
        raise PortableError(
            f"{name} took one random input and failed on another: {type(error).__name__}: {error}. The page "
            "can only run what does the same for every input."
        ) from error
    for half, tolerance in ((False, 1e-4 if exact else 2e-2), (True, 2e-2)):
        for output, got in enumerate(network.run(*flat, half=half)):
            for row, result in zip(got, results, strict=True):
                tensor = _parts(result)[output]
                _compare(row, tensor.double().cpu().numpy().reshape(-1), tolerance, name=name, half=half)


def _compare(got: Any, want: Any, tolerance: float, *, name: str, half: bool) -> None:
    error = float(np.abs(got - want).max()) if got.shape == want.shape and got.size else math.inf
    allowed = tolerance * max(1.0, float(np.abs(want).max()) if want.size else 1.0)
    if error <= allowed:
        return
    if not np.isfinite(want).all():
        cause = "its weights or outputs are not finite"
    elif half:
        cause = "its weights do not survive half precision"
    else:
        cause = "it follows the data (an `if`, a loop), keeps state between calls, or computes outside torch"
    raise PortableError(
        f"{name}: the recorded network differs from the model by {error:.3g} (allowed "
        f"{allowed:.3g}) on another random input, so the page cannot run it. Most likely {cause}."
    )
