"""Other people's VAEs that are known by their attributes.

A model is known by what it declares, never by importing its package.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch import nn

from vaewidgets.adapters.calls import Call, Head, Method
from vaewidgets.adapters.losses import LossConvention
from vaewidgets.checks import is_whole
from vaewidgets.errors import ProtocolError


@dataclass(frozen=True)
class Family:
    """How the models of a project are called and what their loops log.

    Attributes
    ----------
    encode, decode : callable
        Functions of (module, x) and (module, z).
    output, likelihood : str or None
        As in `Convention`; None to find out.
    losses : LossConvention
    unknowable : str or None
        Why logged terms cannot be turned into ours, unless the user states the convention.
    """

    encode: Call
    decode: Call
    output: str | None = None
    likelihood: str | None = None
    losses: LossConvention = field(default_factory=LossConvention)
    unknowable: str | None = None


def find_family(model: nn.Module) -> Family | None:
    """Return how to call a model of a known project, or None."""
    for known in (_native, _pythae, _pytorch_vae, _beta_vae, _bolts, _pytorch_example):
        family = known(model)
        if family is not None:
            return family
    return None


def _has(model: Any, *names: str) -> bool:
    return all(hasattr(model, name) for name in names)


def _native(model: nn.Module) -> Family | None:
    """Our own models, when options are given that differ from what they declare."""
    if not _has(model, "encode", "decode", "decode_raw", "likelihood", "latent_dim"):
        return None
    likelihood = str(model.likelihood)
    output = "logits" if likelihood == "bernoulli" else "mean"
    return Family(Method("encode"), Method("decode_raw"), output, likelihood)


def _pythae(model: nn.Module) -> Family | None:
    """Pythae: named outputs; half the sum of squares, or cross-entropy of probabilities."""
    config = getattr(model, "model_config", None)
    if config is None or not _has(model, "encoder", "decoder") or not _has(config, "latent_dim"):
        return None
    if getattr(config, "reconstruction_loss", "mse") == "bce":
        return Family(Method("encoder"), Method("decoder"), "probabilities", "bernoulli")
    losses = LossConvention(recon_factor=0.5)
    return Family(Method("encoder"), Method("decoder"), "mean", "squared_error", losses)


_PYTORCH_VAE_OTHERS = {"LogCoshVAE", "MSSIMVAE"}  # whose recon is no squared error


def _pytorch_vae(model: nn.Module) -> Family | None:
    """PyTorch-VAE: a mean over pixels, squared error as a rule; it logs the KL's negative, not weighted."""
    if not _has(model, "encode", "decode", "loss_function", "decoder_input", "final_layer"):
        return None
    losses = LossConvention(recon="pixel_mean", kl_sign=-1)
    names = {kind.__name__ for kind in type(model).__mro__}
    likelihood = "own" if names & _PYTORCH_VAE_OTHERS else "squared_error"
    return Family(Method("encode"), Method("decode"), "mean", likelihood, losses)


def _beta_vae(model: nn.Module) -> Family | None:
    """Beta-VAE of 1Konny: mu and logvar side by side, logits out, sums averaged over the batch."""
    if not _has(model, "_encode", "_decode", "z_dim"):
        return None
    return Family(Method("_encode"), Method("_decode"), "logits", "bernoulli")


def _bolts(model: nn.Module) -> Family | None:
    """VAE of lightning-bolts: both terms averaged over all elements, the KL logged with its weight."""
    if not _has(model, "encoder", "decoder", "fc_mu", "fc_var", "kl_coeff"):
        return None
    weight = float(model.kl_coeff)  # type: ignore[arg-type]
    encode, decode = Head("encoder", "fc_mu", "fc_var"), Method("decoder")
    if weight <= 0:
        name = type(model).__name__
        why = (
            f"{name}.kl_coeff is {weight:g}: the KL that it logs is multiplied by it, so it cannot be "
            'recovered. Log it unweighted and say so: losses=LossConvention(recon="pixel_mean", '
            'kl="latent_mean").'
        )
        return Family(encode, decode, "mean", "squared_error", unknowable=why)
    losses = LossConvention(recon="pixel_mean", kl="latent_mean", kl_weight=weight)
    return Family(encode, decode, "mean", "squared_error", losses)


def _pytorch_example(model: nn.Module) -> Family | None:
    """PyTorch's own VAE example: flat images, probabilities, both terms summed over the whole batch."""
    if not _has(model, "encode", "decode", "fc1", "fc21", "fc22", "fc3", "fc4"):
        return None
    losses = LossConvention(recon="batch_sum", kl="batch_sum")
    return Family(Method("encode"), Method("decode"), None, None, losses)


_LATENT_DIM = ("latent_dim", "z_dim", "latent_size", "latent_dims", "n_latent", "zdim", "dim_z", "latents")


def declared_latent_dim(model: nn.Module) -> int | None:
    """Number of latent dimensions that a model, its configuration or its hyper-parameters state."""
    for holder in (model, getattr(model, "model_config", None), getattr(model, "hparams", None)):
        for name in _LATENT_DIM:
            value = getattr(holder, name, None)
            if is_whole(value):
                return int(value)
    return None


_PRIORS = (
    "prior",
    "prior_net",
    "prior_network",
    "pseudo_inputs",
    "embed_pseudo",
    "prior_mu",
    "prior_mean",
    "p_z",
)
# Models of pythae whose prior or posterior is not the Gaussian that the closed form needs.
_PYTHAE_OTHERS = frozenset(
    {"VAMP", "VQVAE", "HRQVAE", "VAE_IAF", "VAE_LinNF", "HVAE", "RHVAE", "SVAE", "PoincareVAE"}
)


def refuse_learned_prior(model: nn.Module) -> None:
    """Refuse models whose KL is not the closed form of a diagonal Gaussian against N(0, I)."""
    name = type(model).__name__
    found = ""
    for attribute in _PRIORS:
        value = getattr(model, attribute, None)
        parameters = list(value.parameters()) if isinstance(value, nn.Module) else [value]
        n = sum(p.numel() for p in parameters if isinstance(p, nn.Parameter) and p.requires_grad)
        if n:
            found = f"{name}.{attribute} has {n:,} trainable parameters: its prior is learned."
            break
    kind = getattr(model, "model_name", None)
    if not found and hasattr(model, "model_config") and kind in _PYTHAE_OTHERS:
        found = f"{name} is a {kind}, whose prior or posterior is another than a plain Gaussian."
    if found:
        raise ProtocolError(
            f"{found} Expected a diagonal Gaussian posterior and the prior N(0, I): the KL and the prior's "
            'circles would be wrong. If its prior is learned, say so: attach(..., prior="learned"), and its '
            "KL is the one that is logged. To look at its posterior against N(0, I) all the same, pass "
            'prior="standard", or encode= and decode= explicitly.'
        )
