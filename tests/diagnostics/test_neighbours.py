"""t-SNE: groups that lie apart stay apart, and the same seed gives the same picture."""

from __future__ import annotations

import pytest
import torch

from vaewidgets.diagnostics import tsne
from vaewidgets.errors import DataError, ShapeError


def groups() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    label = torch.arange(90) % 3
    return torch.randn(90, 5, generator=generator) + 20 * torch.eye(5)[label], label


def test_groups_stay_apart_and_a_seed_fixes_the_picture() -> None:
    mu, label = groups()
    found = tsne(mu)
    assert found.shape == (90, 2)
    assert torch.equal(found, tsne(mu))
    distance = torch.cdist(found, found).fill_diagonal_(float("inf"))
    assert torch.equal(label[distance.argmin(1)], label)


def test_few_points_and_one_dimension() -> None:
    assert torch.isfinite(tsne(torch.randn(4, 2))).all()
    assert torch.isfinite(tsne(torch.randn(12, 1))).all()
    assert torch.isfinite(tsne(torch.zeros(8, 3))).all()


def test_what_cannot_be_laid_out_is_refused() -> None:
    with pytest.raises(ShapeError, match="at least 4"):
        tsne(torch.randn(3, 2))
    with pytest.raises(DataError, match="NaN"):
        tsne(torch.full((9, 2), torch.nan))
