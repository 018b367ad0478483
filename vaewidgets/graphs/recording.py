"""Records a torch function at two batch sizes as one program."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from vaewidgets.adapters import named_tensors
from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.errors import PortableError
from vaewidgets.graphs.batch import Differs, Recording, merged
from vaewidgets.graphs.on_cpu import OnCpu
from vaewidgets.graphs.places import Place, Places
from vaewidgets.graphs.recorded import Network, Precision, assembled
from vaewidgets.graphs.recorder import Recorder
from vaewidgets.graphs.refusals import picks_by_mask, too_large
from vaewidgets.graphs.rewriting import rewrite
from vaewidgets.graphs.simplify import simplified

Examples = Callable[[int], Sequence[Tensor]]


def record_function(
    function: Callable[..., Any],
    examples: Examples,
    *,
    module: nn.Module | None = None,
    root: str = "",
    precision: Precision = "f32",
    keep_state: bool = True,
) -> Network:
    """Record a function of tensors as a network for any batch size.

    Parameters
    ----------
    function : callable
        Takes the examples and returns a tensor or a tuple of tensors. A backward pass inside it, such as
        ``torch.autograd.grad``, is recorded too. Random numbers that it draws become draws of the network.
    examples : callable
        ``examples(batch_size)`` gives inputs: float32, on the CPU, other numbers for another size.
    module : nn.Module, optional
        Holds the parameters and buffers that `function` reads; float32, on the CPU. Pass a copy: `function`
        is called, and changes what it changes (such as running statistics).
    root : str
        Name of the function in messages.
    precision : {"f32", "f16"}
        How the weights travel.
    keep_state : bool
        Whether what the function writes into parameters and buffers is kept, and all of them are tensors of
        the network; else only those that the outputs need.

    Raises
    ------
    PortableError
        If the operations depend on the batch size in a way that no number expresses.
    """
    name = root or getattr(function, "__name__", "function")
    try:
        both = merged(lambda size: record(function, examples(size), module, root=name, training=True))
    except Differs as reason:
        raise PortableError(f"{name} cannot be recorded for any batch size: {reason}.") from reason
    if both.picked is not None:
        raise PortableError(picks_by_mask(both.picked))
    needed = simplified(both, keep_state=keep_state)
    problem = too_large(needed)
    if problem is not None:
        raise PortableError(problem)
    return assembled(needed, module=module, precision=precision, every_tensor=keep_state)


def record(
    function: Callable[..., Any],
    inputs: Sequence[Tensor],
    module: nn.Module | None,
    *,
    root: str,
    layers: nn.Module | None = None,
    warned: set[str] | None = None,
    at: list[Place] | None = None,
    training: bool = False,
) -> Recording:
    """Record one call; `at` keeps the place of the last operation, for what fails in it.

    With `training` the operations of backward passes count as known: only pages that train have them.
    """
    named = named_tensors(module) if module is not None else {}
    places = Places(root, module if layers is None else layers)
    recorder = Recorder(
        inputs, named, places=places, rewrite=functools.partial(rewrite, training=training), warned=warned
    )
    try:
        with restored_modes(), plain(module, training=training), places, recorder.watch(), recorder:
            outputs = call_recorded(function, inputs)
    finally:
        if at is not None:
            at[:] = [recorder.last]
    if not outputs or not all(isinstance(item, Tensor) for item in outputs):
        kinds = ", ".join(type(item).__name__ for item in outputs) or "nothing"
        raise PortableError(f"{root} returned {kinds}; expected a tensor, or a tuple of tensors.")
    refs = [recorder.refer(tensor).id for tensor in outputs]
    shapes = [tuple(value.tensor.shape) for value in recorder.values]
    return Recording(recorder.values, recorder.operations, recorder.inputs, refs, shapes, recorder.picked)


def call_recorded(function: Callable[..., Any], inputs: Sequence[Tensor]) -> list[Tensor]:
    """Call a function; places look for the user's lines up to here."""
    return tensors_of(function(*inputs))


def tensors_of(result: Any) -> list[Any]:
    """What a function returned, without None for what a model does not have."""
    return [item for item in result if item is not None] if isinstance(result, (tuple, list)) else [result]


@contextlib.contextmanager
def plain(module: nn.Module | None = None, *, training: bool = False) -> Iterator[None]:
    """The CPU, no autocast, no compiled functions, no fused layers that hide what they do."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(OnCpu())
        stack.enter_context(torch.autocast("cpu", enabled=False))
        if "torch._dynamo" in sys.modules:
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        if training:  # else the backward pass of attention is one operation
            stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        if module is not None and any(isinstance(part, nn.LSTM) for part in module.modules()):
            # which has one operation for a whole LSTM
            stack.callback(torch._C._set_mkldnn_enabled, torch._C._get_mkldnn_enabled())
            torch._C._set_mkldnn_enabled(False)
        yield
