"""`as_vae`: bring a model to the protocol."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from vaewidgets.adapters.adapted import AdaptedVAE, Convention, floating_parameters
from vaewidgets.adapters.decoder import Decoder
from vaewidgets.adapters.draws import find_spread
from vaewidgets.adapters.encoder import find_encoder
from vaewidgets.adapters.families import Family, declared_latent_dim, refuse_learned_prior
from vaewidgets.adapters.given import (
    check_options,
    declared_shape,
    find_calls,
    refuse_cast,
    refuse_lazy,
    unwrap,
)
from vaewidgets.adapters.losses import LossConvention
from vaewidgets.adapters.notes import notes_on
from vaewidgets.adapters.questions import prior_question, spread_question
from vaewidgets.adapters.readings import possible_readings, squash_of
from vaewidgets.adapters.scored import TWO_READINGS, Look, completed, said_by_result, said_by_user
from vaewidgets.adapters.trial import Trial
from vaewidgets.adapters.uncalled import with_missed_heads
from vaewidgets.data.convert import as_value_range
from vaewidgets.errors import OptionError, ProtocolError

_NATIVE = ("encode", "decode", "decode_raw", "likelihood", "latent_dim")

UserFunction = Callable[[Any, Tensor], Any] | str


def as_vae(
    model: nn.Module,
    *,
    encode: UserFunction | None = None,
    decode: UserFunction | None = None,
    latent_dim: int | None = None,
    image_shape: tuple[int, int, int] | None = None,
    item_shape: tuple[int, ...] | None = None,
    output: str | None = None,
    likelihood: Any = None,
    losses: LossConvention | None = None,
    spread: str | None = None,
    prior: str | None = None,
    n_classes: int | None = None,
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
    item_shape : tuple of int, optional
        Of items that are no images, as in ``data.items.shape`` of an `ArrayDataset`: the model is fed items
        of this shape, of as many numbers as an image.
    output : {"probabilities", "logits", "mean"}, optional
        What the decoder returns. By default what the project is known for; else, for data in [0, 1],
        "probabilities" if the outputs keep to that range, "mean" if they end in a tanh, and "logits" if they
        are not bounded: a run of `attach` then looks at the data and the logged recon, and may read them as
        "mean". For other data "mean".
    likelihood : str or Likelihood, optional
        What the reconstruction loss is: a name ("bernoulli", "squared_error", "gaussian", "poisson",
        "negative_binomial", "categorical", "continuous_bernoulli"), an object such as ``vw.Gaussian(0.05)``,
        or "own" for a loss that only your loop knows: recon is then shown as logged and computed nowhere. By
        default what the project is known for, or the distribution that the decoder returns, else "bernoulli"
        for probabilities and logits, "squared_error" for a mean.
    losses : LossConvention, optional
        How the loop reduces the terms that it logs. By default what the project is known for, else sums over
        pixels and latent dimensions, averaged over images.
    spread : {"logvar", "logstd", "std", "var"}, optional
        What the encoder returns beside mu: log variance, log of the standard deviation, standard deviation or
        variance. By default what the model's own draws show (the sample that its encoder returns, its
        ``reparameterize``, or the z that its forward decodes), else what a type or a name says, else
        "logvar" where it is below 0 for some images. Where nothing tells, the question is asked.
    prior : {"standard", "learned"}, optional
        "learned" for a prior of the model's own in place of N(0, I). What is computed against N(0, I), the
        prior's circles among it, is then not of the model; the KL of its loss is the one that is logged.
    n_classes : int, optional
        Classes of the data, for a model that takes them: ``encode(x, y)``, ``decode(z, y)``, as whole
        numbers or one-hot rows. By default what the model declares.
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
    check_options(
        output=output,
        latent_dim=latent_dim,
        likelihood=likelihood,
        losses=losses,
        image_shape=image_shape,
        spread=spread,
        prior=prior,
        n_classes=n_classes,
        item_shape=item_shape,
    )
    value_range = as_value_range(value_range)
    module = unwrap(model)
    refuse_lazy(module)
    given = (encode, decode, latent_dim, output, likelihood, losses, spread, prior)
    if all(hasattr(module, name) for name in _NATIVE) and all(v is None for v in given):
        if isinstance(module, AdaptedVAE) or set(floating_parameters(module)) <= {torch.float32}:
            return module
        refuse_cast(module)
    if isinstance(module, AdaptedVAE):
        module = module.module
    name = type(module).__name__
    if prior is None and (encode is None or decode is None):
        refuse_learned_prior(module)
    encodes, decodes, family = find_calls(module, encode, decode)
    shape = declared_shape(module, image_shape)
    if item_shape is not None and math.prod(item_shape) != math.prod(shape):
        raise OptionError(
            f"item_shape is {item_shape} and image_shape {shape}; expected as many numbers in both: pass "
            "data.items.shape and data.image_shape."
        )
    trial = Trial(module, shape, value_range, item_shape=None if item_shape == shape else item_shape)
    family = family or Family(encodes[0], decodes[0] if decodes else encodes[0])
    if losses is None and family.unknowable:
        raise ProtocolError(family.unknowable)
    decoder = Decoder(trial, name, decodes, shape, n_classes)
    declared = declared_latent_dim(module) if latent_dim is None else latent_dim
    encoder = find_encoder(trial, encodes, declared, decoder.takes, n_classes)
    encoder, uncalled = with_missed_heads(trial, encoder, decoder, is_said=encode is not None)
    dim = encoder.latent_dim
    decoded = decoder.find(encoder.wiring, dim)
    found = find_spread(trial, encoder, decoded.wiring.decode, spread)
    wiring = decoded.wiring
    wiring = replace(wiring, hints=replace(wiring.hints, swapped=found.swapped, latent_dim=dim))
    questions = (
        None if found.is_shown else spread_question(trial, encoder, found.kind),
        None if prior else prior_question(module, uncalled, dim),
    )
    read = _read_output(
        decoder.look(decoded, dim),
        output=output or family.output or ("logits" if decoded.are_logits else None),
        output_is_said=output is not None,
        likelihood=family.likelihood if likelihood is None else likelihood,
        value_range=value_range,
    )
    convention = Convention(
        name=name,
        input=encoder.feed,
        losses=losses or family.losses,
        encode=wiring.hints.where,
        posterior=encoder.found.source,
        spread=found.kind,
        spread_evidence=found.evidence,
        other_spreads=found.others,
        spread_is_drawn=found.is_drawn,
        prior=prior or "standard",
        **read,
        notes=notes_on(model, module, wiring, uncalled),
        questions=tuple(filter(None, questions)),
    )
    return AdaptedVAE(module, convention, wiring, latent_dim=dim, image_shape=shape, value_range=value_range)


def _read_output(
    look: Look,
    *,
    output: str | None,
    output_is_said: bool,
    likelihood: Any,
    value_range: tuple[float, float],
) -> dict[str, Any]:
    """What a decoder returns and how it is scored, as fields of a `Convention`.

    `output` and `likelihood` are what is said, or known of the project.
    """
    said = said_by_user(likelihood, output)
    if said is None and output in (None, "logits") and not output_is_said:
        said = said_by_result(look)
    elif said is not None and said.name not in TWO_READINGS:
        said = completed(said, look)
    squash = squash_of(look.image, look.far)
    if said is not None and said.name not in TWO_READINGS:
        in_unit_range = said.output == "mean" and squash == "sigmoid"
        readings = [("probabilities" if in_unit_range else said.output, said.name)]
        evidence = said.evidence
    else:
        readings, evidence = possible_readings(
            look.image,
            look.far,
            known=output,
            likelihood=None if said is None else said.name,
            value_range=value_range,
        )
    return {
        "output": readings[0][0],
        "likelihood": readings[0][1],
        "evidence": evidence,
        "others": tuple(readings[1:]),
        "likelihood_options": () if said is None else said.options,
        "doubt": "" if said is None else said.doubt,
        "squash": None if output_is_said or value_range == (0.0, 1.0) else squash,
    }
