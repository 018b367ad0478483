"""Finding out how a foreign decoder is called and what it returns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, final

import torch
from torch import Tensor

from vaewidgets.adapters.adapted import Wiring, floating_names
from vaewidgets.adapters.calls import Call, call_name, no_call
from vaewidgets.adapters.labels import label_forms
from vaewidgets.adapters.outputs import read_image
from vaewidgets.adapters.readings import FAR_OUT
from vaewidgets.adapters.replay import find_replay
from vaewidgets.adapters.scored import Look
from vaewidgets.adapters.trial import Trial
from vaewidgets.errors import ProtocolError

_POINTS = 16
_FAR_POINTS = 4  # one alone may be finite nowhere


@dataclass(frozen=True)
class Decoded:
    """What one way to call a decoder gave: all of it, the images (B, C, H, W) in it, and whether their name
    says logits.
    """

    wiring: Wiring
    result: Any
    image: Tensor
    are_logits: bool


@dataclass(frozen=True)
class Failed:
    """One that did not work."""

    name: str
    error: Exception


@final
class Decoder:
    """Ways to call a model's decoder, tried on points of the prior; the likelier first."""

    def __init__(
        self,
        trial: Trial,
        model: str,
        calls: Sequence[Call],
        image_shape: tuple[int, int, int],
        n_classes: int | None = None,
    ) -> None:
        self._trial = trial
        self._model = model
        self._calls = calls
        self._image_shape = image_shape
        self._n_classes = n_classes
        # by the way they were called in, since a large decoder takes seconds
        self._decoded: dict[tuple[Any, ...], Decoded | Failed] = {}

    def takes(self, shape: tuple[int, ...]) -> bool:
        """Whether points of this shape can be decoded to images."""
        wiring = Wiring(lambda *_: None, z_shape=shape)
        return any(isinstance(one, Decoded) for one in self._tries(wiring, math.prod(shape)))

    def find(self, wiring: Wiring, latent_dim: int) -> Decoded:
        """How it is called, and the images of some points.

        Points go in with the axes that the encoder gives mu, else as (B, latent_dim), in each floating type
        that the model has. Where no decoder takes them, the model is run as a whole.

        Raises
        ------
        ProtocolError
            What was wrong with the first way.
        """
        failed: list[Failed] = []
        for one in self._tries(wiring, latent_dim):
            if isinstance(one, Decoded):
                return one
            failed.append(one)
        whole = find_replay(self._trial, wiring, latent_dim, self._image_shape)
        if whole is not None:
            name = f"{self._model}(x), with z in place of what it draws,"
            one = self._decode(replace(wiring, decode=whole, decode_name=name, z_shape=None), latent_dim)
            if isinstance(one, Decoded):
                return one
        if not failed:
            raise no_call(self._trial.model, "decode")
        for refusal in failed:
            if isinstance(refusal.error, ProtocolError):
                raise refusal.error
        first = failed[0]
        shape = (_POINTS, *(wiring.z_shape or (latent_dim,)))
        raise ProtocolError(
            f"{first.name} raised {type(first.error).__name__}: {first.error} (on latent points of shape "
            f"{shape}). Expected it to take (B, latent_dim). If it needs more arguments, pass "
            "decode=lambda model, z: ..."
        ) from first.error

    def look(self, decoded: Decoded, latent_dim: int) -> Look:
        """What it returns for points of the prior, the image in it, and what points far out decode to."""
        far = self._far_out(decoded.wiring, latent_dim)
        image = decoded.image
        return Look(decoded.wiring.decode_name, decoded.result, image, image if far is None else far)

    def _far_out(self, wiring: Wiring, latent_dim: int) -> Tensor | None:
        """What points far from the prior decode to, where that is finite; None where they are refused."""
        z = FAR_OUT * self._trial.draw(_FAR_POINTS, latent_dim)
        try:
            result = self._trial.run(wiring.call_decode, self._trial.model, z)
            far, _ = read_image(result, wiring.decode_name, self._image_shape)
        except Exception:
            return None
        return far[torch.isfinite(far)]

    def _tries(self, wiring: Wiring, latent_dim: int) -> Iterator[Decoded | Failed]:
        for call in self._calls:
            name = call_name(self._model, call, "z")
            try:
                forms = [*label_forms(self._trial.model, call, self._n_classes)]
            except ProtocolError as error:
                yield Failed(name, error)
                continue
            shapes = dict.fromkeys((wiring.z_shape, None))
            for form, shape, like in product(forms, shapes, floating_names(self._trial.model)):
                way = replace(
                    wiring,
                    decode=call,
                    decode_name=name,
                    z_shape=shape,
                    decode_labels=form,
                    decode_like=like,
                )
                yield self._try(way, latent_dim)

    def _try(self, wiring: Wiring, latent_dim: int) -> Decoded | Failed:
        way = (wiring.decode_labels, wiring.z_shape, wiring.decode_like, latent_dim)
        key = (id(wiring.decode), *way)
        found = self._decoded.get(key)
        if found is None:
            found = self._decoded[key] = self._decode(wiring, latent_dim)
        return replace(found, wiring=wiring) if isinstance(found, Decoded) else found

    def _decode(self, wiring: Wiring, latent_dim: int) -> Decoded | Failed:
        z = self._trial.draw(_POINTS, latent_dim)
        try:
            result = self._trial.run(wiring.call_decode, self._trial.model, z)
            return Decoded(wiring, result, *read_image(result, wiring.decode_name, self._image_shape))
        except Exception as error:
            return Failed(wiring.decode_name, error)
