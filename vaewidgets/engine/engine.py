"""The training loop: no threads, no widgets, nothing that waits for the device within a step.

    for each epoch:
        for each batch x:  (on the device already)
            mu, logvar = encode(x);  z = mu + sigma eps;  raw = decode_raw(z)
            loss = recon(raw, x) + beta KL(mu, logvar)      (or what the objective makes of them)
            gradients, update (masked where something is not finite)
        test loss

Who runs it gives a `Control`, which is asked between two steps: there the weights are consistent, and a run
may pause, stop or be copied. The loop is a generator that halts before each update, so that several engines
can be led from step to step together, and their updates made in one go (`vaewidgets.engine.batched`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaewidgets.engine.evaluate import Evaluation, drive, evaluating
from vaewidgets.engine.faults import diverged
from vaewidgets.engine.fused import FusedStep, can_fuse, fused_step
from vaewidgets.engine.graphed import GraphedStep
from vaewidgets.engine.metrics import Block, Metrics
from vaewidgets.engine.optimizers import Mask, make_optimizer
from vaewidgets.engine.precision import HalfModel, why_not_bf16
from vaewidgets.engine.recorder import Recorder
from vaewidgets.engine.snapshot import Shell
from vaewidgets.engine.steps import Control, Steps, Upcoming, exhaust
from vaewidgets.errors import DivergedError
from vaewidgets.objectives import Constant, Likelihood, Objective, Schedule, Weight, traits

__all__ = ["Control", "Engine", "EngineState"]

FLUSH_SECONDS = 0.1


@dataclass
class EngineState:
    """Where a training stands, its weights left out. The names are those of `Engine`."""

    step: int
    epoch: int
    epochs: int | None
    steps_per_epoch: int
    position: int
    epoch_sums: tuple[float, ...]
    schedule: Schedule
    lr: float
    optimizer: dict[str, Tensor]
    noise: Tensor
    order: Tensor

    @classmethod
    def at(cls, step: int, epoch: int, epochs: int | None) -> EngineState:
        """A training that cannot be gone on with."""
        nothing = torch.empty(0, dtype=torch.uint8)
        return cls(step, epoch, epochs, 1, 0, (0.0,) * 4, Constant(1.0), 1.0, {}, nothing, nothing)

    def state(self, *, copy: bool = True) -> EngineState:
        """Itself: it does not change."""
        del copy
        return self


class Engine:
    """Trains one model on one data set.

    Parameters
    ----------
    model : nn.Module
        Speaks the protocol and has `decode_raw`; on `device`.
    data : ImageDataset
    likelihood : Likelihood
    objective : Objective
    recorder : Recorder
    schedule : Schedule
        beta by step; may be replaced at any time.
    lr : float
        May be set at any time.
    optimizer : str
    batch_size, drop_last, seed, eval_every
        As in `vaewidgets.train`.
    device : torch.device
    precision : {"float32", "bf16"}
        What is asked for; bfloat16 is computed in only where the device has it.
    cuda_graph : bool
        Whether steps are to be recorded and replayed; only on a CUDA device.

    Attributes
    ----------
    step : int
        Updates made.
    epoch : int
        Epochs completed, their evaluation included.
    epochs : int or None
        When to end; None for never.
    """

    def __init__(
        self,
        model: Any,
        data: Any,
        likelihood: Likelihood,
        objective: Objective,
        recorder: Recorder,
        *,
        schedule: Schedule,
        lr: float,
        optimizer: str,
        batch_size: int,
        drop_last: bool,
        seed: int,
        eval_every: int,
        epochs: int | None,
        device: torch.device,
        precision: str = "float32",
        cuda_graph: bool = False,
    ) -> None:
        self.model = model
        self.data = data
        self.likelihood = likelihood
        self.objective = objective
        self.recorder = recorder
        self.schedule = schedule
        self.lr = lr
        self.epochs = epochs
        self.device = device
        self.eval_every = eval_every
        self.seed = seed
        self.n_data = len(data.train)
        self.step = 0
        self.epoch = 0
        self.position = 0  # batches taken in this epoch
        self.epoch_sums = np.zeros(4)  # recon, kl, loss, images of this epoch so far
        self.shell = Shell(model)

        self._params = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = make_optimizer(optimizer, self._params, lr)
        self._precision = precision
        self.trained = model  # as the objective sees it
        if precision == "bf16" and why_not_bf16(device) is None:
            self.trained = HalfModel(model, device)
        self.mask = Mask(self.optimizer, self._params, list(model.buffers()))
        self.lr_in_force = lr
        # One stream for the order, one for the noise, one for evaluation: none disturbs another.
        self.noise = torch.Generator(device).manual_seed(stream_seed(seed, 1))
        order = torch.Generator(device).manual_seed(stream_seed(seed, 0))
        self.batches = data.train.batches(
            batch_size,
            device=device,
            generator=order,
            shuffle=True,
            drop_last=drop_last,
            with_labels=traits(model).takes_labels,
        )
        self.steps_per_epoch = len(self.batches)
        self.order_state = self.batches.state_dict()  # as it was when this epoch began
        self._epoch_batches: Iterator[Any] | None = None
        self._metrics = Metrics(device, len(objective.extras))
        self._next_flush = 0.0
        self._failure: DivergedError | None = None
        self.upcoming: Upcoming | None = None
        self.fused: FusedStep | None = None
        self.is_stacked = False
        self._look_due = False  # set where something may have changed: how to make steps is found out anew
        self.graphed = GraphedStep(self) if cuda_graph and device.type == "cuda" else None
        self._evaluation: Evaluation | None = None  # of the epoch that has just ended, if it was halted

    # the loop ---------------------------------------------------------------------------------

    def train(self, control: Control) -> bool:
        """Train up to `epochs`.

        Returns
        -------
        bool
            True when they are done, False when `control` ended it. Calling again goes on from there.

        Raises
        ------
        DivergedError
            When a term or a gradient was not finite; the weights are those before that step.
        """
        return exhaust(self.steps(control))

    def steps(self, control: Control) -> Steps[bool]:
        """`train`, halted before each update: `upcoming` says what it is made of.

        Whoever goes on by ``send(True)`` has made the update and told `note_step`; else the engine makes it.
        """
        self.model.train()
        self._look_due = True
        try:
            return (yield from self._loop(control))
        except BaseException:
            self._evaluation = None
            self._epoch_batches = None  # an iterator that raised is over; the order can be drawn again
            raise

    def _loop(self, control: Control) -> Steps[bool]:
        while self.has_more:
            if self.is_at_end_of_epoch:
                if not self._end_epoch(control):
                    return False
                continue
            if not control.may_step():
                return False
            if self._failure is not None:  # found by who flushed in between
                raise self._failure
            if self._look_due:
                self._look()
            batch = self._next_batch()
            self.upcoming = Upcoming(batch, self.schedule(self.step), self._take_lr())
            if not (yield self):
                self._make_step(self.upcoming)
            if self._metrics.is_full or time.perf_counter() >= self._next_flush:
                self.flush()
                control.flushed()
        return True

    def halting(self) -> None:
        """Told between two steps before a halt that a person may use, to read curves or to freeze a layer."""
        self.flush(wait=True)
        self._look_due = True

    def _look(self) -> None:
        """Find out how steps can be made: the model may have got hooks, or frozen weights."""
        self._look_due = False
        self.fused = fused_step(self.trained, self.objective, self.likelihood, self.device, self.fused)
        if self.graphed is not None:
            self.graphed.look()

    @property
    def has_more(self) -> bool:
        """Whether there are epochs left to train."""
        return self.epochs is None or self.epoch < self.epochs

    @property
    def is_at_end_of_epoch(self) -> bool:
        """Whether an evaluation comes before the next step."""
        return self.position == self.steps_per_epoch

    def _make_step(self, upcoming: Upcoming) -> None:
        if self.graphed is None or not self.graphed(upcoming):
            self.train_step(upcoming)

    def train_step(self, upcoming: Upcoming) -> Tensor:
        """Compute one step, update the weights by it and count it.

        Returns
        -------
        Tensor, shape (4,)
            Its terms, in the order of `TERMS`, as they are kept.
        """
        x, labels = self.gather(upcoming.batch)
        terms = self.terms(x, labels, upcoming.beta)
        with torch.no_grad():
            kept = self._metrics.write(self.step, terms, upcoming.beta, upcoming.lr, len(x))
            self.update(kept)
        self.position += 1
        self.step += 1
        return kept

    def terms(self, x: Tensor, labels: Tensor | None, beta: Weight) -> tuple[Tensor, ...]:
        """Terms of one batch, 0-d each, in the order of `TERMS`, the extras behind; leaves the gradients."""
        fused = self.fused
        if fused is not None:
            loss, recon, kl, extras = fused(x, float(beta), self.noise)
        else:
            for p in self._params:
                p.grad = None
            loss, recon, kl, extras = self.objective(
                self.trained,
                self.likelihood,
                x,
                beta,
                labels=labels,
                step=self.step,
                generator=self.noise,
                n_data=self.n_data,
            )
            loss.backward()
        with torch.no_grad():
            probe = self._gradient_probe() if fused is None else fused.probe()
        return (recon, kl, loss, probe, *(extras[name] for name in self.objective.extras))

    def note_step(self, row: Tensor) -> Tensor:
        """Count a step that was computed elsewhere.

        Parameters
        ----------
        row : Tensor, shape (4 + extras,)
            Its terms, in the order of `TERMS`, the extras behind.

        Returns
        -------
        Tensor, shape (4,)
            Where they are kept.
        """
        upcoming = self.upcoming
        assert upcoming is not None
        kept = self._metrics.put(self.step, row, upcoming.beta, upcoming.lr, len(upcoming.batch))
        self.position += 1
        self.step += 1
        return kept

    @torch.no_grad()
    def update(self, terms: Tensor) -> None:
        """Change the weights by their gradients, unless a term of the step is not finite."""
        self.mask.look(terms)
        self.optimizer.step()
        self.mask.settle()

    def take_weights_back(self) -> None:
        """Give the weights storage of their own again, if they are part of a stack."""
        if self.is_stacked:
            self.is_stacked = False
            for p in self._params:
                p.data = p.data.clone()
                p.grad = None

    def _gradient_probe(self) -> Tensor:
        """One number that is finite if, and (short of overflow) only if, all gradients are."""
        grads = [p.grad for p in self._params if p.grad is not None]
        if self.device.type == "cpu":
            return torch.stack([grad.sum() for grad in grads]).sum()
        return torch.stack(torch._foreach_norm(grads)).sum()

    def _take_lr(self) -> float:
        if self.lr != self.lr_in_force:
            self.lr_in_force = self.lr
            for group in self.optimizer.param_groups:
                group["lr"] = self.lr_in_force
        return self.lr_in_force

    # batches ----------------------------------------------------------------------------------

    def _next_batch(self) -> Any:
        """Indices where the images lie on the device, else the batch."""
        if self._epoch_batches is None:
            self.batches.load_state_dict(self.order_state)
            self._epoch_batches = self._rest_of_epoch()
        return next(self._epoch_batches)

    def _rest_of_epoch(self) -> Iterator[Any]:
        """The epoch's batches from `position` on: later ones, too, in the order that it began with."""
        batches, size = self.batches, self.batches.batch_size
        if not (batches.resident or self.position):
            yield from batches
            return
        order = batches.permutation()
        for i in range(self.position, self.steps_per_epoch):
            index = order[i * size : (i + 1) * size]
            yield index if batches.resident else batches.gather_batch(index)

    def gather(self, batch: Any) -> tuple[Tensor, Tensor | None]:
        """Images of what `Upcoming.batch` holds, and their labels where the model takes such."""
        if self.batches.resident:
            batch = self.batches.gather_batch(batch)
        return batch if self.batches.with_labels else (batch, None)

    # between steps ----------------------------------------------------------------------------

    def _end_epoch(self, control: Control) -> bool:
        """Evaluate and record the epoch; False if that was halted, to be gone on with on the next call."""
        self.flush(wait=True)
        epoch = self.epoch + 1
        recon, kl, loss, images = self.epoch_sums
        values = {
            "epoch": epoch,
            "train_loss": loss / images,
            "train_recon": recon / images,
            "train_kl": kl / images,
        }
        if self.eval_every and self.data.test is not None and epoch % self.eval_every == 0:
            if self._evaluation is None:
                self._evaluation = self._begin_evaluation(epoch)
            test = drive(self._evaluation, control.may_go_on)
            if test is None:
                return False
            self._evaluation = None
            values |= {f"test_{name}": value for name, value in test.items()}
        self.epoch = epoch
        self.position = 0
        self.epoch_sums = np.zeros(4)
        self.order_state = self.batches.state_dict()
        self._epoch_batches = None
        self._look_due = True
        self.recorder.append_epoch(self.step, values, notify=False)
        control.flushed()
        return True

    def _begin_evaluation(self, epoch: int) -> Evaluation:
        return evaluating(
            self.shell.build(self.shell.clone(self.model, step=self.step, epoch=epoch)),
            self.data.test,
            self.likelihood,
            self.objective,
            beta=self.schedule(self.step - 1),
            step=self.step - 1,
            device=self.device,
            seed=stream_seed(self.seed, 2),
        )

    def describe(self) -> str:
        """How steps are taken, in a line."""
        written_out = can_fuse(self.trained, self.objective, self.likelihood, self.device)
        way = "written-out step" if written_out else "autograd"
        if isinstance(self.trained, HalfModel):
            text = f"{way} on {self.device}, bf16 by autocast, weights in float32"
        else:
            text = f"{way} on {self.device}, float32"
            if self._precision == "bf16":
                text += f" (bf16 was asked for, but {why_not_bf16(self.device)})"
        return text if self.graphed is None else f"{text}; {self.graphed.describe()}"

    def state(self, *, copy: bool = True) -> EngineState:
        """Clone what is needed to go on from here; between two steps. See `capture` for ``copy=False``."""
        optimizer = self.optimizer.state_dict()
        return EngineState(
            step=self.step,
            epoch=self.epoch,
            epochs=self.epochs,
            steps_per_epoch=self.steps_per_epoch,
            position=self.position,
            epoch_sums=tuple(self.epoch_sums.tolist()),
            schedule=self.schedule,
            lr=self.lr,
            optimizer={
                f"{i}.{key}": value.detach().clone() if copy else value.detach()
                for i, values in optimizer["state"].items()
                for key, value in values.items()
                if isinstance(value, Tensor)
            },
            noise=self.noise.get_state(),
            order=self.order_state["generator"].clone(),
        )

    def restore(self, state: EngineState) -> None:
        """Go on from where `state` was taken. The weights are the caller's."""
        self.step, self.epoch, self.position = state.step, state.epoch, state.position
        self.epoch_sums = np.array(state.epoch_sums)
        for stream, generator, kept in (
            (1, self.noise, state.noise),
            (0, self.batches.generator, state.order),
        ):
            try:
                generator.set_state(kept)
            except (
                RuntimeError,
                TypeError,
            ):  # of another kind of device: new numbers, not those already used
                generator.manual_seed(stream_seed(self.seed + self.step, stream))
        self.order_state = self.batches.state_dict()
        if self.position:
            self.batches.permutation()  # leaves the generator where this epoch's order left it
        own = self.optimizer.state_dict()
        own["state"] = {}
        for name, value in state.optimizer.items():
            i, key = name.split(".", 1)
            own["state"].setdefault(int(i), {})[key] = value
        self.optimizer.load_state_dict(own)
        if self.graphed is not None:
            self.graphed.look()

    def flush(self, *, wait: bool = False) -> None:
        """Hand what was measured to the recorder; with `wait`, all of it."""
        self._next_flush = time.perf_counter() + FLUSH_SECONDS
        for block in self._metrics.flush(wait=wait):
            self._record(block)

    def _record(self, block: Block) -> None:
        finite = np.isfinite(block.terms).all(axis=1)
        n = len(finite) if finite.all() else int(np.argmin(finite))
        recon, kl, loss, _ = block.terms[:n].T
        steps = np.arange(block.first_step, block.first_step + n)
        columns = {"loss": loss, "recon": recon, "kl": kl, "beta": block.beta[:n], "lr": block.lr[:n]}
        columns |= zip(self.objective.extras, block.extras[:n].T, strict=True)
        images = block.images[:n].astype(np.float64)
        self.epoch_sums += (recon @ images, kl @ images, loss @ images, images.sum())
        self.recorder.extend(steps, columns, notify=False)
        if n < len(finite):
            skipped = self.step - (block.first_step + n)  # steps since then, all masked
            self.step -= skipped
            self.position -= skipped
            self._failure = diverged(self.step, block.terms[n], float(block.beta[n]))
            raise self._failure


def stream_seed(seed: int, stream: int) -> int:
    """Seed of one of a run's three random streams; no two runs or streams share one."""
    return (3 * seed + stream) % 2**63
