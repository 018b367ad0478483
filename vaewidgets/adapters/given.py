"""What is given to `as_vae`: the model, and the options that go with it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import nn
from torch.nn.parameter import is_lazy

from vaewidgets.adapters.adapted import floating_parameters
from vaewidgets.adapters.calls import Call, Forward, Method, decode_calls, encode_calls, no_call
from vaewidgets.adapters.families import Family, find_family
from vaewidgets.adapters.losses import LossConvention
from vaewidgets.adapters.scored import LIKELIHOODS
from vaewidgets.adapters.spread import SPREADS
from vaewidgets.checks import image_size, instance, one_of, whole, wholes
from vaewidgets.errors import OptionError, ProtocolError, did_you_mean

OUTPUTS = ("probabilities", "logits", "mean")
PRIORS = ("standard", "learned")


def unwrap(model: Any) -> nn.Module:
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


def refuse_lazy(module: nn.Module) -> None:
    """Refuse a model some of whose weights are not made yet."""
    lazy = next((name for name, p in module.named_parameters() if is_lazy(p)), None)
    if lazy is not None:
        name = type(module).__name__
        raise ProtocolError(
            f"{name}.{lazy} has no shape yet: {lazy.rpartition('.')[0] or name} is a lazy layer that has "
            "seen no data; expected weights. Run the model once before, as torch asks for before an "
            "optimiser is made: model(next(iter(loader))[0])."
        )


def refuse_cast(module: Any) -> None:
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


def check_options(
    *,
    output: object,
    latent_dim: object,
    likelihood: object,
    losses: object,
    image_shape: object,
    spread: object,
    prior: object,
    n_classes: object,
    item_shape: object,
) -> None:
    """OptionError for what `as_vae` does not know; None stands for what is to be found out."""
    for name, value, known in (
        ("output", output, OUTPUTS),
        ("likelihood", getattr(likelihood, "name", likelihood), LIKELIHOODS),
        ("spread", spread, SPREADS),
        ("prior", prior, PRIORS),
    ):
        if value is not None:
            one_of(name, value, known)
    if latent_dim is not None:
        whole("latent_dim", latent_dim, 1)
    if item_shape is not None:
        wholes("item_shape", item_shape, 1, also=", the axes of one item, such as (140,)")
    if n_classes is not None:
        whole("n_classes", n_classes, 1)
    if losses is not None:
        instance("losses", losses, LossConvention, "a LossConvention")
    if image_shape is not None:
        image_size(image_shape)


def find_calls(module: nn.Module, encode: Any, decode: Any) -> tuple[list[Call], list[Call], Family | None]:
    """Ways to call encoder and decoder, the likelier first, and the project if the model is of a known one.

    Raises
    ------
    ProtocolError
        If there is none.
    OptionError
        If what was given cannot be called.
    """
    family = find_family(module)
    if family is not None and decode is not None:
        # a decoder of the user's own may end differently from the project's
        family = replace(family, output=family.output if family.decode == Method(str(decode)) else None)
    encodes = [_as_call(module, encode, "encode", "x")] if encode is not None else [*encode_calls(module)]
    decodes = [_as_call(module, decode, "decode", "z")] if decode is not None else [*decode_calls(module)]
    if family is not None:
        encodes = encodes if encode is not None else [family.encode]
        decodes = decodes if decode is not None else [family.decode]
    may_run_whole = any(isinstance(call, Forward) for call in encodes)
    missing = " and ".join(
        n for n, known in (("encode", encodes), ("decode", decodes or may_run_whole)) if not known
    )
    if missing:
        raise no_call(module, missing)
    return encodes, decodes, family


def _as_call(module: nn.Module, value: Any, option: str, argument: str) -> Call:
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
    function: Call = value
    return function


def _takes_two(function: Callable[..., Any]) -> bool:
    """Whether it can be called with a model and what goes in, or with labels beside these."""
    for given in ((None, None), (None, None, None)):
        try:
            inspect.signature(function).bind(*given)
        except TypeError:
            continue
        except ValueError:  # built in, with no signature to look at
            return True
        return True
    return False


def declared_shape(module: nn.Module, given: tuple[int, int, int] | None) -> tuple[int, int, int]:
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
