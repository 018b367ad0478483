"""The mutual information gap on codes whose gap is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vaewidgets.data import load_dataset
from vaewidgets.diagnostics import mutual_information_gap
from vaewidgets.errors import DataError, OptionError, ShapeError

SIZES = (3, 6, 30)  # the last has more values than there are bins


@pytest.fixture(scope="module")
def factors():
    """Every combination ten times: factors that are exactly independent."""
    grid = torch.cartesian_prod(*(torch.arange(size) for size in SIZES))
    return grid.repeat(10, 1)


def test_identity_codes_have_a_gap_of_1(factors):
    found = mutual_information_gap(factors.double(), factors)
    torch.testing.assert_close(found.gaps, torch.ones(3).double())
    torch.testing.assert_close(found.entropy, torch.tensor(SIZES).double().log())
    assert found.mig == pytest.approx(1)
    assert found.best == (0, 1, 2)


def test_order_sign_scale_and_dead_units_do_not_matter(factors):
    noise = torch.randn(len(factors), 1, generator=torch.Generator().manual_seed(0)) * 1e-3
    codes = torch.stack([-0.1 * factors[:, 2], 5 + factors[:, 0] ** 3, factors[:, 1].exp()], dim=1)
    found = mutual_information_gap(torch.cat([codes, torch.zeros_like(noise), noise], dim=1), factors.numpy())
    assert found.best == (1, 2, 0)
    assert found.mig == pytest.approx(1, abs=0.05)  # the noise seems to know a little, of a finite sample


def test_constant_codes_have_a_gap_of_0(factors):
    found = mutual_information_gap(torch.full((len(factors), 4), 0.3), factors)
    assert found.gaps.tolist() == [0, 0, 0]
    assert float(found.mi.abs().max()) == 0


def test_duplicated_codes_have_a_gap_of_0(factors):
    found = mutual_information_gap(torch.cat([factors, -2.0 * factors], dim=1), factors)
    torch.testing.assert_close(found.gaps, torch.zeros(3).double(), atol=1e-12, rtol=0)
    torch.testing.assert_close(found.mi[:, :3].diagonal(), found.entropy)


def test_half_a_gap():
    """One dimension holds two bits, another one of them: (2 − 1) / 2."""
    factor = torch.arange(4).repeat(100)[:, None]
    codes = torch.cat([factor, factor // 2], dim=1).double()
    found = mutual_information_gap(codes, factor)
    assert found.mig == pytest.approx(0.5)
    torch.testing.assert_close(found.mi, torch.tensor([[math.log(4), math.log(2)]]).double())


def test_one_dimension_stands_against_nothing():
    factor = torch.arange(4).repeat(100)[:, None]
    assert mutual_information_gap(factor.double(), factor).mig == pytest.approx(1)


def test_continuous_codes_are_cut_into_bins():
    """A uniform code tells two halves apart: ln 2; and noise over both tells nothing."""
    code = torch.linspace(0, 1, 2000).double()
    half = (code > 0.5).long()[:, None]
    found = mutual_information_gap(torch.stack([code, code[torch.randperm(2000)]], dim=1), half, bins=10)
    assert found.mi[0, 0] == pytest.approx(math.log(2), abs=1e-3)
    assert found.mi[0, 1] < 9 / 2000  # the bias of a table of 10 x 2 is about (10 − 1) / 2n
    assert found.best == (0,)


def test_text(factors):
    found = mutual_information_gap(factors.double(), factors, names=("shape", "scale", "turn"))
    assert repr(found).startswith(
        "MutualInformationGap(1.000: shape 1.000 (z₁), scale 1.000 (z₂), turn 1.000"
    )
    assert "note: 50 images for 20 bins" in repr(
        mutual_information_gap(factors[:50].double(), factors[:50, 1:])
    )


@pytest.mark.parametrize(
    ("codes", "factors", "options", "error", "message"),
    [
        (torch.zeros(4), torch.zeros(4, 1), {}, ShapeError, r"codes has shape \(4,\)"),
        (torch.zeros(4, 2), torch.zeros(5, 1), {}, ShapeError, "with the same n"),
        (torch.zeros(4, 2), torch.arange(4)[:, None], {"bins": 1}, OptionError, "bins is 1"),
        (
            torch.zeros(4, 2),
            torch.arange(4)[:, None],
            {"names": ["a", "b"]},
            ShapeError,
            "2 names for 1 factors",
        ),
        (torch.full((4, 2), math.nan), torch.arange(4)[:, None], {}, DataError, "diverged"),
        (
            torch.zeros(4, 2),
            np.linspace(0, 1, 4)[:, None],
            {},
            DataError,
            "'factor 1' holds numbers that are",
        ),
        (torch.zeros(4, 2), torch.ones(4, 1), {}, DataError, "'factor 1' has the same value for all"),
    ],
)
def test_bad_input(codes, factors, options, error, message):
    with pytest.raises(error, match=message):
        mutual_information_gap(codes, factors, **options)


def test_drawn_shapes_tell_their_own_factors():
    """On the data that it is for: factors as codes, and again turned by 45° in the plane of x and y."""
    data = load_dataset("shapes", n_train=4000, n_test=1)
    known = data.train.factors
    names = data.factor_names
    codes = known.double()
    upright = mutual_information_gap(codes, known, names=names)
    assert upright.mig > 0.97  # independent up to the choice of 4,000 combinations
    turned = codes.clone()
    turned[:, 3], turned[:, 4] = codes[:, 3] + codes[:, 4], codes[:, 3] - codes[:, 4]
    gaps = mutual_information_gap(turned, known, names=names).gaps
    assert float(gaps[:3].min()) > 0.97
    assert float(gaps[3:].max()) < 0.05
