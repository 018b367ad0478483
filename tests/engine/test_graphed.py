"""Steps that are recorded and replayed, on a stand-in for CUDA's graphs: the same training, or a reason.

The stand-in keeps to what a replay on a GPU can and cannot do: it does the recorded operations again, on the
tensors that they were recorded with, and no Python in between. What it cannot show is that torch's own
recording works on a GPU; `test_on_a_gpu` is for a machine that has one.
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import vaewidgets as vw
from tests.runs.conftest import advance, make_data, make_model, start
from vaewidgets.engine import graphed
from vaewidgets.engine.graphed import CHECK_EVERY, WARM_UP, CudaGraph, GraphedStep, check_cuda_graph
from vaewidgets.engine.optimizers import ShortAdam
from vaewidgets.errors import OptionError
from vaewidgets.models import VQVAE, Autoencoder, AutoregressiveVAE, ConditionalVAE, ConvVAE
from vaewidgets.objectives import BetaTC, Capacity, FreeBits, InfoVAE, LinearWarmup


class Recording(TorchDispatchMode):
    """A graph for the CPU."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self.generator = generator
        self.calls: list[tuple[Any, Any, Any, list[Any]]] = []
        self.replays = 0

    def warming_up(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def capture(self, body: Any) -> None:
        with self:
            body()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, tree_leaves(out)))
        return out

    @torch.no_grad()
    def replay(self) -> None:
        self.replays += 1
        for func, args, kwargs, kept in self.calls:
            if func.is_view:
                continue  # the memory is the same
            outs = tree_leaves(func(*args, **kwargs))
            for there, new in zip(kept, outs, strict=True):
                if isinstance(there, Tensor) and there.data_ptr() != new.data_ptr():
                    there.copy_(new)


class Recordings:
    """Makes recordings, and knows those that were made."""

    def __init__(self) -> None:
        self._all: list[Recording] = []

    def make(self, generator: torch.Generator) -> Recording:
        self._all.append(Recording(generator))
        return self._all[-1]

    @property
    def used(self) -> list[Recording]:
        return [graph for graph in self._all if graph.calls]

    def replaying(self, run: Any) -> Any:
        """Have a run that has not begun replay its steps."""
        run._engine.graphed = GraphedStep(run._engine, self.make)
        return run


@pytest.fixture
def made(monkeypatch) -> Recordings:
    """Stand-ins for CUDA's graphs; on a CPU the written-out step would be in the way."""
    monkeypatch.setattr("vaewidgets.engine.engine.fused_step", lambda *_: None)
    return Recordings()


def pair(made: Recordings, data: Any, model: Any, **options: Any) -> tuple[Any, Any]:
    """The same run twice: step by step, and replayed."""
    runs = []
    for replayed in (False, True):
        run = start(data, model(), start=False, eval_every=0, **{"epochs": 5, **options})
        if replayed:
            made.replaying(run)
        run.resume()
        runs.append(run.wait(progress=False))
    return runs[0], runs[1]


def same(plain: Any, replayed: Any) -> None:
    """Curves and weights of two runs are equal, short of rounding."""
    assert plain.step == replayed.step
    for name in ("loss", "recon", "kl", *plain.objective.extras):
        np.testing.assert_allclose(plain.history[name], replayed.history[name], rtol=1e-5, atol=1e-6)
    for a, b in zip(plain.model.parameters(), replayed.model.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)
    for a, b in zip(plain.model.buffers(), replayed.model.buffers(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def labelled(shape=(1, 4, 4)) -> Any:
    data = make_data(shape=shape)
    images = data.train.images(slice(None))
    labels = torch.arange(len(images)) % 3
    return vw.ImageDataset(images, labels, test_fraction=0)


FAMILIES: dict[str, Any] = {
    "mlp": (make_model, {}),
    "free bits": (make_model, {"objective": FreeBits(0.1)}),
    "info": (make_model, {"objective": InfoVAE()}),
    "tc": (make_model, {"objective": BetaTC()}),
    "autoencoder": (lambda: Autoencoder((1, 4, 4), 2, hidden=(8,)), {}),
    "gaussian": (lambda: make_model(likelihood="gaussian"), {}),
    "vq": (lambda: VQVAE((1, 4, 4), 8, code_dim=4, channels=(4,)), {}),
    "vq by gradient": (lambda: VQVAE((1, 4, 4), 8, code_dim=4, channels=(4,), codebook="gradient"), {}),
    "autoregressive": (lambda: AutoregressiveVAE((1, 4, 4), 2), {}),
    "conditional": (lambda: ConditionalVAE((1, 4, 4), 2, n_classes=3), {}),
    "conv": (lambda: ConvVAE((1, 8, 8), 2, channels=(4, 8), likelihood="bernoulli"), {}),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_replayed_training_is_the_same_training(made, family, monkeypatch):
    build, options = FAMILIES[family]
    # it looks at the labels on a CPU only
    monkeypatch.setattr(ConditionalVAE, "_check", lambda *_: None)

    def model() -> Any:
        torch.manual_seed(1)
        return build()

    data = labelled((1, 8, 8) if family == "conv" else (1, 4, 4))
    plain, replayed = pair(made, data, model, **options)
    step = replayed._engine.graphed
    assert step.why_not is None
    assert step.is_recorded
    (graph,) = made.used
    assert graph.replays == replayed.step - WARM_UP
    same(plain, replayed)
    assert replayed.engine == plain.engine + "; replayed as a CUDA graph"


class Elsewhere(TorchDispatchMode):
    """Notes operations that make something on another device than the model's."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if any(isinstance(leaf, Tensor) and leaf.device.type != "meta" for leaf in tree_leaves(out)):
            self.found.append(str(func))
        return out


@pytest.mark.parametrize("family", FAMILIES)
def test_no_step_leaves_the_device(family):
    """On a device that is not the CPU: a tensor made elsewhere is a copy that waits, or an error."""
    build, options = FAMILIES[family]
    run = start(labelled((1, 8, 8) if family == "conv" else (1, 4, 4)), build(), start=False, **options)
    model = run.model.to("meta")
    likelihood = run.likelihood
    x = torch.empty(16, *model.image_shape, device="meta")
    labels = torch.empty(16, dtype=torch.int64, device="meta")
    with Elsewhere() as elsewhere:
        terms = run.objective(model, likelihood, x, torch.empty((), device="meta"), labels=labels, n_data=96)
        terms.loss.backward()
    assert elsewhere.found == []


def test_beta_lr_and_a_smaller_last_batch_are_those_of_each_step(made):
    """What Python decides between two steps reaches the recorded one."""
    data = make_data(n=90)
    options = {"beta": LinearWarmup(0.0, 4.0, steps=20), "epochs": 6}
    plain, replayed = pair(made, data, make_model, **options)
    same(plain, replayed)
    (graph,) = made.used
    assert graph.replays == 6 * 5 - WARM_UP  # the sixth batch of an epoch has 10 images
    for run in (plain, replayed):
        run.lr, run.beta, run.epochs = 5e-3, 0.5, 12
        run.resume()
        run.wait(progress=False)
    same(plain, replayed)
    assert replayed.history["lr"][-1] == 5e-3
    assert len(made.used) == 1


def test_a_step_that_is_not_finite_leaves_the_weights(made):
    data = make_data()

    run = made.replaying(start(data, start=False, epochs=30, eval_every=0))
    advance(run, 10)
    with torch.no_grad():
        run._engine.batches._pixels[:] = float("nan")
    before = [p.clone() for p in run.model.parameters()]
    run.resume()
    with pytest.raises(vw.errors.DivergedError):
        run.wait(progress=False)
    assert run.step == 10
    assert all(torch.equal(a, b) for a, b in zip(before, run.model.parameters(), strict=True))


def test_after_a_file_is_loaded_it_is_recorded_anew(made):
    data = make_data()
    plain, replayed = pair(made, data, make_model)
    state, weights = replayed._engine.state(), [p.detach().clone() for p in replayed.model.parameters()]
    engine = replayed._engine
    engine.restore(state)  # the optimiser's state lies elsewhere now
    assert not engine.graphed.is_recorded
    for run in (plain, replayed):
        run.epochs = 8
        run.resume()
        run.wait(progress=False)
    same(plain, replayed)
    assert engine.graphed.is_recorded
    assert not torch.equal(weights[0], next(replayed.model.parameters()))


class Counting(nn.Module):
    """A model of somebody's own, with something between its operations."""

    latent_dim, likelihood = 2, "bernoulli"

    def __init__(self, habit: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body, self.up = nn.Linear(16, 4), nn.Linear(2, 16)
        self.habit, self.calls = habit, 0

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.body(x.flatten(1))
        if self.habit == "reads a number":
            h = h / max(1.0, float(h.detach().abs().max()))
        if self.habit == "picks":
            h = h + h.detach()[h.detach() > 0].mean()
        if self.habit == "drops out":
            h = nn.functional.dropout(h, 0.5, self.training)
        if self.habit == "counts in Python" and self.training:
            self.calls += 1
            h = h * (1.0 + 1.0 / self.calls)
        mu, logvar = h.chunk(2, 1)
        return mu, logvar

    def decode_raw(self, z: Tensor) -> Tensor:
        return self.up(z).view(-1, 1, 4, 4)

    def decode(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.decode_raw(z))


@pytest.mark.parametrize(
    ("habit", "reason"),
    [
        ("reads a number", "_local_scalar_dense.default waits for what is computed"),
        ("picks", "waits for what is computed"),
        ("counts in Python", "its replay gave another result than the step itself"),
    ],
)
def test_what_cannot_be_recorded_trains_step_by_step_and_is_told(made, habit, reason):
    plain, replayed = pair(made, make_data(), lambda: Counting(habit))
    step = replayed._engine.graphed
    assert reason in step.why_not
    assert not step.is_recorded
    assert f"not replayed as a CUDA graph: {step.why_not}" in replayed.engine
    if habit != "counts in Python":  # the check itself counts once more
        same(plain, replayed)


def test_a_model_that_draws_from_torchs_own_generator_draws_the_same(made):
    plain, replayed = pair(made, make_data(), lambda: Counting("drops out"))
    assert replayed._engine.graphed.is_recorded
    same(plain, replayed)


def test_a_change_that_only_python_sees_is_found_later(made, monkeypatch):
    monkeypatch.setattr(graphed, "CHECK_EVERY", 5)

    class Late(Counting):
        def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
            mu, logvar = super().encode(x)
            self.calls += self.training
            return (mu * 1.5, logvar) if self.calls > 12 else (mu, logvar)

    run = start(make_data(), Late("none"), start=False, epochs=9, eval_every=0)
    made.replaying(run)
    run.resume()
    run.wait(progress=False)
    assert "its replay gave another result" in run._engine.graphed.why_not


def test_objectives_that_look_at_the_step_other_optimisers_and_hooks_are_not_recorded(made):
    data = make_data()
    for options, reason in (
        ({"objective": Capacity(5.0, 100)}, "objective 'capacity' changes with the step"),
        ({"optimizer": "sgd"}, "only Adam's update is recorded, not that of SGD"),
    ):
        _, run = pair(made, data, make_model, **options)
        assert run._engine.graphed.why_not == reason
    run = start(data, start=False, epochs=4, eval_every=0)
    made.replaying(run)
    advance(run, 8)
    assert run._engine.graphed.is_recorded
    seen: list[int] = []
    run.model.to_mu.register_forward_hook(lambda *_: seen.append(1))
    run.resume()
    run.wait(progress=False)
    assert len(seen) == 4 * 6 - 8
    assert "hooks" in run._engine.graphed.why_not


def test_a_recording_that_breaks_off_costs_nothing(made, monkeypatch):
    def fails(self: Any, body: Any) -> None:
        with self:
            body()
        raise RuntimeError("operation not permitted when stream is capturing\nmore of it")

    monkeypatch.setattr(Recording, "capture", fails)
    plain, replayed = pair(made, make_data(), make_model)
    assert replayed._engine.graphed.why_not.startswith("recording it failed (operation not permitted when")
    (graph,) = made.used
    assert replayed._engine.noise is not graph.generator
    same(plain, replayed)


def test_frozen_weights_are_part_of_what_is_recorded(made):
    run = start(make_data(), start=False, epochs=6, eval_every=0)
    made.replaying(run)
    advance(run, 12)
    run.model.to_mu.weight.requires_grad_(False)
    before = run.model.to_mu.weight.clone()
    run.resume()
    run.wait(progress=False)
    assert torch.equal(before, run.model.to_mu.weight)
    assert len(made.used) == 2


def test_the_option_is_refused_where_there_is_no_cuda():
    with pytest.raises(OptionError, match=r"trains on 'cpu'; expected a CUDA device\. Leave it out"):
        start(cuda_graph=True, device="cpu")
    with pytest.raises(OptionError, match="cuda_graph is 1; expected True or False"):
        start(cuda_graph=1)
    assert check_cuda_graph(True, torch.device("cuda"))
    assert CHECK_EVERY > WARM_UP


def test_adam_takes_a_learning_rate_on_the_device():
    """Bit for bit the step of a number: what a replay gives it, and what a plain step does."""
    weights = [[torch.ones(3, requires_grad=True)] for _ in range(2)]
    for params, lr in zip(weights, (0.25, torch.tensor(0.25)), strict=True):
        adam = ShortAdam(params, 1.0)
        adam.param_groups[0]["lr"] = lr
        for _ in range(3):
            params[0].grad = torch.tensor([1.0, -2.0, 0.5])
            adam.step()
    assert torch.equal(weights[0][0], weights[1][0])


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("family", FAMILIES)
def test_on_a_gpu(family):
    build, options = FAMILIES[family]
    data = labelled((1, 8, 8) if family == "conv" else (1, 4, 4))
    runs = []
    for cuda_graph in (False, True):
        torch.manual_seed(1)
        run = start(data, build(), device="cuda", cuda_graph=cuda_graph, epochs=20, eval_every=0, **options)
        runs.append(run.wait(progress=False))
    assert runs[1].engine.endswith("; replayed as a CUDA graph")
    np.testing.assert_allclose(runs[0].history["loss"], runs[1].history["loss"], rtol=1e-3)
    assert isinstance(runs[1]._engine.graphed._graph, CudaGraph)
