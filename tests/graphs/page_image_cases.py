"""Calls of ATen's operations on images and of its norms, for `test_page_operations.py`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from tests.graphs.page_cases import NAN, Case, positive, x

# input, weight, bias, stride, padding, dilation, transposed, output padding, groups
CONVOLUTIONS: list[tuple[Any, ...]] = [
    (x(2, 3, 8, 7), x(5, 3, 3, 3), x(5), [1, 1], [1, 1], [1, 1], False, [0, 0], 1),
    (x(1, 3, 9, 9), x(4, 3, 4, 4), None, [2, 2], [1, 1], [1, 1], False, [0, 0], 1),
    (x(3, 4, 9, 8), x(6, 2, 3, 2), x(6), [2, 1], [0, 2], [2, 1], False, [0, 0], 2),
    (x(2, 4, 6, 6), x(4, 1, 3, 3), x(4), [1, 1], [1, 1], [1, 1], False, [0, 0], 4),
    (x(5, 3, 4, 4), x(6, 3, 1, 1), x(6), [1, 1], [0, 0], [1, 1], False, [0, 0], 1),
    (x(1, 3, 30, 30), x(6, 3, 1, 1), x(6), [1, 1], [0, 0], [1, 1], False, [0, 0], 1),
    (x(9, 3, 4, 4), x(7, 3, 4, 4), x(7), [1, 1], [0, 0], [1, 1], False, [0, 0], 1),
    (x(2, 3, 12), x(5, 3, 4), x(5), [2], [1], [2], False, [0], 1),
    (x(2, 6, 5), x(6, 2, 3), None, [2], [1], [1], True, [1], 2),
    (x(2, 5, 4, 3), x(5, 3, 4, 4), x(3), [2, 2], [1, 1], [1, 1], True, [0, 0], 1),
    (x(1, 5, 4, 3), x(5, 3, 3, 3), x(3), [2, 2], [1, 1], [1, 1], True, [1, 1], 1),
    (x(3, 4, 5, 4), x(4, 3, 3, 2), x(6), [2, 3], [1, 0], [2, 1], True, [1, 2], 2),
    (x(7, 6, 1, 1), x(6, 4, 4, 4), x(4), [1, 1], [0, 0], [1, 1], True, [0, 0], 1),
]


def _images() -> Iterator[Case]:
    for case in CONVOLUTIONS:
        yield "convolution", case
        after = torch.ops.aten.convolution(*case)
        bias = None if case[2] is None else [case[2].numel()]
        for mask in ([True, True, case[2] is not None], [False, True, False]):
            yield "convolution_backward", (torch.randn_like(after), *case[:2], bias, *case[3:], mask)
    image = x(2, 3, 7, 9)
    image[0, 0, 0] = NAN
    for settings in (
        ([3, 3], [2, 2], [1, 1]),
        ([2, 3], [], [0, 1]),
        ([3, 3], [2, 2], [1, 1], [2, 2], True),
        ([2, 2], [2, 2], [0, 0], [1, 1], True),
    ):
        values, places = torch.ops.aten.max_pool2d_with_indices(x(2, 3, 7, 9), *settings)
        yield "max_pool2d_with_indices", (image, *settings)
        full = (*settings, *([0, 0], [1, 1], False)[len(settings) - 2 :])
        yield "max_pool2d_with_indices_backward", (torch.randn_like(values), x(2, 3, 7, 9), *full, places)
    for settings in (
        ([3, 3], [2, 2], [1, 1], False, True, None),
        ([2, 3], [], [0, 1], True, False, None),
        ([3, 2], [2, 2], [1, 1], True, True, 5),
    ):
        pooled = torch.ops.aten.avg_pool2d(x(2, 3, 7, 9), *settings)
        yield "avg_pool2d", (x(2, 3, 7, 9), *settings)
        yield "avg_pool2d_backward", (torch.randn_like(pooled), x(2, 3, 7, 9), *settings)
    yield "avg_pool2d", (x(3, 6, 6), [2])
    for size in ([3, 4], [7, 9], [1, 2]):
        values, places = torch.ops.aten.adaptive_max_pool2d(image, size)
        yield from [
            ("_adaptive_avg_pool2d", (x(2, 3, 7, 9), size)), ("adaptive_max_pool2d", (image, size)),
            ("_adaptive_avg_pool2d_backward", (x(2, 3, *size), x(2, 3, 7, 9))),
            ("adaptive_max_pool2d_backward", (x(2, 3, *size), x(2, 3, 7, 9), places)),
        ]  # fmt: skip


def _resampled() -> Iterator[Case]:
    for size, scales in (
        ([8, 10], (None, None)),
        ([8, 10], (2.0, 2.0)),
        ([3, 2], (None, None)),
        ([10, 12], (2.5, 2.4)),
        ([4, 5], (None, None)),
    ):
        for kind, more in (
            ("upsample_nearest2d", ()), ("_upsample_nearest_exact2d", ()),
            ("upsample_bilinear2d", (False,)), ("upsample_bilinear2d", (True,)),
            ("upsample_bicubic2d", (False,)), ("upsample_bicubic2d", (True,)),
        ):  # fmt: skip
            yield kind, (x(2, 3, 4, 5), size, *more, *scales)
            yield f"{kind}_backward", (x(2, 3, *size), size, [2, 3, 4, 5], *more, *scales)
    for size, scale in (([10], None), ([10], 2.0), ([3], None)):
        for kind, more in (
            ("upsample_nearest1d", ()),
            ("_upsample_nearest_exact1d", ()),
            ("upsample_linear1d", (False,)),
            ("upsample_linear1d", (True,)),
        ):
            yield kind, (x(2, 3, 5), size, *more, scale)
            yield f"{kind}_backward", (x(2, 3, *size), size, [2, 3, 5], *more, scale)
    for kind in ("reflection", "replication"):
        yield f"{kind}_pad1d", (x(2, 3, 5), [2, 1])
        yield f"{kind}_pad2d", (x(2, 3, 5, 4), [2, 1, 0, 3])
        yield f"{kind}_pad2d", (x(3, 5, 4), [1, 1, 1, 1])
        yield f"{kind}_pad1d_backward", (x(2, 3, 8), x(2, 3, 5), [2, 1])
        yield f"{kind}_pad2d_backward", (x(2, 3, 8, 7), x(2, 3, 5, 4), [2, 1, 0, 3])
    yield from [
        ("constant_pad_nd", (x(2, 3, 4), [1, 2])), ("constant_pad_nd", (x(2, 3, 4), [1, 2, 0, 1], 5.0)),
        ("constant_pad_nd", (x(2, 3, 4), [-1, 2, 1, -1])), ("pixel_shuffle", (x(2, 12, 3, 4), 2)),
        ("pixel_unshuffle", (x(2, 3, 4, 6), 2)),
        ("im2col", (x(2, 3, 6, 5), [3, 2], [1, 2], [1, 0], [2, 1])),
        ("col2im", (x(2, 12, 12), [6, 5], [2, 2], [1, 1], [0, 0], [2, 1])),
    ]  # fmt: skip


def _normalised() -> Iterator[Case]:
    for shape in ((4, 6), (2, 6, 5), (3, 6, 4, 5)):
        image, grad, channels = x(*shape), x(*shape), shape[1]
        w, b, mean, var = x(channels), x(channels), x(channels), positive(channels)
        for train in (True, False):
            out = torch.ops.aten.native_batch_norm(image, w, b, mean.clone(), var.clone(), train, 0.1, 1e-5)
            yield "native_batch_norm", (image, w, b, mean, var, train, 0.1, 1e-5)
            yield "native_batch_norm_backward", (grad, image, w, mean, var, *out[1:], train, 1e-5, [True] * 3)
        yield "native_batch_norm", (image, None, None, None, None, True, 0.0, 1e-5)
        yield "_native_batch_norm_legit.no_stats", (image, w, b, True, 0.0, 1e-5)
        yield "_native_batch_norm_legit", (image, w, b, mean, var, True, 0.1, 1e-5)
        last = list(shape[1:])
        for weights in ((x(*last), x(*last)), (None, None)):
            out = torch.ops.aten.native_layer_norm(image, last, *weights, 1e-5)
            yield "native_layer_norm", (image, last, *weights, 1e-5)
            mask = [True, weights[0] is not None, weights[0] is not None]
            yield "native_layer_norm_backward", (grad, image, last, *out[1:], *weights, mask)
        if len(shape) > 2:
            sizes = (shape[0], channels, shape[2] * (shape[3] if len(shape) > 3 else 1), 3)
            out = torch.ops.aten.native_group_norm(image, w, b, *sizes, 1e-5)
            yield "native_group_norm", (image, w, b, *sizes, 1e-5)
            yield "native_group_norm", (image, None, None, *sizes, 1e-5)
            yield "native_group_norm_backward", (grad, image, *out[1:], w, *sizes, [True] * 3)


def image_cases() -> list[Case]:
    """As `page_cases.cases`."""
    return [*_images(), *_resampled(), *_normalised()]
