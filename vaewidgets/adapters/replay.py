"""Decoding by a model of which only `forward` can be called: its draw is replaced by the point."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from vaewidgets.adapters.adapted import Wiring
from vaewidgets.adapters.calls import Forward
from vaewidgets.adapters.posterior import find_posterior, flatten_latents
from vaewidgets.adapters.spread import SPREADS, as_logvar
from vaewidgets.adapters.trial import Trial

_SAME = 1e-3  # share of an image's range by which two may differ for rounding


@final
@dataclass(frozen=True)
class Replay:
    """Runs the whole model on a constant image, with the one draw that makes its z the given point.

    Attributes
    ----------
    wiring : Wiring
        How its encoder is called and read.
    kind : {"logvar", "logstd", "std", "var"}
        What it draws with.
    item : int
        Which of the images in its result is the decoded one.
    image_shape : tuple of int
        (C, H, W).
    """

    wiring: Wiring
    kind: str
    item: int
    image_shape: tuple[int, int, int]

    def __call__(self, module: nn.Module, z: Tensor) -> Tensor:
        blank = torch.zeros((len(z), *self.image_shape), dtype=z.dtype, device=z.device)
        return self.images(module, z, blank)[self.item]

    def images(self, module: nn.Module, z: Tensor, x: Tensor) -> list[Tensor]:
        """All images in the result for points `z`, run on images `x` (B, C, H, W)."""
        hints = self.wiring.hints
        with Draws():
            found = find_posterior(self.wiring.call_encode(module, x), hints)
        mu, spread, _ = flatten_latents(found, hints)
        noise = (z.flatten(1) - mu) * torch.exp(-0.5 * as_logvar(spread, self.kind))
        whole = replace(self.wiring, encode=Forward(), is_random=False)
        with Draws(noise):
            return [*images_in(whole.call_encode(module, x), self.image_shape)]


def images_in(result: Any, image_shape: tuple[int, int, int]) -> Iterator[Tensor]:
    """Tensors of a model's result that have the shape of its images, flat or not; in their order."""
    if isinstance(result, Tensor):
        n_pixels = image_shape[0] * image_shape[1] * image_shape[2]
        if result.shape[1:] in (image_shape, (n_pixels,)):
            yield result
    elif isinstance(result, Mapping):
        for value in result.values():
            yield from images_in(value, image_shape)
    elif isinstance(result, tuple | list):
        for value in result:
            yield from images_in(value, image_shape)


def find_replay(
    trial: Trial, wiring: Wiring, latent_dim: int, image_shape: tuple[int, int, int]
) -> Replay | None:
    """How a model decodes as a whole; None where it does not draw from its posterior, once, in a forward.

    It is right where the image of a point does not depend on the image that the model is run on: so for one
    reading of the spread alone.
    """
    z = trial.draw(len(trial.x), latent_dim)
    for kind, swapped in itertools.product(SPREADS, (False, True)):
        hints = replace(wiring.hints, latent_dim=latent_dim, swapped=swapped)
        tried = Replay(replace(wiring, hints=hints), kind, 0, image_shape)
        try:
            first, second, other = (
                trial.run(tried.images, trial.model, points, x)
                for points, x in ((z, trial.x), (z, trial.x.flip(0)), (z.flip(0), trial.x))
            )
        except Exception:  # it takes more than images, or its result is another
            return None
        for item, (a, b, c) in enumerate(zip(first, second, other, strict=True)):
            if same_image(a, b) and not same_image(a, c):
                return replace(tried, item=item)
    return None


def same_image(a: Tensor, b: Tensor) -> bool:
    """Whether two batches of images differ by rounding alone; never where they are not finite."""
    scale = (b.max() - b.min()).clamp(min=1e-6)
    return bool(((a - b).abs() <= _SAME * scale).all())


class Draws(TorchFunctionMode):
    """Standard normal draws of as many numbers as `noise` are `noise`, and others 0."""

    def __init__(self, noise: Tensor | None = None) -> None:
        super().__init__()
        self._noise = noise

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is torch.randn_like:
            return self._drawn(torch.zeros_like(*args, **kwargs))
        if func is torch.randn:
            return self._drawn(torch.zeros(*args, **{k: v for k, v in kwargs.items() if k != "generator"}))
        if func is Tensor.normal_:
            given = dict(zip(("mean", "std"), args[1:], strict=False)) | kwargs
            mean, std = given.get("mean", 0.0), given.get("std", 1.0)
            drawn = self._drawn(args[0].zero_())
            return drawn.fill_(mean) if drawn is args[0] else drawn * std + mean
        if func is torch.normal and isinstance(args[0] if args else None, Tensor):
            mean, std = args[0], args[1] if len(args) > 1 else kwargs.get("std", 1.0)
            drawn = self._drawn(mean)
            return mean.clone() if drawn is mean else mean + std * drawn
        return func(*args, **kwargs)

    def _drawn(self, zeros: Tensor) -> Tensor:
        noise = self._noise
        return zeros if noise is None or noise.numel() != zeros.numel() else noise.reshape(zeros.shape)
