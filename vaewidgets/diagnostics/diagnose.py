"""What a run is doing, in words: healthy, posterior collapse, memorising, under-fitting or diverged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from vaewidgets.contract.texts import dim_name, percent
from vaewidgets.diagnostics.audit import Audit
from vaewidgets.diagnostics.measurements import Measurements, NotFinite, measure
from vaewidgets.diagnostics.stats import RunStats
from vaewidgets.diagnostics.trace import UnitLives
from vaewidgets.errors import OptionError

Verdict = Literal["healthy", "posterior collapse", "memorising", "under-fitting", "diverged"]
VERDICTS: tuple[Verdict, ...] = (
    "healthy",
    "posterior collapse",
    "memorising",
    "under-fitting",
    "diverged",
)


@dataclass(frozen=True)
class Thresholds:
    """Where one verdict ends and the next begins.

    The defaults were frozen on the embedded digits, seeds 0 to 4, before any other data were judged:
    half-way, in ratio, between the nearest planted cases on either side (`explained`: half-way). No planted
    case came near `worse`, since all that diverged became infinite, nor near `used`. The ranges are shown by
    ``python -m tests.experiments.confusion freeze``.

    Attributes
    ----------
    worse : float
        Diverged above this: the last losses over the first.
    falling : float
        Under-fitting above this: what the second half of the training gained, over all that was gained.
    gap : float
        Memorising above this: variance left unexplained on test images over that on training images.
    excess : float
        The same where only a history is known: how much higher recon is on test images, over all that recon
        has gained.
    explained : float
        Below this share of explained pixel variance, reconstructions are little more than the mean image.
    off_prior : float
        Memorising above this: nats per active unit by which the aggregate posterior is off the prior.
    kl : float
        Posterior collapse below this many nats per image: what units are left tell next to nothing.
    used : float
        Posterior collapse up to this share of used units, where little is explained.
    """

    worse: float = 1.5
    falling: float = 0.035
    gap: float = 1.4
    excess: float = 0.0165
    explained: float = 0.25
    off_prior: float = 0.42
    kl: float = 1.6
    used: float = 0.25


THRESHOLDS = Thresholds()


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """A verdict, the numbers that it rests on, and what to change.

    Attributes
    ----------
    verdict : {"healthy", "posterior collapse", "memorising", "under-fitting", "diverged"}
    evidence : tuple of str
        Sentences with the numbers, the deciding one first.
    advice : tuple of str
        What to change, the likeliest first; empty for a healthy run.
    notes : tuple of str
        What else is worth knowing.
    measurements : Measurements
        All that was measured.
    lives : UnitLives or None
        When units died, where the run was watched.
    """

    verdict: Verdict
    evidence: tuple[str, ...]
    advice: tuple[str, ...]
    notes: tuple[str, ...]
    measurements: Measurements
    lives: UnitLives | None = None

    @property
    def signs(self) -> Measurements:
        """Former name of `measurements`."""
        return self.measurements

    def __repr__(self) -> str:
        lines = [f"Diagnosis: {self.verdict}"]
        lines += [f"  - {sentence}" for sentence in self.evidence]
        lines += [f"  try: {sentence}" for sentence in self.advice]
        lines += [f"  note: {sentence}" for sentence in self.notes]
        return "\n".join(lines)


def diagnose(
    history: Mapping[str, np.ndarray],
    stats: RunStats | None = None,
    *,
    error: BaseException | None = None,
    not_finite: NotFinite | None = None,
    lives: UnitLives | None = None,
    audit: Audit | None = None,
    thresholds: Thresholds = THRESHOLDS,
) -> Diagnosis:
    """Say what a run is doing; at any time, also while it trains.

    Rules, in this order. Not finite, or worse than at the start: diverged. Far better on training images
    than on test images, or well reproduced from codes that lie off the prior: memorising. Loss still falling:
    under-fitting (what is dead so early may yet live). No unit used, or next to no nats in them, or few used
    and little explained: posterior collapse. Little explained although units are used: under-fitting. Else
    healthy.

    Parameters
    ----------
    history : mapping of str to ndarray
        By step "loss", "recon", "kl" and, if known, "beta", "lr"; by epoch, if known, "train_recon" and
        "test_recon". A `History` is one.
    stats : RunStats, optional
        What `run_stats` measured on the model as it is. Without, the verdict rests on the curves alone.
    error : BaseException, optional
        What ended the run.
    not_finite : NotFinite, optional
        Steps that a loop logged as NaN or infinite, from `Run.not_finite`: a few of them are noted, and only
        a run that stays so has diverged. Without, NaN at the end of the history is taken for divergence.
    lives : UnitLives, optional
        When units died, from `unit_lives`.
    audit : Audit, optional
        What is wrong with the logged recon and kl, from `Run.audited`. They are then judged as the model
        gives them, or left out where that is not known.
    thresholds : Thresholds
    """
    if not isinstance(history, Mapping):
        raise OptionError(f"history is of type {type(history).__name__}; expected a mapping, as run.history.")
    measurements = _as_audited(measure(history, stats, error, not_finite), audit)
    verdict, reason = _judge(measurements, thresholds)
    return Diagnosis(
        verdict=verdict,
        evidence=(reason, *_numbers(measurements)),
        advice=_advice(verdict, measurements, thresholds),
        notes=(*_audit_notes(audit), *_notes(verdict, measurements, lives, not_finite)),
        measurements=measurements,
        lives=lives,
    )


def _as_audited(s: Measurements, audit: Audit | None) -> Measurements:
    """Take recon, KL and beta from the audit where those that were logged are not what they look like."""
    if audit is None or not audit.is_finding or not audit.terms:
        return s
    known = {term.name: term.computed for term in audit.terms} if audit.verdict == "misread" else {}
    beta = s.beta if audit.beta is None else audit.beta
    return replace(s, recon=known.get("recon", np.nan), kl=known.get("kl", np.nan), beta=beta)


def _audit_notes(audit: Audit | None) -> tuple[str, ...]:
    return () if audit is None or not audit.is_finding else (f"audit of the loss: {audit.sentence}",)


def _judge(s: Measurements, t: Thresholds) -> tuple[Verdict, str]:
    """The first rule that holds, and its sentence."""
    return next((verdict, sentence) for holds, verdict, sentence in _rules(s, t) if holds)


def _rules(s: Measurements, t: Thresholds) -> Iterator[tuple[bool, Verdict, str]]:
    """Rules in their order. What is unknown is NaN, and no comparison with that holds."""
    yield bool(s.diverged), "diverged", s.diverged
    yield s.worse > t.worse, "diverged", f"the loss is {s.worse:.3g} times what it was at the start"
    reproduces = s.train_explained > t.explained
    yield (
        reproduces and s.gap > t.gap,
        "memorising",
        f"{s.gap:.1f} times as much variance is left unexplained on {s.test_images} as on training images "
        f"(memorising above {t.gap:g})",
    )
    yield (
        reproduces and s.off_prior > t.off_prior,
        "memorising",
        f"KL(aggregate posterior, prior) is {s.off_prior:.2f} nats per active unit (memorising above "
        f"{t.off_prior:g}): samples from the prior fall where the decoder was not trained",
    )
    yield (
        np.isnan(s.gap) and s.excess > t.excess,
        "memorising",
        f"recon is higher on {s.test_images} than on training images, by {percent(s.excess, 1)} of "
        "the improvement "
        f"(memorising above {percent(t.excess, 1)})",
    )
    yield s.too_short, "under-fitting", f"only {s.n_steps} steps so far"
    yield (
        s.falling > t.falling,
        "under-fitting",
        f"the loss is still falling: the last {s.n_steps // 2:,} steps account for "
        f"{percent(s.falling, 1)} of the "
        f"improvement (under-fitting above {percent(t.falling, 1)})",
    )
    yield from _rules_for_settled(s, t)


def _rules_for_settled(s: Measurements, t: Thresholds) -> Iterator[tuple[bool, Verdict, str]]:
    """Rules for a run whose loss has levelled off; the last one always holds."""
    dims, used = s.latent_dim or 0, s.used
    if used is not None:
        yield used == 0, "posterior collapse", f"none of the {dims} units tells images apart"
        yield (
            s.kl < t.kl,
            "posterior collapse",
            f"{used} of {dims} units are used, and together they carry {s.kl:.2f} nats per image (collapse "
            f"below {t.kl:g})",
        )
        yield (
            s.explained < t.explained and used <= t.used * dims,
            "posterior collapse",
            f"{used} of {dims} units are used, and they explain {percent(s.explained)} of the "
            "pixels' variance",
        )
    else:
        yield (
            s.kl < t.kl and s.has_variance,
            "posterior collapse",
            f"the KL is {s.kl:.3f} nats per image (collapse below {t.kl:g})",
        )
    yield (
        s.explained < t.explained,
        "under-fitting",
        f"reconstructions explain {percent(s.explained)} of the pixels' variance (under-fitting below "
        f"{percent(t.explained)}), and the loss has levelled off",
    )
    alike = f"{s.test_images} do about as well as training images"
    yield True, "healthy", f"the loss has levelled off, and {alike}"


def _numbers(s: Measurements) -> list[str]:
    """What was measured, in sentences; what is unknown is left out."""
    found = []
    if not np.isnan(s.recon):
        found.append(f"recon {s.recon:.2f}{_unit(s)}, KL {s.kl:.2f} nats per image" + _at_beta(s))
    if s.used is not None:
        found.append(f"{s.used} of {s.latent_dim} units used, by KL and by Var(μ)")
    if not np.isnan(s.explained):
        found.append(
            f"{percent(s.train_explained)} of the pixels' variance explained on training images, "
            f"{percent(s.explained)} on {s.test_images.rstrip(',')}"
        )
    if not np.isnan(s.off_prior):
        found.append(f"KL(aggregate posterior, prior): {s.off_prior:.2f} nats per active unit")
    return found


def _unit(s: Measurements) -> str:
    """That of recon, which is not the KL's where it is no likelihood."""
    if s.unit in ("", "nats", "as logged"):
        return f" {s.unit}".rstrip()
    return f" ({s.unit})"


def _at_beta(s: Measurements) -> str:
    return "" if np.isnan(s.beta) else f" at β = {s.beta:g}"


def _advice(verdict: Verdict, s: Measurements, t: Thresholds) -> tuple[str, ...]:
    beta = "" if np.isnan(s.beta) else f" (now {s.beta:g})"
    lr = "" if np.isnan(s.lr) else f" (now {s.lr:g})"
    if verdict == "posterior collapse":
        return (
            f"lower β{beta}, or let it rise slowly from 0: LinearWarmup or Cyclical",
            "keep a few nats for each unit free of charge (free bits), or weaken a decoder that needs no z",
        )
    if verdict == "memorising":
        return (
            f"raise β{beta}, so that the code costs something",
            "a smaller encoder, more training images, or fewer epochs",
        )
    if verdict == "under-fitting":
        if s.too_short or s.falling > t.falling:
            return ("train for more epochs: the loss has not levelled off", f"or a larger lr{lr}")
        return (f"a wider model or more latent dimensions, or a lower β{beta}",)
    if verdict == "diverged":
        return (
            f"start again with a lr ten times smaller{lr}",
            "check that the pixels lie in value_range, and that β is not extreme" + beta,
        )
    return ()


def _notes(
    verdict: Verdict, s: Measurements, lives: UnitLives | None, not_finite: NotFinite | None
) -> tuple[str, ...]:
    notes = []
    if not_finite is not None and not_finite.count:
        notes.append(not_finite.sentence())
    if s.used is not None and s.latent_dim is not None and verdict == "healthy" and s.used < s.latent_dim:
        wake = f"; a lower β (now {s.beta:g}) may wake some" if s.beta > 1 else ""
        notes.append(
            f"{s.latent_dim - s.used} of {s.latent_dim} units are collapsed: a smaller latent_dim would do "
            f"as well{wake}"
        )
    if lives is not None and lives.dead:
        when = ", ".join(f"{dim_name(j)} at step {lives.died_at[j]:,}" for j in lives.dead[:8])
        notes.append(f"units died: {when}{', ...' if len(lives.dead) > 8 else ''}")
    if s.test_name != "test":
        notes.append(
            f"no image is known to be new to the model: those {s.test_name} were drawn from the data given. "
            "Give the loop's own test set: vw.ImageDataset(train_set, test=test_set)"
        )
    if np.isnan(s.explained) and verdict != "diverged":
        notes.append("judged by the curves alone; run_stats measures the model, too")
    return tuple(notes)
