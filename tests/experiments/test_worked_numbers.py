"""Experiment E's arithmetic, against values worked out here by other means."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from vaewidgets.experiments import e_lecture
from vaewidgets.experiments.e_lecture import kl_of, worked_numbers


@pytest.mark.parametrize(("mu", "sigma"), [(0.0, 1.0), (1.5, 1.0), (0.0, 3.0), (0.0, 0.3), (-0.8, 0.7)])
def test_kl_is_that_of_torch(mu: float, sigma: float) -> None:
    double = torch.float64
    wanted = kl_divergence(
        Normal(torch.tensor(mu, dtype=double), torch.tensor(sigma, dtype=double)),
        Normal(torch.tensor(0.0, dtype=double), torch.tensor(1.0, dtype=double)),
    )
    assert kl_of(mu, sigma) == pytest.approx(float(wanted), abs=1e-12)


def test_the_disagreements_are_those_known_and_no_others() -> None:
    missed = [row.what for row in worked_numbers() if row.verdict == "missed"]
    assert sorted(missed) == sorted(e_lecture._KNOWN)


def test_the_ranking_is_by_the_value_and_says_where_a_narrow_posterior_becomes_the_dearest() -> None:
    row = next(row for row in worked_numbers() if row.what == "ranking by KL")
    assert row.obtained == "(0, 1) < (0, 0.3) < (1.5, 1) < (0, 3)"
    assert "0.000, 0.749, 1.125, 2.901" in row.remark
    # ½ (s² − ln s² − 1) = KL of (0, 3) at s = 0.0334
    assert kl_of(0, 0.033) > kl_of(0, 3) > kl_of(0, 0.034)
    assert "sigma = 0.033" in row.remark


def test_the_total_is_told_unrounded() -> None:
    row = next(row for row in worked_numbers() if row.what == "k = 4: total")
    wanted = sum(0.5 * (m * m + s * s - 2 * math.log(s) - 1) for m, s in e_lecture._FOUR)
    assert row.obtained == pytest.approx(wanted, abs=1e-12)
    assert row.remark == "1.8952 unrounded"
