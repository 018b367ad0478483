"""Two estimates of a gradient: the page's numbers against closed forms, torch and the printed figure."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.widgets.in_node import in_node, needs_node
from vaewidgets.contract.random import normals, uniforms
from vaewidgets.errors import OptionError
from vaewidgets.figures.concepts import gradient_estimates

PLACES = [(0.5, 1.2), (-2.0, 0.3), (0.0, 1.0), (3.0, 3.0)]
F = {"square": torch.square, "sine": torch.sin, "cube": lambda z: z**3}


def exact(f: str, mu: float, sigma: float) -> list[float]:
    """By Gauss and Hermite's quadrature and torch's gradient."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    at = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (mu, sigma)]
    mean = (torch.tensor(weights) * F[f](at[0] + at[1] * torch.tensor(nodes))).sum() / np.sqrt(2 * np.pi)
    return [float(part) for part in torch.autograd.grad(mean, at)]


@pytest.mark.parametrize("f", list(F))
def test_the_exact_gradient_is_torchs(f: str) -> None:
    for mu, sigma in PLACES:
        widget = vw.ReparameterizationDemo(mu, sigma, f=f)
        assert widget.gradient == pytest.approx(exact(f, mu, sigma), rel=1e-9, abs=1e-9)
        widget.close()


def test_the_gradient_of_a_step_is_that_of_the_normal_cdf() -> None:
    for mu, sigma in PLACES:
        at = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (mu, sigma)]
        wanted = torch.autograd.grad(torch.special.ndtr(at[0] / at[1]), at)
        widget = vw.ReparameterizationDemo(mu, sigma, f="step")
        assert widget.gradient == pytest.approx([float(part) for part in wanted])
        widget.close()


@needs_node
def test_the_page_knows_the_same_exact_values() -> None:
    for f in (*F, "step"):
        got = in_node(
            "widgets/reparameterization_demo/gradients.js",
            f"return value.map(([m, s]) => lib.TARGETS.{f}.exact(m, s))",
            PLACES,
        )
        for (mu, sigma), both in zip(PLACES, got, strict=True):
            assert both == pytest.approx(list(vw.ReparameterizationDemo(mu, sigma, f=f).gradient), rel=1e-12)


@needs_node
def test_both_ways_are_unbiased_and_the_spreads_are_those_of_closed_forms() -> None:
    body = (
        "return value.map(([mu, sigma]) => ['path', 'score'].map((way) => ['mu', 'sigma'].map((by) =>"
        " lib.ofOneDraw(lib.TARGETS.square, way, by, {mu, sigma}))))"
    )
    for (mu, sigma), (path, score) in zip(
        PLACES, in_node("widgets/reparameterization_demo/gradients.js", body, PLACES), strict=True
    ):
        for way in (path, score):
            assert [one["mean"] for one in way] == pytest.approx([2 * mu, 2 * sigma], rel=1e-6, abs=1e-9)
        # Var[2z] = 4 sigma²; Var[2z eps] = 4 (mu² + 2 sigma²)
        assert path[0]["sd"] == pytest.approx(2 * sigma, rel=1e-6)
        assert path[1]["sd"] == pytest.approx(2 * np.sqrt(mu**2 + 2 * sigma**2), rel=1e-6)
        # E[(z² eps / sigma)²] = (mu⁴ + 18 mu² sigma² + 15 sigma⁴) / sigma²
        second = (mu**4 + 18 * mu**2 * sigma**2 + 15 * sigma**4) / sigma**2
        assert score[0]["sd"] == pytest.approx(np.sqrt(second - 4 * mu**2), rel=1e-5)
        assert score[0]["sd"] > path[0]["sd"]


@needs_node
def test_a_jump_has_no_path() -> None:
    got = in_node(
        "widgets/reparameterization_demo/gradients.js",
        "return lib.ofOneDraw(lib.TARGETS.step, 'path', 'mu', {mu: 0, sigma: 1})",
    )
    assert got == {"mean": 0, "sd": 0}
    got = in_node(
        "widgets/reparameterization_demo/gradients.js",
        "return lib.ofOneDraw(lib.TARGETS.step, 'score', 'mu', {mu: 0.2, sigma: 1})",
    )
    assert got["mean"] == pytest.approx(vw.ReparameterizationDemo(0.2, 1.0, f="step").gradient[0], rel=1e-3)


@needs_node
def test_the_page_and_the_figure_draw_the_same_numbers() -> None:
    for seed in (0, 1, 99_999):
        page = in_node(
            "contract/random.js",
            "return [Array.from(lib.normals(7, value)), [0,1,2].map(lib.uniforms(value))]",
            seed,
        )
        np.testing.assert_array_equal(page[0], normals(7, seed))
        np.testing.assert_array_equal(page[1], uniforms(seed, 3))
    widget = vw.ReparameterizationDemo(0.7, 1.3, samples=8, seed=3)
    body = (
        "return Array.from(lib.estimates(lib.TARGETS.square, 'score', 'sigma', {mu: 0.7, sigma: 1.3},"
        " Float64Array.from(value), 8))"
    )
    page = in_node("widgets/reparameterization_demo/gradients.js", body, normals(80, 3).tolist())
    np.testing.assert_allclose(page, gradient_estimates(widget.view)["sigma"]["score"][:10], rtol=1e-9)


def test_the_draws_are_normal() -> None:
    eps = normals(40_000, 5)
    assert abs(eps.mean()) < 0.02
    assert abs(eps.std() - 1) < 0.02
    assert abs((eps**4).mean() - 3) < 0.2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"f": "sin"}, "Did you mean 'sine'"),
        ({"samples": 0}, "expected a whole number from 1 to 256"),
        ({"samples": 2.5}, "expected a whole number"),
        ({"sigma": -1}, "sigma is -1"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options: dict, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        vw.ReparameterizationDemo(**options)


def test_the_figure_marks_the_exact_values() -> None:
    figure = vw.ReparameterizationDemo(0.5, 1.2).figure()
    marks = [line.get_xdata()[0] for axes in figure.axes for line in axes.lines if line.get_gid() == "exact"]
    assert marks == [1.0, 2.4]
