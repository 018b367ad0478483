"""Finding out how a foreign encoder is called and where its result keeps mu and its spread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Any

import torch
from torch import Tensor

from vaewidgets.adapters.adapted import Wiring, floating_names
from vaewidgets.adapters.calls import Call, Forward, call_name
from vaewidgets.adapters.copying import copy_model
from vaewidgets.adapters.labels import label_forms
from vaewidgets.adapters.outputs import describe
from vaewidgets.adapters.posterior import WRAP, Found, Hints, find_posterior, flatten_latents, pick_items
from vaewidgets.adapters.trial import Trial
from vaewidgets.errors import ProtocolError


@dataclass(frozen=True)
class Encoder:
    """An encoder that was called with success.

    Attributes
    ----------
    wiring : Wiring
        With all that concerns the encoder filled in.
    feed : {"image", "flat", "item"}
        What it takes.
    found : Found
        What it returned for the trial's images.
    latent_dim : int
    """

    wiring: Wiring
    feed: str
    found: Found
    latent_dim: int

    def run(self, trial: Trial, x: Tensor, seed: int = 0, grad: bool = False) -> Found:
        """Mu, spread and sample of images (B, C, H, W), each (B, latent_dim); random numbers are drawn."""
        call = replace(self.wiring, is_random=False).call_encode
        result = trial.run(call, trial.model, x, seed=seed, grad=grad)
        found = find_posterior(result, self.wiring.hints)
        mu, spread, _ = flatten_latents(found, self.wiring.hints)
        return replace(found, mu=mu, spread=spread, sample=_flat(found.sample))


def _flat(sample: Tensor | None) -> Tensor | None:
    return None if sample is None else sample.flatten(1)


def find_encoder(
    trial: Trial,
    calls: Sequence[Call],
    latent_dim: int | None,
    decodes: Callable[[tuple[int, ...]], bool],
    n_classes: int | None = None,
) -> Encoder:
    """Try ways to call an encoder; the first whose result can be read is taken.

    Parameters
    ----------
    trial : Trial
    calls : sequence of callable
        The likelier first.
    latent_dim : int or None
        If known.
    decodes : callable
        Whether the decoder takes points of a shape.
    n_classes : int, optional
        Of the data, for a model that takes classes.

    Raises
    ------
    ProtocolError
        What was wrong with the first way.
    """
    refusals: list[ProtocolError] = []
    for call in calls:
        hints = Hints(call_name(type(trial.model).__name__, call, "x"), latent_dim)
        try:
            return _try_call(trial, Wiring(call, hints=hints), n_classes, decodes)
        except ProtocolError as error:
            refusals.append(error)
    raise refusals[0]


def _try_call(
    trial: Trial, call: Wiring, n_classes: int | None, decodes: Callable[[tuple[int, ...]], bool]
) -> Encoder:
    """Feed images, then flat ones, in each floating type that the model has, with each form of a class."""
    where = call.hints.where
    forms = [*label_forms(trial.model, call.encode, n_classes)]
    failed: list[Exception] = []
    for form, like, (feed, shape) in product(forms, floating_names(trial.model), trial.feeds.items()):
        wiring = replace(call, encode_like=like, x_shape=shape, encode_labels=form)
        try:
            first, second = (
                trial.run(wiring.call_encode, trial.model, trial.x, seed=seed) for seed in (0, 1)
            )
            return _read(trial, wiring, (first, second), feed, decodes)
        except Exception as error:
            failed.append(error)
    # A result that was refused tells more than a crash on a shape that the model is not for.
    for refusal in failed:
        if isinstance(refusal, ProtocolError):
            raise refusal
    first, flat = failed[:2]
    (name, shape), (_, flat_shape) = trial.feeds.items()
    n, *axes = trial.x.shape
    raise ProtocolError(
        f"{where} raised {type(first).__name__}: {first} (on {name}s of shape {(n, *(shape or axes))}; "
        f"on flat ones, {(n, *(flat_shape or axes))}: {type(flat).__name__}: {flat}). Expected it to take "
        f"one of the two. Was the model built for this {name} shape? If it needs more arguments, pass "
        "encode=lambda model, x: ..."
    ) from first


def _read(
    trial: Trial,
    wiring: Wiring,
    results: tuple[Any, Any],
    feed: str,
    decodes: Callable[[tuple[int, ...]], bool],
) -> Encoder:
    """Read two results for the same images, under two random seeds."""
    (first, second), hints = results, wiring.hints
    if isinstance(first, Tensor):
        hints = replace(hints, latent_dim=_width_of_one(first, second, hints, decodes))
    leave_out = trial.x[0].shape if isinstance(wiring.encode, Forward) else None
    drawn = _drawn_in_training(trial, wiring, first)
    pick = pick_items(first, second, hints.where, leave_out, drawn)
    hints = replace(hints, pick=pick)
    found = find_posterior(first, hints)
    mu, spread, shape = flatten_latents(found, hints)
    is_random = len(pick or ()) > 2 or bool(drawn) or isinstance(wiring.encode, Forward)
    known = replace(
        wiring,
        hints=replace(hints, is_tried=True),
        is_random=is_random,
        z_shape=shape if len(shape) > 1 else None,
    )
    return Encoder(known, feed, replace(found, mu=mu, spread=spread), mu.shape[1])


def _drawn_in_training(trial: Trial, wiring: Wiring, result: Any) -> frozenset[int]:
    """Items that differ from call to call in training mode, where two are one and the same in evaluation."""
    tensors = [i for i, v in enumerate(result) if isinstance(v, Tensor)] if _is_tuple(result) else []
    if not any(torch.equal(result[i], result[j]) for i, j in combinations(tensors, 2)):
        return frozenset()
    model = copy_model(trial.model).train()
    try:
        first, second = (trial.run(wiring.call_encode, model, trial.x, seed=seed) for seed in (0, 1))
        return frozenset(i for i in tensors if not torch.equal(first[i], second[i]))
    except Exception:  # it does not train on two images, or returns another thing then
        return frozenset()


def _is_tuple(result: Any) -> bool:
    return isinstance(result, tuple | list)


def _width_of_one(
    first: Tensor, second: Tensor, hints: Hints, decodes: Callable[[tuple[int, ...]], bool]
) -> int | None:
    """Latent dimensions, or channels, of an encoder that returns one tensor; by what the decoder takes."""
    where = hints.where
    if not torch.equal(first, second):
        raise ProtocolError(
            f"{where} returned {describe(first)} that differs from call to call: a sample, without the mu "
            f"and logvar that it was drawn from. {WRAP}"
        )
    if first.ndim < 2:
        return hints.latent_dim
    width = first.flatten(1).shape[1]
    known = hints.latent_dim
    n, *place = first.shape[1:]
    whole = decodes((n, *place)) if known is None else known in (width, n)
    half = known is None and n % 2 == 0 and decodes((n // 2, *place))
    if half and not whole:
        return width // 2
    if whole and not half:
        raise ProtocolError(
            f"{where} returned {describe(first)}, one code of {width} numbers an image, the same from call "
            "to call: a plain autoencoder, which has no posterior and is not taken (expected (mu, logvar)). "
            f"If it is a VAE all the same: {WRAP}"
        )
    return known
