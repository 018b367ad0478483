"""The arithmetic limit: an epoch of nothing but the matrix products of a step, at this machine's own rate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from tests.benchmarks.training_loops import Contender, Problem

__all__ = ["matrix_products"]

aten = torch.ops.aten
Job = Callable[[], Any]


@torch.no_grad()
def matrix_products(problem: Problem) -> Contender:
    """Each layer's forward product, the gradient of its weights, and of its input but for the first layer's.

    On the very shapes of the model, found by one pass; into buffers that are there, where torch allows it.
    Biases, activations, the loss, the optimiser and the data cost nothing here.
    """
    net = problem.net()
    dtype = torch.float32 if problem.precision == "float32" else torch.bfloat16
    seen: list[tuple[Any, Tensor, Tensor]] = []
    kinds = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
    hooks = [
        layer.register_forward_hook(lambda layer, inputs, out: seen.append((layer, inputs[0], out)))
        for layer in net.modules()
        if isinstance(layer, kinds)
    ]
    net(torch.rand(problem.batch, 1, 28, 28, device=problem.device))
    for hook in hooks:
        hook.remove()
    jobs: list[Job] = []
    for i, (layer, x, out) in enumerate(seen):
        make = _linear if isinstance(layer, nn.Linear) else _convolution
        jobs += make(layer, x.to(dtype), torch.randn_like(out, dtype=dtype), layer.weight.to(dtype), i > 0)
    steps = problem.n_images // problem.batch

    @torch.no_grad()
    def epoch() -> list[float]:
        for _ in range(steps):
            for job in jobs:
                job()
        if problem.device != "cpu":
            torch.accelerator.synchronize()
        return []

    return Contender(epoch, note=f"{2e-9 * _multiply_adds(seen) / problem.batch:.4f} GFLOP an image")


def _linear(_: nn.Linear, x: Tensor, slope: Tensor, weight: Tensor, inner: bool) -> list[Job]:
    out, grad, back = torch.empty_like(slope), torch.empty_like(weight), torch.empty_like(x)
    jobs: list[Job] = [
        lambda: torch.mm(x, weight.t(), out=out),
        lambda: torch.mm(slope.t(), x, out=grad),
    ]
    if inner:
        jobs.append(lambda: torch.mm(slope, weight, out=back))
    return jobs


def _convolution(layer: Any, x: Tensor, slope: Tensor, weight: Tensor, inner: bool) -> list[Job]:
    transposed = isinstance(layer, nn.ConvTranspose2d)
    how = (layer.stride, layer.padding, layer.dilation, transposed, layer.output_padding, layer.groups)
    return [
        lambda: aten.convolution(x, weight, None, *how),
        lambda: aten.convolution_backward(slope, x, weight, None, *how, (inner, True, False)),
    ]


def _multiply_adds(seen: list[tuple[Any, Tensor, Tensor]]) -> float:
    """Of a step: forward and both backward products."""
    total = 0.0
    for i, (layer, x, out) in enumerate(seen):
        pixels = x if isinstance(layer, nn.ConvTranspose2d) else out
        places = pixels.numel() / pixels.shape[1]
        total += (3 if i > 0 else 2) * layer.weight.numel() * places
    return total
