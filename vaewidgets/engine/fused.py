"""Gradients of fully connected VAEs by hand, for a CPU: what autograd computes, in fewer passes over memory.

For `MLPVAE` with the plain ELBO the backward pass is short enough to be written out. Nothing of the size of
a batch is allocated in a step, gradients are written where the optimiser reads them (one flat buffer, so
that one sum probes them all), and the loss shares its sigmoid with its gradient. What is left is the matrix
products: about two thirds of a step of chapter 13.4's network. The random numbers are those of the
objective, so that a run with this step and one without differ by rounding only.

The same step serves several models that are alike: each tensor then has one more axis, the model's, in
front, and each product is a batched one. The models' parameters become views into the stacked weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vaewidgets.models import MLPVAE
from vaewidgets.objectives import ELBO, Bernoulli, Likelihood, SquaredError, Terms
from vaewidgets.objectives.likelihoods.bernoulli import cross_entropy_total


def fused_step(
    model: Any,
    objective: Any,
    likelihood: Likelihood,
    device: torch.device,
    known: FusedStep | None = None,
) -> FusedStep | None:
    """Return the written-out step where it computes just what `objective` would, else None.

    `known` is that of this model and likelihood from before, whose buffers still serve: a run that shares a
    thread asks often.
    """
    if not can_fuse(model, objective, likelihood, device):
        return None
    return known if known is not None and known.is_of([model]) else FusedStep([model], likelihood)


def can_fuse(model: Any, objective: Any, likelihood: Likelihood, device: torch.device) -> bool:
    """Whether `fused_step` knows what `objective` computes of this model."""
    return (
        device.type == "cpu"
        and type(model) is MLPVAE
        and type(objective) is ELBO
        and all(p.dtype == torch.float32 and p.requires_grad for p in model.parameters())
        and not {"encode", "decode_raw", "_posterior", "_pixels"}
        & vars(model).keys()  # replaced on this very model
        and not any(has_hooks(module) for module in model.modules())
        and (
            type(likelihood) is Bernoulli or (type(likelihood) is SquaredError and model.output == "identity")
        )
    )


def has_hooks(module: nn.Module) -> bool:
    """Whether a module has hooks on its passes, which some ways to make a step do not run through."""
    names = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return any(getattr(module, name) for name in names)


class FusedStep:
    """Terms and gradients of one batch for each of a group of models; see `fused_step`.

    Parameters
    ----------
    models : sequence of MLPVAE
        Of one architecture. Where there are several, their weights are moved into stacks.
    likelihood : Bernoulli or SquaredError
    """

    def __init__(self, models: Sequence[MLPVAE], likelihood: Likelihood) -> None:
        first = self._model = models[0]
        self._group = () if len(models) == 1 else (len(models),)
        self._score = _cross_entropy if type(likelihood) is Bernoulli else _squared_error
        self._modules = [module for model in models for module in model.modules()]
        self._params = [[*model.parameters()] for model in models]
        shapes = [p.shape for p in first.parameters()]
        sizes = [shape.numel() for shape in shapes]
        self._flat = torch.zeros(*self._group, sum(sizes))
        fragments = zip(self._flat.split(sizes, dim=-1), shapes, strict=True)
        slots = [part.view(*self._group, *shape) for part, shape in fragments]
        self._gradients = [*zip(*slots, strict=True)] if self._group else [tuple(slots)]
        slot_of = {id(p): slot for p, slot in zip(self._params[0], slots, strict=True)}

        def layers(*groups: nn.Module) -> list[_Layer]:
            of_each = zip(
                *[[m for m in group.modules() if isinstance(m, nn.Linear)] for group in groups], strict=True
            )
            return [_Layer(same, slot_of) for same in of_each]

        self._encoder = layers(*[model.encoder for model in models])
        self._decoder = layers(*[model.decoder for model in models])
        (self._to_mu,) = layers(*[model.to_mu for model in models])
        (self._to_logvar,) = layers(*[model.to_logvar for model in models])
        (self._to_pixels,) = layers(*[model.to_pixels for model in models])
        self._places = self._where()
        self._work: dict[int, _Work] = {}

    def is_of(self, models: Sequence[MLPVAE]) -> bool:
        """Whether it is of just these models, which have the same layers still, at the same places."""
        modules = [module for model in models for module in model.modules()]
        params = [p for model in models for p in model.parameters()]
        return (
            [*map(id, modules)] == [*map(id, self._modules)]
            and [*map(id, params)] == [id(p) for own in self._params for p in own]
            and (not self._group or self._where() == self._places)
        )

    def _where(self) -> list[int]:
        return [p.data_ptr() for own in self._params for p in own]

    def probe(self) -> Tensor:
        """One number a model that is finite if, and (short of overflow) only if, all its gradients are."""
        return self._flat.sum(-1)

    @torch.no_grad()
    def __call__(self, x: Tensor, beta: float | Tensor, generators: Sequence[torch.Generator]) -> Terms:
        """Terms of one batch a model; the gradients are left in the parameters' `grad`.

        Parameters
        ----------
        x : Tensor, float32, shape (B, C, H, W); of several models, (models, B, pixels)
        beta : float, at least 0; of several models, Tensor, shape (models,)
        generators : sequence of torch.Generator
            One a model. Draws the noise, in the same way as `objectives.reparameterise`.

        Returns
        -------
        Terms
            Each 0-d; of several models, shape (models,).
        """
        for own, gradients in zip(self._params, self._gradients, strict=True):
            for p, gradient in zip(own, gradients, strict=True):
                p.grad = gradient
        n = x.shape[len(self._group)]
        if n not in self._work:
            self._work[n] = _Work(self._model, self._group, n)
        work = self._work[n]
        mu, logvar, eps = work.mu, work.logvar, work.eps

        work.encoder[0] = x = x.reshape(*self._group, n, -1)
        h = self._forward(self._encoder, work.encoder)
        self._to_mu.forward(h, mu)
        self._to_logvar.forward(h, logvar)
        for part, generator in zip(_each(eps), generators, strict=True):
            torch.randn(part.shape, generator=generator, out=part)
        sigma = torch.exp(0.5 * logvar)
        work.decoder[0] = torch.addcmul(mu, sigma, eps)
        g = self._forward(self._decoder, work.decoder)
        self._to_pixels.forward(g, work.raw)
        totals, slope = self._score(work.raw, x, 1.0 / n, work.spare)
        spread = torch.expm1(logvar)
        recon = totals / n
        kl = (mu.square() + spread - logvar).sum((-2, -1)) * (0.5 / n)

        self._to_pixels.gradients(g, slope)
        self._to_pixels.backward(slope, work.decoder_slopes[-1])
        self._backward(self._decoder, work.decoder, work.decoder_slopes)
        z_slope, weight = work.z_slope, beta / n
        mu_slope = _plus(z_slope, mu, weight)
        logvar_slope = _plus((z_slope * eps).mul_(sigma), spread, weight).mul_(0.5)
        self._to_mu.gradients(h, mu_slope)
        self._to_logvar.gradients(h, logvar_slope)
        if self._encoder:
            last = work.encoder_slopes[-1]
            self._to_mu.backward(mu_slope, last)
            self._to_logvar.backward(logvar_slope, last, add=True)
            self._backward(self._encoder, work.encoder, work.encoder_slopes)
        return Terms(_plus(recon, kl, beta), recon, kl)

    def _forward(self, layers: list[_Layer], activations: list[Tensor]) -> Tensor:
        """Fill `activations` from the first one on; returns the last."""
        for i, layer in enumerate(layers):
            out = layer.forward(activations[i], activations[i + 1])
            _ = out.relu_() if self._model.activation == "relu" else out.tanh_()
        return activations[-1]

    def _backward(self, layers: list[_Layer], activations: list[Tensor], slopes: list[Tensor]) -> None:
        """Fill `slopes` from the last one back to the second, and to the first if it is not empty."""
        aten = torch.ops.aten
        for i in reversed(range(len(layers))):
            slope, after = slopes[i + 1], activations[i + 1]
            if self._model.activation == "relu":
                aten.threshold_backward.grad_input(slope, after, 0, grad_input=slope)
            else:
                aten.tanh_backward.grad_input(slope, after, grad_input=slope)
            layers[i].gradients(activations[i], slope)
            if slopes[i].numel():
                layers[i].backward(slope, slopes[i])


class _Layer:
    """The same layer of each model. Weights, shape ([models,] out, in); biases, shape ([models,] out)."""

    def __init__(self, layers: Sequence[nn.Linear], slot_of: dict[int, Tensor]) -> None:
        first = layers[0]
        self._slope, self._bias_slope = slot_of[id(first.weight)], slot_of[id(first.bias)]
        self._weight: Tensor = first.weight
        self._bias: Tensor = first.bias
        self._mm: Callable[..., Tensor] = torch.mm
        self._addmm: Callable[..., Tensor] = torch.addmm
        if len(layers) > 1:
            self._mm, self._addmm = torch.bmm, torch.baddbmm
            self._weight = torch.stack([layer.weight.detach() for layer in layers])
            biases = torch.stack([layer.bias.detach() for layer in layers])
            for i, layer in enumerate(layers):
                layer.weight.data, layer.bias.data = self._weight[i], biases[i]
            self._bias = biases.unsqueeze(1)

    def forward(self, x: Tensor, out: Tensor) -> Tensor:
        """From x, ([models,] B, in), to ([models,] B, out)."""
        return self._addmm(self._bias, x, self._weight.mT, out=out)

    def backward(self, slope: Tensor, out: Tensor, *, add: bool = False) -> None:
        """Gradients by what came in, written to `out` or added to it."""
        _ = self._addmm(out, slope, self._weight, out=out) if add else self._mm(slope, self._weight, out=out)

    def gradients(self, before: Tensor, slope: Tensor) -> None:
        """Gradients by the weights themselves, written where the optimiser reads them."""
        self._mm(slope.mT, before, out=self._slope)
        torch.sum(slope, -2, out=self._bias_slope)


class _Work:
    """Buffers for batches of one size, written anew in each step. A slope is a gradient by an activation."""

    def __init__(self, model: MLPVAE, group: tuple[int, ...], n: int) -> None:
        def blank(width: int) -> Tensor:
            return torch.empty(*group, n, width)

        n_pixels = math.prod(model.image_shape)
        self.raw, self.spare = blank(n_pixels), blank(n_pixels)
        self.mu, self.logvar = blank(model.latent_dim), blank(model.latent_dim)
        self.eps, self.z_slope = blank(model.latent_dim), blank(model.latent_dim)
        nothing = torch.empty(0)  # x and z take its place; x needs no slope
        self.encoder = [nothing, *map(blank, model.hidden)]
        self.decoder = [nothing, *map(blank, reversed(model.hidden))]
        self.encoder_slopes = [nothing, *map(torch.empty_like, self.encoder[1:])]
        self.decoder_slopes = [self.z_slope, *map(torch.empty_like, self.decoder[1:])]


def _each(x: Tensor) -> Sequence[Tensor]:
    return x.unbind() if x.ndim > 2 else (x,)


def _plus(a: Tensor, b: Tensor, weight: float | Tensor) -> Tensor:
    """A + weight · b; a tensor has one weight a model."""
    if isinstance(weight, Tensor):
        return torch.addcmul(a, b, weight.view(-1, *[1] * (a.ndim - 1)))
    return torch.add(a, b, alpha=weight)


def _cross_entropy(raw: Tensor, x: Tensor, per_image: float, spare: Tensor) -> tuple[Tensor, Tensor]:
    """Sum over the batch, and its gradient times `per_image`, written over `raw`."""
    totals = [
        cross_entropy_total(*part, s=part[0], spare=free)  # raw becomes sigmoid(raw)
        for *part, free in zip(_each(raw), _each(x), _each(spare), strict=True)
    ]
    return _joined(totals), raw.sub_(x).mul_(per_image)


def _squared_error(raw: Tensor, x: Tensor, per_image: float, _: Tensor) -> tuple[Tensor, Tensor]:
    raw.sub_(x)
    totals = [torch.dot(difference, difference) for difference in (part.view(-1) for part in _each(raw))]
    return _joined(totals), raw.mul_(2.0 * per_image)


def _joined(totals: list[Tensor]) -> Tensor:
    return torch.stack(totals) if len(totals) > 1 else totals[0]
