"""How a foreign decoder's output and its recon are read, decided by the data and by what its loop logs."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import Any, final

import torch

from vaewidgets.adapters import AdaptedVAE, Convention, describe_likelihood, describe_output
from vaewidgets.adapters.seeded import seeded
from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.diagnostics import Audit
from vaewidgets.objectives import get_likelihood

_IMAGES = 64
SHARE = 0.02  # of the training's time that it may take
LEAST_SECONDS = 0.1
_MOST_TRIALS = 100
_SLOWER = 1.1  # each trial waits so many times as long as the one before
_TRAINED = (
    0.7  # share of the pixels' variance left unexplained, below which a reconstruction is none by chance
)
_NEAR = math.log(1.15)  # how far the logged recon may be from that of a reading,
_FAR = math.log(1.4)  # and how far it must be from those of the others
_MOVED = math.log(1.3)  # how far the recon must have changed while one reading keeps to it,
_STEADY = 20  # or in so many trials it must


@dataclass
class _Favourite:
    """A reading that fits, the recon at which it first did, and in how many trials it has."""

    pair: tuple[str, str]
    recon: float
    trials: int = 0


@final
class Reading:
    """Decides between the readings of a model that `as_vae` left open, once one of them shows.

    Either the model reconstructs the data by one reading and not by another; or the recon that its loop logs
    is that of one reading, by one of the usual reductions, and stays so as it changes. `reduction_is_known`
    says that logged terms are surely sums over pixels, once their convention is undone.
    """

    def __init__(self, model: AdaptedVAE, data: Any, *, reduction_is_known: bool) -> None:
        c = model.convention
        self._open = [(c.output, c.likelihood), *c.others]
        self._possible = list(self._open)  # by the data; an audit knows more of a logged recon than one trial
        count = len(data.train)
        index = torch.linspace(0, count - 1, min(_IMAGES, count)).round().long()
        self._x = data.train.images(index)
        self._labels = None if data.train.labels is None else data.train.labels[index]
        n_pixels = self._x[0].numel()
        self._factors = (1.0,) if reduction_is_known else (1.0, 0.5, 1 / n_pixels, 0.5 / n_pixels)
        self._likelihoods = {one: get_likelihood(one) for _, one in self._open}
        self._generator = torch.Generator().manual_seed(0)
        self._trials = 0
        self._next = 0.0
        self._favourite: _Favourite | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is something to decide, and hope to."""
        return len(self._open) > 1 and self._trials < _MOST_TRIALS

    @property
    def is_due(self) -> bool:
        return self.is_open and time.monotonic() >= self._next

    def decide(self, model: Any, recon: float | None) -> Convention | None:
        """Try the readings on a copy of the model, in eval mode, and on the recon that was logged last.

        Returns how the model is read from now on; None where nothing is new.
        """
        start = time.monotonic()
        self._trials += 1
        before: Convention = model.convention
        scores, errors, spread = self._measure(model)
        shown = self._by_data(errors, spread)
        self._possible = self._possible if shown is None else shown[0]
        found = shown or self._by_recon(scores, recon)
        least = LEAST_SECONDS * _SLOWER**self._trials
        self._next = start + max(least, (time.monotonic() - start) / SHARE)
        if found is None:
            return None
        self._open, evidence = found
        (output, likelihood), *others = self._open
        return replace(before, output=output, likelihood=likelihood, evidence=evidence, others=tuple(others))

    def _measure(self, model: Any) -> tuple[dict[tuple[str, str], float], dict[str, float], float]:
        """Recon of each reading, squared error of each output, and the spread of the pixels, per image."""
        device = next((t.device for t in model.parameters()), torch.device("cpu"))
        own = model.convention
        scores, errors = {}, {}
        with restored_modes(), torch.no_grad(), seeded(0):  # the model may draw numbers, which the loop needs
            x = self._x.to(device)
            given = (self._labels,) if getattr(model, "takes_labels", False) else ()
            mu, logvar = model.encode(x, *given)
            eps = torch.randn(mu.shape, generator=self._generator).to(device)
            for output, likelihood in self._open:
                model.convention = replace(own, output=output, likelihood=likelihood)
                raw = model.decode_raw(mu + (0.5 * logvar).exp() * eps, *given)
                scores[output, likelihood] = float(self._likelihoods[likelihood].recon(raw, x).mean())
                if output not in errors:
                    errors[output] = float((model.decode(mu, *given) - x).square().flatten(1).sum(1).mean())
            model.convention = own
            spread = float((x - x.mean(0)).square().flatten(1).sum(1).mean())
        return scores, errors, spread

    def _by_data(self, errors: dict[str, float], spread: float) -> tuple[list[tuple[str, str]], str] | None:
        """Readings of the one output that reconstructs the data; None if that is all of them, or none."""
        if len(errors) < 2:
            return None
        (best, least), (_, second) = sorted(errors.items(), key=lambda item: item[1])[:2]
        if not (least < _TRAINED * spread and least < _TRAINED * second):
            return None
        evidence = (
            f"read as {describe_output(best)}, {_IMAGES} training images are reconstructed with "
            f"{least / spread:.0%} of their variance left unexplained, else with {second / spread:.0%}"
        )
        return [pair for pair in self._open if pair[0] == best], evidence

    def _by_recon(
        self, scores: dict[tuple[str, str], float], recon: float | None
    ) -> tuple[list[tuple[str, str]], str] | None:
        """The one reading whose recon was logged, if it still is once that has changed.

        Near the start ten times a squared error, say, may happen to be a cross-entropy.
        """
        if recon is None or not recon > 0:
            return None
        distance = {
            pair: min(abs(math.log(recon / (score * factor))) for factor in self._factors)
            for pair, score in scores.items()
            if score > 0 and math.isfinite(score)
        }
        if len(distance) < len(scores):
            return None
        best, second, *_ = sorted(distance, key=lambda pair: distance[pair])
        if not (distance[best] < _NEAR and distance[second] > _FAR):
            self._favourite = None
            return None
        if self._favourite is None or self._favourite.pair != best:
            self._favourite = _Favourite(best, recon)
        self._favourite.trials += 1
        has_moved = abs(math.log(recon / self._favourite.recon)) > _MOVED
        if not (has_moved or self._favourite.trials > _STEADY):
            return None
        evidence = (
            f"the logged recon is that of {describe_likelihood(best[1])} of {describe_output(best[0])}, "
            f"{scores[best]:.4g} per image on {_IMAGES} training images, and not "
            f"{describe_likelihood(second[1])} of {describe_output(second[0])}, {scores[second]:.4g}"
        )
        return [best], evidence

    def settle(self, before: Convention, found: Audit) -> Convention | None:
        """How the model is read by an audit's finding; None where the data exclude that, or it is read so."""
        if found.read_as not in self._possible or found.read_as == (before.output, before.likelihood):
            return None
        output, likelihood = found.read_as
        self._open = [found.read_as]
        evidence = f"the audit of what is logged found: {found.readings[0]}"
        return replace(before, output=output, likelihood=likelihood, evidence=evidence, others=())

    def doubt(self, convention: Convention) -> str | None:
        """What is not known: at once where pictures may be wrong, else once it cannot be found out."""
        outputs = {output for output, _ in convention.others} - {convention.output}
        if outputs:
            other = sorted(outputs)[0]
            return (
                f"decode(z) of {convention.name} is not bounded: shown as "
                f"{describe_output(convention.output)}, but it may be {describe_output(other)}. It shows "
                "once recon is logged or the model has learned; or say so: attach(..., "
                f'output="{other}") or output="{convention.output}".'
            )
        if convention.others and not self.is_open:
            other = convention.others[0][1]
            return (
                f"recon of {convention.name} is measured as {describe_likelihood(convention.likelihood)}, "
                f"but what is logged does not tell it from {describe_likelihood(other)}. Say which it is: "
                f'attach(..., likelihood="{convention.likelihood}") or likelihood="{other}".'
            )
        return None
