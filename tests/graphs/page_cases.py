"""Calls of each ATen operation that the page knows, for `test_page_operations.py` to compare with torch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

INF, NAN = float("inf"), float("nan")
SPECIAL = torch.tensor([0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.5, 90.0, -90.0, 1e30, -1e30, INF, -INF, NAN])
_seeded = torch.Generator().manual_seed(3)

Case = tuple[str, tuple[Any, ...]]


def x(*shape: int) -> torch.Tensor:
    """Normal numbers."""
    return torch.randn(shape, generator=_seeded)


def positive(*shape: int) -> torch.Tensor:
    """Between 0.1 and 0.9."""
    return torch.rand(shape, generator=_seeded) * 0.8 + 0.1


def whole(n: int, *shape: int) -> torch.Tensor:
    """Whole numbers from 0, below n."""
    return torch.randint(0, n, shape, generator=_seeded)


def _elementwise() -> Iterator[Case]:
    names = """abs acos asin atan ceil cos erf erfc exp exp2 expm1 floor frac isfinite isinf isnan
        log log10 log1p log2 logical_not neg reciprocal relu round rsqrt sigmoid sign silu sin sqrt square tan
        tanh trunc hardsigmoid hardswish mish erfinv acosh asinh atanh cosh sinh digamma lgamma"""
    for name in names.split():
        if name not in ("digamma", "lgamma", "square"):
            numbers = SPECIAL if name not in ("sin", "cos", "tan") else SPECIAL.clamp(-1000, 1000)
            yield name, (numbers,)
        yield name, (positive(2, 3, 4),)
    for numbers in (SPECIAL, x(3, 5) * 3):
        yield from [
            ("elu", (numbers, 0.7, 1.2, 0.9)), ("hardshrink", (numbers, 0.5)),
            ("softshrink", (numbers, 0.5)), ("leaky_relu", (numbers, 0.1)), ("softplus", (numbers, 2, 20)),
            ("threshold", (numbers, 0.5, -7)), ("hardtanh", (numbers, -1, 2)),
            ("gelu", (numbers.clamp(-1e3, 1e3),)), ("clamp", (numbers, -1, 2)),
            ("clamp", (numbers, None, 2)), ("clamp", (numbers, -1, None)), ("clamp_min", (numbers, 0.5)),
            ("clamp_max", (numbers, 0.5)), ("nan_to_num", (numbers, 5.0, None, -3.0)),
            ("log_sigmoid_forward", (numbers,)),
        ]  # fmt: skip
    yield "gelu", (x(3, 5), {"approximate": "tanh"})
    yield "clamp.Tensor", (x(3, 5), x(5) - 1, x(3, 1) + 1)
    yield "clamp_min.Tensor", (x(3, 5), x(5))
    yield "clamp_max.Tensor", (x(3, 5), x(5))
    yield "_prelu_kernel", (x(2, 3, 4), positive(3, 1))


def _two() -> Iterator[Case]:
    a, b = SPECIAL.repeat_interleave(len(SPECIAL)), SPECIAL.repeat(len(SPECIAL))
    shapes = [((3, 4), (4,)), ((3, 1), (1, 4)), ((2, 1, 3), (2, 5, 1)), ((), (2, 3)), ((1, 4), (1, 4)),
              ((2, 3, 4, 5), (3, 1, 1)), ((40, 20, 3), (20, 1)), ((0, 3), (3,))]  # fmt: skip
    names = "add sub mul div eq ne lt le gt ge pow maximum minimum"
    for name in names.split():
        overload = {"pow": ".Tensor_Tensor", "maximum": "", "minimum": ""}.get(name, ".Tensor")
        yield name + overload, (a, b)
        for one, other in shapes:
            yield name + overload, (positive(*one), positive(*other))
    names = "atan2 copysign.Tensor fmax fmin hypot logaddexp logical_and logical_or logical_xor xlogy.Tensor"
    for name in names.split():
        if name != "hypot":
            yield name, (a, b)
        yield name, (x(3, 4), positive(4))
    for name in ("remainder.Tensor", "fmod.Tensor", "floor_divide", "div.Tensor_mode"):
        more = ({"rounding_mode": "floor"},) if "mode" in name else ()
        yield name, (x(3, 4) * 5, x(4), *more)
        yield name, (whole(20, 3, 4) - 10.0, whole(4, 4) + 1.0, *more)
    yield "div.Tensor_mode", (x(3, 4) * 5, x(4), {"rounding_mode": "trunc"})
    names = "add sub mul div eq ne lt le gt ge remainder fmod floor_divide xlogy"
    for name in names.split():
        yield f"{name}.{'Scalar_Other' if name == 'xlogy' else 'Scalar'}", (x(2, 3), 2.5)
    yield from [
        ("add.Tensor", (x(3, 4), x(3, 4), {"alpha": 2.5})),
        ("sub.Tensor", (x(3, 4), x(4), {"alpha": -0.5})), ("rsub.Scalar", (x(3), 2.0)),
        ("rsub.Tensor", (x(3), x(3), {"alpha": 2})), ("pow.Scalar", (2.0, x(3, 4))),
        ("pow.Tensor_Scalar", (SPECIAL, 2)), ("pow.Tensor_Scalar", (SPECIAL, 3)),
        ("pow.Tensor_Scalar", (SPECIAL, 0.5)), ("pow.Tensor_Scalar", (SPECIAL, -1)),
        ("pow.Tensor_Scalar", (SPECIAL, 0)), ("where.self", (x(3, 4) > 0, x(3, 4), x(4))),
        ("where.self", (x(3, 1) > 0, x(3, 4), x())), ("where.self", (x(2, 3, 4) > 0, x(2, 1, 1), x(3, 1))),
        ("addcmul", (x(3, 4), x(3, 4), x(4), {"value": 0.5})),
        ("addcdiv", (x(3, 4), x(3, 4), positive(4), {"value": 0.5})),
        ("lerp.Scalar", (x(3, 4), x(3, 4), 0.3)), ("lerp.Tensor", (x(3, 4), x(3, 4), x(4))),
        ("masked_fill.Scalar", (x(3, 4), x(4) > 0, -INF)),
        ("masked_fill.Tensor", (x(3, 4), x(3, 4) > 0, x())), ("clone", (x(3, 4),)),
        ("copy", (x(3, 4), x(4))), ("fill.Scalar", (x(3, 4), 2.5)), ("fill.Tensor", (x(3, 4), x())),
        ("zero", (x(3, 4),)),
    ]  # fmt: skip


def _in_place() -> Iterator[Case]:
    yield from [
        ("add_.Tensor", (x(3, 4), x(4))), ("relu_", (x(3, 4),)), ("copy_", (x(3, 4), x(3, 1))),
        ("fill_.Scalar", (x(3, 4), 2.0)), ("zero_", (x(3, 4),)), ("clamp_", (x(3, 4), -1, 1)),
        ("masked_fill_.Scalar", (x(3, 4), x(3, 4) > 0, 7)), ("mul_.Tensor", (x(3, 4), x(3, 4))),
        ("index_put_", (x(4, 3), [whole(4, 5)], x(5, 3), True)),
        ("scatter_.value", (torch.zeros(3, 5), 1, whole(5, 3, 1), 1)),
    ]  # fmt: skip


def _reductions() -> Iterator[Case]:
    rows = x(3, 4, 5)
    for name in ("sum", "mean"):
        yield name, (rows,)
        for axes in ([0], [1], [2], [-1], [0, 1], [0, 2], [0, 1, 2], [1, 2]):
            yield f"{name}.dim{'_IntList' if name == 'sum' else ''}", (rows, axes, axes == [1])
    yield "sum.dim_IntList", (x(40, 300), [0])
    yield "sum", (x(),)
    yield "sum", (x(0, 3),)
    for name in ("amax", "amin"):
        for axes in ([], [0], [1], [0, 2]):
            yield name, (rows, axes, axes == [1])
        yield name, (SPECIAL, [0])
    for name in ("max", "min"):
        yield name, (rows,)
        yield f"{name}.other", (x(3, 4), x(4))
        for axis in (0, 1, -1):
            yield f"{name}.dim", (rows, axis, axis == 1)
        yield f"{name}.dim", (torch.tensor([[1.0, 3, 3], [NAN, 2, NAN]]), 1)
    for name in ("argmax", "argmin"):
        yield from [
            (name, (rows,)), (name, (rows, 1)), (name, (rows, -1, True)), (name, (SPECIAL, 0)),
        ]  # fmt: skip
    for name in ("any", "all"):
        signs = (x(3, 4) > 0.5) if name == "any" else (x(3, 4) > -0.5)
        yield from [
            (name, (signs,)), (f"{name}.dim", (signs, 0)), (f"{name}.dims", (signs, [0, 1], True)),
        ]  # fmt: skip
    yield from [
        ("prod", (rows,)), ("prod.dim_int", (rows, 1, True)), ("prod.dim_int", (rows, 0)),
        ("prod.dim_int", (x(5, 2, 40), 0, True)),
    ]  # fmt: skip
    for name in ("var", "std", "var_mean"):
        yield f"{name}.correction", (rows, [1], {"correction": 0})
        yield f"{name}.correction", (rows, [0, 2], {"correction": 1, "keepdim": True})
        yield f"{name}.correction", (rows + 50,)
        yield f"{name}.dim", (rows, [2], False)
        yield name, (rows, False)
    for order in (2, 1, 0, 3, INF, -INF, 0.5):
        yield "linalg_vector_norm", (rows, order, [1])
        yield "norm.ScalarOpt_dim", (rows, order, [0, 1], True)
    yield "norm.Scalar", (rows,)
    yield "linalg_vector_norm", (rows,)
    hot = torch.cat([rows * 100, torch.full((3, 1, 5), -INF)], 1)
    for axis in (0, 1, -1):
        yield "logsumexp", (rows * 50, [axis])
        yield "_softmax", (hot if axis == 1 else rows, axis, False)
        yield "_log_softmax", (rows * 50, axis, False)
        yield "cumsum", (rows, axis)
        yield "cumprod", (rows, axis)
        yield "sort", (rows, axis)
        yield "sort", (rows, axis, True)
        yield "topk", (rows, 2, axis)
        yield "topk", (rows, 3, axis, False)
    yield "logsumexp", (torch.full((2, 3), -INF), [1], True)
    yield "sort", (torch.tensor([2.0, NAN, -INF, 1, 5]),)


def _products() -> Iterator[Case]:
    for m, k, n in ((1, 3, 5), (7, 9, 4), (4, 1, 4), (33, 70, 65), (1, 64, 130), (128, 5, 1), (2, 300, 9)):
        yield "mm", (x(m, k), x(k, n))
        yield "addmm", (x(n), x(m, k), x(k, n))
        yield "bmm", (x(3, m, k), x(3, k, n))
    yield from [
        ("addmm", (x(4, 5), x(4, 3), x(3, 5), {"beta": 0.5, "alpha": 2})),
        ("addmm", (x(1), x(4, 3), x(3, 5))), ("addmm", (x(5), x(4, 3), x(3, 5), {"beta": 0})),
        ("baddbmm", (x(3, 4, 6), x(3, 4, 5), x(3, 5, 6))),
        ("baddbmm", (x(6), x(3, 4, 5), x(3, 5, 6), {"alpha": 0.5})), ("mv", (x(4, 5), x(5))),
        ("addmv", (x(4), x(4, 5), x(5), {"beta": 2, "alpha": 0.5})), ("dot", (x(40), x(40))),
        ("bmm", (x(1, 4, 5).expand(3, 4, 5), x(3, 5, 6))), ("mm", (x(5, 8)[:, 2:5], x(3, 8)[:, ::2])),
    ]  # fmt: skip


def _indexing() -> Iterator[Case]:
    a = x(4, 5, 6)
    yield from [
        ("embedding", (x(7, 3), whole(7, 2, 4))),
        ("embedding_dense_backward", (x(2, 4, 3), whole(7, 2, 4), 7, 2, False)),
        ("embedding_dense_backward", (x(4, 3), whole(7, 4), 7, -1, False)),
        ("index_select", (a, 1, whole(5, 3))), ("index.Tensor", (a, [whole(4, 3)])),
        ("index.Tensor", (a, [None, whole(5, 2, 3)])),
        ("index.Tensor", (a, [whole(4, 3), whole(5, 2, 1)])),
        ("index.Tensor", (a, [whole(4, 3), None, whole(6, 3)])),
        ("index.Tensor", (a, [None, whole(5, 3), whole(6, 3) - 6])),
        ("_unsafe_index.Tensor", (a, [None, whole(5, 3)])),
        ("index_put", (a, [torch.tensor([2, 0])], x(2, 5, 6))),
        ("index_put", (a, [None, whole(5, 3)], x(3, 1), True)),
        ("index_put", (a, [whole(4, 3), None, whole(6, 3)], x(3, 5), True)),
        ("index_add", (a, 1, whole(5, 7), x(4, 7, 6))),
        ("index_add", (a, 0, whole(4, 2), x(2, 5, 6), {"alpha": 2})),
        ("index_copy", (a, 0, torch.tensor([3, 1]), x(2, 5, 6))),
        ("index_fill.int_Scalar", (a, 2, torch.tensor([3, 1]), 2.5)),
        ("gather", (a, 1, whole(5, 4, 2, 3))), ("gather", (a, -1, whole(6, 4, 5, 8))),
        ("scatter.src", (a, 1, whole(5, 4, 1, 6), x(4, 5, 6))),
        ("scatter.value", (a, 0, whole(4, 2, 3, 6), 9.0)),
        ("scatter_add", (a, 1, whole(5, 2, 5, 6), x(4, 5, 6))),
    ]  # fmt: skip


def _views() -> Iterator[Case]:
    a = x(2, 3, 4)
    yield from [
        ("view", (a, [6, 4])), ("view", (a, [-1])), ("view", (x(6, 4), [2, 3, 2, 2])),
        ("_unsafe_view", (a, [3, 8])), ("view", (x(12)[::2], [3, 2])),
        ("_unsafe_view", (x(4, 3), [-1])), ("alias", (a,)), ("detach", (a,)), ("lift_fresh", (a,)),
        ("_reshape_alias", (a, [6, 4], [4, 1])), ("expand", (x(3, 1), [2, -1, 4])),
        ("expand", (x(), [2, 2])), ("permute", (a, [2, 0, -2])), ("t", (x(3, 4),)), ("t", (x(3),)),
        ("transpose.int", (a, 0, -1)), ("unsqueeze", (a, -1)), ("unsqueeze", (a, 1)),
        ("squeeze", (x(1, 3, 1),)), ("squeeze.dim", (x(1, 3, 1), -1)), ("squeeze.dim", (a, 0)),
        ("squeeze.dims", (x(1, 3, 1, 1), [0, 2])), ("slice.Tensor", (a, 1, 1, 9223372036854775807)),
        ("slice.Tensor", (a, 2, -3, -1)), ("slice.Tensor", (a, 2, 0, 4, 2)),
        ("slice.Tensor", (a, 0, 5, 9)), ("slice.Tensor", (a,)), ("select.int", (a, 1, -1)),
        ("split.Tensor", (a, 3, 2)), ("split.Tensor", (a, 1)), ("split_with_sizes", (a, [1, 2], 1)),
        ("unbind.int", (a, 1)), ("diagonal", (a,)), ("diagonal", (a, 1, 2, 1)),
        ("diagonal", (a, -1, 0, 2)), ("unfold", (x(2, 9), 1, 3, 2)),
        ("as_strided", (x(12), [2, 3], [1, 2], 1)),
        ("cat", ([a, x(2, 1, 4)], 1)),
        ("cat", ([a, a], -1)), ("cat", ([torch.zeros(0), x(3)],)), ("stack", ([x(3), x(3)], -1)),
        ("stack", ([x(3, 2), x(3, 2)], 1)), ("flip", (a, [0, 2])), ("roll", (a, [1, -1], [0, 2])),
        ("roll", (a, [5])), ("repeat", (a, [2, 1, 3])), ("repeat", (x(3), [2, 2])),
        ("repeat_interleave.self_int", (a, 2, 1)), ("repeat_interleave.self_int", (a, 3)),
        ("select_backward", (x(2, 4), [2, 3, 4], 1, 2)),
        ("slice_backward", (x(2, 3, 2), [2, 3, 4], 2, 1, 4, 2)),
        ("diagonal_backward", (x(3), [3, 3], 0, 0, 1)), ("unfold_backward", (x(2, 4, 3), [2, 9], 1, 3, 2)),
    ]  # fmt: skip


def _created() -> Iterator[Case]:
    a = x(3, 4)
    yield from [
        ("arange", (5,)), ("arange.start", (2, 7)), ("arange.start_step", (1.0, 2.0, 0.25)),
        ("arange.start_step", (5, 0, -2)), ("eye", (3,)), ("eye.m", (3, 5)), ("full", ([2, 3], 1.5)),
        ("full", ([], -INF)), ("full_like", (a, 2.0)), ("new_full", (a, [2], 3.0)),
        ("scalar_tensor", (2.5,)), ("zeros", ([2, 3],)), ("zeros_like", (a,)), ("new_zeros", (a, [2])),
        ("ones", ([2, 3],)), ("ones_like", (a,)), ("new_ones", (a, [2])), ("tril", (x(2, 4, 5),)),
        ("tril", (a, 1)), ("triu", (a, -1)), ("triu", (x(2, 4, 5), 2)),
    ]  # fmt: skip


def _gradients() -> Iterator[Case]:
    g = torch.linspace(-2, 2, len(SPECIAL))
    for numbers in (SPECIAL.clamp(-1e3, 1e3), x(14)):
        yield from [
            ("hardsigmoid_backward", (g, numbers)), ("hardswish_backward", (g, numbers)),
            ("hardtanh_backward", (g, numbers, -1, 2)), ("mish_backward", (g, numbers)),
            ("sigmoid_backward", (g, numbers)), ("silu_backward", (g, numbers)),
            ("softplus_backward", (g, numbers, 2, 20)), ("softshrink_backward", (g, numbers, 0.5)),
            ("tanh_backward", (g, numbers)), ("threshold_backward", (g, numbers, 0.5)),
            ("hardshrink_backward", (g, numbers, 0.5)),
            ("elu_backward", (g, 0.7, 1.2, 0.9, False, numbers)),
            ("elu_backward", (g, 0.7, 1.2, 0.9, True, numbers)), ("gelu_backward", (g, numbers)),
            ("leaky_relu_backward", (g, numbers, 0.1, False)),
            ("log_sigmoid_backward", (g, numbers, torch.exp(-numbers.abs()))),
        ]  # fmt: skip
    y = positive(3, 4, 5)
    yield "gelu_backward", (g, x(14), {"approximate": "tanh"})
    yield "_prelu_kernel_backward", (x(2, 3, 4), x(2, 3, 4), positive(3, 1).expand(2, 3, 4).contiguous())
    for axis in (0, 1, -1):
        yield "_softmax_backward_data", (x(3, 4, 5), y.softmax(axis), axis, torch.float32)
        yield "_log_softmax_backward_data", (x(3, 4, 5), y.log_softmax(axis), axis, torch.float32)
    yield "native_dropout_backward", (x(3, 4), x(3, 4) > 0, 1.25)


def _losses() -> Iterator[Case]:
    p, y, w = positive(4, 5), positive(4, 5), positive(5)
    edge = torch.tensor([0.0, 1.0, 1e-8, 0.5])
    classes = torch.tensor([0, 2, 4, 1])
    for kind, g in ((0, x(4, 5)), (1, x()), (2, x())):
        yield from [
            ("mse_loss", (x(4, 5), y, kind)), ("mse_loss_backward", (g, x(4, 5), y, kind)),
            ("huber_loss", (x(4, 5) * 3, y, kind, 0.7)),
            ("huber_loss_backward", (g, x(4, 5) * 3, y, kind, 0.7)),
            ("smooth_l1_loss", (x(4, 5) * 3, y, kind, 0.7)),
            ("smooth_l1_loss_backward", (g, x(4, 5) * 3, y, kind, 0.7)),
            ("smooth_l1_loss", (x(4, 5), y, kind, 0.0)),
            ("smooth_l1_loss_backward", (g, x(4, 5), y, kind, 0.0)),
            ("binary_cross_entropy", (p, y, None, kind)), ("binary_cross_entropy", (p, y, w, kind)),
            ("binary_cross_entropy", (edge, edge.flip(0), None, kind)),
            ("binary_cross_entropy_backward", (g, p, y, None, kind)),
            ("binary_cross_entropy_backward", (g, p, y, w, kind)),
            ("binary_cross_entropy_with_logits", (x(4, 5) * 30, y, None, None, kind)),
            ("binary_cross_entropy_with_logits", (x(4, 5), y, w, positive(5), kind)),
        ]  # fmt: skip
        log_p = x(4, 5).log_softmax(1)
        for weight, ignored in ((None, -100), (w, 2)):
            _, total = torch.ops.aten.nll_loss_forward(log_p, classes, weight, kind, ignored)
            grad = x(4) if kind == 0 else x()
            yield "nll_loss_forward", (log_p, classes, weight, kind, ignored)
            yield "nll_loss_backward", (grad, log_p, classes, weight, kind, ignored, total)


GROUPS = (
    _elementwise, _two, _in_place, _reductions, _products, _indexing, _views, _created,
    _gradients, _losses,
)  # fmt: skip


def cases() -> list[Case]:
    """Overloads of ATen with their arguments; a last dict holds what the schema wants by name."""
    return [case for group in GROUPS for case in group()]
