"""Factors on a term that are none of the usual ones, and the same at all looks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from vaewidgets.diagnostics.audit.fits import Candidate, misfits
from vaewidgets.diagnostics.audit.grid import Reduction
from vaewidgets.diagnostics.audit.look import LOG_COSH, Look
from vaewidgets.diagnostics.audit.pooled import Misfit, Pair, misfit

FEWEST = 3  # looks
MOVED = 1.5  # what a term must have changed by to tell a factor on it from another term


def unless_some_factor(seen: list[Look], found: list[Candidate]) -> list[Candidate]:
    """A reading whose recon is only near is no more likely than others that some number makes exact."""
    if len(found) != 1 or found[0].recon is None:
        return found
    is_plain = not found[0].recon.name and found[0].reading[1:] == seen[-1].own[1:]
    if is_plain or misfits(seen, found[0], ("recon",), 0.0)["recon"].is_small:
        return found
    pair = found[0].reading[1:]
    exact = {one.reading[1:]: one for one, _ in times_some_number(seen, found[0])}
    rivals = [one for other, one in exact.items() if other != pair]
    return [*found, *rivals] if pair in exact else rivals or found


def times_some_number(seen: list[Look], base: Candidate) -> Iterator[tuple[Candidate, bool]]:
    """`base` with a recon that some number makes exact at all looks, and whether it has changed enough."""
    for reading in seen[-1].recon:
        if reading.spread != base.reading.spread or reading.likelihood == LOG_COSH:
            continue
        pairs = [
            (look.logged["recon"], look.recon[reading])
            for look in seen
            if "recon" in look.logged and reading in look.recon
        ]
        sizes = [ours.value for _, ours in pairs]
        factor = common_factor(pairs)
        if factor is None or not min(sizes) > 0:
            continue
        size, sign = abs(factor), -1 if factor < 0 else 1
        words = (
            f"multiplied by about {size:g}",
            *(("negative, as a log-likelihood is",) if sign < 0 else ()),
        )
        options = (("recon_factor", size), *((("recon_sign", -1),) if sign < 0 else ()))
        way = Reduction(("factor",), factor, words, options)
        yield base._replace(reading=reading, recon=way), max(sizes) >= MOVED * min(sizes)


def common_factor(pairs: Sequence[Pair]) -> float | None:
    """What makes ours the logged values at all looks, up to noise: a power of ten, or in few digits."""
    if len(pairs) < FEWEST:
        return None
    exact = float(np.median([logged.value / ours.value for logged, ours in pairs if ours.value] or [0.0]))

    def of(factor: float) -> Misfit:
        return misfit((logged, ours.times(factor)) for logged, ours in pairs)

    if exact == 0 or not math.isfinite(exact) or not of(exact).is_small:
        return None
    power = math.copysign(10.0 ** round(math.log10(abs(exact))), exact)  # what loops are written with
    short, longer = (float(f"{exact:.{digits}g}") for digits in (1, 2))
    return next((one for one in (power, short) if of(one).is_small), longer)
