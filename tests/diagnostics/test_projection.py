"""The latent plane: principal axes, their inverse, their steadiness between frames."""

from __future__ import annotations

import dataclasses
import math
import time

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from vaewidgets.diagnostics import prior_circle, project
from vaewidgets.diagnostics.projection import principal_axes
from vaewidgets.errors import DataError, ShapeError


def cloud(n=400, d=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    scales = torch.tensor([3.0, 2.0, 0.5, 0.2, 0.1, 0.05])[:d]
    turn, _ = torch.linalg.qr(torch.randn(d, d, generator=generator))
    return (torch.randn(n, d, generator=generator) * scales) @ turn + torch.arange(d)


def test_pca_equals_scikit_learn():
    mu = cloud()
    seen = project(mu)
    pca = PCA(2).fit(mu.double().numpy())
    np.testing.assert_allclose(np.abs(seen.components.numpy() @ pca.components_.T), np.eye(2), atol=1e-6)
    np.testing.assert_allclose(seen.explained, pca.explained_variance_ratio_, rtol=1e-6)
    np.testing.assert_allclose(seen.mean, mu.double().mean(0))
    assert (seen.mode, seen.axes, seen.points.shape) == ("pca", ("PCA 1", "PCA 2"), (400, 2))
    assert repr(seen).startswith("Projection(pca, 400 points of 6 dimensions, ")


@pytest.mark.parametrize("d", [1, 2, 3, 6])
def test_to_latent_inverts_on_the_plane(d):
    seen = project(cloud(d=d))
    u = torch.tensor([[0.5, -1.0], [2.0, 3.0]])
    if d == 1:
        u[:, 1] = 0  # a line has no second coordinate
    else:
        torch.testing.assert_close(seen.components @ seen.components.T, torch.eye(2).double())
    z = seen.to_latent(u)
    assert z.shape == (2, d)
    torch.testing.assert_close(seen.to_plane(z), u.double())
    torch.testing.assert_close(seen.to_plane(cloud(d=d)), seen.points)
    if d <= 2:
        torch.testing.assert_close(z, u[:, :d].double())


def test_two_dimensions_are_shown_as_they_are():
    mu = cloud(d=2)
    seen = project(mu, previous=project(-mu))
    assert (seen.mode, seen.axes) == ("direct", ("z1", "z2"))
    torch.testing.assert_close(seen.points, mu.double())
    assert prior_circle(seen) == ((0.0, 0.0), (1.0, 2.0))
    assert float(seen.explained.sum()) == pytest.approx(1.0)


def test_one_dimension_is_a_line():
    mu = cloud(d=1)
    seen = project(mu)
    assert (seen.mode, seen.axes[0]) == ("line", "z1")
    torch.testing.assert_close(seen.points, torch.cat([mu, torch.zeros_like(mu)], 1).double())
    assert seen.explained.tolist() == pytest.approx([1.0, 0.0])


def test_axes_follow_the_previous_frame():
    mu = cloud()
    before = project(mu)
    flipped = project(mu @ torch.diag(torch.tensor([1.0, -1, 1, 1, 1, 1])))  # some other orientation
    torch.testing.assert_close(project(mu, previous=before).components, before.components)
    # a frame turned by any angle or mirrored within its plane is taken up exactly
    for angle, mirror in ((0.7, 1.0), (2.9, -1.0), (math.pi, 1.0)):
        c, s = math.cos(angle), math.sin(angle)
        turn = torch.tensor([[c, -s], [mirror * s, mirror * c]], dtype=torch.float64)
        turned = dataclasses.replace(before, components=turn @ before.components)
        seen = project(mu, previous=turned)
        torch.testing.assert_close(seen.components, turned.components)
        torch.testing.assert_close(seen.explained.sum(), before.explained.sum())
        torch.testing.assert_close(
            seen.explained, seen.points.var(0, correction=0) / mu.double().var(0, correction=0).sum()
        )
    assert not torch.allclose(flipped.components, before.components)


def test_axes_do_not_jump_when_two_variances_cross():
    generator = torch.Generator().manual_seed(3)
    base = torch.randn(2000, 3, generator=generator)
    previous, largest = None, 0.0
    for share in np.linspace(-0.2, 0.2, 21):
        scales = torch.tensor([2.0 + share, 2.0 - share, 0.1], dtype=torch.float32)
        seen = project(base * scales, previous=previous)
        if previous is not None:
            largest = max(largest, float((seen.points - previous.points).abs().max()))
        previous = seen
    assert largest < 0.2, "the frames jump"


def test_prior_is_seen_from_the_mean():
    mu = cloud()
    seen = project(mu)
    center, radii = prior_circle(seen)
    np.testing.assert_allclose(center, -(seen.mean @ seen.components.T))
    assert radii == (1.0, 2.0)
    draws = seen.to_plane(torch.randn(20000, 6, generator=torch.Generator().manual_seed(0)))
    np.testing.assert_allclose(draws.mean(0), center, atol=0.03)
    np.testing.assert_allclose(draws.std(0), [1.0, 1.0], atol=0.02)


def test_degenerate_clouds_have_a_plane_too():
    for mu in (torch.ones(1, 5), torch.zeros(10, 3)):
        seen = project(mu, previous=project(cloud(d=mu.shape[1])))
        torch.testing.assert_close(seen.components @ seen.components.T, torch.eye(2).double())
        assert seen.explained.tolist() == [0.0, 0.0]
        assert bool(torch.isfinite(seen.points).all())


def test_bad_input():
    with pytest.raises(ShapeError, match=r"mu has shape \(3,\)"):
        project(torch.zeros(3))
    with pytest.raises(ShapeError, match="each at least 1"):
        project(torch.zeros(0, 2))
    with pytest.raises(DataError, match="NaN or infinite"):
        project(torch.full((2, 3), math.nan))
    with pytest.raises(ShapeError, match="previous has 6 dimensions, mu has 3"):
        project(torch.zeros(2, 3), previous=project(cloud()))
    with pytest.raises(ShapeError, match=r"expected \(\.\.\., 2\)"):
        project(cloud()).to_latent(torch.zeros(3))
    with pytest.raises(ShapeError, match=r"expected \(\.\.\., 6\)"):
        project(cloud()).to_plane(torch.zeros(3))


@pytest.mark.parametrize("shape", [(400, 600), (40, 900)], ids=["iterated", "fewer points than dimensions"])
def test_the_axes_of_hundreds_of_latents_are_those_of_the_covariance(shape):
    mu = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    mu[:, 0] *= 9
    mu[:, 1] *= 6
    projection = project(mu)
    variances, vectors = torch.linalg.eigh(torch.cov(mu.T, correction=0))
    overlap = (projection.components @ vectors[:, [-1, -2]]).abs()
    torch.testing.assert_close(overlap, torch.eye(2, dtype=torch.float64), rtol=0, atol=1e-3)
    torch.testing.assert_close(projection.explained, variances[[-1, -2]] / variances.sum(), rtol=1e-4, atol=0)


def test_the_axes_of_thousands_of_latents_take_a_moment():
    mu = torch.randn((500, 4096), generator=torch.Generator().manual_seed(0))
    start = time.process_time()
    project(mu)
    assert time.process_time() - start < 5  # all axes of 4096 latents take half a minute


@pytest.mark.parametrize("shape", [(300, 20), (60, 400), (400, 600), (60, 900), (20, 900)])
def test_many_axes_are_those_of_the_covariance(shape):
    k = min(32, shape[1])
    generator = torch.Generator().manual_seed(0)
    falling = 0.8 ** torch.arange(shape[1], dtype=torch.float64)
    mu = torch.randn(shape, generator=generator, dtype=torch.float64) * falling
    mu -= mu.mean(0)
    rows = principal_axes(mu, k)
    torch.testing.assert_close(rows @ rows.T, torch.eye(k, dtype=torch.float64))
    wanted = torch.linalg.svdvals(mu)[:k]
    found = (mu @ rows.T).square().sum(0).sqrt()[: len(wanted)]
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-6)
    leading = torch.linalg.svd(mu, full_matrices=False).Vh[:3]
    torch.testing.assert_close(rows[:3].abs(), leading.abs(), rtol=0, atol=1e-2)
    assert (rows.gather(1, rows.abs().argmax(1, keepdim=True)) > 0).all()
