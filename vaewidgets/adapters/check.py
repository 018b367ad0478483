"""`check_vae`: one real forward before anything is trained or drawn."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from vaewidgets.adapters.adapted import AdaptedVAE
from vaewidgets.adapters.copying import named_tensors
from vaewidgets.adapters.outputs import describe
from vaewidgets.adapters.trial import Trial
from vaewidgets.checks import is_whole
from vaewidgets.errors import ProtocolError


def check_vae(
    model: nn.Module,
    image_shape: tuple[int, int, int],
    value_range: tuple[float, float] = (0.0, 1.0),
    device: torch.device | str | None = None,
) -> None:
    """Try a model that should speak the protocol on two images of noise, in evaluation mode, on a copy.

    Parameters
    ----------
    model : nn.Module
        Ours, or what `as_vae` returned. It is not touched.
    image_shape : tuple of int
        (C, H, W) of the data.
    value_range : tuple of float
        Of the data.
    device : torch.device or str, optional
        Where to try it; by default where it is.

    Raises
    ------
    ProtocolError
        Naming the method, what it returned, what was expected and how to mend it.
    """
    name = type(model.module if isinstance(model, AdaptedVAE) else model).__name__
    if not isinstance(model, nn.Module):
        raise ProtocolError(f"the model is of type {name}; expected a torch.nn.Module.")
    for method in ("encode", "decode"):
        if not callable(getattr(model, method, None)):
            raise ProtocolError(
                f"{name} has no method {method}; expected encode(x) -> (mu, logvar) and decode(z) -> x_hat. "
                "Wrap it: as_vae(net, encode=..., decode=..., latent_dim=...)."
            )
    latent_dim = _latent_dim(model, name)
    trial = Trial(model, image_shape, value_range, device)
    copy: Any = trial.model
    mu = _check_encode(trial, copy, name, latent_dim)
    _check_decode(trial, copy, name, mu, image_shape)
    _check_apart(trial, copy, name, mu)


def _latent_dim(model: nn.Module, name: str) -> int:
    value = getattr(model, "latent_dim", None)
    if value is None:
        raise ProtocolError(
            f"{name} has no attribute latent_dim; expected the number of its latent dimensions. Set it in "
            "__init__, or wrap the model: as_vae(net, latent_dim=...)."
        )
    if not is_whole(value, 1):
        raise ProtocolError(f"{name}.latent_dim is {value!r}; expected a whole number of at least 1.")
    return int(value)


def _check_encode(trial: Trial, copy: Any, name: str, latent_dim: int) -> Tensor:
    where = f"{name}.encode(x)"
    result = _call(trial, copy.encode, trial.x, where, f"images of shape {tuple(trial.x.shape)}")
    wrap = "Wrap it: as_vae(net, encode=..., decode=..., latent_dim=...)."
    # A model that says so has no posterior variance: an autoencoder, or one with a codebook.
    no_variance = getattr(copy, "default_objective", "elbo") != "elbo"
    if not (
        isinstance(result, tuple | list)
        and len(result) == 2
        and isinstance(result[0], Tensor)
        and (isinstance(result[1], Tensor) or (no_variance and result[1] is None))
    ):
        raise ProtocolError(f"{where} returned {describe(result)}; expected (mu, logvar). {wrap}")
    mu, logvar = result
    wanted = (len(trial.x), latent_dim)
    if tuple(mu.shape) != wanted:
        fix = f"Set latent_dim to {mu.shape[1]}, or mend encode." if mu.ndim == 2 else wrap
        raise ProtocolError(
            f"{where} returned mu of shape {tuple(mu.shape)} for {wanted[0]} images, latent_dim being "
            f"{latent_dim}; expected {wanted}. {fix}"
        )
    if logvar is not None and logvar.shape != mu.shape:
        raise ProtocolError(
            f"{where} returned logvar of shape {tuple(logvar.shape)}; expected that of mu, {wanted}, the "
            "natural log of one variance a latent dimension."
        )
    for term, value in (("mu", mu), ("logvar", logvar)):
        if value is not None:
            _check_finite(value, f"{where} returned {term}")
    return mu


def _check_decode(trial: Trial, copy: Any, name: str, mu: Tensor, image_shape: tuple[int, int, int]) -> None:
    where = f"{name}.decode(z)"
    result = _call(trial, copy.decode, mu, where, f"latent points of shape {tuple(mu.shape)}")
    wanted = (len(mu), *image_shape)
    if not isinstance(result, Tensor):
        raise ProtocolError(
            f"{where} returned {describe(result)}; expected x_hat, a Tensor of shape {wanted}. Wrap it: "
            "as_vae(net, decode=lambda model, z: x_hat)."
        )
    if tuple(result.shape) != wanted:
        raise ProtocolError(
            f"{where} returned shape {tuple(result.shape)}; expected {wanted}, that of the data. Build the "
            "model for these images, or reshape at the end of decode."
        )
    _check_finite(result, f"{where} returned x_hat")


def _check_apart(trial: Trial, copy: Any, name: str, mu: Tensor) -> None:
    """Refuse a model whose copy computes with the weights of the live one, which gradients tell."""
    for tensor in named_tensors(copy).values():
        tensor.requires_grad_(False)
    for method, argument, value in (("encode", "x", trial.x), ("decode", "z", mu.detach())):
        result = trial.run(getattr(copy, method), value, grad=True)
        found = result if isinstance(result, tuple | list) else (result,)
        if any(isinstance(part, Tensor) and part.requires_grad for part in found):
            raise ProtocolError(
                f"a copy of {name} computes {method}({argument}) with the weights of the live model: "
                "pictures of the past would show the present. Expected a function that uses the model that "
                f"it is given; got one that refers to {name} by a variable. Define {method} in the class, or "
                f"pass {method}=lambda model, {argument}: ..."
            )


def _call(trial: Trial, method: Any, value: Tensor, where: str, fed: str) -> Any:
    try:
        return trial.run(method, value)
    except ProtocolError:
        raise
    except Exception as error:
        raise ProtocolError(
            f"{where} raised {type(error).__name__}: {error} (on {fed}). Was the model built for this image "
            "shape?"
        ) from error


def _check_finite(value: Tensor, what: str) -> None:
    bad = int((~torch.isfinite(value)).sum())
    if bad:
        raise ProtocolError(
            f"{what} with {bad} of {value.numel()} values NaN or infinite, on two images of noise. Look at "
            "the weights (were they loaded whole?) and at logarithms, divisions and exponentials in the "
            "model."
        )
