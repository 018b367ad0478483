"""One update of several fully connected VAEs at once: weights stacked, one batched product a layer.

For the cells of a sweep that differ in beta, seed or learning rate only. The arithmetic of `FusedStep` with
one more axis, the cell's, in front; what a step costs beside its matrix products (a call for each operation,
the gathering of the images, waiting for threads) is paid once and not once a cell. Each model keeps its
parameters: they become views into the stacks.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from vaewidgets.engine.fused import can_fuse
from vaewidgets.errors import DivergedError
from vaewidgets.models import MLPVAE
from vaewidgets.objectives import Bernoulli

if TYPE_CHECKING:
    from vaewidgets.engine.engine import Engine

__all__ = ["BatchedStep", "likeness", "why_alone"]


def why_alone(engine: Engine) -> str | None:
    """Say why an engine's updates cannot be made together with others'; None if they can."""
    if engine.device.type != "cpu":
        return f"batched updates are written for the CPU, and it trains on {engine.device}"
    if type(engine.model) is not MLPVAE:
        return f"batched updates are written for MLPVAE, and its model is a {type(engine.model).__name__}"
    if not can_fuse(engine.trained, engine.objective, engine.likelihood, engine.device):
        return (
            "batched updates are written for the plain ELBO in float32, with binary cross-entropy or squared "
            "error, of a model without hooks"
        )
    if not engine.batches.resident:
        return "its images are read piece by piece"
    return None


def likeness(engine: Engine) -> Hashable:
    """Equal for engines that can be updated together, of which `why_alone` finds nothing to say."""
    model = engine.model
    architecture = (model.image_shape, model.latent_dim, model.hidden, model.activation)
    return (*architecture, type(engine.likelihood), engine.batches.batch_size, id(engine.data))


class BatchedStep:
    """Terms, gradients and update of one batch for each of several engines that are alike; see `likeness`.

    Parameters
    ----------
    engines : sequence of Engine
        At least 2. Their models' weights are moved into stacks; `Engine.take_weights_back` undoes that.
    """

    def __init__(self, engines: Sequence[Engine]) -> None:
        self.engines = tuple(engines)
        models = [engine.model for engine in engines]
        self._models = models
        encoders, decoders = zip(*[(_linears(m.encoder), _linears(m.decoder)) for m in models], strict=True)
        self._encoder = [_Stack(layers) for layers in zip(*encoders, strict=True)]
        self._decoder = [_Stack(layers) for layers in zip(*decoders, strict=True)]
        self._to_mu = _Stack([m.to_mu for m in models])
        self._to_logvar = _Stack([m.to_logvar for m in models])
        self._to_pixels = _Stack([m.to_pixels for m in models])
        heads = (self._to_mu, self._to_logvar, self._to_pixels)
        self._stacks = [*self._encoder, *heads, *self._decoder]
        for engine in engines:
            engine.is_stacked = True
        self._relu = models[0].activation == "relu"
        self._cross_entropy = type(engines[0].likelihood) is Bernoulli
        self._work: dict[int, _Work] = {}

    def is_of(self, engines: Sequence[Engine]) -> bool:
        """Whether it is of just these engines, and their weights lie still where it has put them."""
        return self.engines == tuple(engines) and all(stack.is_in_place() for stack in self._stacks)

    @torch.no_grad()
    def __call__(self) -> None:
        """Make each engine's upcoming update, and have it noted.

        All engines are between two steps and have indices of equally many images in `upcoming`. Where
        terms or gradients are not finite, that engine's weights stay as they are, and its loop raises.
        """
        engines = self.engines
        x, n = self._gather()
        beta = torch.tensor([engine.upcoming.beta for engine in engines])  # type: ignore[union-attr]
        recon, kl = self._terms_and_gradients(x, n, beta)
        probe = torch.stack([stack.probe() for stack in self._stacks]).sum(0)
        table = torch.stack((recon, kl, recon + beta * kl, probe), 1)
        finite = table.isfinite().all(1).tolist()
        kept = [engine.note_step(row) for engine, row in zip(engines, table, strict=True)]
        for i, engine in enumerate(engines):
            for stack in self._stacks:
                stack.lend(i)
            engine.update(kept[i])
            if not finite[i]:
                with contextlib.suppress(DivergedError):  # its loop raises it, too
                    engine.flush(wait=True)

    # the step ---------------------------------------------------------------------------------

    def _gather(self) -> tuple[Tensor, int]:
        """Images, shape (cells, B, pixels), and B: gathered once where all train on the same ones."""
        engines = self.engines
        indices = [engine.upcoming.batch for engine in engines]  # type: ignore[union-attr]
        n = len(indices[0])
        if n not in self._work:
            self._work[n] = _Work(self._models, n)
        work = self._work[n]
        first = engines[0].batches.gather(indices[0]).view(n, -1)
        if all(torch.equal(indices[0], index) for index in indices[1:]):
            return first.expand(len(engines), *first.shape), n
        rest = zip(engines[1:], indices[1:], strict=True)
        others = (engine.batches.gather(index).view(n, -1) for engine, index in rest)
        return torch.stack((first, *others), out=work.x), n

    def _terms_and_gradients(self, x: Tensor, n: int, beta: Tensor) -> tuple[Tensor, Tensor]:
        """Recon and KL, each of shape (cells,); the gradients are left in the stacks."""
        work = self._work[n]
        mu, logvar = work.mu, work.logvar
        work.encoder[0] = x
        h = self._forward(self._encoder, work.encoder)
        self._to_mu.forward(h, mu)
        self._to_logvar.forward(h, logvar)
        for engine, own in zip(self.engines, work.eps, strict=True):
            torch.randn(own.shape, generator=engine.noise, out=own)
        eps, sigma = work.eps, torch.exp(0.5 * logvar)
        work.decoder[0] = torch.addcmul(mu, sigma, eps)
        g = self._forward(self._decoder, work.decoder)
        self._to_pixels.forward(g, work.raw)
        score = _cross_entropies if self._cross_entropy else _squared_errors
        recon, slope = score(work.raw, x, 1.0 / n, work.spare)
        spread = torch.expm1(logvar)
        kl = (mu.square() + spread - logvar).sum((1, 2)) * (0.5 / n)

        self._to_pixels.gradients(g, slope)
        self._to_pixels.backward(slope, work.decoder_slopes[-1])
        self._backward(self._decoder, work.decoder, work.decoder_slopes)
        weight = (beta / n).view(-1, 1, 1)
        mu_slope = torch.addcmul(work.z_slope, mu, weight)
        logvar_slope = (work.z_slope * eps).mul_(sigma).addcmul_(spread, weight).mul_(0.5)
        self._to_mu.gradients(h, mu_slope)
        self._to_logvar.gradients(h, logvar_slope)
        if self._encoder:
            last = work.encoder_slopes[-1]
            self._to_mu.backward(mu_slope, last)
            last.baddbmm_(logvar_slope, self._to_logvar.weight)
            self._backward(self._encoder, work.encoder, work.encoder_slopes)
        return recon, kl

    def _forward(self, stacks: list[_Stack], activations: list[Tensor]) -> Tensor:
        """Fill `activations` from the first one on; returns the last."""
        for i, stack in enumerate(stacks):
            out = stack.forward(activations[i], activations[i + 1])
            _ = out.relu_() if self._relu else out.tanh_()
        return activations[-1]

    def _backward(self, stacks: list[_Stack], activations: list[Tensor], slopes: list[Tensor]) -> None:
        """Fill `slopes` from the last one back to the second, and to the first if it is not empty."""
        aten = torch.ops.aten
        for i in reversed(range(len(stacks))):
            slope, after = slopes[i + 1], activations[i + 1]
            if self._relu:
                aten.threshold_backward.grad_input(slope, after, 0, grad_input=slope)
            else:
                aten.tanh_backward.grad_input(slope, after, grad_input=slope)
            stacks[i].gradients(activations[i], slope)
            if slopes[i].numel():
                stacks[i].backward(slope, slopes[i])


class _Stack:
    """The same layer of several models. Weights, shape (cells, out, in); biases, shape (cells, out)."""

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        self._layers = tuple(layers)
        self.weight = torch.stack([layer.weight.detach() for layer in layers])
        self._bias = torch.stack([layer.bias.detach() for layer in layers])
        self._slope = torch.zeros_like(self.weight)
        self._bias_slope = torch.zeros_like(self._bias)
        self._of: list[list[tuple[nn.Parameter, Tensor]]] = []
        for i, layer in enumerate(layers):
            weight, bias = layer.parameters()
            weight.data, bias.data = self.weight[i], self._bias[i]
            self._of.append([(weight, self._slope[i]), (bias, self._bias_slope[i])])
        self._places = [p.data_ptr() for pairs in self._of for p, _ in pairs]

    def is_in_place(self) -> bool:
        """Whether nobody has moved the weights meanwhile."""
        weights = ((layer.weight, layer.bias) for layer in self._layers)
        return self._places == [p.data_ptr() for pair in weights for p in pair]

    def lend(self, i: int) -> None:
        """Put the gradients of one model where its optimiser looks for them."""
        for p, gradient in self._of[i]:
            p.grad = gradient

    def forward(self, x: Tensor, out: Tensor) -> Tensor:
        """From x, (cells, B, in), to (cells, B, out)."""
        return torch.baddbmm(self._bias[:, None], x, self.weight.transpose(1, 2), out=out)

    def backward(self, slope: Tensor, out: Tensor) -> None:
        """Gradients by what came in."""
        torch.bmm(slope, self.weight, out=out)

    def gradients(self, before: Tensor, slope: Tensor) -> None:
        """Gradients by the weights themselves, which are kept here."""
        torch.bmm(slope.transpose(1, 2), before, out=self._slope)
        torch.sum(slope, 1, out=self._bias_slope)

    def probe(self) -> Tensor:
        """One number a model that is finite if, and (short of overflow) only if, its gradients are."""
        return self._slope.sum((1, 2)).add_(self._bias_slope.sum(1))


class _Work:
    """Buffers for batches of one size, (cells, B, width), written anew in each step, as in `FusedStep`."""

    def __init__(self, models: list[MLPVAE], n: int) -> None:
        model, cells = models[0], len(models)
        n_pixels = math.prod(model.image_shape)

        def blank(width: int) -> Tensor:
            return torch.empty(cells, n, width)

        self.x = torch.empty(0)  # grows where the cells' images differ
        self.raw, self.spare = blank(n_pixels), blank(n_pixels)
        self.mu, self.logvar = blank(model.latent_dim), blank(model.latent_dim)
        self.eps, self.z_slope = blank(model.latent_dim), blank(model.latent_dim)
        nothing = torch.empty(0)  # x and z take its place; x needs no slope
        self.encoder = [nothing, *(blank(width) for width in model.hidden)]
        self.decoder = [nothing, *(blank(width) for width in reversed(model.hidden))]
        self.encoder_slopes = [nothing, *(torch.empty_like(a) for a in self.encoder[1:])]
        self.decoder_slopes = [self.z_slope, *(torch.empty_like(a) for a in self.decoder[1:])]


def _linears(layers: nn.Module) -> list[nn.Linear]:
    return [layer for layer in layers.children() if isinstance(layer, nn.Linear)]


def _cross_entropies(raw: Tensor, x: Tensor, per_image: float, spare: Tensor) -> tuple[Tensor, Tensor]:
    """As `cross_entropy_total`, per image and a number a cell; and its gradient, written over `raw`."""
    cells = len(raw)
    linear = torch.clamp_min(raw, 0, out=spare).view(cells, -1).sum(1) - _dots(raw, x)
    s = torch.sigmoid(raw, out=raw)
    factors = torch.sub(1.0, s, out=spare)
    torch.maximum(s, factors, out=factors)
    rows = math.gcd(factors[0].numel(), 64)
    total = linear - factors.view(cells, rows, -1).prod(1).log_().sum(1)
    return total.mul_(per_image), s.sub_(x).mul_(per_image)


def _squared_errors(raw: Tensor, x: Tensor, per_image: float, _: Tensor) -> tuple[Tensor, Tensor]:
    difference = raw.sub_(x)
    return _dots(difference, difference).mul_(per_image), difference.mul_(2.0 * per_image)


def _dots(a: Tensor, b: Tensor) -> Tensor:
    """Sum of the products of all entries, a number a cell."""
    return torch.stack([torch.dot(u.reshape(-1), v.reshape(-1)) for u, v in zip(a, b, strict=True)])
