"""Finding out how a foreign decoder is called and what it returns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import final

import torch
from torch import Tensor

from vaewidgets.adapters.adapted import Wiring, floating_names
from vaewidgets.adapters.calls import Call, call_name
from vaewidgets.adapters.labels import label_forms
from vaewidgets.adapters.outputs import read_image
from vaewidgets.adapters.readings import FAR_OUT
from vaewidgets.adapters.trial import Trial
from vaewidgets.errors import ProtocolError

_POINTS = 16


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

    def takes(self, shape: tuple[int, ...]) -> bool:
        """Whether points of this shape can be decoded to images."""
        try:
            self.find(Wiring(self._calls[0], z_shape=shape), math.prod(shape))
        except ProtocolError:
            return False
        return True

    def find(self, wiring: Wiring, latent_dim: int) -> tuple[Wiring, Tensor, bool]:
        """How it is called, the images of some points, and whether they are logits by name.

        Points go in with the axes that the encoder gives mu, else as (B, latent_dim), in each floating type
        that the model has.

        Raises
        ------
        ProtocolError
            What was wrong with the first way.
        """
        z = self._trial.draw(_POINTS, latent_dim)
        failed: list[tuple[str, Exception]] = []
        for call in self._calls:
            name = call_name(self._model, call, "z")
            forms = [*label_forms(self._trial.model, call, self._n_classes)]
            shapes = dict.fromkeys((wiring.z_shape, None))
            for form, shape, like in product(forms, shapes, floating_names(self._trial.model)):
                tried = replace(
                    wiring,
                    decode=call,
                    decode_name=name,
                    z_shape=shape,
                    decode_labels=form,
                    decode_like=like,
                )
                try:
                    result = self._trial.run(tried.call_decode, self._trial.model, z)
                    return tried, *read_image(result, name, self._image_shape)
                except Exception as error:
                    failed.append((name, error))
        for _, refusal in failed:
            if isinstance(refusal, ProtocolError):
                raise refusal
        name, first = failed[0]
        shape = (_POINTS, *(wiring.z_shape or (latent_dim,)))
        raise ProtocolError(
            f"{name} raised {type(first).__name__}: {first} (on latent points of shape {shape}). Expected it "
            "to take (B, latent_dim). If it needs more arguments, pass decode=lambda model, z: ..."
        ) from first

    def far_out(self, wiring: Wiring, latent_dim: int) -> Tensor | None:
        """What points far from the prior decode to, where that is finite; None where they are refused."""
        z = FAR_OUT * self._trial.draw(_POINTS, latent_dim)
        try:
            result = self._trial.run(wiring.call_decode, self._trial.model, z)
            far, _ = read_image(result, wiring.decode_name, self._image_shape)
        except Exception:
            return None
        return far[torch.isfinite(far)]
