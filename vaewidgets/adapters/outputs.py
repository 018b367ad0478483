"""Reading what foreign encoders and decoders return."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Bernoulli, ContinuousBernoulli, Distribution, Independent, Normal

from vaewidgets.errors import ProtocolError

_MU = ("mu", "mean", "embedding", "z_mean", "z_mu", "loc")
_LOGVAR = ("logvar", "log_var", "log_covariance", "log_variance", "z_logvar", "z_log_var")
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


def read_posterior(
    result: Any, where: str, latent_dim: int | None, pick: tuple[int, int] | None = None
) -> tuple[Tensor, Tensor]:
    """Find mu and logvar in what an encoder returned.

    Parameters
    ----------
    result : Any
        (mu, logvar) in a tuple or list; a mapping or object that names them; a normal distribution; or one
        tensor (B, 2 * latent_dim) with mu first.
    where : str
        How messages name the call.
    latent_dim : int or None
        If known.
    pick : tuple of int, optional
        Which of three or more items are mu and logvar.

    Returns
    -------
    mu, logvar : Tensor, each of shape (B, latent_dim)

    Raises
    ------
    ProtocolError
        If they are not there.
    """
    mu, logvar = _find_posterior(result, where, latent_dim, pick)
    mu, logvar = _squeeze(mu), _squeeze(logvar)
    if mu.ndim != 2:
        hint = (
            " Its latent space is spatial; flatten it in encode= and unflatten it in decode=."
            if mu.ndim == 4
            else ""
        )
        raise ProtocolError(
            f"{where} returned mu of shape {tuple(mu.shape)}; expected (B, latent_dim), two axes.{hint}"
        )
    if logvar.shape != mu.shape:
        raise ProtocolError(
            f"{where} returned logvar of shape {tuple(logvar.shape)} beside mu of shape {tuple(mu.shape)}; "
            "expected the same shape, one variance a latent dimension."
        )
    if latent_dim is not None and mu.shape[1] != latent_dim:
        raise ProtocolError(
            f"{where} returned mu of shape {tuple(mu.shape)}, but latent_dim is {latent_dim}; expected "
            f"({mu.shape[0]}, {latent_dim}). Pass latent_dim={mu.shape[1]}, or mend the model."
        )
    return mu, logvar


def _find_posterior(
    result: Any, where: str, latent_dim: int | None, pick: tuple[int, int] | None
) -> tuple[Tensor, Tensor]:
    if isinstance(result, Tensor):
        if latent_dim is not None and result.ndim > 1 and result.shape[1] == 2 * latent_dim:
            return result[:, :latent_dim], result[:, latent_dim:]
        raise ProtocolError(_one_tensor(result, where))
    base = result.base_dist if isinstance(result, Independent) else result
    if isinstance(base, Normal):
        return base.loc, 2.0 * base.scale.log()
    if isinstance(result, tuple | list):
        i, j = pick or (0, 1)
        if len(result) > max(i, j) and (pick or len(result) == 2):
            mu, logvar = result[i], result[j]
            if isinstance(mu, Tensor) and isinstance(logvar, Tensor):
                return mu, logvar
    else:
        found = _named(result, _MU), _named(result, _LOGVAR)
        if isinstance(found[0], Tensor) and isinstance(found[1], Tensor):
            return found[0], found[1]
        if isinstance(found[0], Tensor):
            raise ProtocolError(
                f"{where} returned {describe(result)}: a mean, but no log variance under any of "
                f"{', '.join(_LOGVAR)}. This looks like an autoencoder, which is not taken yet; a "
                "variational one gives (mu, logvar)."
            )
    raise ProtocolError(
        f"{where} returned {describe(result)}; expected (mu, logvar). Wrap it: as_vae(net, encode=lambda "
        "model, x: (mu, logvar), decode=..., latent_dim=...)."
    )


def _one_tensor(result: Tensor, where: str) -> str:
    text = f"{where} returned {describe(result)}; expected (mu, logvar). "
    if result.ndim == 2 and result.shape[1] % 2 == 0:
        text += f"If it is mu and logvar side by side, pass latent_dim={result.shape[1] // 2}. "
    return text + (
        "If the model is an autoencoder, it has no posterior and is not taken yet. Else wrap it: as_vae(net, "
        "encode=lambda model, x: (mu, logvar), decode=..., latent_dim=...)."
    )


def which_of_three(first: Any, second: Any, where: str) -> tuple[int, int] | None:
    """Tell mu and logvar from the sample in what an encoder returned in two runs on the same images.

    Parameters
    ----------
    first, second : Any
        Results under two random seeds: the sample differs, mu and logvar do not.
    where : str
        How messages name the call.

    Returns
    -------
    tuple of int, or None
        Positions of mu and logvar; None where there are not three or more items.

    Raises
    ------
    ProtocolError
        If what should be mu or logvar is itself random, or nothing tells which is which.
    """
    if not isinstance(first, tuple | list) or not all(isinstance(v, Tensor) for v in first[:3]):
        return None
    random = [not torch.equal(a, b) for a, b in zip(first[:3], second[:3], strict=False)]
    if len(first) == 2 and any(random):
        name = "first" if random[0] else "second"
        raise ProtocolError(
            f"{where} returned {describe(first)} whose {name} item differs from call to call: a sample. "
            "Expected mu and logvar. Wrap it: as_vae(net, encode=lambda model, x: (mu, logvar), decode=..., "
            "latent_dim=...)."
        )
    if len(first) < 3:
        return None
    if random == [True, False, False]:
        return 1, 2
    if random == [False, False, True]:
        return 0, 1
    if len(first) == 3 and not any(random):
        # In evaluation mode some models hand out mu itself as the sample.
        if first[0].shape == first[2].shape and torch.equal(first[0], first[2]):
            return 0, 1
        if first[0].shape == first[1].shape and torch.equal(first[0], first[1]):
            return 1, 2
    raise ProtocolError(
        f"{where} returned {describe(first)}; which of them are mu and logvar does not show. Say so: "
        "as_vae(net, encode=lambda model, x: (mu, logvar), decode=..., latent_dim=...)."
    )


def read_image(result: Any, where: str, image_shape: tuple[int, int, int]) -> tuple[Tensor, bool]:
    """Find the image in what a decoder returned.

    Parameters
    ----------
    result : Any
        (B, C, H, W), (B, C * H * W) or, if grey, (B, H, W); a tuple or list that starts with it; a mapping or
        object that names it; or a normal or Bernoulli distribution.
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
    if shape[1:] == (n_pixels,) or (image_shape[0] == 1 and shape[1:] == image_shape[1:]):
        return image.reshape(-1, *image_shape), are_logits
    raise ProtocolError(
        f"{where} returned an image of shape {shape}; expected (B, {', '.join(map(str, image_shape))}) or "
        f"(B, {n_pixels}), as the data are. Build the model for this image shape, or resize the data: "
        "size=(height, width)."
    )


def _find_image(result: Any, where: str) -> tuple[Tensor, bool]:
    base = result.base_dist if isinstance(result, Independent) else result
    if isinstance(base, Bernoulli | ContinuousBernoulli):
        return base.logits, True
    if isinstance(base, Distribution):
        return base.mean, False
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


def _named(result: Any, names: tuple[str, ...]) -> Any:
    for name in names:
        if isinstance(result, Mapping):
            if name in result:
                return result[name]
        elif not isinstance(result, tuple | list) and hasattr(result, name):
            return getattr(result, name)
    return None


def _squeeze(value: Tensor) -> Tensor:
    """Drop trailing axes of size 1: convolutional encoders end in (B, latent_dim, 1, 1)."""
    return value.flatten(1) if value.ndim > 2 and all(n == 1 for n in value.shape[2:]) else value
