"""Reading what foreign decoders return."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor
from torch.distributions import (
    Bernoulli,
    Categorical,
    Cauchy,
    ContinuousBernoulli,
    Distribution,
    HalfCauchy,
    Independent,
)

from vaewidgets.adapters.scored import refuse_other_shape
from vaewidgets.errors import ProtocolError

_IMAGE = ("reconstruction", "recon_x", "recon", "x_hat", "x_recon", "mean", "sample")
_LOGITS = ("logits", "x_logits")


def describe(value: Any) -> str:
    """Say in a few words what a value is: type, and shape or contents."""
    if isinstance(value, Tensor):
        return f"one Tensor of shape {tuple(value.shape)}"
    if isinstance(value, Mapping):
        return f"{type(value).__name__} with keys {sorted(map(str, value))}"
    if isinstance(value, tuple | list):
        parts = ", ".join(str(tuple(v.shape)) if isinstance(v, Tensor) else type(v).__name__ for v in value)
        return f"{type(value).__name__} of {len(value)} ({parts})"
    return "None" if value is None else type(value).__name__


def read_image(result: Any, where: str, image_shape: tuple[int, int, int]) -> tuple[Tensor, bool]:
    """Find the image in what a decoder returned.

    Parameters
    ----------
    result : Any
        (B, C, H, W), with or without axes of one entry, or (B, C * H * W); a tuple or list that starts with
        it; a mapping or object that names it; or a normal or Bernoulli distribution.
    where : str
        How messages name the call.
    image_shape : tuple of int
        (C, H, W).

    Returns
    -------
    image : Tensor, shape (B, C, H, W)
    are_logits : bool
        Whether the result says by its name or type that these are logits.

    Raises
    ------
    ProtocolError
        If there is no image, or one of another shape.
    """
    image, are_logits = _find_image(result, where)
    n_pixels = image_shape[0] * image_shape[1] * image_shape[2]
    shape = tuple(image.shape)
    if shape[1:] == image_shape:
        return image, are_logits
    if shape[1:] == (n_pixels,) or _squeezed(shape[1:]) == _squeezed(image_shape):
        return image.reshape(-1, *image_shape), are_logits
    refuse_other_shape(where, shape, image_shape)
    raise ProtocolError(
        f"{where} returned an image of shape {shape}; expected (B, {', '.join(map(str, image_shape))}) or "
        f"(B, {n_pixels}), as the data are. Build the model for this image shape, or resize the data: "
        "size=(height, width)."
    )


def _squeezed(shape: tuple[int, ...]) -> list[int]:
    return [n for n in shape if n > 1]


def _find_image(result: Any, where: str) -> tuple[Tensor, bool]:
    base = result.base_dist if isinstance(result, Independent) else result
    if isinstance(base, Bernoulli | ContinuousBernoulli):
        return base.logits, True
    if isinstance(base, Distribution):
        return _mean_of(base, where), False
    if isinstance(result, Tensor):
        return result, False
    if isinstance(result, tuple | list):
        if result and isinstance(result[0], Tensor):
            return result[0], False
    else:
        logits, image = _named(result, _LOGITS), _named(result, _IMAGE)
        if isinstance(image, Tensor):
            return image, False
        if isinstance(logits, Tensor):
            return logits, True
    raise ProtocolError(
        f"{where} returned {describe(result)}; expected x_hat, a Tensor of shape (B, C, H, W). Wrap it: "
        "as_vae(net, decode=lambda model, z: x_hat)."
    )


def _mean_of(result: Distribution, where: str) -> Tensor:
    try:
        if not isinstance(result, Categorical | Cauchy | HalfCauchy):  # whose mean is NaN
            return result.mean
    except NotImplementedError:
        pass
    raise ProtocolError(
        f"{where} returned a {type(result).__name__}, which has no mean that could be shown. Say which image "
        "it stands for, and that recon is as your loop logs it: decode=lambda model, z: x_hat, "
        'likelihood="own".'
    )


def _named(result: Any, names: tuple[str, ...]) -> Any:
    for name in names:
        if isinstance(result, Mapping):
            if name in result:
                return result[name]
        elif not isinstance(result, tuple | list) and hasattr(result, name):
            return getattr(result, name)
    return None
