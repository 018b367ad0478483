"""What the spread beside mu is, found out by watching a model draw, and by its values far from the data."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vaewidgets.adapters.calls import Method
from vaewidgets.adapters.encoder import Encoder
from vaewidgets.adapters.posterior import WRAP
from vaewidgets.adapters.replay import Replay
from vaewidgets.adapters.spread import SPREAD_WORDS, may_be_negative, possible_spreads, shown_by_draws
from vaewidgets.adapters.trial import Trial
from vaewidgets.errors import ProtocolError

_DRAWN = 2**15  # numbers that tell the readings apart, also where an untrained spread varies little
_SECONDS = 1.0  # that drawing may take at most
_IMAGES_AT_ONCE = 2**20  # numbers in a batch of images
_FAR = (1.0, 10.0, 1000.0)  # times the trial's noise
_REPARAMETERIZE = "reparam"
_SAMPLERS = frozenset(
    {
        "sample",
        "_sample",
        "sampling",
        "sample_z",
        "sample_latent",
        "latent_sample",
        "sample_posterior",
        "sampler",
    }
)

Draws = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class Spread:
    """How the spread is read, and why.

    Attributes
    ----------
    kind : {"logvar", "logstd", "std", "var"}
    evidence : str
    others : tuple of str
        Readings that nothing speaks against.
    swapped : bool
        Whether the spread comes before mu.
    is_shown : bool
        Whether more speaks for it than that most VAEs return it.
    is_drawn : bool
        Whether the model was seen to draw with it so.
    """

    kind: str
    evidence: str
    others: tuple[str, ...] = ()
    swapped: bool = False
    is_shown: bool = True
    is_drawn: bool = False


def find_spread(trial: Trial, encoder: Encoder, decode: Callable[..., Any], said: str | None) -> Spread:
    """Decide how the spread is read: as said, as the model draws, by its name, by its sign.

    Raises
    ------
    ProtocolError
        If the values leave open what it is; the message has the line that says it.
    """
    where = encoder.wiring.hints.where
    if said is not None:
        return Spread(said, "as said")
    if isinstance(decode, Replay):
        source = f"{type(trial.model).__name__}(x)"
        swapped = decode.wiring.hints.swapped
        return Spread(decode.kind, f"{source} draws with it as such", swapped=swapped, is_drawn=True)
    for source, draws in _sources(trial, encoder, decode):
        shown = None if draws is None else shown_by_draws(*draws)
        if shown is None:
            continue
        if shown.kind is not None:
            evidence = f"{source} draws with it as such"
            return Spread(shown.kind, evidence, swapped=shown.swapped, is_drawn=True)
        if not shown.fits and source.startswith(where):
            raise ProtocolError(
                f"{where} returned mu, its spread and a sample that is not drawn with any of "
                f"{_words(SPREAD_WORDS)} in its place. {WRAP}"
            )
    if encoder.found.kind is not None:
        return Spread(encoder.found.kind, "by its type or name")
    mu, spread = _far_out(trial, encoder)
    likely, *others = possible_spreads(encoder.found.spread, spread)
    if likely != "logvar" and may_be_negative(encoder.run(trial, trial.x, grad=True).spread):
        likely, *others = "logvar", "logstd"
    if likely == "logvar":
        return Spread(likely, "it may be below 0, and most VAEs return that", tuple(others), is_shown=False)
    text = f"{where} returned {encoder.found.source}; the spread is never below 0, also far from the data"
    if bool((mu[~mu.isnan()] >= 0).all()):
        text += ", and nor is mu: are they parameters of another distribution, as alpha and beta?"
    else:
        text += ": no log variance, it seems, and the model shows no draw that tells what it is."
    raise ProtocolError(
        f'{text} Say it: attach(..., spread="std") or spread="var" (or "logvar", "logstd"; as_vae takes the '
        f"same). For another distribution than a Gaussian: {WRAP}"
    )


def _words(kinds: Any) -> str:
    return ", ".join(SPREAD_WORDS[kind] for kind in kinds)


def _far_out(trial: Trial, encoder: Encoder) -> tuple[Tensor, Tensor]:
    """Mu and spread of noise near the data and far from them."""
    found = []
    for factor in (*_FAR, *(-f for f in _FAR), 0.0):
        try:
            found.append(encoder.run(trial, factor * trial.x))
        except Exception:  # far out a model may fail
            continue
    if not found:
        found.append(encoder.found)
    return torch.cat([f.mu.float() for f in found]), torch.cat([f.spread.float() for f in found])


def _sources(
    trial: Trial, encoder: Encoder, decode: Callable[..., Any]
) -> Iterator[tuple[str, Draws | None]]:
    """Where a model draws from its posterior: what is said of it, and draws with their mu and spread."""
    if encoder.found.sample is not None:
        yield encoder.wiring.hints.where, _from_encoder(trial, encoder)
    for source, method in _samplers(trial.model):
        yield source, _from_sampler(trial, method, encoder.latent_dim)
    if isinstance(decode, Method):
        yield f"{type(trial.model).__name__}(x)", _from_forward(trial, encoder, decode.name)


def _from_encoder(trial: Trial, encoder: Encoder) -> Draws | None:
    parts: list[Draws] = []
    for seed, x in _batches(trial):
        found = encoder.run(trial, x, seed)
        if found.sample is None or found.sample.shape != found.mu.shape:
            return None
        parts.append((found.mu, found.spread, found.sample))
        if sum(mu.numel() for mu, _, _ in parts) >= _DRAWN:
            break
    return _joined(parts)


def _batches(trial: Trial) -> Iterator[tuple[int, Tensor]]:
    """Noise of the data's range and of ten times that, so that the spread differs.

    For a second of this thread's processor at most, and five by the clock: what a busy machine keeps waiting
    would otherwise be told by fewer draws.
    """
    start, used = time.monotonic(), time.thread_time()
    x = torch.cat([trial.x, 10.0 * trial.x])
    most, copies = max(1, min(128, _IMAGES_AT_ONCE // x.numel())), 1
    for seed in range(100):
        yield seed, x.repeat_interleave(copies, 0)
        spent = max(time.thread_time() - used, (time.monotonic() - start) / 5)
        if spent > _SECONDS:
            return
        if spent < _SECONDS / 16:  # a large model is given few images at once
            copies = min(most, 8 * copies)


def _joined(parts: list[Draws]) -> Draws:
    first, second, z = (torch.cat([part[i].float() for part in parts]) for i in range(3))
    return first, second, z


# ---------------------------------------------------------------------------- a method that draws


def _samplers(model: nn.Module) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Methods and submodules of a model, or of its children, that may draw from (mu, spread)."""
    for path, module in [("", model), *model.named_children()]:
        names = [*dict(module.named_children()), *(n for n in dir(type(module)) if not hasattr(nn.Module, n))]
        for name in names:
            if _REPARAMETERIZE in name.lower() or name.lower() in _SAMPLERS:
                method = getattr(module, name, None)
                if callable(method):
                    yield ".".join(filter(None, (type(model).__name__, path, name))), method


def _from_sampler(trial: Trial, method: Callable[..., Any], latent_dim: int) -> Draws | None:
    """Draws of a method for a mu of 0 and spreads that all readings allow."""
    n = max(8, _DRAWN // latent_dim)
    mu = torch.zeros((n, latent_dim), device=trial.device)
    spread = torch.linspace(0.3, 2.0, n, device=trial.device)[:, None].expand(n, latent_dim).contiguous()
    for is_training in (False, True):
        try:
            with _root_training(trial.model, is_training):
                z = trial.run(method, mu, spread)
        except Exception:  # it takes something else
            return None
        z = z[0] if isinstance(z, tuple | list) and z else z
        if not isinstance(z, Tensor) or z.shape != mu.shape:
            return None
        if not torch.equal(z.float(), mu):
            return mu, spread, z.float()
    return None


@contextmanager
def _root_training(model: nn.Module, value: bool) -> Iterator[None]:
    """Many models draw only while ``self.training``; dropout and batch norm, submodules, stay as they are."""
    before, model.training = model.training, value
    try:
        yield
    finally:
        model.training = before


# ---------------------------------------------------------------------------- what forward decodes


class _Seen(Exception):
    """Ends a forward once its z was seen."""


def _from_forward(trial: Trial, encoder: Encoder, decode: str) -> Draws | None:
    """What a forward gives its decoder."""
    seen: list[Tensor] = []

    def watch(z: Any, *_: Any, **__: Any) -> None:
        seen.append(z)
        raise _Seen

    parts: list[Draws] = []
    for is_training in (False, True):
        for seed, x in _batches(trial):
            seen.clear()
            fed = encoder.wiring.shaped(x)
            try:  # a forward may take something else than images, and warn of that
                with (
                    _root_training(trial.model, is_training),
                    _watched(trial.model, decode, watch),
                    warnings.catch_warnings(action="ignore"),
                ):
                    trial.run(trial.model, fed, seed=seed)
            except _Seen:
                pass
            except Exception:
                return None
            if not seen or not isinstance(seen[0], Tensor):
                return None
            found, z = encoder.run(trial, x), seen[0]
            if z.ndim < 2 or z.flatten(1).shape != found.mu.shape:
                return None
            if torch.equal(z.flatten(1), found.mu):
                break
            parts.append((found.mu, found.spread, z.flatten(1)))
            if sum(mu.numel() for mu, _, _ in parts) >= _DRAWN:
                break
        if parts:
            return _joined(parts)
    return None


@contextmanager
def _watched(model: nn.Module, name: str, watch: Callable[..., Any]) -> Iterator[None]:
    """Call `watch` with what a method or submodule is called with."""
    child = model._modules.get(name)
    if child is not None:
        handle = child.register_forward_pre_hook(lambda _, args: watch(*args))
        try:
            yield
        finally:
            handle.remove()
        return
    own = vars(model).get(name)
    vars(model)[name] = watch
    try:
        yield
    finally:
        del vars(model)[name]
        if own is not None:
            vars(model)[name] = own
