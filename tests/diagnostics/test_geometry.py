"""A decoder's geometry against closed forms: a linear decoder, a sphere's chart, and holes between codes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.widgets.in_node import in_node
from tests.widgets.node import needs_node
from vaewidgets.diagnostics.geometry import (
    SEGMENTS,
    cell_metric,
    evenly,
    fit_spread,
    geodesic,
    lattice_path,
    length,
    magnification,
    relax,
)

EXTENT = (-1.0, 1.0, -0.5, 1.5)


def sphere(points: np.ndarray) -> np.ndarray:
    """Of radius 3, by latitude and longitude."""
    up, around = np.asarray(points).T
    return 3 * np.stack([np.cos(up) * np.cos(around), np.cos(up) * np.sin(around), np.sin(up)], axis=1)


def nodes(cells: int) -> np.ndarray:
    """Corners of a lattice over the extent, (cells + 1, cells + 1, 2)."""
    x0, x1, y0, y1 = EXTENT
    return np.stack(np.meshgrid(np.linspace(x0, x1, cells + 1), np.linspace(y0, y1, cells + 1)), axis=-1)


def straight(a: tuple[float, float], b: tuple[float, float]) -> np.ndarray:
    return evenly(np.array([a, b]))


def test_a_linear_decoder_has_one_metric_everywhere() -> None:
    matrix = np.random.default_rng(0).normal(size=(2, 7))
    metric = cell_metric(nodes(6) @ matrix, (2 / 6, 2 / 6))
    want = matrix @ matrix.T
    np.testing.assert_allclose(metric, np.broadcast_to(want.ravel()[[0, 1, 3]], (6, 6, 3)), rtol=1e-10)
    np.testing.assert_allclose(magnification(metric), np.sqrt(np.linalg.det(want)), rtol=1e-10)


def test_its_geodesic_is_the_straight_line_from_wherever_it_starts() -> None:
    matrix = np.random.default_rng(1).normal(size=(2, 7))
    want = straight((-0.5, 0.0), (0.7, 1.0))
    bent = want + np.sin(np.linspace(0, np.pi, SEGMENTS + 1))[:, None] * [0.5, -0.3]
    np.testing.assert_allclose(relax(lambda p: p @ matrix, bent, 1e-4), want, atol=1e-4)


@pytest.mark.parametrize(
    ("a", "b"), [((0.9, -1.2), (0.9, 1.2)), ((0.2, -0.4), (1.1, 0.9)), ((-1, -1), (1, 1))]
)
def test_on_a_spheres_chart_it_is_a_great_circle(a: tuple[float, float], b: tuple[float, float]) -> None:
    ends = sphere(np.array([a, b]))
    angle = np.arccos(ends[0] @ ends[1] / 9)
    path = geodesic(sphere, [straight(a, b)], 1e-4)
    assert length(sphere(path)) == pytest.approx(3 * angle, rel=0.01)
    t = np.linspace(0, 1, SEGMENTS + 1)[:, None]
    circle = (np.sin((1 - t) * angle) * ends[0] + np.sin(t * angle) * ends[1]) / np.sin(angle)
    assert np.linalg.norm(sphere(path) - circle, axis=1).max() < 0.02 * 3 * angle
    assert length(sphere(straight(a, b))) >= length(sphere(path))


def test_the_magnification_of_a_chart_is_its_area_element() -> None:
    corners = nodes(40)
    metric = cell_metric(sphere(corners.reshape(-1, 2)).reshape(*corners.shape[:2], 3), (0.05, 0.05))
    middles = (corners[:-1, :-1] + corners[1:, 1:]) / 2
    np.testing.assert_allclose(magnification(metric), 9 * np.cos(middles[..., 0]), rtol=2e-3)


def ring() -> np.ndarray:
    """Codes on a ring of radius 1, with nothing in its middle."""
    random = np.random.default_rng(0)
    angle = random.uniform(0, 2 * np.pi, 800)
    radius = 1 + 0.08 * random.normal(size=800)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def test_pixels_are_certain_at_codes_and_uncertain_away_from_them() -> None:
    spread = fit_spread(ring(), near=0.1, far=0.8)
    assert np.median(spread.sigma(ring())) == pytest.approx(0.1, rel=0.1)
    np.testing.assert_allclose(spread.sigma([[0, 0], [4, 4]]), 0.8, rtol=0.02)
    assert fit_spread(ring(), near=0.1, far=0.0).sigma([[0, 0], [1, 0]]) == pytest.approx([0.1, 0.1])


def test_paths_go_round_a_hole_where_its_uncertainty_counts() -> None:
    spread = fit_spread(ring(), near=0.1, far=0.8)

    def surface(points: np.ndarray) -> np.ndarray:
        return np.column_stack([points, 20 * spread.sigma(points)])

    corners = np.stack(np.meshgrid(np.linspace(-2, 2, 33), np.linspace(-2, 2, 33)), axis=-1)
    metric = cell_metric(surface(corners.reshape(-1, 2)).reshape(33, 33, 3), (0.125, 0.125))
    a, b = (-1.0, 0.05), (1.0, 0.05)
    line = straight(a, b)
    path = geodesic(surface, [line, lattice_path(metric, (-2, 2, -2, 2), a, b)], 1e-3)
    assert np.linalg.norm(path, axis=1).min() > 0.8, "it stays on the ring"
    assert length(surface(path)) < 0.5 * length(surface(line))


_PROGRAM = """
const at = (points) => points.map(([u, v]) => {
  const hidden = value.first.map(([a, b, c]) => Math.tanh(a * u + b * v + c));
  return value.second.map((row) => row.reduce((sum, w, i) => sum + w * hidden[i], 0));
});
const spread = lib.fitSpread(value.codes.flat(), 0.1, 0.8);
const surface = (points) => at(points).map((x, i) => [...x, 3 * lib.sigmaAt(spread, points[i])]);
const run = (search) => {
  let { done, value: wanted } = search.next();
  while (!done) ({ done, value: wanted } = search.next(surface(wanted)));
  return wanted;
};
const n = value.nodes.length - 1;
const rows = value.nodes.map(surface);
const metric = rows.slice(1).flatMap((up, j) => up.slice(1).flatMap((d, i) =>
  lib.cellMetric(rows[j][i], rows[j][i + 1], up[i], d, 2 / n, 2 / n)));
const [x0, x1, y0, y1] = value.extent;
return value.ends.map(([a, b]) => {
  const starts = [lib.evenly([a, b]), lib.latticePath(metric, n, { x0, x1, y0, y1 }, a, b)];
  const path = run(lib.geodesic(starts, 1e-4));
  const area = Array.from({ length: n * n }, (_, i) => lib.magnification(metric, i));
  return { metric, area, start: starts[1], path, length: lib.lengthOf(surface(path)),
           sigma: path.map((p) => lib.sigmaAt(spread, p)) };
});
"""


@needs_node
def test_the_page_finds_the_same_geometry() -> None:
    random = np.random.default_rng(3)
    first, second = random.normal(size=(9, 3)), random.normal(size=(6, 9))
    codes = ring()
    spread = fit_spread(codes, 0.1, 0.8)

    def surface(points: np.ndarray) -> np.ndarray:
        points = np.asarray(points)
        hidden = np.tanh(points @ first[:, :2].T + first[:, 2])
        return np.column_stack([hidden @ second.T, 3 * spread.sigma(points)])

    ends = [((-0.9, 0.1), (0.8, 0.9)), ((-1.4, -0.9), (0.2, 1.7)), ((0.1, 0.1), (0.12, 0.1))]
    sent = {
        "first": first,
        "second": second,
        "codes": codes,
        "nodes": nodes(16),
        "extent": EXTENT,
        "ends": ends,
    }
    found = in_node("maths/geometry.js", _PROGRAM, {k: np.asarray(v).tolist() for k, v in sent.items()})
    corners = nodes(16)
    metric = cell_metric(surface(corners.reshape(-1, 2)).reshape(17, 17, -1), (2 / 16, 2 / 16))
    for (a, b), got in zip(ends, found, strict=True):
        start = lattice_path(metric, EXTENT, a, b)
        path = geodesic(surface, [straight(a, b), start], 1e-4)
        np.testing.assert_allclose(got["metric"], metric.ravel(), rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(got["area"], magnification(metric).ravel(), rtol=1e-6)
        np.testing.assert_allclose(got["start"], start, atol=1e-9)
        np.testing.assert_allclose(got["path"], path, atol=1e-6)
        np.testing.assert_allclose(got["sigma"], spread.sigma(path), rtol=1e-6)
        assert got["length"] == pytest.approx(length(surface(path)), rel=1e-8)
        assert got["length"] <= length(surface(straight(a, b)))
