"""What the auditor says of factors that are none of the usual ones, and of losses that are nearly another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.diagnostics.test_audit import OWN, SQUARE, SQUARED, looks, near
from vaewidgets.diagnostics.audit import audit
from vaewidgets.diagnostics.audit.estimate import Estimate
from vaewidgets.diagnostics.audit.factors import common_factor


def looks_at_two_kinds(logged, entropy, square):
    """Looks at a loop that logs these recons, with the cross-entropies and squared errors of its model."""
    seen = looks(of=logged)
    for look, e, s in zip(seen, entropy, square, strict=True):
        look.recon.update({OWN: near(e), SQUARED: near(s)})
    return seen


@pytest.mark.parametrize("factor", [10.0, 0.07])
def test_ten_times_a_squared_error_is_no_half_of_a_cross_entropy_that_is_near(factor):
    square = (800.0, 480.0, 430.0)
    near_half = [2 * factor * s * off for s, off in zip(square, (0.8, 0.9, 1.05), strict=True)]
    found = audit(looks_at_two_kinds([factor * s for s in square], near_half, square))
    assert found.verdict == "misread", found
    assert f"multiplied by about {factor:g}" in found.words
    line = f'likelihood="squared_error", losses=vw.LossConvention(recon_factor={factor:g})'
    assert found.code == f"vw.attach(model, data, {line})"
    # nor is it said for sure while neither changes
    square, half = (530.0, 520.0, 515.0), [0.9 * 2 * factor * s for s in (530.0, 520.0, 515.0)]
    found = audit(looks_at_two_kinds([factor * s for s in square], half, square))
    assert found.verdict == "ambiguous", found
    assert "recon_factor=0.5" in found.code
    assert f"recon_factor={factor:g})" in found.code


def test_a_factor_that_no_reading_is_near_is_found_once_recon_has_changed():
    found = audit(looks(recon=0.07))
    assert found.code == "vw.attach(model, data, losses=vw.LossConvention(recon_factor=0.07))"
    assert audit(looks(recon=0.07, of=(400.0, 390.0, 370.0))).verdict == "unexplained"


@pytest.mark.parametrize(("noise", "factor"), [(0.05, 10.0), (0.005, 9.4)])
def test_of_factors_that_noise_does_not_tell_apart_the_power_of_ten_is_named(noise, factor):
    def estimate(value):
        return Estimate(value, noise * value)

    pairs = [(estimate(9.4 * size), estimate(size)) for size in (800.0, 480.0, 430.0)]
    assert common_factor(pairs) == factor


@pytest.mark.parametrize(
    ("logged", "small", "verdict", "line"),
    [
        (
            0.5,
            0.5,
            "ambiguous",
            'likelihood="own") or vw.attach(model, data, losses=vw.LossConvention(recon_f',
        ),
        (0.5, 0.3, "misread", "vw.attach(model, data, losses=vw.LossConvention(recon_factor=0.5))"),
        (0.3, 0.3, "misread", 'vw.attach(model, data, likelihood="own")'),
    ],
)
def test_half_a_squared_error_and_a_log_cosh_are_told_apart_by_large_errors(logged, small, verdict, line):
    seen = [
        replace(
            look,
            own=SQUARED,
            recon={SQUARED: near(s), SQUARED._replace(likelihood="log_cosh"): near(small * s)},
        )
        for look, s in zip(looks(logged, of=SQUARE), SQUARE, strict=True)
    ]
    found = audit(seen)
    assert found.verdict == verdict, found
    assert line in found.code
    assert found.is_of_model == ("own" in line)
