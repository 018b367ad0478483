"""Codes turned onto each other, against turns that are known."""

import pytest
import torch

from vaewidgets.diagnostics import turned_onto
from vaewidgets.errors import ShapeError


def turn(d: int, seed: int = 0) -> torch.Tensor:
    drawn = torch.randn(d, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return torch.linalg.qr(drawn)[0]


@pytest.mark.parametrize("d", [1, 2, 5])
def test_a_turn_is_undone(d: int) -> None:
    codes = torch.randn(40, d, dtype=torch.float64)
    torch.testing.assert_close(turned_onto(codes @ turn(d), codes), codes)


def test_no_other_turn_fits_better_and_lengths_stay() -> None:
    codes, target = torch.randn(2, 30, 3, dtype=torch.float64).unbind()
    best = turned_onto(codes, target)
    torch.testing.assert_close(best.norm(dim=1), codes.norm(dim=1))
    for seed in range(50):
        assert (codes @ turn(3, seed) - target).norm() >= (best - target).norm() - 1e-9


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ShapeError, match="expected the same"):
        turned_onto(torch.zeros(3, 2), torch.zeros(3, 4))
