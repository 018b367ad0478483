"""Features: planted classes, clusters and neighbours."""

from __future__ import annotations

import pytest
import torch

from vaewidgets.diagnostics import cluster, linear_probe, retrieve
from vaewidgets.errors import DataError, OptionError, ShapeError


def islands(n=300, apart=8.0, seed=0):
    """Three round islands of unit width, `apart` from each other, and a dead third unit."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 3
    centres = apart * torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    noise = torch.randn(n, 3, generator=generator) * torch.tensor([1.0, 1.0, 0.0])
    return centres[labels] + noise, labels


def test_a_probe_finds_what_is_there_and_not_what_is_not():
    probe = linear_probe(*islands(), *islands(seed=1))
    assert probe.accuracy > 0.98
    assert probe.majority == pytest.approx(1 / 3)
    assert probe.confusion.sum(1).tolist() == [100, 100, 100]
    assert float(probe.confusion.diagonal().sum()) / 300 == pytest.approx(probe.accuracy)
    mixed = linear_probe(*islands(apart=0.0), *islands(apart=0.0, seed=1))
    assert mixed.accuracy < 0.45
    assert "always the largest class 33.3 %" in repr(mixed)


def test_a_class_that_was_never_shown_counts_as_missed():
    train, labels = islands()
    known = labels < 2
    probe = linear_probe(train[known], labels[known], *islands(seed=1))
    assert probe.classes == (0, 1, 2)
    assert int(probe.confusion[2, 2]) == 0
    assert probe.accuracy == pytest.approx(2 / 3, abs=0.02)


def test_clusters_are_found():
    points, labels = islands()
    found = cluster(points, labels, k=3)
    assert found.purity > 0.98
    assert found.adjusted_rand > 0.95
    assert torch.equal(cluster(points, labels, k=3).assignment, found.assignment)
    mixed = cluster(*islands(apart=0.0), k=3)
    assert abs(mixed.adjusted_rand) < 0.05
    assert repr(cluster(points, k=2)) == "Clusters(2 clusters of 300 points)"


def test_neighbours_are_the_nearest():
    points, labels = islands()
    found = retrieve(points, points, k=4, query_labels=labels, gallery_labels=labels, leave_out_self=True)
    distances = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")
    distances.fill_diagonal_(torch.inf)
    torch.testing.assert_close(found.distance, distances.sort(dim=1).values[:, :4], rtol=1e-3, atol=1e-3)
    assert found.precision > 0.99
    assert found.chance == pytest.approx(1 / 3)
    assert retrieve(points[:5], points, k=1).index.flatten().tolist() == [0, 1, 2, 3, 4]


def test_bad_input():
    points, labels = islands(30)
    with pytest.raises(DataError, match="all training labels are 0"):
        linear_probe(points, torch.zeros(30, dtype=torch.int64), points, labels)
    with pytest.raises(ShapeError, match="train has 30 points and 3 labels"):
        linear_probe(points, labels[:3], points, labels)
    with pytest.raises(DataError, match="NaN"):
        cluster(points / 0.0)
    with pytest.raises(OptionError, match="k is 31"):
        cluster(points, k=31)
    with pytest.raises(OptionError, match="from 1 to 29"):
        retrieve(points, points, k=30, leave_out_self=True)
