"""What an objective is, and the one place where a model's optional traits are read."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from vaewidgets.errors import OptionError, ProtocolError
from vaewidgets.objectives.kl import kl_total
from vaewidgets.objectives.likelihoods import Likelihood

Weight: TypeAlias = "float | Tensor"  # of a term; a tensor is 0-d, on the device of the batch
_NONE: Mapping[str, Tensor] = MappingProxyType({})


class Terms(NamedTuple):
    """Terms of the objective, 0-d tensors: means over the batch of per-image values.

    Attributes
    ----------
    loss : Tensor
        What is minimised.
    recon : Tensor
        Of the likelihood, summed over pixels.
    kl : Tensor
        KL of the posterior from N(0, I) in closed form, nats per image, whatever the loss makes of it; 0
        where the model has no posterior.
    extras : mapping of str to Tensor
        Further terms, by the names in `Objective.extras`.
    """

    loss: Tensor
    recon: Tensor
    kl: Tensor
    extras: Mapping[str, Tensor] = _NONE


TERMS = ("loss", "recon", "kl")  # their order wherever they stand in a row


@dataclass(slots=True)
class Batch:
    """What an objective is computed of in one step.

    Attributes
    ----------
    x : Tensor, shape (B, C, H, W)
    beta : float, or Tensor, 0-d
        Weight of the KL term, at least 0. A tensor may be written to between two steps that are replayed.
    labels : Tensor of int64, shape (B,), optional
        Classes, for a model that takes them.
    step : int, or Tensor, 0-d
        Updates made so far, for objectives that change with it.
    generator : torch.Generator, on the device of `x`
        Draws the noise; torch's global one by default.
    n_data : int, or Tensor, 0-d, optional
        Images in the data set, for objectives that estimate over it; by default those of the batch.
    """

    x: Tensor
    beta: Weight = 1.0
    labels: Tensor | None = None
    step: int | Tensor = 0
    generator: torch.Generator | None = None
    n_data: int | Tensor | None = None


class Objective(ABC):
    """What is minimised. A final frozen dataclass of its settings alone; called once a step.

    Attributes
    ----------
    name : str
        As `get_objective` knows it.
    extras : tuple of str
        Names of the further terms that it returns; they are recorded by step.
    bounds : bool
        Whether −(recon + kl) of its terms bounds the log-likelihood from below (where the likelihood is
        normalised): z is drawn from the posterior, and `kl` is the whole KL.
    changes_with_step : bool
        Whether it looks at `step`, so that a step cannot be recorded once and replayed.
    """

    name: str
    extras: tuple[str, ...] = ()
    bounds: bool = True
    changes_with_step: bool = False

    def __call__(
        self,
        model: Any,
        likelihood: Likelihood,
        x: Tensor,
        beta: Weight = 1.0,
        *,
        labels: Tensor | None = None,
        step: int | Tensor = 0,
        generator: torch.Generator | None = None,
        n_data: int | Tensor | None = None,
    ) -> Terms:
        """Terms of one batch, in eval mode or while training; the arguments are those of `Batch`."""
        batch = Batch(x, beta, labels, step, generator, n_data)
        return self.terms(_AtBeta(model, beta) if traits(model).takes_beta else model, likelihood, batch)

    def terms(self, model: Any, likelihood: Likelihood, batch: Batch) -> Terms:
        """Terms of one batch: what a subclass defines, unless it defines `__call__` itself.

        Parameters
        ----------
        model : VAE with `encode` and `decode_raw`
        likelihood : Likelihood
        batch : Batch
        """
        raise NotImplementedError

    def check(self, model: Any) -> None:
        """Refuse a model that this objective cannot train (OptionError), before any training.

        By default a model without a posterior variance, which `default_objective` tells.
        """
        own = traits(model).default_objective
        if own != "elbo":
            raise OptionError(
                f"objective {self.name!r} wants a posterior variance, which {class_name(model)} has not. "
                f'Use objective="{own}", which is its default.'
            )

    def to_dict(self) -> dict[str, Any]:
        """Name and settings as plain values, for run files; `objective_from_dict` takes them."""
        settings: dict[str, Any] = dataclasses.asdict(self) if dataclasses.is_dataclass(self) else {}
        return {"name": self.name, **settings}


class Traits(NamedTuple):
    """What a model says about itself, with defaults for foreign ones, which say nothing.

    Attributes
    ----------
    takes_labels : bool
        encode(x, labels) and decode(z, labels), decode_raw(z, labels).
    sees_pixels : bool
        decode_raw(z, x): the decoder sees the pixels before the one that it predicts.
    takes_beta : bool
        encode(x, beta) and decode_raw(z, beta): the model is conditioned on the weight of the KL term.
    default_objective : str
    likelihood_options : dict
    output : str or None
        Function on the decoder's mean: "sigmoid", "tanh", "identity"; None if unknown.
    """

    takes_labels: bool
    sees_pixels: bool
    takes_beta: bool
    default_objective: str
    likelihood_options: Mapping[str, Any]
    output: str | None


def traits(model: Any) -> Traits:
    """Read a model's optional class attributes; the only place that knows their defaults."""
    return Traits(
        takes_labels=bool(getattr(model, "takes_labels", False)),
        sees_pixels=bool(getattr(model, "sees_pixels", False)),
        takes_beta=bool(getattr(model, "takes_beta", False)),
        default_objective=getattr(model, "default_objective", "elbo"),
        likelihood_options=getattr(model, "likelihood_options", None) or {},
        output=getattr(model, "output", None),
    )


class _AtBeta:
    """A model that is conditioned on beta, at the beta that an objective weighs by; all else is its own."""

    def __init__(self, model: Any, beta: Weight) -> None:
        self._model, self._beta = model, beta

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        return self._model.encode(x, self._beta)

    def decode_raw(self, z: Tensor) -> Tensor:
        return self._model.decode_raw(z, self._beta)


def encode(model: Any, x: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
    """`model.encode`, with the labels where the model takes them."""
    if getattr(model, "takes_labels", False):
        return model.encode(x, labels)
    return model.encode(x)


def posterior(model: Any, x: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """`encode` of a model that must have a posterior variance; ProtocolError if it has none."""
    mu, logvar = encode(model, x, labels)
    if logvar is None:
        raise ProtocolError(
            f"{class_name(model)}.encode returned no logvar: it has one code an image and no posterior, so "
            "that KL, bound and information have no meaning for it. Expected a VAE; train an autoencoder "
            'with objective="reconstruction", or the default_objective of its class.'
        )
    return mu, logvar


def labels_seen(model: Any, batch: Batch) -> Tensor | None:
    """Labels that the model sees in this pass, of which it may drop some; the same in both its halves."""
    if batch.labels is None or not getattr(model, "takes_labels", False):
        return None
    drop = getattr(model, "drop_labels", None)
    return batch.labels if drop is None else drop(batch.labels, batch.generator)


def decode_raw(model: Any, z: Tensor, x: Tensor, labels: Tensor | None = None) -> Tensor:
    """`model.decode_raw`, with the labels or the pixels where the model takes them."""
    if getattr(model, "takes_labels", False):
        return model.decode_raw(z, labels)
    if getattr(model, "sees_pixels", False):
        return model.decode_raw(z, x)
    return model.decode_raw(z)


def reparameterise(mu: Tensor, logvar: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Draw z = mu + sigma · eps with eps ~ N(0, I), shape (B, latent_dim)."""
    eps = torch.randn(mu.shape, generator=generator, device=mu.device, dtype=mu.dtype)
    return torch.addcmul(mu, torch.exp(0.5 * logvar), eps)


class Draw(NamedTuple):
    """One batch through the model.

    Attributes
    ----------
    mu, logvar, z : Tensor, shape (B, latent_dim)
    recon : Tensor, 0-d
        Mean over the batch.
    """

    mu: Tensor
    logvar: Tensor
    z: Tensor
    recon: Tensor


Weighed = tuple[Tensor, Mapping[str, Tensor]]  # loss, extras


class Variational(Objective):
    """An objective of one draw of z an image: the pass through the model is common, `_weigh` is its own."""

    @abstractmethod
    def _weigh(self, drawn: Draw, kl: Tensor, batch: Batch) -> Weighed:
        """What is minimised, and the extras; `kl` is the closed form, a mean over the batch."""

    def terms(self, model: Any, likelihood: Likelihood, batch: Batch) -> Terms:
        x, labels = batch.x, labels_seen(model, batch)
        mu, logvar = posterior(model, x, labels)
        z = reparameterise(mu, logvar, batch.generator)
        per_image = 1.0 / x.shape[0]
        recon = likelihood.total(decode_raw(model, z, x, labels), x) * per_image
        kl = kl_total(mu, logvar) * per_image
        loss, extras = self._weigh(Draw(mu, logvar, z, recon), kl, batch)
        return Terms(loss, recon, kl, extras)


def class_name(model: Any) -> str:
    """Name of the user's own class, also of an adapted model."""
    return type(getattr(model, "module", model)).__name__
