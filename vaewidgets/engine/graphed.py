"""A training step recorded once and replayed: no Python between its kernels (CUDA graphs).

A step of a small network on a GPU takes longer to launch, a kernel at a time, than to compute. Recorded, it
is launched in one go. What changes from step to step lies at fixed addresses on the device: the batch's
indices, beta, the learning rate, the row of terms. The order of a run's life with it:

    a few steps as ever, watched for what cannot be recorded (whatever waits for the device)
    the step is recorded
    it is replayed, and compared with the same step as ever; again every `CHECK_EVERY` steps

Whatever does not fit, at whichever point, leaves the run with the ordinary step, and `why_not` says what.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from vaewidgets.checks import flag
from vaewidgets.concurrency import Lock
from vaewidgets.engine.fused import has_hooks
from vaewidgets.engine.metrics import COLUMNS
from vaewidgets.engine.optimizers import ShortAdam
from vaewidgets.engine.snapshot import model_tensors
from vaewidgets.errors import OptionError

if TYPE_CHECKING:
    from vaewidgets.engine.engine import Engine
    from vaewidgets.engine.steps import Upcoming

WARM_UP = 3  # steps, so that torch's libraries have their plans and their memory
CHECK_EVERY = 500  # steps; a check costs a step and two copies of the weights
TERMS_TOLERANCE = 1e-4  # relative: what sums in another order may differ by
UPDATE_TOLERANCE = 0.01  # of the update's length: Adam magnifies rounding where gradients are tiny

_capturing = Lock()  # a process can record one graph at a time


def check_cuda_graph(cuda_graph: object, device: torch.device) -> bool:
    """Return whether steps are to be recorded; OptionError where `device` cannot."""
    cuda_graph = flag("cuda_graph", cuda_graph)
    if cuda_graph and device.type != "cuda":
        raise OptionError(
            f"cuda_graph is True; the run trains on {str(device)!r}; expected a CUDA device. Leave it out."
        )
    return cuda_graph


class Graph(Protocol):
    """What records work on a device, and does it again."""

    def warming_up(self) -> contextlib.AbstractContextManager[Any]:
        """Where work is done that prepares a recording."""
        ...

    def capture(self, body: Callable[[], None]) -> None:
        """Record what `body` asks of the device. May do it, too."""
        ...

    def replay(self) -> None:
        """Do what was recorded again, on the same memory."""
        ...


class CudaGraph:
    """torch's CUDA graph.

    Parameters
    ----------
    generator : torch.Generator
        On the device; each replay goes on from where its numbers are.
    """

    def __init__(self, generator: torch.Generator) -> None:
        self._device = generator.device
        self._graph = torch.cuda.CUDAGraph()
        self._graph.register_generator_state(generator)

    @contextlib.contextmanager
    def warming_up(self) -> Iterator[None]:
        """A stream beside the default one, on which nothing may be recorded."""
        with torch.cuda.device(self._device):
            stream, before = torch.cuda.Stream(), torch.cuda.current_stream()
            stream.wait_stream(before)
            with torch.cuda.stream(stream):
                yield
            before.wait_stream(stream)

    def capture(self, body: Callable[[], None]) -> None:
        """Record `body`, while other threads may go on using the device."""
        with (
            torch.cuda.device(self._device),
            torch.cuda.graph(self._graph, capture_error_mode="thread_local"),
        ):
            body()

    def replay(self) -> None:
        """On the current stream."""
        self._graph.replay()


class GraphedStep:
    """Makes an engine's updates by replay, where they can be made so.

    Parameters
    ----------
    engine : Engine
    make_graph : callable
        Makes a `Graph` whose replays draw from the generator that it is given.

    Attributes
    ----------
    why_not : str or None
        Why steps are not recorded; None as long as nothing is known against it.
    is_recorded : bool
        Whether the next step of a full batch is a replay.
    """

    def __init__(self, engine: Engine, make_graph: Callable[[torch.Generator], Graph] = CudaGraph) -> None:
        self._engine = engine
        self._make_graph = make_graph
        device = engine.device
        self._index = torch.zeros(engine.batches.batch_size, dtype=torch.int64, device=device)
        self._beta = torch.zeros((), device=device)
        self._lr = torch.zeros((), device=device)
        self._row = torch.zeros(len(COLUMNS) + len(engine.objective.extras), device=device)
        self._forget()

    def look(self) -> None:
        """Forget the recording if what it was made of has changed. Before steps are taken."""
        if self._made_of() != self._was_made_of:
            self._forget()

    def describe(self) -> str:
        """What is done, in a few words."""
        if self.why_not is not None:
            return f"not replayed as a CUDA graph: {self.why_not}"
        return f"{'' if self.is_recorded else 'to be '}replayed as a CUDA graph"

    def __call__(self, upcoming: Upcoming) -> bool:
        """Make an update and have it noted; False if the ordinary way must make it."""
        if self.why_not is not None or len(upcoming.batch) != len(self._index):
            return False
        if not self.is_recorded:
            if self._warm < WARM_UP:
                self._warm_up(upcoming)
                return True
            self._record()
            if not self.is_recorded:
                return False
        if self._until_check == 0:
            self._check(upcoming)
        else:
            self._replay(upcoming)
            self._engine.note_step(self._row)
        self._until_check -= 1
        return True

    def _forget(self) -> None:
        self.why_not: str | None = _why_not(self._engine)
        self.is_recorded = False
        self._was_made_of = self._made_of()
        self._graph = self._make_graph(self._engine.noise)
        self._warm = 0
        self._until_check = 0
        self._beta_there = self._lr_there = float("nan")  # what lies on the device

    def _warm_up(self, upcoming: Upcoming) -> None:
        """An ordinary step. The last one is watched; the first ones wait for what they make and keep."""
        self._warm += 1
        watch = _Watch() if self._warm == WARM_UP else None
        with self._graph.warming_up(), watch or contextlib.nullcontext():
            self._engine.train_step(upcoming)
        self.why_not = watch.found if watch is not None else None

    def _record(self) -> None:
        """Record the step; what it changes, if recording does the work, is put back."""
        engine = self._engine
        self._was_made_of = self._made_of()  # the optimiser has its tensors by now
        kept = _Kept(engine)
        try:
            with _capturing:
                self._graph.capture(self._body)
            self.is_recorded = True
        except RuntimeError as error:
            self.why_not = f"recording it failed ({str(error).splitlines()[0]})"
            # one that was drawn from in a recording that broke off refuses to be drawn from
            engine.noise = torch.Generator(engine.device)
        finally:
            kept.put_back()

    def _body(self) -> None:
        """What is recorded: `Engine.train_step`, its numbers read from the device."""
        engine = self._engine
        groups = engine.optimizer.param_groups
        x, labels = engine.under_way.gather(self._index)
        terms = engine.terms(x, labels, self._beta)
        with torch.no_grad():
            torch.stack(terms, out=self._row)
            for group in groups:
                group["lr"] = self._lr
            try:
                engine.update(self._row[: len(COLUMNS)])
            finally:
                for group in groups:
                    group["lr"] = engine.lr_in_force

    def _replay(self, upcoming: Upcoming) -> None:
        self._index.copy_(upcoming.batch)
        if upcoming.beta != self._beta_there:
            self._beta.fill_(upcoming.beta)
            self._beta_there = upcoming.beta
        if upcoming.lr != self._lr_there:
            self._lr.fill_(upcoming.lr)
            self._lr_there = upcoming.lr
        self._graph.replay()

    def _check(self, upcoming: Upcoming) -> None:
        """Make the update both ways; the ordinary one stands."""
        engine = self._engine
        kept = _Kept(engine)
        before = [p.detach().clone() for p in engine.model.parameters()]
        self._replay(upcoming)
        row = self._row.clone()
        replayed = [p.detach().clone() for p in engine.model.parameters()]
        kept.put_back()
        ordinary = engine.train_step(upcoming)
        n = len(ordinary)
        terms = bool(torch.isclose(row[:n], ordinary, TERMS_TOLERANCE, 1e-6, equal_nan=True).all())
        if not (terms and _same_updates(before, replayed, list(engine.model.parameters()))):
            self.why_not = (
                f"at step {engine.step} its replay gave another result than the step itself: the model or "
                "the objective changes in a way that is not seen on the device"
            )
            self.is_recorded = False
        self._until_check = CHECK_EVERY

    def _made_of(self) -> tuple[Any, ...]:
        """What a recording reads and writes, and what decides over it."""
        engine = self._engine
        optimizer = engine.optimizer
        moments = optimizer.tensors() if isinstance(optimizer, ShortAdam) else []
        tensors = [*model_tensors(engine.model), *moments]
        return (
            *((t.data_ptr(), t.requires_grad) for t in tensors),
            *((id(module), module.training, has_hooks(module)) for module in engine.model.modules()),
        )


class _Kept:
    """All that a step changes, to be put back in place."""

    def __init__(self, engine: Engine) -> None:
        assert isinstance(engine.optimizer, ShortAdam)
        self._engine = engine
        changed = (*model_tensors(engine.model), *engine.optimizer.tensors(), *engine.mask.tensors())
        self._tensors = [t.detach() for t in changed]
        self._clones = [t.clone() for t in self._tensors]
        self._noise = engine.noise.get_state()
        # of dropout, say: a model draws from torch's own
        self._own = _default_generator(engine.device).get_state()

    def put_back(self) -> None:
        for tensor, clone in zip(self._tensors, self._clones, strict=True):
            tensor.copy_(clone)
        self._engine.noise.set_state(self._noise)
        _default_generator(self._engine.device).set_state(self._own)


def _default_generator(device: torch.device) -> torch.Generator:
    if device.type != "cuda":
        return torch.default_generator
    index = torch.cuda.current_device() if device.index is None else device.index
    return torch.cuda.default_generators[index]


class _Watch(TorchDispatchMode):
    """Notes the first operation of this thread that cannot be part of a recording; hinders none.

    Attributes
    ----------
    found : str or None
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: str | None = None

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if self.found is None:
            if _waits(func, args):
                self.found = f"{func} waits for what is computed on the device"
            elif func.overloadpacket in _COPIES and len(_devices(args, out)) > 1:
                self.found = f"{func} carries a tensor from one device to another"
        return out


_COPIES = (torch.ops.aten._to_copy, torch.ops.aten.copy_)
_INDEXING = (torch.ops.aten.index, torch.ops.aten.index_put, torch.ops.aten.index_put_)
_WAITING = (torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape)


def _waits(func: Any, args: tuple[Any, ...]) -> bool:
    """Whether the host must know what is computed: for a number, or for how many there are."""
    if func.overloadpacket in _INDEXING:  # by a mask, of which the true ones are counted
        return any(index is not None and index.dtype in (torch.bool, torch.uint8) for index in args[1])
    return any(tag in func.tags for tag in _WAITING)


def _devices(args: tuple[Any, ...], out: Any) -> set[str]:
    return {value.device.type for value in (*args, out) if isinstance(value, Tensor)}


def _same_updates(before: list[Tensor], ones: list[Tensor], others: list[Tensor]) -> bool:
    """Whether two updates of the same weights are one, short of rounding."""
    flat = [torch.cat([p.detach().flatten() for p in weights]) for weights in (before, ones, others)]
    update = flat[2] - flat[0]
    error = flat[1] - flat[2]
    if not bool(torch.isfinite(update).all()):
        return bool((torch.isfinite(flat[1]) == torch.isfinite(flat[2])).all())
    return bool(error.norm() <= UPDATE_TOLERANCE * update.norm())


def _why_not(engine: Engine) -> str | None:
    """What speaks against recording an engine's steps before any is taken."""
    if not engine.batches.resident:
        return "its images are read piece by piece"
    if engine.objective.changes_with_step:
        return f"objective {engine.objective.name!r} changes with the step"
    if not isinstance(engine.optimizer, ShortAdam):
        return f"only Adam's update is recorded, not that of {type(engine.optimizer).__name__}"
    if any(has_hooks(module) for module in engine.model.modules()):
        return "its model has hooks, which would not be called"
    return None
