"""One foreign model: where it is, how it is made, and what is true of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Literal

from torch import Tensor, nn

from vaewidgets import LossConvention

GREY, GREY32, COLOR = (1, 28, 28), (1, 32, 32), (3, 64, 64)
BATCH_SUMS = LossConvention(recon="batch_sum", kl="batch_sum")


def encode(model: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """(mu, logvar) of ``model.encode(x)``."""
    mu, logvar = model.encode(x)
    return mu, logvar


def encode_flat(model: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    return encode(model, x.flatten(1))


def encoder(model: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    mu, logvar = model.encoder(x)
    return mu, logvar


def decode(model: Any, z: Tensor) -> Tensor:
    result: Tensor = model.decode(z)
    return result


def decoder(model: Any, z: Tensor) -> Tensor:
    result: Tensor = model.decoder(z)
    return result


def decode_logits(model: Any, z: Tensor) -> Tensor:
    return decode(model, z).sigmoid()


class Pair(nn.Module):
    """What a person writes around an encoder and a decoder that a project keeps apart."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder


def args(**values: Any) -> SimpleNamespace:
    """What an argument parser would have returned."""
    return SimpleNamespace(**values)


@dataclass(frozen=True)
class Foreign:
    """A model of a public repository.

    Attributes
    ----------
    repo : str
        owner/name, or the name of an installed package.
    file : str
        Within the repository; or a module's dotted name.
    make : callable
        The model, of the module loaded from that file.
    posterior, x_hat : callable
        The truth: mu and logvar of images (B, C, H, W), and pixels in `value_range` of latent points (B, d).
    shape, value_range
        Of the images that the project trains on.
    recon : {"bce", "se", "gaussian"}, or None
        Of what its recon is; None where it is neither.
    losses : LossConvention
        How its loop reduces both terms.
    weights : (float, float)
        What its loss multiplies the two logged terms by.
    line : mapping
        The keywords that our message has to name, where nothing else than being told can help.
    root : str
        Folder of the repository from which its modules are imported.
    given : mapping
        Names that its script would have computed.
    before : tuple of str
        Files whose names it takes, where they cannot be imported for want of a package.
    batch : int
        Images in a step: fewer, where a step of many takes seconds.
    """

    repo: str
    file: str
    make: Callable[[Any], nn.Module]
    posterior: Callable[[Any, Tensor], tuple[Tensor, Tensor]] = encode
    x_hat: Callable[[Any, Tensor], Tensor] = decode
    shape: tuple[int, int, int] = GREY
    value_range: tuple[float, float] = (0.0, 1.0)
    recon: Literal["bce", "se", "gaussian"] | None = "bce"
    losses: LossConvention = BATCH_SUMS
    weights: tuple[float, float] = (1.0, 1.0)
    line: Mapping[str, Any] = field(default_factory=dict)
    root: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    batch: int = 16
