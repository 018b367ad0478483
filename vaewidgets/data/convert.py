"""From whatever holds pixels to uint8 or float32 tensors of shape (N, C, H, W), checked on the way."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vaewidgets.checks import one_of
from vaewidgets.errors import DataError, OptionError, ShapeError

Layout = Literal["none", "first", "last", "volume"]

_CHANNELS = (1, 3)
# Images this thin and this many times as long look like series.
_STRIP, _LONGER = 16, 4
# The largest value of 12 bits, which cameras and scanners keep in 16.
_TWELVE_BITS = 4095
# Rounding in a user's own scaling may pass the border by a few ulp; more than that is a real mistake.
_RANGE_SLACK = 1e-5


def as_value_range(value_range: tuple[float, float]) -> tuple[float, float]:
    """Check a value range and return it as two floats.

    Raises
    ------
    OptionError
        Unless it is two finite numbers, the lower one first.
    """
    try:
        lo, hi = (float(v) for v in value_range)
    except (TypeError, ValueError):
        lo = hi = math.nan
    if not (math.isfinite(lo) and math.isfinite(hi) and lo < hi):
        raise OptionError(
            f"value_range is {value_range!r}; expected two finite numbers, the lower one first, such as "
            "(0.0, 1.0) or (-1.0, 1.0)."
        )
    return lo, hi


def find_layout(shape: tuple[int, ...], channels: str | None) -> Layout:
    """Tell where the channel axis is, from the shape of a stack of images.

    Parameters
    ----------
    shape : tuple of int
        (N, H, W), (N, C, H, W) or (N, H, W, C), with C one of 1 and 3 unless `channels` says where it is; or
        a volume, (N, 1, D, H, W).
    channels : {"first", "last"} or None
        What the user says; None to find out.

    Returns
    -------
    {"none", "first", "last", "volume"}

    Raises
    ------
    ShapeError
        If the number of axes is another one, no axis can hold 1 or 3 channels, both ends can, or the images
        look like vectors or series.
    OptionError
        If `channels` is another word.
    """
    one_of("channels", channels, (None, "first", "last"))
    if len(shape) == 2:
        side = math.isqrt(shape[1])
        example = f"images.reshape(-1, {side}, {side})" if side * side == shape[1] else "reshape(-1, H, W)"
        raise ShapeError(
            f"images have shape {shape}, two axes: they look flattened. Expected (N, H, W), (N, H, W, C) or "
            f"(N, C, H, W). Unflatten them, for example {example}. Vectors that are no images: "
            "vw.ArrayDataset(x)."
        )
    if len(shape) == 5 and shape[1] == 1:
        return "volume"
    if len(shape) not in (3, 4):
        raise ShapeError(
            f"images have shape {shape}, {len(shape)} axes; expected (N, H, W), (N, H, W, C) or (N, C, H, "
            "W); (N, 1, D, H, W) for volumes."
        )
    if len(shape) == 3:
        return "none"
    first, last = shape[1] in _CHANNELS, shape[3] in _CHANNELS
    if channels is None and first and last:
        # Images one pixel high or wide are no images: (N, 1, 3, 3) is grey, 3 x 3.
        first, last = min(shape[2], shape[3]) > 1, min(shape[1], shape[2]) > 1
        first, last = (first, last) if first or last else (True, True)
    if channels is None and first and last:
        raise ShapeError(
            f"images have shape {shape}: both axis 1 ({shape[1]}) and axis 3 ({shape[3]}) could be the "
            'channels. Say which: channels="first" for (N, C, H, W), channels="last" for (N, H, W, C).'
        )
    if channels is None and (first or last):
        return "first" if first else "last"
    # any number of channels where somebody says so, unless the other end alone has 1 or 3
    if channels is not None and (first or not last if channels == "first" else last or not first):
        return "first" if channels == "first" else "last"
    hint = "Drop the alpha channel, for example images[..., :3]" if 4 in (shape[1], shape[3]) else (
        "Give grey images as (N, H, W), colour ones as (N, H, W, 3) or (N, 3, H, W)"
    )  # fmt: skip
    where = f" with channels={channels!r}" if channels else ""
    raise ShapeError(
        f"images have shape {shape}{where}: no channel axis of size 1 (grey) or 3 (colour) found there. "
        f'{hint}; for any other number say where: channels="first" for (N, C, H, W), channels="last" for '
        "(N, H, W, C)."
    )


def refuse_strips(shape: tuple[int, ...]) -> None:
    """Refuse what is more likely a series of a few features, (N, T, F), than grey images."""
    _, height, width = shape
    short, long = sorted((height, width))
    if 0 < short <= _STRIP and long >= _LONGER * short:
        raise ShapeError(
            f"images have shape {shape}: grey images of {height} x {width} pixels, or series of {long} "
            f'steps? Series: vw.ArrayDataset(x, draw="line"). Images: (N, 1, {height}, {width}).'
        )


def as_labels(labels: Any, n: int, what: str = "labels", noun: str = "image") -> Tensor:
    """Check class labels and return them as int64.

    Parameters
    ----------
    labels : array-like of int, shape (N,)
        Any whole numbers that fit into 64 bits with a sign.
    n : int
        Number of images that they belong to.
    what, noun : str
        How messages name them, and what they belong to.

    Returns
    -------
    Tensor, int64, shape (N,)

    Raises
    ------
    DataError
        If they are not whole numbers, exceed 63 bits, or do not match the images in number.
    """
    array = labels.detach().cpu().numpy() if isinstance(labels, Tensor) else np.asarray(labels)
    if array.dtype.kind not in "iub":
        if array.dtype.kind == "f" and array.ndim == 1 and bool(np.all(array == np.floor(array))):
            fix = f"They are whole numbers held as {array.dtype}: pass {what}.astype(int)."
        elif array.dtype.kind in "USO":
            fix = "Number the classes: class_names, labels = numpy.unique(labels, return_inverse=True)."
        else:
            fix = "Labels are classes; keep other values for colouring out of the data set."
        raise DataError(f"{what} are of type {array.dtype}; expected integers. {fix}")
    if array.ndim != 1:
        fix = (
            f"They look one-hot: pass {what}.argmax(1)."
            if array.ndim == 2 and array.shape[1] > 1
            else f"Pass {what}.reshape(-1)."
        )
        raise DataError(f"{what} have shape {array.shape}; expected one number an {noun}, ({n},). {fix}")
    if len(array) != n:
        raise DataError(f"{len(array)} {what} for {n} {noun}s; expected one label an {noun}.")
    if n and int(array.max()) > np.iinfo(np.int64).max:
        index = int(array.argmax())
        raise DataError(
            f"{what} hold {int(array[index])} at index {index}; expected integers below 2**63. "
            "Number the classes: class_names, labels = numpy.unique(labels, return_inverse=True)."
        )
    return torch.from_numpy(array.astype(np.int64))


@dataclass(frozen=True)
class Converter:
    """Turns stacks of images into checked (N, C, H, W) tensors, uint8 or float32.

    Integers from 0 to 255 become uint8, booleans 0 and 255, floats stay floats; of 16-bit integers, which
    become floats, 0 and 65,535 are the ends of `value_range`.

    Attributes
    ----------
    layout : {"none", "first", "last", "volume"}
        Where the channel axis of the stacks is.
    value_range : tuple of float
        What floats must lie in.
    size : tuple of int, or None
        (H, W) to resize to (bilinear, antialiased), or None to keep the size.
    checks_range : bool
        False where the floats are checked later, all of them together.
    """

    layout: Layout
    value_range: tuple[float, float]
    size: tuple[int, int] | None = None
    checks_range: bool = True

    @property
    def axes(self) -> int:
        """How many axes an image has before it is converted."""
        return {"none": 2, "first": 3, "last": 3, "volume": 4}[self.layout]

    def __call__(self, images: Any, first: int | Tensor = 0, *, whole: bool = True) -> Tensor:
        """Convert one stack.

        Parameters
        ----------
        images : ndarray or Tensor
            A stack in `layout`.
        first : int or Tensor
            Index of the stack's first image, or the indices of all, for messages.
        whole : bool
            Whether this is enough of the set to judge its scale by.

        Returns
        -------
        Tensor, uint8 or float32, shape (N, C, H, W)
            May share memory with `images`.

        Raises
        ------
        DataError
            On NaN, on values outside the range, on a type that is no number.
        """
        pixels = self._to_nchw(_as_tensor(images))
        if is_16_bit(images):
            pixels = self._from_16_bit(pixels, whole)
        pixels = self._to_pixels(pixels, first, whole)
        return resize(pixels, self.size) if self.size and tuple(pixels.shape[2:]) != self.size else pixels

    def _to_nchw(self, stack: Tensor) -> Tensor:
        if self.layout == "none":
            return stack.unsqueeze(1)
        if self.layout == "volume":
            return stack.squeeze(1)
        return stack.permute(0, 3, 1, 2) if self.layout == "last" else stack

    def _from_16_bit(self, stack: Tensor, whole: bool) -> Tensor:
        if whole and stack.numel():
            refuse_dark(int(stack.max()))
        lo, hi = self.value_range
        return stack.to(torch.float32).mul_((hi - lo) / 65535).add_(lo).clamp_(lo, hi)

    def _to_pixels(self, stack: Tensor, first: int | Tensor, whole: bool) -> Tensor:
        if stack.dtype == torch.bool:
            return stack.to(torch.uint8).mul_(255).contiguous()
        if stack.is_complex():
            raise DataError(f"images are {stack.dtype}; expected 8-bit integers or floats.")
        if stack.is_floating_point():
            floats = stack.to(torch.float32).contiguous()
            return self._check_floats(floats, first)
        low, high = (int(v) for v in torch.aminmax(stack)) if stack.numel() else (0, 255)
        if low < 0 or high > 255:
            raise DataError(
                f"integer images run from {low} to {high}; expected 8-bit pixels, 0 to 255. Pass "
                f"images.astype('float32') with value_range=({low}, {high}), the least and greatest."
            )
        if whole and high == 1:
            raise DataError(
                "integer images hold only 0 and 1, but integer pixels run from 0 (black) to 255 (white), so "
                "they would be all but black. Pass images.astype(bool), or multiply by 255."
            )
        return stack.to(torch.uint8).contiguous()

    def _check_floats(self, pixels: Tensor, first: int | Tensor) -> Tensor:
        if not pixels.numel():
            return pixels
        low, high = (float(v) for v in torch.aminmax(pixels))
        if math.isnan(low):
            raise DataError(_nan_message(pixels, first))
        lo, hi = self.value_range
        if not self.checks_range or (low >= lo and high <= hi):
            return pixels
        slack = _RANGE_SLACK * (hi - lo)
        if low >= lo - slack and high <= hi + slack:
            return pixels.clamp(lo, hi)
        raise DataError(_range_message(low, high, lo, hi))


def resize(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize (N, C, H, W) images, bilinear and antialiased, keeping the type.

    Works through 1,000 images at a time, so that a set of 8-bit images never exists as floats.
    """
    done = [
        F.interpolate(part.to(torch.float32), size=size, mode="bilinear", antialias=True, align_corners=False)
        for part in pixels.split(1000)
    ]
    if pixels.dtype == torch.uint8:
        done = [part.round_().clamp_(0, 255).to(torch.uint8) for part in done]
    return torch.cat(done)


def refuse_dark(high: int) -> None:
    """Refuse 16-bit images whose brightest pixel is `high`, where that is all but black."""
    if high <= _TWELVE_BITS:
        raise DataError(
            f"16-bit images run up to {high}; 65535 is white, so they would be all but black. Say what white "
            f"is: images.astype('float32') / {_TWELVE_BITS} for 12-bit ones, or floats with value_range=(0, "
            f"{max(high, 1)})."
        )


def is_16_bit(images: Any) -> bool:
    """Whether an array or tensor holds unsigned integers of 16 bits."""
    return str(images.dtype).removeprefix("torch.") in ("uint16", ">u2", "<u2")


def _as_tensor(images: Any) -> Tensor:
    if isinstance(images, Tensor):
        images = images.detach().cpu()
        return images.int() if images.dtype == torch.uint16 else images  # torch computes little in uint16
    array = np.asarray(images)
    if array.dtype.kind not in "biufc":
        raise DataError(f"images are of type {array.dtype}; expected 8-bit integers or floats.")
    if array.dtype.kind == "f" and array.dtype != np.float32:
        array = array.astype(np.float32)
    elif array.dtype.kind in "iu" and array.dtype != np.uint8:
        array = array.astype(np.int64)
    with warnings.catch_warnings():
        # A read-only array is only read here.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(np.ascontiguousarray(array))


def _nan_message(pixels: Tensor, first: int | Tensor) -> str:
    where = torch.isnan(pixels).nonzero()
    n, c, y, x = (int(v) for v in where[0])
    index = int(first[n]) if isinstance(first, Tensor) else first + n
    return (
        f"images hold {len(where)} NaN pixel{'s' if len(where) > 1 else ''}, the first in image {index} at "
        f"channel {c}, row {y}, column {x}. Drop those images, or replace the pixels (numpy.nan_to_num)."
    )


def exact(value: float) -> str:
    """A float32 in as few digits as tell it from its neighbours."""
    return f"{float(str(np.float32(value))):.9g}"


def _range_message(low: float, high: float, lo: float, hi: float) -> str:
    text = f"images run from {low:.6g} to {high:.6g}, outside value_range=({lo:g}, {hi:g}). "
    if 1.5 < high <= 255 and low >= 0:
        if high > 16 or hi > 1:
            return text + (
                "They look like 8-bit pixels held as floats: divide by 255, or pass value_range=(0, 255)."
            )
        return text + f"Divide by their largest value, or pass value_range=(0, {exact(high)})."
    if -1.0 <= low < 0 and high <= 1.0:
        return text + "They look centred: pass value_range=(-1, 1)."
    if low < 0 and high > 1:
        return text + (
            "They look standardised (mean 0, standard deviation 1): leave that step out, or pass "
            f"value_range=({exact(low)}, {exact(high)}), their exact range, so that black is black."
        )
    return text + f"Rescale them, or pass value_range=({exact(low)}, {exact(high)})."
