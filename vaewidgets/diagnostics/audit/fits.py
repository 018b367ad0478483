"""A reading of what is logged, and how far it is off."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from vaewidgets.diagnostics.audit.estimate import Estimate
from vaewidgets.diagnostics.audit.grid import Facts, Reduction, kl_reductions, recon_reductions
from vaewidgets.diagnostics.audit.look import Look, Reading
from vaewidgets.diagnostics.audit.pooled import Misfit, Pair, misfit


class Candidate(NamedTuple):
    """A reading of all that is logged; a reduction is None where its term is not logged."""

    reading: Reading
    recon: Reduction | None
    kl: Reduction | None

    @property
    def key(self) -> tuple[Any, ...]:
        return self.reading, *(None if one is None else one.name for one in (self.recon, self.kl))

    def changes(self, own: Reading) -> int:
        """How many things are different from ours; a sum over the batch, of both terms, is one."""
        names = [name for one in (self.recon, self.kl) if one is not None for name in one.name]
        reductions = len(names) - max(0, names.count("batch_sum") - 1)
        return reductions + sum(a != b for a, b in zip(self.reading, own, strict=True))


def misfits(looks: Sequence[Look], found: Candidate, terms: Sequence[str], slack: float) -> dict[str, Misfit]:
    """How far a reading is off at all looks, by term."""
    return {term: misfit(pairs_of(looks, found, term), slack=slack) for term in terms}


def pairs_of(looks: Sequence[Look], found: Candidate, term: str) -> list[Pair]:
    """A term as it was logged, and as a reading has it, at each look that has both."""
    pairs = []
    for look in looks:
        ours = look.kl.get(found.reading.spread) if term == "kl" else look.recon.get(found.reading)
        logged = look.logged.get(term)
        if logged is None or ours is None:
            continue
        way = found.kl if term == "kl" else found.recon
        if way is None:
            pairs.append((logged, ours.times(look.declared[term])))
            continue
        way = _named(look.facts, term, found.reading.likelihood).get(way.name, way)
        pairs.append((logged, reduced(ours, way)))
    return pairs


@lru_cache(maxsize=256)
def _named(facts: Facts, term: str, likelihood: str) -> dict[tuple[str, ...], Reduction]:
    """Reductions by name: a beta, or a batch's size, may be another at each look."""
    ways = kl_reductions(facts) if term == "kl" else recon_reductions(facts, likelihood)
    return {one.name: one for one in ways}


def reduced(ours: Estimate, way: Reduction) -> Estimate:
    scaled = ours.times(way.factor)
    return Estimate(scaled.value + way.offset, scaled.error)


def fits(logged: Estimate, ours: Estimate, way: Reduction, slack: float) -> bool:
    return logged.agrees(reduced(ours, way), slack=slack)
