"""`as_vae`: bring a model to the protocol."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from vaewidgets.adapters.adapted import AdaptedVAE, Convention, Wiring, floating_parameters
from vaewidgets.adapters.families import (
    Family,
    Head,
    Method,
    declared_latent_dim,
    find_family,
    refuse_learned_prior,
    usual_decode,
    usual_encode,
)
from vaewidgets.adapters.losses import LossConvention
from vaewidgets.adapters.outputs import read_image, read_posterior, which_of_three
from vaewidgets.adapters.readings import FAR_OUT, possible_readings
from vaewidgets.adapters.trial import Trial
from vaewidgets.checks import image_size, instance, one_of, whole
from vaewidgets.data.convert import as_value_range
from vaewidgets.errors import OptionError, ProtocolError, did_you_mean

_OUTPUTS = ("probabilities", "logits", "mean")
_NATIVE = ("encode", "decode", "decode_raw", "likelihood", "latent_dim")

UserFunction = Callable[[Any, Tensor], Any] | str


def as_vae(
    model: nn.Module,
    *,
    encode: UserFunction | None = None,
    decode: UserFunction | None = None,
    latent_dim: int | None = None,
    image_shape: tuple[int, int, int] | None = None,
    output: str | None = None,
    likelihood: str | None = None,
    losses: LossConvention | None = None,
    value_range: tuple[float, float] = (0.0, 1.0),
) -> Any:
    """Bring a model to the VAE protocol.

    Known by their attributes are the models of pythae, PyTorch-VAE, lightning-bolts, 1Konny's Beta-VAE,
    PyTorch's own VAE example, and any with ``encode`` and ``decode`` (or ``_encode`` and ``_decode``, or an
    ``encoder``, its two heads and a ``decoder``). What a model does not declare is found out by running a
    copy of it on noise, and stated in the result's ``repr``.

    Parameters
    ----------
    model : nn.Module
        A compiled or data-parallel one is unwrapped.
    encode, decode : callable or str, optional
        A function of (model, x) that returns (mu, logvar), and one of (model, z) that returns x_hat; or the
        names of methods. They are called on copies of the model, so they must use the model that they are
        given.
    latent_dim : int, optional
        By default what the model declares, else what its encoder returns.
    image_shape : tuple of int, optional
        (C, H, W) of the data. By default what the model declares.
    output : {"probabilities", "logits", "mean"}, optional
        What the decoder returns. By default what the project is known for; else, for data in [0, 1],
        "probabilities" if the outputs keep to that range, "mean" if they end in a tanh, and "logits" if they
        are not bounded: a run of `attach` then looks at the data and the logged recon, and may read them as
        "mean". For other data "mean".
    likelihood : {"bernoulli", "squared_error"}, optional
        What the reconstruction loss is. By default what the project is known for, else "bernoulli" for
        probabilities and logits, "squared_error" for a mean.
    losses : LossConvention, optional
        How the loop reduces the terms that it logs. By default what the project is known for, else sums over
        pixels and latent dimensions, averaged over images.
    value_range : tuple of float
        Of the data.

    Returns
    -------
    AdaptedVAE, or the model itself
        The model itself if it is one of ours and no option is given. Parameters are shared, never copied.

    Raises
    ------
    ProtocolError
        If the model has no encoder or decoder that can be used: the message names it and what it returned.
    OptionError
        If an option is unknown.
    """
    _check_options(output, latent_dim, likelihood, losses, image_shape)
    value_range = as_value_range(value_range)
    module = _unwrap(model)
    given = (encode, decode, latent_dim, output, likelihood, losses)
    if all(hasattr(module, name) for name in _NATIVE) and all(v is None for v in given):
        if set(floating_parameters(module)) <= {torch.float32}:
            return module
        _refuse_cast(module)
    if isinstance(module, AdaptedVAE):
        module = module.module
    name = type(module).__name__
    if encode is None or decode is None:
        refuse_learned_prior(module)
    family = _family(module, encode, decode)
    shape = _image_shape(module, image_shape)
    trial = Trial(module, shape, value_range)
    if losses is None and family.unknowable:
        raise ProtocolError(family.unknowable)
    dim = declared_latent_dim(module) if latent_dim is None else latent_dim
    wiring = Wiring(
        family.encode,
        family.decode,
        None,
        _call_name(name, family.encode, "x"),
        _call_name(name, family.decode, "z"),
    )
    feed, wiring, dim = _try_encode(trial, wiring, dim)
    z = trial.draw(16, dim)
    wiring, image, are_logits = _try_decode(trial, wiring, z, shape)
    likelihood = likelihood or family.likelihood
    known = output or family.output or ("logits" if are_logits else None)
    far = _decode_far_out(trial, wiring, z, shape)
    readings, evidence = possible_readings(
        image, image if far is None else far, known=known, likelihood=likelihood, value_range=value_range
    )
    convention = Convention(
        name=name,
        input=feed,
        output=readings[0][0],
        likelihood=readings[0][1],
        losses=losses or family.losses,
        evidence=evidence,
        others=tuple(readings[1:]),
    )
    return AdaptedVAE(module, convention, wiring, latent_dim=dim, image_shape=shape, value_range=value_range)


# ---------------------------------------------------------------------------- what was given


def _unwrap(model: Any) -> nn.Module:
    """Return the user's own module from within compiled and data-parallel ones."""
    while True:
        inner = getattr(model, "_orig_mod", None)
        if inner is None and isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            inner = model.module
        if inner is None:
            break
        model = inner
    if isinstance(model, nn.Module):
        return model
    hint = " Pass an instance, not the class." if isinstance(model, type) else ""
    raise ProtocolError(f"the model is of type {type(model).__name__}; expected a torch.nn.Module.{hint}")


def _refuse_cast(module: Any) -> None:
    """Refuse one of our models in another type than float32, if it does more than an adapter speaks."""
    adaptable = module.likelihood in ("bernoulli", "squared_error") and not any(
        getattr(module, trait, False) for trait in ("takes_labels", "sees_pixels")
    )
    if not adaptable or getattr(module, "default_objective", "elbo") != "elbo":
        kinds = ", ".join(str(dtype).removeprefix("torch.") for dtype in floating_parameters(module))
        raise ProtocolError(
            f"{type(module).__name__} has weights in {kinds}; expected float32 for this kind of model. "
            "Call model.float() first."
        )


def _check_options(
    output: object, latent_dim: object, likelihood: object, losses: object, image_shape: object
) -> None:
    if output is not None:
        one_of("output", output, _OUTPUTS)
    if latent_dim is not None:
        whole("latent_dim", latent_dim, 1)
    if likelihood is not None:
        one_of("likelihood", likelihood, ("bernoulli", "squared_error"))
    if losses is not None:
        instance("losses", losses, LossConvention, "a LossConvention")
    if image_shape is not None:
        image_size(image_shape)


def _family(module: nn.Module, encode: UserFunction | None, decode: UserFunction | None) -> Family:
    family = find_family(module)
    own_encode = None if encode is None else _as_call(module, encode, "encode", "x")
    own_decode = None if decode is None else _as_call(module, decode, "decode", "z")
    if family is not None:
        # A decoder of the user's own may end differently from the project's.
        output = family.output if own_decode in (None, family.decode) else None
        return replace(
            family, encode=own_encode or family.encode, decode=own_decode or family.decode, output=output
        )
    found_encode = own_encode or usual_encode(module)
    found_decode = own_decode or usual_decode(module)
    if found_encode and found_decode:
        return Family(found_encode, found_decode)
    missing = " and ".join(n for n, f in (("encode", found_encode), ("decode", found_decode)) if f is None)
    children = ", ".join(child for child, _ in module.named_children()) or "none"
    raise ProtocolError(
        f"{type(module).__name__} has no {missing} by a known name: looked for the methods encode, _encode, "
        f"decode, _decode and the submodules encoder and decoder; its submodules are {children}. Say how: "
        "as_vae(net, encode=lambda model, x: (mu, logvar), decode=lambda model, z: x_hat)."
    )


def _as_call(module: nn.Module, value: Any, option: str, argument: str) -> Callable[[Any, Tensor], Any]:
    if isinstance(value, str):
        if callable(getattr(module, value, None)):
            return Method(value)
        hint = did_you_mean(value, dir(module), 0.6)
        raise OptionError(f"{option} is {value!r}, but {type(module).__name__} has no such method.{hint}")
    if not callable(value):
        raise OptionError(
            f"{option} is of type {type(value).__name__}; expected a function of (model, {argument}), or the "
            "name of a method."
        )
    if not _takes_two(value):
        bound = getattr(value, "__name__", "")
        by_name = (
            f' or pass its name: {option}="{bound}"' if getattr(value, "__self__", None) is module else ""
        )
        raise OptionError(
            f"{option} takes one argument; expected a function of (model, {argument}). Widgets call it on a "
            "copy of the model while the live one trains, so it must use the model that it is given: "
            f"{option}=lambda model, {argument}: ...{by_name}."
        )
    function: Callable[[Any, Tensor], Any] = value
    return function


def _takes_two(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        return False
    except ValueError:  # built in, with no signature to look at
        return True
    return True


def _image_shape(module: nn.Module, given: tuple[int, int, int] | None) -> tuple[int, int, int]:
    shape: Any = given
    for name in ("image_shape", "input_shape", "input_dim", "img_shape"):
        if shape is None:
            value = getattr(module, name, None)
            shape = value if isinstance(value, tuple | list) and len(value) == 3 else None
    if shape is None:
        raise ProtocolError(
            f"{type(module).__name__} does not say for which images it is; expected image_shape=(C, H, W), "
            "for example image_shape=data.image_shape."
        )
    return image_size(shape)


def _call_name(model: str, call: Any, argument: str) -> str:
    if isinstance(call, Method):
        return f"{model}.{call.name}({argument})"
    if isinstance(call, Head):
        return f"{model}.{call.mu}({model}.{call.encoder}({argument}))"
    return f"{getattr(call, '__name__', type(call).__name__)}({model}, {argument})"


# ---------------------------------------------------------------------------- what is found out


def _try_encode(trial: Trial, wiring: Wiring, latent_dim: int | None) -> tuple[str, Wiring, int]:
    """Feed images, then flat ones; return which the encoder takes, where mu and logvar are, and how wide.

    A model of several floating types is tried with each of them.
    """
    failed: list[Exception] = []
    for like in _types(trial):
        for feed, x in (("image", trial.x), ("flat", trial.x.flatten(1))):
            tried = replace(wiring, encode_like=like)
            try:
                first, second = (trial.run(tried.call_encode, trial.model, x, seed=seed) for seed in (0, 1))
                tried = replace(tried, pick=which_of_three(first, second, wiring.encode_name))
                mu, _ = read_posterior(first, wiring.encode_name, latent_dim, tried.pick)
            except Exception as error:
                failed.append(error)
            else:
                return feed, tried, mu.shape[1]
    # A result that was refused tells more than a crash on a shape that the model is not for.
    for refusal in failed:
        if isinstance(refusal, ProtocolError):
            raise refusal
    as_image, as_flat = failed[:2]
    raise ProtocolError(
        f"{wiring.encode_name} raised {type(as_image).__name__}: {as_image} (on images of shape "
        f"{tuple(trial.x.shape)}; on flat ones, {tuple(trial.x.flatten(1).shape)}: {type(as_flat).__name__}: "
        f"{as_flat}). Expected it to take one of the two. Was the model built for this image shape? If it "
        "needs more arguments, pass encode=lambda model, x: ..."
    ) from as_image


def _try_decode(
    trial: Trial, wiring: Wiring, z: Tensor, image_shape: tuple[int, int, int]
) -> tuple[Wiring, Tensor, bool]:
    """Decode points of the prior; return how, the images, and whether they are logits by name."""
    failed: list[Exception] = []
    for like in _types(trial):
        tried = replace(wiring, decode_like=like)
        try:
            result = trial.run(tried.call_decode, trial.model, z)
        except Exception as error:
            failed.append(error)
        else:
            return tried, *read_image(result, wiring.decode_name, image_shape)
    first = failed[0]
    raise ProtocolError(
        f"{wiring.decode_name} raised {type(first).__name__}: {first} (on latent points of shape "
        f"{tuple(z.shape)}). Expected it to take (B, latent_dim). If it needs more arguments, pass "
        "decode=lambda model, z: ..."
    ) from first


def _types(trial: Trial) -> list[str | None]:
    """A parameter of each floating type that the model has; None for a model without."""
    return [*floating_parameters(trial.model).values()] or [None]


def _decode_far_out(
    trial: Trial, wiring: Wiring, z: Tensor, image_shape: tuple[int, int, int]
) -> Tensor | None:
    """What points far from the prior decode to, where that is finite; None where they are refused."""
    try:
        result = trial.run(wiring.call_decode, trial.model, FAR_OUT * z)
        far, _ = read_image(result, wiring.decode_name, image_shape)
    except Exception:
        return None
    return far[torch.isfinite(far)]
