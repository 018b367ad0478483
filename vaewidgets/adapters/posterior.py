"""How an encoder's result is read: a table of rules, tried in order; the first that fits is taken.

A rule finds mu and its spread, and says what the spread is where a type or a name tells: "logvar", "logstd",
"std" or "var". Where nothing tells, `spread.py` finds out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal

from vaewidgets.adapters.outputs import describe
from vaewidgets.errors import ProtocolError

HALVES = "the two halves of one Tensor of {} columns"
WRAP = (
    "Wrap it: as_vae(net, encode=lambda model, x: (mu, logvar), decode=..., latent_dim=...). The same "
    "keywords are taken by attach."
)


@dataclass(frozen=True)
class Found:
    """Mu and its spread in an encoder's result.

    Attributes
    ----------
    mu, spread : Tensor
        As they were returned.
    kind : {"logvar", "logstd", "std", "var"} or None
        What the spread is, where a type or a name says so.
    source : str
        Where they were found, in words.
    sample : Tensor or None
        A draw from the posterior that was returned with them.
    """

    mu: Tensor
    spread: Tensor
    kind: str | None
    source: str
    sample: Tensor | None = None


@dataclass(frozen=True)
class Hints:
    """What is known of a model before its encoder's result is read.

    Attributes
    ----------
    where : str
        How messages name the call.
    latent_dim : int or None
    pick : tuple of int, or None
        Which items of a tuple are mu, its spread and, if it is there, a sample.
    swapped : bool
        Whether the spread comes before mu.
    is_tried : bool
        Whether such a result was read before: what only its values tell is then not looked at again.
    """

    where: str
    latent_dim: int | None = None
    pick: tuple[int, ...] | None = None
    swapped: bool = False
    is_tried: bool = False


@dataclass(frozen=True)
class Rule:
    """Something that encoders return, and the function that reads it, or returns None for anything else."""

    what: str
    read: Callable[[Any, Hints], Found | None]


def find_posterior(result: Any, hints: Hints) -> Found:
    """Find mu and its spread by the first rule of `RULES` that fits.

    Raises
    ------
    ProtocolError
        If none fits, or what is there is no diagonal Gaussian.
    """
    for rule in RULES:
        found = rule.read(result, hints)
        if found is not None:
            return replace(found, mu=found.spread, spread=found.mu) if hints.swapped else found
    raise ProtocolError(f"{hints.where} returned {describe(result)}; expected (mu, logvar). {WRAP}")


# ---------------------------------------------------------------------------- distributions


def _distribution(result: Any, hints: Hints) -> Found | None:
    if not isinstance(result, Distribution):
        return None
    base: Any = result
    while isinstance(base, Independent):
        base = base.base_dist
    kind = type(base).__name__
    if isinstance(base, Normal):
        return Found(base.loc, base.scale, "std", f"loc and scale of a {kind}")
    if isinstance(base, MultivariateNormal) and (hints.is_tried or _is_diagonal(base.scale_tril)):
        return Found(base.loc, base.variance, "var", f"loc and diagonal of the covariance of a {kind}")
    trait = " with correlated dimensions" if isinstance(base, MultivariateNormal) else ""
    raise ProtocolError(
        f"{hints.where} returned a {kind}{trait}; expected a diagonal Gaussian, since KL and the prior's "
        "circles have no meaning for another. To look at its means and variances all the same: encode=lambda "
        "model, x: (q.mean, q.variance.log()), with q = the distribution that model returns for x."
    )


def _is_diagonal(lower: Tensor) -> bool:
    return not bool(torch.tril(lower, -1).any())


# ---------------------------------------------------------------------------- names

_HOLDERS = ("latent_dist", "posterior", "q_z", "qz", "q_z_x", "qzx", "dist", "distribution", "latents")
_PREFIXES = ("", "z_", "q_", "qz_", "latent_")
_MU = ("mu", "mean", "loc", "mus", "means", "embedding", "mu_z", "qzm", "qz_m")
# The first that is there is taken: an object with .logvar, .std and .var has one spread under three names.
_SPREADS = {
    "logvar": (
        "logvar", "log_var", "log_variance", "log_covariance", "logvariance", "logvars", "log_vars", "lnvar",
        "logvar_z", "log_var_z", "log_sigma2", "logsigma2", "log_sigma_sq", "log_sigma_squared",
    ),
    "logstd": ("logstd", "log_std", "log_stddev", "logsigma", "log_sigma", "log_scale", "logscale", "log_sd"),
    "std": ("std", "stddev", "std_dev", "sigma", "scale", "sd", "sigmas", "stds", "std_z"),
    "var": ("var", "variance", "vars", "sigma2", "sigma_sq", "sigma_squared", "qzv", "qz_v"),
}  # fmt: skip


def _get(result: Any, name: str) -> Any:
    if isinstance(result, Mapping):
        return result.get(name)
    try:
        return getattr(result, name, None)
    except Exception:  # a property that fails is not there
        return None


def _first(result: Any, names: tuple[str, ...]) -> tuple[str, Tensor] | None:
    for prefix in _PREFIXES:
        for name in names:
            value = _get(result, prefix + name)
            if isinstance(value, Tensor):
                return prefix + name, value
    return None


def _has_names(result: Any) -> bool:
    return not isinstance(result, Tensor | tuple | list) or hasattr(result, "_fields")


def _holder(result: Any, hints: Hints) -> Found | None:
    """A result that keeps the posterior under a name, as `latent_dist` of diffusers."""
    for name in _HOLDERS if _has_names(result) else ():
        inner = _get(result, name)
        if inner is None or isinstance(inner, Tensor):
            continue
        found = _distribution(inner, hints) or _named(inner, hints)
        if found is not None:
            return replace(found, source=f"{found.source}, in {name}")
    return None


def _named(result: Any, hints: Hints) -> Found | None:
    mu = _first(result, _MU) if _has_names(result) else None
    if mu is None:
        return None
    for kind, names in _SPREADS.items():
        spread = _first(result, names)
        if spread is not None:
            return Found(mu[1], spread[1], kind, f"{mu[0]} and {spread[0]}, by their names")
    if hasattr(result, "_fields"):
        return None
    raise ProtocolError(
        f"{hints.where} returned {describe(result)}: {mu[0]}, but no log variance or other spread beside it "
        "by a known name (logvar, log_var, std, sigma, var and the like). If the model is an autoencoder, it "
        f"has no posterior and is not taken; a variational one gives (mu, logvar). {WRAP}"
    )


# ---------------------------------------------------------------------------- tensors


def _halves(result: Any, hints: Hints) -> Found | None:
    """One tensor of twice the latent dimensions or channels."""
    if not isinstance(result, Tensor):
        return None
    n = result.shape[1] // 2 if result.ndim > 1 else 0
    known = {n, result[:, :n].flatten(1).shape[1]} if n else set()
    if hints.latent_dim in known and result.shape[1] == 2 * n:
        return Found(result[:, :n], result[:, n:], None, HALVES.format(2 * n))
    raise ProtocolError(_one_tensor(result, hints.where))


def _one_tensor(result: Tensor, where: str) -> str:
    text = f"{where} returned {describe(result)}; expected (mu, logvar). "
    if result.ndim in (2, 4) and result.shape[1] % 2 == 0:
        text += f"If it is mu and logvar side by side, pass latent_dim={result.shape[1] // 2}. "
    return text + f"If the model is an autoencoder, it has no posterior and is not taken. Else: {WRAP}"


def _items(result: Any, hints: Hints) -> Found | None:
    if not isinstance(result, tuple | list):
        return None
    pick = hints.pick or (0, 1)
    if len(result) <= max(pick) or not (hints.pick or len(result) == 2):
        return None
    mu, spread, *sample = (result[i] for i in pick)
    if not (isinstance(mu, Tensor) and isinstance(spread, Tensor)):
        return None
    return Found(mu, spread, None, f"items {pick[0]} and {pick[1]}", sample[0] if sample else None)


def _nested(result: Any, hints: Hints) -> Found | None:
    """(distribution, sample), ((mu, logvar), features) and the like."""
    for i, item in enumerate(result) if isinstance(result, tuple | list) else ():
        if isinstance(item, Tensor) or item is None:
            continue
        inner = replace(hints, pick=None)
        found = _distribution(item, inner) or _holder(item, inner) or _pair(item, inner)
        if found is not None:
            return replace(found, source=f"{found.source}, in item {i}")
    return None


def _pair(item: Any, hints: Hints) -> Found | None:
    if isinstance(item, tuple | list):
        return _items(item, hints)
    has_mu = _first(item, _MU) is not None
    has_spread = any(_first(item, names) for names in _SPREADS.values())
    return _named(item, hints) if has_mu and has_spread else None


RULES = (
    Rule("a Normal, Independent or diagonal MultivariateNormal", _distribution),
    Rule("an object or mapping that holds a posterior (latent_dist, posterior, q_z, ...)", _holder),
    Rule("mu and its spread by name: dict, dataclass, named tuple, ModelOutput, any object", _named),
    Rule("one Tensor of twice the latent dimensions, mu first", _halves),
    Rule("a tuple or list of Tensors: (mu, spread), with a sample or other items", _items),
    Rule("a tuple or list, one item of which is a posterior: (distribution, sample)", _nested),
)


# ---------------------------------------------------------------------------- which item is which


def pick_items(
    first: Any,
    second: Any,
    where: str,
    leave_out: torch.Size | None = None,
    drawn: frozenset[int] = frozenset(),
) -> tuple[int, ...] | None:
    """Tell mu and its spread from samples and other items, in two results for the same images.

    Parameters
    ----------
    first, second : Any
        Results under two random seeds: a sample differs, mu and its spread do not.
    where : str
        How messages name the call.
    leave_out : torch.Size, optional
        Shape of an image, where the result may hold some.
    drawn : frozenset of int, optional
        Items that are random in training mode; of two that are equal here, the other one is mu.

    Returns
    -------
    tuple of int, or None
        Positions of mu, its spread and, if there is one, a sample; None where the result is no tuple or list
        of tensors, or where a rule by name reads it.

    Raises
    ------
    ProtocolError
        If what should be mu or its spread is itself random, or nothing tells which is which.
    """
    if not isinstance(first, tuple | list) or any(isinstance(v, Distribution) for v in first):
        return None
    images = () if leave_out is None else (leave_out, (leave_out.numel(),))
    tensors = [
        i for i, v in enumerate(first) if isinstance(v, Tensor) and v.ndim > 1 and v.shape[1:] not in images
    ]
    if len(tensors) < 2:
        return None
    random = [i for i in tensors if not torch.equal(first[i], second[i])]
    if len(first) == 2:
        if random:
            name = "first" if random[0] == 0 else "second"
            raise ProtocolError(
                f"{where} returned {describe(first)} whose {name} item differs from call to call: a sample. "
                f"Expected mu and logvar. {WRAP}"
            )
        return None
    steady = sorted((i for i in tensors if i not in random), key=lambda i: i in drawn)
    # in evaluation mode some models hand out mu itself as the sample
    distinct = sorted(
        i for k, i in enumerate(steady) if not any(torch.equal(first[i], first[j]) for j in steady[:k])
    )
    pairs = [
        (i, j) for k, i in enumerate(distinct) for j in distinct[k + 1 :] if first[i].shape == first[j].shape
    ]
    if len(pairs) != 1:
        raise ProtocolError(
            f"{where} returned {describe(first)}; which of them are mu and logvar does not show. {WRAP}"
        )
    i, j = pairs[0]
    return i, j, *[k for k in random if first[k].shape == first[i].shape][:1]


def flatten_latents(found: Found, hints: Hints) -> tuple[Tensor, Tensor, tuple[int, ...]]:
    """Mu and its spread, each (B, latent_dim), and the shape of one mu as the model has it.

    Raises
    ------
    ProtocolError
        If they are not of one shape, or not of the latent dimensions that are known.
    """
    mu, spread, where = found.mu, found.spread, hints.where
    shape = tuple(mu.shape)
    if mu.ndim < 2:
        raise ProtocolError(
            f"{where} returned mu of shape {shape}; expected (B, latent_dim), two axes. {WRAP}"
        )
    if spread.shape != mu.shape:
        raise ProtocolError(
            f"{where} returned logvar of shape {tuple(spread.shape)} beside mu of shape {shape}; "
            f"expected the same shape, one variance a latent dimension. {WRAP}"
        )
    if mu.ndim > 2:
        mu, spread = mu.flatten(1), spread.flatten(1)
    known = hints.latent_dim
    if known is not None and known not in (mu.shape[1], shape[1]):
        raise ProtocolError(
            f"{where} returned mu of shape {shape}, but latent_dim is {known}; expected "
            f"({shape[0]}, {known}). Pass latent_dim={mu.shape[1]}, or mend the model."
        )
    return mu, spread, shape[1:]
