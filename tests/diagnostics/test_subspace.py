"""Principal angles against planted ones and against scipy's."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.linalg import subspace_angles

from vaewidgets.diagnostics import principal_angles
from vaewidgets.errors import DataError, ShapeError


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-3, 0.5, 1.0, math.pi / 2])
def test_planted_angles(angle):
    """A plane and the same plane with one of its axes turned out of it."""
    turn = torch.linalg.qr(normal(6, 6)).Q
    a = turn[:, :2] @ normal(2, 2, seed=1)  # any basis of the plane will do
    tilted = math.cos(angle) * turn[:, 1] + math.sin(angle) * turn[:, 2]
    b = torch.stack([turn[:, 0], tilted], dim=1) @ normal(2, 2, seed=2)
    found = principal_angles(a, b)
    torch.testing.assert_close(found.radians, torch.tensor([0.0, angle]).double(), rtol=1e-6, atol=1e-13)
    assert found.largest == pytest.approx(math.degrees(angle), rel=1e-6, abs=1e-11)


@pytest.mark.parametrize(("p", "q"), [(3, 3), (2, 5), (5, 2), (7, 6)])
def test_the_same_as_scipy_says(p, q):
    a, b = normal(8, p, seed=3), normal(8, q, seed=4)
    found = principal_angles(a, b).radians
    assert len(found) == min(p, q)
    torch.testing.assert_close(found, torch.from_numpy(subspace_angles(a, b)).flip(0))
    torch.testing.assert_close(principal_angles(b, a).radians, found)


def test_text():
    text = repr(principal_angles(torch.eye(3)[:, :1].float(), torch.ones(3, 1)))
    assert text == "PrincipalAngles(1 angles in 3 dimensions, 54.74° to 54.74°)"


@pytest.mark.parametrize(
    ("a", "b", "error", "message"),
    [
        (torch.ones(3), torch.ones(3, 1), ShapeError, r"a has shape \(3,\); expected \(d, q\)"),
        (torch.ones(3, 1), torch.ones(3, 4), ShapeError, r"b has shape \(3, 4\)"),
        (torch.ones(3, 1), torch.ones(4, 1), ShapeError, "a has columns of 3 elements, b of 4"),
        (torch.ones(3, 1), torch.full((3, 1), math.inf), DataError, "b holds NaN or infinite"),
        (torch.ones(3, 2), torch.eye(3), DataError, "the 2 columns of a span 1 dimensions only"),
    ],
)
def test_bad_input(a, b, error, message):
    with pytest.raises(error, match=message):
        principal_angles(a, b)
