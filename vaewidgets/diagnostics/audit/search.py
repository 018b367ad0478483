"""The reading that reproduces what was logged, among the usual ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from vaewidgets.adapters.spread import SPREADS
from vaewidgets.diagnostics.audit.estimate import SIGMAS, SLACK, Estimate
from vaewidgets.diagnostics.audit.factors import MOVED, common_factor, times_some_number, unless_some_factor
from vaewidgets.diagnostics.audit.fits import Candidate, fits, misfits, pairs_of
from vaewidgets.diagnostics.audit.grid import Facts, Reduction, kl_reductions, recon_reductions
from vaewidgets.diagnostics.audit.look import Look
from vaewidgets.diagnostics.audit.pooled import DECISIVE, Misfit, differ, misfit
from vaewidgets.diagnostics.audit.report import Audit
from vaewidgets.diagnostics.audit.words import (
    agreement,
    loss_finding,
    misreading,
    several,
    unexplained,
)

RECENT = 3  # looks that must all say the same
_MOST_CHANGES = 3  # from ours, in one reading
_MOST_OF_KL = 2  # of these, its spread included: with three something fits any number
_LARGEST_BATCH = 8192
_LEVELS = ((0.0, _MOST_CHANGES), (SLACK, 1))  # beyond noise, and changes
_FAR = math.log(4.0)
# what is less off, and no reading explains, may be other images: augmented, or a part
_MATERIAL = math.log(1.5)


def audit(looks: Sequence[Look], *, fewest: int = 1) -> Audit | None:
    """Compare what was logged with what the model gave, at several steps.

    Two numbers agree if they differ by no more than their noise: four standard errors, of the spread of
    what was logged about its trend, and from that between images, each with a z of its own. A reading is
    found if both terms agree at each of the newest three looks, all looks together may be of it, and none
    that is plainer does; of several, those are kept that fit best. Where none does, one that is off at all
    looks, three or more, by the same, and by less than a third of the way to the next, is found. Another
    spread is also found if all looks together speak for it, though no one does. What no reading explains is
    said if it is off by a factor of 1.5.

    Parameters
    ----------
    looks : sequence of Look, the oldest first
    fewest : int
        Looks below which nothing is said.

    Returns
    -------
    Audit or None
        None if there are too few looks.
    """
    looks = list({look.step: look for look in looks}.values())  # the newest at each step
    for terms in (("recon", "kl"), ("recon",), ("kl",)):
        known = [look for look in looks if all(_is_known(look, term) for term in terms)]
        if len(known) >= fewest:
            break
    else:
        return loss_finding(looks) if len(looks) >= fewest else None
    seen, known = _with_batch_size(looks), _with_batch_size(known)
    recent = known[-RECENT:]
    wrong = [term for term in terms if _is_wrong(recent, term, SLACK)]
    doubtful = _doubtful(recent, known, terms)
    found = []
    if wrong or doubtful:
        found = _search(recent, seen, terms, _LEVELS if wrong else _LEVELS[:1])
    if len(found) < 2:  # by a KL that is above its noise in no look, too
        found = _other_spreads(seen, found[0] if found else Candidate(recent[-1].own, None, None)) or found
    found = unless_some_factor(seen, found)
    wrong = wrong or doubtful
    if len(found) == 1 and not ("kl" in terms and _may_be_another_prior(seen, recent, found[0])):
        return misreading(known, found[0])
    if found:
        return several(known, found, wrong or ["kl"])
    return _no_usual_one(seen, known, wrong, terms) if wrong else agreement(known, terms)


def _no_usual_one(
    seen: list[Look], known: list[Look], wrong: list[str], terms: Sequence[str]
) -> Audit | None:
    """A weight in the KL, a factor on recon, a part that is explained, or nothing."""
    recent = known[-RECENT:]
    weighted = _with_free_weight(seen, known) if "kl" in wrong and "recon" in terms else None
    if weighted is not None:  # the KL against another prior may stay as far off for as long
        return several(known, [weighted], wrong)
    scaled = _with_free_factor(seen, known, terms) if "recon" in wrong else []
    if scaled:
        return misreading(known, scaled[0]) if len(scaled) == 1 else several(known, scaled, wrong)
    if len(terms) == 1 and len(_comparable(recent[-1])) > 1:
        return None  # the other term will tell more, once it is above its noise
    if max(_distance(recent[-1], term) for term in wrong) < _MATERIAL:
        return agreement(known, terms)
    partly = _search(recent, seen, ("recon",), _LEVELS) if "kl" in wrong and "recon" in terms else []
    return unexplained(known, wrong, partly[0] if len(partly) == 1 else None)


def _comparable(look: Look) -> list[str]:
    """Terms that are logged, and that the model gives by its own reading."""
    ours = {"recon": look.recon.get(look.own), "kl": look.kl.get(look.own.spread)}
    return [term for term, own in ours.items() if term in look.logged and own and math.isfinite(own.value)]


def _is_known(look: Look, term: str) -> bool:
    """Whether a term is logged, and computed, with less noise than readings are apart.

    A term that is off by a factor of 4 beyond its noise is known to be wrong, however few images it is of.
    """
    ours = look.kl.get(look.own.spread) if term == "kl" else look.recon.get(look.own)
    if ours is None or term not in look.logged:
        return False
    logged, own = look.logged[term], _own(look, term)
    if logged.is_sharp and ours.is_sharp:
        return True
    is_above_noise = all(abs(one.value) > SIGMAS * one.error for one in (logged, own))
    return is_above_noise and not (logged.agrees(own, slack=_FAR) and own.agrees(logged, slack=_FAR))


def _own(look: Look, term: str) -> Estimate:
    """What the term would be logged as, if all were as it was said."""
    ours = look.kl[look.own.spread] if term == "kl" else look.recon[look.own]
    return ours.times(look.declared[term])


def _is_wrong(looks: Sequence[Look], term: str, slack: float) -> bool:
    return not any(look.logged[term].agrees(_own(look, term), slack=slack) for look in looks)


def _doubtful(recent: Sequence[Look], known: Sequence[Look], terms: Sequence[str]) -> list[str]:
    """Terms that are off by more than noise, though not far, where one was far off before."""
    was_far_off = any(_is_wrong([look], term, SLACK) for look in known for term in terms)
    return [term for term in terms if was_far_off and _is_wrong(recent, term, 0.0)]


def agrees_to_noise(look: Look) -> bool:
    """Whether all that is logged and known is what it is taken for, up to its noise."""
    known = [term for term in ("recon", "kl") if _is_known(look, term)]
    return not any(_is_wrong([look], term, 0.0) for term in known)


def _distance(look: Look, term: str) -> float:
    """How far the logged value is from what it should be, as the log of a factor."""
    logged, own = look.logged[term].value, _own(look, term)
    ratio = logged / own.value if own.value else math.inf
    return abs(math.log(ratio)) if ratio > 0 else math.inf


# ---------------------------------------------------------------------------- the grid


def _search(
    recent: list[Look], seen: list[Look], terms: Sequence[str], levels: Sequence[tuple[float, int]]
) -> list[Candidate]:
    """Return the plainest readings that reproduce all that is known."""
    for slack, most in levels:
        if slack and len(recent) < RECENT:
            continue  # it takes some looks to see that all are off by the same
        fitting = [{one.key: one for one in _fitting(look, terms, slack, most)} for look in recent]
        keys = set.intersection(*(set(one) for one in fitting))
        misses = {key: misfits(seen, fitting[-1][key], terms, slack) for key in keys}
        # what fits lately and not all along fits by chance, as with another prior
        misfit_of = {
            key: sum(one.value / max(one.looks, 1) for one in found.values())
            for key, found in misses.items()
            if all(one.is_small for one in found.values())
        }
        if not misfit_of:
            continue
        most_misfit = min(misfit_of.values()) + DECISIVE / len(seen)
        left = [fitting[-1][key] for key, value in misfit_of.items() if value <= most_misfit]
        own = recent[-1].own
        fewest = min(one.changes(own) for one in left)
        return sorted((one for one in left if one.changes(own) == fewest), key=lambda one: str(one.key))
    return []


def _other_spreads(looks: Sequence[Look], base: Candidate) -> list[Candidate]:
    """Return `base` with another spread, where all looks together say so: one, or several that fit alike.

    The KL tells spreads apart, by little where posteriors are wide: by so little that the loop's other images
    may be what is seen, recon has to say the same; else it has only not to speak against it.
    """
    found: dict[Candidate, Misfit] = {}
    for spread in SPREADS:
        other = base._replace(reading=base.reading._replace(spread=spread))
        both = [look for look in looks if {spread, base.reading.spread} <= set(look.kl)]
        if spread == base.reading.spread or not both:
            continue
        theirs, ours = (pairs_of(both, one, "kl") for one in (other, base))
        fit = misfit(theirs)
        far = differ((a, b) for (_, a), (_, b) in zip(theirs, ours, strict=True))
        if not (fit.is_small and fit.is_decisive_against(misfit(ours))):
            continue
        scored = [look for look in both if {other.reading, base.reading} <= set(look.recon)]
        recon, own_recon = (misfit(pairs_of(scored, one, "recon")) for one in (other, base))
        says_so = recon.is_small and recon.is_decisive_against(own_recon)
        if says_so or (far and not recon.is_worse_than(own_recon)):
            found[other] = fit
    if not found:
        return []
    least = min(one.value for one in found.values())
    return [one for one, fit in found.items() if fit.value < least + DECISIVE]


def _fitting(look: Look, terms: Sequence[str], slack: float, most: int) -> Iterator[Candidate]:
    kl_ways: list[Reduction | None] = [*kl_reductions(look.facts)] if "kl" in terms else [None]
    for spread, kl in look.kl.items():
        left = _MOST_OF_KL - (spread != look.own.spread)
        fit_kl = [
            way
            for way in kl_ways
            if way is None or (len(way.name) <= left and fits(look.logged["kl"], kl, way, slack))
        ]
        if not fit_kl:
            continue
        for reading, recon in look.recon.items():
            if reading.spread != spread:
                continue
            recon_ways: list[Reduction | None] = [None]
            if "recon" in terms:
                recon_ways = [*recon_reductions(look.facts, reading.likelihood)]
            for way in recon_ways:
                if way is None or fits(look.logged["recon"], recon, way, slack):
                    for other in fit_kl:
                        found = Candidate(reading, way, other)
                        if found.changes(look.own) <= most:
                            yield found


def _may_be_another_prior(seen: Sequence[Look], recent: Sequence[Look], found: Candidate) -> bool:
    """Whether nothing but a KL that is somewhat near, or two changes of it, speaks for what is said of it.

    The KL against another prior is off by a factor, too, which may hardly change for many steps.
    """
    newest = recent[-1]
    if found.kl is None or found.recon is None:
        return False
    kl, recon = found.kl.factor / newest.declared["kl"], found.recon.factor / newest.declared["recon"]
    if kl < 0 or math.isclose(kl, 1) or math.isclose(kl, recon):
        return False
    if found.reading.spread == newest.own.spread:
        is_near = all(
            fits(look.logged["kl"], look.kl[found.reading.spread], found.kl, 0.0) for look in recent
        )
        return not (is_near and misfits(seen, found, ("kl",), 0.0)["kl"].is_small)
    plain = found._replace(reading=found.reading._replace(spread=newest.own.spread))
    scored = [look for look in seen if {found.reading, plain.reading} <= set(look.recon)]
    of_plain, of_found = (misfit(pairs_of(scored, one, "recon")) for one in (plain, found))
    return not of_plain.is_worse_than(of_found)


def _with_batch_size(looks: list[Look]) -> list[Look]:
    """Take the batch size, where it is not known, from a factor that recon and kl have in common."""
    found = []
    for look in looks:
        size = _batch_size(look)
        if size is not None and look.facts.batch_size is None:
            look = replace(look, facts=replace(look.facts, batch_size=size, batch_is_guessed=True))  # noqa: PLW2901
        found.append(look)
    return found


def _batch_size(look: Look) -> int | None:
    facts: Facts = look.facts
    if facts.batch_size is not None or not (_is_known(look, "recon") and _is_known(look, "kl")):
        return facts.batch_size
    pairs = ((look.logged["recon"], look.recon[look.own]), (look.logged["kl"], look.kl[look.own.spread]))
    recon, kl = (logged.value / ours.value for logged, ours in pairs)
    if not 2 <= min(recon, kl) <= _LARGEST_BATCH or abs(math.log(recon / kl)) > SLACK:
        return None
    sharpness = [1 / sum((one.error / one.value) ** 2 for one in pair) for pair in pairs]
    return round(math.exp(np.average(np.log([recon, kl]), weights=sharpness)))


def _with_free_factor(seen: list[Look], known: list[Look], terms: Sequence[str]) -> list[Candidate]:
    """Readings whose recon times some number, the same at each look, is logged while it changes."""
    own = known[-1].own
    base = [Candidate(own, None, None)]
    if "kl" in terms:
        base = _search(known[-RECENT:], seen, ("kl",), _LEVELS)
    if len(base) != 1 or base[0].reading.spread != own.spread:
        return []
    found = [one for one, has_moved in times_some_number(seen, base[0]) if has_moved]
    return sorted(found, key=lambda one: one.changes(own))


def _with_free_weight(seen: list[Look], known: list[Look]) -> Candidate | None:
    """The KL times some number, the same at each look, and recon by a usual reduction."""
    found = _search(known[-RECENT:], seen, ("recon",), _LEVELS)
    spread = known[-1].own.spread
    if len(found) != 1 or found[0].reading.spread != spread or len(known) < RECENT:
        return None
    pairs = [(look.logged["kl"], look.kl[spread]) for look in known if spread in look.kl]
    sizes = [ours.value for _, ours in pairs]
    if len(pairs) < RECENT or max(sizes) < MOVED * min(sizes):
        return None
    weight = common_factor(pairs)
    if weight is None:
        return None
    size, sign = abs(weight), -1 if weight < 0 else 1
    words = f"multiplied by about {size:g}, as by a beta that is in it already"
    options = (("kl_weight", size), *((("kl_sign", -1),) if sign < 0 else ()))
    reduction = Reduction(("weight",), size * sign, (words, *(("negative",) if sign < 0 else ())), options)
    return found[0]._replace(kl=reduction)
