"""Layers of images: convolutions, pooling, interpolation, padding, as operations of the page.

A convolution has an image of `height` × `width` and a grid of `grid_height` × `grid_width` places where its
kernel lies: the grid is what a convolution (or pooling) returns, and what a transposed convolution takes.
Weights of both go with the output channel first, so that they are one matrix each, and BatchNorm folds into
its rows. A series (C, T) is an image of one row, (C, 1, T).
"""
# ruff: noqa: ARG001, PLR0917 (the signatures are torch's)

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from vaewidgets.graphs.builder import Builder, Unsupported, Weight
from vaewidgets.graphs.record import Constant, Register

_PROBES = 16  # unit images at once: of a large image, all would take gigabytes


def _conv2d(
    b: Builder,
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> int:
    x, shape = _image(b, input)
    _check_layer(weight, bias, groups)
    n_out, n_in, *axes = weight.shape
    kernel, stride, dilation = (_pair(v, len(axes), 1) for v in (axes, stride, dilation))
    if isinstance(padding, str):  # "same" puts the odd one behind; "valid" is none
        total = [d * (k - 1) * (padding == "same") for d, k in zip(dilation, kernel, strict=True)]
        padding = [n // 2 for n in total]
        grid = [n + t - d * (k - 1) for n, t, d, k in zip(shape[1:], total, dilation, kernel, strict=True)]
    else:
        padding = _pair(padding, len(axes), 0)
        grid = [
            (n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, p, d, k, s in zip(shape[1:], padding, dilation, kernel, stride, strict=True)
        ]
    return b.emit(
        "conv2d",
        x,
        w=Weight(lambda env: env.value(weight), math.prod(weight.shape)),
        b=_bias(bias),
        in_channels=n_in,
        out_channels=n_out,
        **_geometry(shape[1:], grid, kernel, stride, padding, dilation),
    )


def _conv_transpose2d(
    b: Builder,
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> int:
    x, shape = _image(b, input)
    _check_layer(weight, bias, groups)
    n_in, n_out, *axes = weight.shape
    kernel, stride, dilation = (_pair(v, len(axes), 1) for v in (axes, stride, dilation))
    padding, output_padding = (_pair(v, len(axes), 0) for v in (padding, output_padding))
    image = [
        (n - 1) * s - 2 * p + d * (k - 1) + o + 1
        for n, s, p, d, k, o in zip(shape[1:], stride, padding, dilation, kernel, output_padding, strict=True)
    ]
    return b.emit(
        "conv_transpose2d",
        x,
        w=Weight(lambda env: env.value(weight).movedim(0, -1), math.prod(weight.shape)),
        b=_bias(bias),
        in_channels=n_in,
        out_channels=n_out,
        **_geometry(image, shape[1:], kernel, stride, padding, dilation),
    )


def _max_pool2d(
    b: Builder,
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> int:
    x, shape = _image(b, input)
    axes = len(input.shape) - 2
    kernel = _pair(kernel_size, axes, 1)
    stride = kernel if stride is None or stride == [] else _pair(stride, axes, 1)
    options = (stride, _pair(padding, axes, 0), _pair(dilation, axes, 1))
    probe = torch.empty((1, 1, *shape[1:]), device="meta")
    grid = F.max_pool2d(probe, kernel, *options, ceil_mode=ceil_mode).shape[2:]
    return b.emit("max_pool2d", x, channels=shape[0], **_geometry(shape[1:], grid, kernel, *options))


def _adaptive_max_pool2d(b: Builder, input: Any, output_size: Any, return_indices: bool = False) -> int:
    _, shape = _image(b, input)
    wanted = _pair(output_size, len(input.shape) - 2, 1)
    sizes = [n if want is None else want for n, want in zip(shape[1:], wanted, strict=True)]
    if any(n % want for n, want in zip(shape[1:], sizes, strict=True)):
        raise Unsupported(f"{shape[1:]} pixels do not part evenly into {tuple(sizes)}")
    kernel = [n // want for n, want in zip(shape[1:], sizes, strict=True)]
    return _max_pool2d(b, input, kernel[4 - len(input.shape) :])


def _mean(b: Builder, input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> int:
    n_axes = len(input.shape)
    axes = {d % n_axes for d in ([dim] if isinstance(dim, int) else dim or ())}
    if axes != set(range(2, n_axes)):
        raise Unsupported("means are taken over the rows and columns of images, axes 2 and 3, only")
    return _separable(b, input, lambda x: x.mean(tuple(axes), keepdim=True))


def _interpolate(b: Builder, input: Any, size: Any = None, scale_factor: Any = None, **options: Any) -> int:
    # positional after these two are `mode` and flags, which hardly anyone writes so
    return _separable(b, input, lambda x: F.interpolate(x, size, scale_factor, **options))


def _averaged(function: Callable[..., Tensor]) -> Callable[..., int]:
    """Handler of a kind of pooling that averages."""
    return lambda b, input, *args, **options: _separable(b, input, lambda x: function(x, *args, **options))


def _pad(b: Builder, input: Any, pad: Any, mode: str = "constant", value: float | None = None) -> int:
    if len(pad) > 4 or (mode == "constant" and value):
        raise Unsupported("padding is taken of rows and columns, and with 0 or the image's own values")
    return _separable(b, input, lambda x: F.pad(x, tuple(pad), mode))


def _separable(b: Builder, input: Any, function: Callable[[Tensor], Tensor]) -> int:
    """Emit what works on rows and columns alone, whatever it is: two small matrices, which units tell.

    Such a function of an image is ``R x C^T``. Its value at (i, j), of an image with ones in row y, is
    R[i, y] times the sum of C[j]; of an image with ones in column x, C[j, x] times the sum of R[i].
    """
    x, (channels, height, width) = _image(b, input)
    if len(input.shape) == 3:
        of_series = function
        function = lambda x: of_series(x.flatten(0, 1))[None]  # noqa: E731
    whole = function(torch.ones(1, 1, height, width, dtype=torch.float64))[0, 0]
    i, j = divmod(int(whole.abs().argmax()), whole.shape[1]) if whole.numel() else (0, 0)
    if not whole.numel() or not whole[i, j]:
        raise Unsupported("it makes nothing of an image of ones")
    rows = _responses(function, torch.eye(height, dtype=torch.float64)[:, :, None], width)[:, :, j].T
    cols = _responses(function, torch.eye(width, dtype=torch.float64)[:, None], width, height)[:, i].T
    taps = {"rows": _taps(rows), "cols": _taps(cols / whole[i, j])}
    return b.emit("resample", x, channels=channels, height=height, width=width, **taps)


def _responses(
    function: Callable[[Tensor], Tensor], units: Tensor, width: int, height: int | None = None
) -> Tensor:
    """What becomes of unit rows (n, n, 1) or columns (n, 1, n), repeated into whole images: (n, H', W')."""
    results = [
        function(part.expand(-1, height or part.shape[1], width)[None].contiguous())[0]
        for part in units.split(_PROBES)
    ]
    return torch.cat(results)


def _taps(matrix: Tensor) -> list[list[float]]:
    """Each row's [index, weight, index, weight, …], zeros left out."""
    return [
        [number for k in row.nonzero().flatten().tolist() for number in (k, float(row[k]))] for row in matrix
    ]


def _image(b: Builder, value: Any) -> tuple[int, tuple[int, int, int]]:
    """Number of one image, and its (channels, height, width); a series is one row high."""
    x = b.register(value)
    assert isinstance(value, Register)
    if len(value.shape) not in (3, 4) or value.shape[0] != 1:
        raise Unsupported(
            f"it works on shape {value.shape}; the page takes one image, (1, C, H, W), or series, (1, C, T)"
        )
    _, channels, *size = value.shape
    height, width = _pair(size, len(size), 1)
    return x, (channels, height, width)


def _check_layer(weight: Any, bias: Any, groups: int) -> None:
    if not isinstance(weight, Constant) or isinstance(bias, Register):
        raise Unsupported("its weight depends on the input")
    if groups != 1:
        raise Unsupported(f"it has {groups} groups; the page takes convolutions of one")


def _bias(bias: Any) -> Weight | None:
    return Weight(lambda env: env.value(bias), bias.shape[0]) if isinstance(bias, Constant) else None


def _pair(value: Any, axes: int, plain: int) -> list[Any]:
    """A size of rows and columns: one number stands for both; of a series, `plain` stands for the rows."""
    items = list(value) if isinstance(value, Iterable) else [value]
    if axes == 1:
        return [plain, *items]
    return items * 2 if len(items) == 1 else items


def _geometry(
    image: Any, grid: Any, kernel: Any, stride: list[int], padding: list[int], dilation: list[int]
) -> dict[str, Any]:
    return {
        "height": int(image[0]),
        "width": int(image[1]),
        "grid_height": int(grid[0]),
        "grid_width": int(grid[1]),
        "kernel": [int(n) for n in kernel],
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
    }


SPATIAL: dict[str, Callable[..., int]] = {
    **dict.fromkeys(("conv1d", "conv2d"), _conv2d),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d"), _conv_transpose2d),
    **dict.fromkeys(("max_pool1d", "max_pool2d"), _max_pool2d),
    **dict.fromkeys(("adaptive_max_pool1d", "adaptive_max_pool2d"), _adaptive_max_pool2d),
    "mean": _mean,
    "interpolate": _interpolate,
    "upsample": _interpolate,
    "avg_pool1d": _averaged(F.avg_pool1d),
    "avg_pool2d": _averaged(F.avg_pool2d),
    "adaptive_avg_pool1d": _averaged(F.adaptive_avg_pool1d),
    "adaptive_avg_pool2d": _averaged(F.adaptive_avg_pool2d),
    "pad": _pad,
}
