"""Gradients of a fully connected VAE by hand, for a CPU: what autograd computes, in fewer passes over memory.

For `MLPVAE` with the plain ELBO the backward pass is short enough to be written out. Nothing of the size of
a batch is allocated in a step, gradients are written where the optimiser reads them (one flat buffer, so
that one sum probes them all), and the loss shares its sigmoid with its gradient. What is left is the matrix
products: about two thirds of a step of chapter 13.4's network. The random numbers are those of the
objective, so that a run with it and one without differ by rounding only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from vaewidgets.models import MLPVAE
from vaewidgets.objectives import ELBO, Bernoulli, Likelihood, SquaredError, Terms
from vaewidgets.objectives.likelihoods.bernoulli import cross_entropy_total

__all__ = ["FusedStep", "can_fuse", "fused_step", "has_hooks"]

# (raw, x, 1 / B, spare) -> sum over the batch, and its gradient times 1 / B; both buffers may be written to
Score = Callable[[Tensor, Tensor, float, Tensor], tuple[Tensor, Tensor]]


def fused_step(
    model: Any,
    objective: Any,
    likelihood: Likelihood,
    device: torch.device,
    known: FusedStep | None = None,
) -> FusedStep | None:
    """Return the written-out step where it computes just what `objective` would, else None.

    `known` is that of this model and likelihood from before, whose buffers still serve: a run that trains in
    turns of some tens of milliseconds asks often.
    """
    if not can_fuse(model, objective, likelihood, device):
        return None
    if known is not None and known.is_of(model):
        return known
    return FusedStep(model, _cross_entropy if type(likelihood) is Bernoulli else _squared_error)


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
    """Whether somebody wants to be told of the passes, which some ways to make a step do not have."""
    names = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return any(getattr(module, name) for name in names)


class FusedStep:
    """Terms and gradients of one batch; see `fused_step`."""

    def __init__(self, model: MLPVAE, score: Score) -> None:
        self._model = model
        self._score = score
        self._encoder = [layer for layer in model.encoder if isinstance(layer, nn.Linear)]
        self._decoder = [layer for layer in model.decoder if isinstance(layer, nn.Linear)]
        self._modules = list(model.modules())
        self._params = list(model.parameters())
        sizes = [p.numel() for p in self._params]
        self._flat = torch.zeros(sum(sizes))
        pieces = self._flat.split(sizes)
        self._gradients = [piece.view_as(p) for piece, p in zip(pieces, self._params, strict=True)]
        self._work: dict[int, _Work] = {}

    def is_of(self, model: MLPVAE) -> bool:
        """Whether the model has the layers still that it had."""
        modules, params = list(model.modules()), list(model.parameters())
        return [*map(id, modules), *map(id, params)] == [*map(id, self._modules), *map(id, self._params)]

    def probe(self) -> Tensor:
        """One number that is finite if, and (short of overflow) only if, all gradients are."""
        return self._flat.sum()

    @torch.no_grad()
    def __call__(self, x: Tensor, beta: float, generator: torch.Generator) -> Terms:
        """Terms of one batch; its gradients are left in the parameters' `grad`.

        Parameters
        ----------
        x : Tensor, float32, shape (B, C, H, W)
        beta : float
            At least 0.
        generator : torch.Generator
            Draws the noise, in the same way as `objectives.reparameterise`.
        """
        for p, gradient in zip(self._params, self._gradients, strict=True):
            p.grad = gradient
        n = len(x)
        if n not in self._work:
            self._work[n] = _Work(self._model, self._encoder, self._decoder, n)
        work, model = self._work[n], self._model
        mu, logvar = work.mu, work.logvar

        work.encoder[0] = x.reshape(n, -1)
        h = self._forward(self._encoder, work.encoder)
        _linear(model.to_mu, h, mu)
        _linear(model.to_logvar, h, logvar)
        eps = torch.randn(mu.shape, generator=generator)
        sigma = torch.exp(0.5 * logvar)
        work.decoder[0] = torch.addcmul(mu, sigma, eps)
        g = self._forward(self._decoder, work.decoder)
        _linear(model.to_pixels, g, work.raw)
        total, slope = self._score(work.raw, work.encoder[0], 1.0 / n, work.spare)
        spread = torch.expm1(logvar)
        recon = total / n
        kl = (mu.square() + spread - logvar).sum() * (0.5 / n)

        _own_gradients(model.to_pixels, g, slope)
        torch.mm(slope, model.to_pixels.weight, out=work.decoder_slopes[-1])
        self._backward(self._decoder, work.decoder, work.decoder_slopes)
        z_slope = work.z_slope
        mu_slope = torch.add(z_slope, mu, alpha=beta / n)
        logvar_slope = (z_slope * eps).mul_(sigma).add_(spread, alpha=beta / n).mul_(0.5)
        _own_gradients(model.to_mu, h, mu_slope)
        _own_gradients(model.to_logvar, h, logvar_slope)
        if self._encoder:
            last = work.encoder_slopes[-1]
            torch.mm(mu_slope, model.to_mu.weight, out=last)
            last.addmm_(logvar_slope, model.to_logvar.weight)
            self._backward(self._encoder, work.encoder, work.encoder_slopes)
        return Terms(torch.add(recon, kl, alpha=beta), recon, kl)

    def _forward(self, layers: list[nn.Linear], activations: list[Tensor]) -> Tensor:
        """Fill `activations` from the first one on; returns the last."""
        for i, layer in enumerate(layers):
            out = _linear(layer, activations[i], activations[i + 1])
            _ = out.relu_() if self._model.activation == "relu" else out.tanh_()
        return activations[-1]

    def _backward(self, layers: list[nn.Linear], activations: list[Tensor], slopes: list[Tensor]) -> None:
        """Fill `slopes` from the last one back to the second, and to the first if it is not empty."""
        aten = torch.ops.aten
        for i in reversed(range(len(layers))):
            slope, after = slopes[i + 1], activations[i + 1]
            if self._model.activation == "relu":
                aten.threshold_backward.grad_input(slope, after, 0, grad_input=slope)
            else:
                aten.tanh_backward.grad_input(slope, after, grad_input=slope)
            _own_gradients(layers[i], activations[i], slope)
            if slopes[i].numel():
                torch.mm(slope, layers[i].weight, out=slopes[i])


class _Work:
    """Buffers for batches of one size, written anew in each step. A slope is a gradient by an activation."""

    def __init__(self, model: MLPVAE, encoder: list[nn.Linear], decoder: list[nn.Linear], n: int) -> None:
        n_pixels = math.prod(model.image_shape)
        self.raw = torch.empty(n, n_pixels)
        self.spare = torch.empty(n, n_pixels)
        self.mu = torch.empty(n, model.latent_dim)
        self.logvar = torch.empty(n, model.latent_dim)
        self.z_slope = torch.empty(n, model.latent_dim)
        nothing = torch.empty(0)  # x and z take its place; x needs no slope
        self.encoder = [nothing, *(torch.empty(n, layer.out_features) for layer in encoder)]
        self.decoder = [nothing, *(torch.empty(n, layer.out_features) for layer in decoder)]
        self.encoder_slopes = [nothing, *(torch.empty_like(a) for a in self.encoder[1:])]
        self.decoder_slopes = [self.z_slope, *(torch.empty_like(a) for a in self.decoder[1:])]


def _linear(layer: nn.Linear, x: Tensor, out: Tensor) -> Tensor:
    return torch.addmm(layer.bias, x, layer.weight.t(), out=out)


def _own_gradients(layer: nn.Linear, before: Tensor, slope: Tensor) -> None:
    """Gradients of a layer's own weights, written into their `grad`."""
    torch.mm(slope.t(), before, out=layer.weight.grad)
    torch.sum(slope, 0, out=layer.bias.grad)


def _cross_entropy(raw: Tensor, x: Tensor, per_image: float, spare: Tensor) -> tuple[Tensor, Tensor]:
    total = cross_entropy_total(raw, x, s=raw, spare=spare)  # raw becomes sigmoid(raw)
    return total, raw.sub_(x).mul_(per_image)


def _squared_error(raw: Tensor, x: Tensor, per_image: float, _: Tensor) -> tuple[Tensor, Tensor]:
    difference = raw.sub_(x).view(-1)
    total = torch.dot(difference, difference)
    return total, raw.mul_(2.0 * per_image)
