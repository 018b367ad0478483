"""A run's step, evaluation, encoder, decoder and first weights as graphs that the page runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from vaewidgets.adapters import copy_model, named_tensors
from vaewidgets.adapters.seeded import seeded
from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.contract.packing import pack
from vaewidgets.contract.sections import Graph
from vaewidgets.graphs.recorded import Network
from vaewidgets.graphs.recording import record_function
from vaewidgets.graphs.score import score
from vaewidgets.models import MODELS, build
from vaewidgets.objectives import TERMS, Likelihood, Objective, encode, traits

_FIRST_STEP = 5.0  # any, as are the number of images and beta in the recordings: all three are inputs
_N_DATA = 1000.0

Examples = Callable[[int], list[Tensor]]  # inputs of a step, by batch size


class Goal(NamedTuple):
    """What is trained: a model, how it is scored, and what is minimised."""

    model: Any
    likelihood: Likelihood
    objective: Objective

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the terms, in the order in which the graphs return them."""
        return (*TERMS, *self.objective.extras)

    def copied(self, *, training: bool) -> Goal:
        """The same with a float32 copy of the model on the CPU, which shares nothing with it."""
        model = copy_model(self.model).to("cpu", torch.float32).train(training)
        return self._replace(model=model.requires_grad_(False) if not training else model)

    def score(self, x: Tensor, beta: Tensor, step: Tensor, n_data: Tensor, *labels: Tensor) -> list[Tensor]:
        """Terms of a batch, in the order of `terms`."""
        loss, recon, kl, extras = self.objective(
            self.model,
            self.likelihood,
            x,
            beta,
            labels=labels[0] if labels else None,
            step=step,
            n_data=n_data,
        )
        return [loss, recon, kl, *(extras[name] for name in self.objective.extras)]


def step_graph(goal: Goal, examples: Examples, trained: Sequence[str]) -> Network:
    """One step: terms of a batch, then the gradient of the loss by each tensor of `trained`."""
    goal = goal.copied(training=True)
    named = named_tensors(goal.model)
    params = [named[name] for name in trained]

    def training_step(*inputs: Tensor) -> tuple[Tensor, ...]:
        with restored_modes(), torch.enable_grad():
            terms = goal.score(*inputs)
            gradients = torch.autograd.grad(terms[0], params)
        return (*(term.detach() for term in terms), *gradients)

    return record_function(training_step, examples, module=goal.model, root=f"a step of {_name(goal.model)}")


def evaluation_graph(goal: Goal, examples: Examples) -> Network:
    """Terms of a batch in eval mode."""
    goal = goal.copied(training=False)

    def evaluation(*inputs: Tensor) -> tuple[Tensor, ...]:
        return tuple(goal.score(*inputs))

    root = f"the evaluation of {_name(goal.model)}"
    return record_function(evaluation, examples, module=goal.model, root=root, keep_state=False)


def encoder_graph(goal: Goal, examples: Examples) -> Network:
    """Mu and, where there is one, logvar, of images and, where the model takes them, classes."""
    model = goal.copied(training=False).model
    root = f"{_name(model)}.encode"

    def encoder(x: Tensor, *labels: Tensor) -> tuple[Tensor, ...]:
        found = encode(model, x, labels[0] if labels else None)
        return tuple(one for one in found if one is not None)

    def images(batch: int) -> list[Tensor]:
        x, _, _, _, *labels = examples(batch)
        return [x, *labels]

    return record_function(encoder, images, module=model, root=root, keep_state=False)


def decoder_graph(goal: Goal) -> Network | None:
    """The mean image of z and, where the model takes one, a class; None if it draws pixel by pixel."""
    model: Any = goal.copied(training=False).model
    kind = traits(model)
    if kind.sees_pixels:
        return None

    def decoder(z: Tensor, *labels: Tensor) -> Tensor:
        found: Tensor = model.decode(z, *labels)
        return found

    def codes(batch: int) -> list[Tensor]:
        z = torch.randn(batch, model.latent_dim)
        return [z, _one_hot(batch, int(model.n_classes))] if kind.takes_labels else [z]

    root = f"{_name(model)}.decode"
    network = record_function(decoder, codes, module=model, root=root, keep_state=False)
    return replace(network, optional=1) if kind.takes_labels else network


def score_graph(goal: Goal, examples: Examples) -> Network:
    """What a point decodes to, what each pixel costs and the gradient of the cost by the point.

    Of z, images and, where the model takes them, classes; see `vaewidgets.graphs.score`.
    """
    goal = goal.copied(training=False)
    model: Any = goal.model

    def scored(z: Tensor, x: Tensor, *labels: Tensor) -> tuple[Tensor, ...]:
        return score(model, goal.likelihood, z, x, *labels)

    def points(batch: int) -> list[Tensor]:
        x, _, _, _, *labels = examples(batch)
        z = torch.randn(batch, model.latent_dim, generator=torch.Generator().manual_seed(batch))
        return [z, x, *labels]

    root = f"the score of {_name(model)}"
    return record_function(scored, points, module=model, root=root, keep_state=False)


def start_graph(model: Any) -> Network | None:
    """Every tensor as the model's constructor draws it; of a model that is not ours by its layers' own rules.

    None where a tensor is drawn by neither.
    """
    if type(model) in MODELS.values():
        config = model.config()

        def start() -> tuple[Tensor, ...]:
            return tuple(t.detach() for t in named_tensors(build(config)).values())

        return record_function(start, lambda _: [], root=f"{_name(model)}()")
    replica: nn.Module = copy_model(model).to("cpu", torch.float32)
    tensors = list(named_tensors(replica).values())

    def reset() -> tuple[Tensor, ...]:
        with restored_modes(), torch.no_grad():
            for module in replica.modules():
                draw = getattr(module, "reset_parameters", None)
                if callable(draw):
                    draw()
        return tuple(t.detach().clone() for t in tensors)

    with restored_modes(), torch.no_grad(), seeded(0):
        for tensor in tensors:
            tensor.fill_(float("nan") if tensor.is_floating_point() else -1)
        drawn = reset()
    if any(bool((t.isnan() if t.is_floating_point() else t == -1).any()) for t in drawn):
        return None
    return record_function(reset, lambda _: [], module=replica, root=f"the layers of {_name(model)}")


def trained_tensors(goal: Goal, examples: Examples) -> list[str]:
    """Names of the parameters that the loss has a gradient by; torch's optimisers pass over the others."""
    goal = goal.copied(training=True)
    params = {name: t for name, t in named_tensors(goal.model).items() if t.requires_grad}
    with restored_modes(), torch.enable_grad(), seeded(0):
        loss, *_ = goal.score(*examples(2))
        gradients = torch.autograd.grad(loss, [*params.values()], allow_unused=True)
    return [name for name, gradient in zip(params, gradients, strict=True) if gradient is not None]


def as_graph(network: Network) -> Graph:
    """The graph as it travels: values of its constants alone, since the model's tensors are there once."""
    constants = [s.value.reshape(-1).float() for s in network.tensors if s.value is not None]
    flat = torch.cat(constants) if constants else torch.zeros(0)
    graph = network.without_weights().as_dict()
    return {**graph, "weights": pack(flat.numpy(), "f32")}


def examples_of(goal: Goal, image_shape: Sequence[int], value_range: tuple[float, float]) -> Examples:
    """Inputs of a step, any numbers in range: images, beta, step, number of images, one-hot classes."""
    low, high = value_range
    takes_labels = traits(goal.model).takes_labels

    def examples(batch: int) -> list[Tensor]:
        generator = torch.Generator().manual_seed(batch)
        x = low + (high - low) * torch.rand((batch, *image_shape), generator=generator)
        numbers = [torch.tensor(value + batch / 16) for value in (0.5, _FIRST_STEP, _N_DATA)]
        return [x, *numbers, *([_one_hot(batch, int(goal.model.n_classes))] if takes_labels else [])]

    return examples


def _one_hot(batch: int, n_classes: int) -> Tensor:
    return torch.eye(n_classes)[torch.arange(batch) % n_classes]


def _name(model: Any) -> str:
    return type(getattr(model, "module", model)).__name__
