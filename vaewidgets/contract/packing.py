"""Packed arrays: how arrays travel from Python to the page, as plain dicts with little-endian bytes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vaewidgets.contract.sections import Dtype, Packed
from vaewidgets.errors import DataError, OptionError

_DTYPES: dict[Dtype, np.dtype[Any]] = {
    "u8": np.dtype("<u1"),
    "u16": np.dtype("<u2"),
    "i32": np.dtype("<i4"),
    "f32": np.dtype("<f4"),
    "f16": np.dtype("<f2"),
}
_STEPS = 65534  # the largest code of a q16 value; the one above it says NaN
_NAN_CODE = 65535


def pack(array: ArrayLike, dtype: Dtype | None = None) -> Packed:
    """Pack an array of any shape, zero-sized ones included; its data are bytes in C order.

    Default of `dtype`: "u8" for booleans and uint8, "u16" for uint16, "i32" for other integers, "f16" for
    float16, "f32" for other floats. Floats round to nearest; values beyond f16 become infinite. Raises
    `DataError` if an integer type cannot hold the values exactly, `OptionError` for another dtype.
    """
    values = np.asarray(array)
    if values.dtype.kind not in "buif":
        raise DataError(f"pack() got an array of {values.dtype}; it takes booleans, integers and floats.")
    code = _default_code(values.dtype) if dtype is None else dtype
    if code not in _DTYPES:
        raise OptionError(
            f"dtype={dtype!r} is unknown; choose one of {', '.join(_DTYPES)} (or pack_quantised)."
        )
    target = _DTYPES[code]
    if target.kind in "iu":
        _check_integers(values, code)
    with np.errstate(over="ignore"):
        data = np.ascontiguousarray(values).astype(target, copy=False)
    return {"dtype": code, "shape": list(values.shape), "data": data.tobytes()}


def pack_integers(array: ArrayLike) -> Packed:
    """Pack whole numbers into the fewest bits that hold them all: labels travel with every frame.

    Its dtype is "u8", "u16" or "i32". Raises `DataError` if a value has a fraction or is beyond 32 bits.
    """
    values = np.asarray(array)
    low, high = (values.min(), values.max()) if values.size else (0, 0)
    small: tuple[Dtype, ...] = ("u8", "u16")
    fits = [code for code in small if low >= 0 and high <= np.iinfo(_DTYPES[code]).max]
    return pack(values, fits[0] if fits else "i32")


def _default_code(dtype: np.dtype[Any]) -> Dtype:
    if dtype.kind == "b" or dtype == np.uint8:
        return "u8"
    if dtype.kind == "f":
        return "f16" if dtype.itemsize == 2 else "f32"
    return "u16" if dtype == np.uint16 else "i32"


def _check_integers(values: NDArray[Any], code: Dtype) -> None:
    if values.size == 0 or values.dtype == _DTYPES[code] or values.dtype.kind == "b":
        return
    limits = np.iinfo(_DTYPES[code])
    low, high = values.min(), values.max()
    if not (low >= limits.min and high <= limits.max):  # also False for NaN
        raise DataError(
            f"values from {low} to {high} do not fit {code} ({limits.min} to {limits.max}); choose another."
        )
    if values.dtype.kind == "f" and not np.array_equal(values, np.trunc(values)):
        raise DataError(f"values with a fraction do not fit {code}; round them first, or send them as f32.")


def pack_quantised(
    points: ArrayLike,
    lo: float | Sequence[float] | NDArray[Any] | None = None,
    hi: float | Sequence[float] | NDArray[Any] | None = None,
) -> Packed:
    """Pack floats (..., columns) into 16 bits each, column by column between `lo` and `hi` ("q16").

    The limits are one for all columns or one for each; by default the smallest and largest finite value of
    the column. The largest error is ``(hi - lo) / 131068`` of the column. NaN and infinite values come back
    as NaN; values outside the limits are clipped to them. Raises `DataError` if `points` has no axis,
    `OptionError` if a limit is not finite or `hi` is below `lo`.
    """
    values = np.asarray(points, dtype=np.float64)
    if values.ndim == 0:
        raise DataError("pack_quantised() got a scalar; it takes an array whose last axis holds the columns.")
    finite = np.isfinite(values)
    low = _limit(values, finite, lo, smallest=True)
    high = _limit(values, finite, hi, smallest=False)
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (high >= low).all()):
        raise OptionError(f"lo={low.tolist()} and hi={high.tolist()} must be finite, with lo <= hi.")
    span = np.where(high > low, high - low, 1.0)
    scaled = np.clip((np.where(finite, values, low) - low) / span, 0.0, 1.0)
    codes = np.where(finite, np.rint(scaled * _STEPS), _NAN_CODE).astype("<u2")
    return {
        "dtype": "q16",
        "shape": list(values.shape),
        "lo": low.tolist(),
        "hi": high.tolist(),
        "data": codes.tobytes(),
    }


def _limit(values: NDArray[Any], finite: NDArray[Any], given: Any, *, smallest: bool) -> NDArray[Any]:
    """The given limit, or the smallest (largest) finite value of each column; 0 where there is none."""
    columns = values.shape[-1]
    if given is not None:
        return np.broadcast_to(np.asarray(given, dtype=np.float64), (columns,))
    reduce, neutral = (np.min, np.inf) if smallest else (np.max, -np.inf)
    rows = np.where(finite, values, neutral).reshape(math.prod(values.shape[:-1]), columns)
    found = reduce(rows, axis=0, initial=neutral)
    return np.where(np.isfinite(found), found, 0.0)


def unpack(packed: Mapping[str, Any]) -> NDArray[Any]:
    """Read a packed array: a writable copy in native byte order; "q16" becomes float32.

    Raises `DataError` if the type is unknown or the number of bytes does not fit the shape.
    """
    code, shape = packed["dtype"], tuple(int(n) for n in packed["shape"])
    if code != "q16" and code not in _DTYPES:
        raise DataError(f"a packed array has dtype {code!r}; known are {', '.join(_DTYPES)} and q16.")
    dtype = np.dtype("<u2") if code == "q16" else _DTYPES[code]
    data = bytes(packed["data"])
    wanted = math.prod(shape) * dtype.itemsize
    if len(data) != wanted:
        raise DataError(
            f"a packed {code} array of shape {list(shape)} holds {len(data)} bytes, not {wanted}."
        )
    raw = np.frombuffer(data, dtype=dtype).reshape(shape)
    if code != "q16":
        return raw.astype(dtype.newbyteorder("="))
    low, high = np.asarray(packed["lo"], dtype=np.float64), np.asarray(packed["hi"], dtype=np.float64)
    values = low + raw.astype(np.float64) / _STEPS * (high - low)
    return np.where(raw == _NAN_CODE, np.nan, values).astype(np.float32)
