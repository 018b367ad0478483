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
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaewidgets.engine.epoch import EngineState, EpochUnderWay, evaluation_seed, set_state, stream_seed
from vaewidgets.engine.evaluate import Evaluation, drive, evaluating
from vaewidgets.engine.faults import diverged
from vaewidgets.engine.fused import FusedStep, can_fuse, fused_step
from vaewidgets.engine.graphed import GraphedStep
from vaewidgets.engine.metrics import Block, Metrics
from vaewidgets.engine.optimizers import Mask, load_optimizer_tensors, make_optimizer, optimizer_tensors
from vaewidgets.engine.precision import HalfModel, why_not_bf16
from vaewidgets.engine.recorder import Recorder
from vaewidgets.engine.snapshot import Shell
from vaewidgets.engine.steps import Control, Steps, Upcoming, exhaust
from vaewidgets.errors import DivergedError
from vaewidgets.objectives import TERMS, Likelihood, Objective, Schedule, Weight, traits

FLUSH_SECONDS = 0.1


class Engine:
    """Trains one model on one data set.

    The parameters are those of `vaewidgets.train`. The model lies on `device`, speaks the protocol and has
    `decode_raw`; bfloat16 is computed in only where the device has it, and steps are recorded and replayed
    (`cuda_graph`) only on a CUDA device. `schedule`, which is beta by step, and `lr` may be set at any time.

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
        self._led: tuple[Schedule, Schedule] | None = None  # what was set, and what came of it step by step
        self.lr = lr
        self.epochs = epochs
        self.device = device
        self.eval_every = eval_every
        self.seed = seed
        self.n_data = len(data.train)
        self.step = 0
        self.epoch = 0
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
        self.under_way = EpochUnderWay(self.batches)
        self.steps_per_epoch = len(self.batches)
        self._metrics = Metrics(device, len(objective.extras))
        self._next_flush = 0.0
        self._failure: DivergedError | None = None
        self.upcoming: Upcoming | None = None
        self.fused: FusedStep | None = None
        self.is_stacked = False
        self._look_due = False  # set where something may have changed: how to make steps is found out anew
        self.graphed = GraphedStep(self) if cuda_graph and device.type == "cuda" else None
        self._evaluation: Evaluation | None = None  # of the epoch that has just ended, if it was halted

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

        Who goes on by ``send(True)`` has made the update and called `note_step`; else the engine makes it.
        """
        self.model.train()
        self._look_due = True
        try:
            return (yield from self._loop(control))
        except BaseException:
            self._evaluation = None
            self.under_way.rewind()  # an iterator that raised is over; the order can be drawn again
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
            batch = self.under_way.next_batch()
            was_set = self.schedule
            beta = self._led_from(was_set)
            self.upcoming = Upcoming(batch, beta(self.step), self._take_lr())
            if not (yield self):
                self._make_step(self.upcoming)
            if beta.reads_terms:
                self._led = (was_set, beta.after(*self._metrics.newest[1:3].tolist()))
            if self._metrics.is_full or time.perf_counter() >= self._next_flush:
                self.flush()
                control.flushed()
        return True

    @property
    def beta_schedule(self) -> Schedule:
        """`schedule`, or what has become of it by the terms of the steps made since it was set."""
        return self._led_from(self.schedule)

    def _led_from(self, was_set: Schedule) -> Schedule:
        # Compared, never overwritten: another thread may set `schedule` while a step is made.
        led = self._led
        return led[1] if led is not None and led[0] is was_set else was_set

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
        return self.epochs is None or self.epoch < self.epochs

    @property
    def is_at_end_of_epoch(self) -> bool:
        """Whether an evaluation comes before the next step."""
        return self.under_way.position == self.steps_per_epoch

    def _make_step(self, upcoming: Upcoming) -> None:
        if self.graphed is None or not self.graphed(upcoming):
            self.train_step(upcoming)

    def train_step(self, upcoming: Upcoming) -> Tensor:
        """Compute one step, update the weights by it and count it.

        Returns
        -------
        Tensor, shape (4,)
            Its terms, in the order of `COLUMNS`, as they are kept.
        """
        x, labels = self.under_way.gather(upcoming.batch)
        terms = self.terms(x, labels, upcoming.beta)
        with torch.no_grad():
            kept = self._metrics.write(self.step, terms, upcoming.beta, upcoming.lr, len(x))
            self.update(kept)
        self.under_way.position += 1
        self.step += 1
        return kept

    def terms(self, x: Tensor, labels: Tensor | None, beta: Weight) -> tuple[Tensor, ...]:
        """Terms of one batch, 0-d each, in the order of `COLUMNS`, then the extras; leaves the gradients."""
        fused = self.fused
        if fused is not None:
            loss, recon, kl, extras = fused(x, float(beta), [self.noise])
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
        return (loss, recon, kl, probe, *(extras[name] for name in self.objective.extras))

    def note_step(self, row: Tensor) -> Tensor:
        """Count a step that was computed elsewhere.

        Parameters
        ----------
        row : Tensor, shape (4 + extras,)
            Its terms, in the order of `COLUMNS`, the extras behind.

        Returns
        -------
        Tensor, shape (4,)
            Where they are kept.
        """
        upcoming = self.upcoming
        assert upcoming is not None
        kept = self._metrics.put(self.step, row, upcoming.beta, upcoming.lr, len(upcoming.batch))
        self.under_way.position += 1
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

    def _end_epoch(self, control: Control) -> bool:
        """Evaluate and record the epoch; False if that was halted, to be gone on with on the next call."""
        self.flush(wait=True)
        epoch = self.epoch + 1
        values = {"epoch": epoch, **self.under_way.means()}
        if self.eval_every and self.data.test is not None and epoch % self.eval_every == 0:
            if self._evaluation is None:
                self._evaluation = self._begin_evaluation(epoch)
            test = drive(self._evaluation, control.may_go_on)
            if test is None:
                return False
            self._evaluation = None
            values |= {f"test_{name}": value for name, value in test.items()}
        self.epoch = epoch
        self.under_way.begin()
        self._look_due = True
        self.recorder.append_epoch(self.step, values)
        control.flushed()
        return True

    def _begin_evaluation(self, epoch: int) -> Evaluation:
        return evaluating(
            self.shell.build(self.shell.clone(self.model, step=self.step, epoch=epoch)),
            self.data.test,
            self.likelihood,
            self.objective,
            beta=self.beta_schedule.scored(self.step - 1),
            step=self.step - 1,
            device=self.device,
            seed=evaluation_seed(self.seed),
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
        return EngineState(
            step=self.step,
            epoch=self.epoch,
            epochs=self.epochs,
            steps_per_epoch=self.steps_per_epoch,
            position=self.under_way.position,
            epoch_sums=self.under_way.sums(),
            schedule=self.beta_schedule,
            lr=self.lr,
            optimizer=optimizer_tensors(self.optimizer, copy=copy),
            noise=self.noise.get_state(),
            order=self.under_way.order_state.clone(),
        )

    def restore(self, state: EngineState) -> None:
        """Go on from where `state` was taken. The weights are the caller's."""
        self.step, self.epoch = state.step, state.epoch
        set_state(self.noise, state.noise, stream_seed(self.seed + self.step, 1))
        set_state(self.batches.generator, state.order, stream_seed(self.seed + self.step, 0))
        self.under_way.begin(state.position, state.epoch_sums)
        load_optimizer_tensors(self.optimizer, state.optimizer)
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
        terms = dict(zip(TERMS, block.terms[:n].T, strict=False))
        columns = {**terms, "beta": block.beta[:n], "lr": block.lr[:n]}
        columns |= zip(self.objective.extras, block.extras[:n].T, strict=True)
        self.under_way.add(terms, block.images[:n])
        steps = np.arange(block.first_step, block.first_step + n)
        self.recorder.extend(steps, columns)
        if n < len(finite):
            skipped = self.step - (block.first_step + n)  # steps since then, all masked
            self.step -= skipped
            self.under_way.position -= skipped
            self._failure = diverged(self.step, block.terms[n], float(block.beta[n]))
            raise self._failure
