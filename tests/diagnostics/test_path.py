"""Paths: the two ways between points, and verdicts on planted ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tests.diagnostics.planted import axes, blobs, linear_vae
from vaewidgets.diagnostics import interpolate, judge_path, lerp, nearest_class, path_between, slerp
from vaewidgets.errors import OptionError, ShapeError


def fade(way):
    """Images along the way from one pixel to another; `way` from 0 to 1 says how far."""
    way = torch.as_tensor(way, dtype=torch.float32)
    images = torch.zeros(len(way), 1, 2, 2)
    images[:, 0, 0, 0], images[:, 0, 1, 1] = 1 - way, way
    return images


def test_lerp_and_slerp():
    a, b = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])
    torch.testing.assert_close(lerp(a, b, 3), torch.tensor([[2.0, 0.0], [1.0, 1.0], [0.0, 2.0]]))
    arc = slerp(a, b, 5)
    torch.testing.assert_close(arc.norm(dim=1), torch.full((5,), 2.0))
    angles = torch.atan2(arc[:, 1], arc[:, 0])
    torch.testing.assert_close(angles, torch.linspace(0, math.pi / 2, 5))
    torch.testing.assert_close(slerp(a, 3 * b, 3)[1].norm(), torch.tensor(4.0))


@pytest.mark.parametrize("factor", [2.0, -1.0, 0.0, 1.0])
def test_slerp_on_one_line_is_lerp(factor):
    a = torch.tensor([1.0, 2.0])
    torch.testing.assert_close(slerp(a, factor * a, 4), lerp(a, factor * a, 4))


def test_constant_speed_is_smooth():
    verdict = judge_path(fade(np.linspace(0, 1, 21)))
    assert verdict.verdict == "smooth"
    assert verdict.half_width == pytest.approx(0.5, abs=1e-6)
    assert verdict.stretch == pytest.approx(1.0, abs=1e-6)
    torch.testing.assert_close(verdict.step_sizes, torch.full((20,), math.sqrt(2) / 20).double())


@pytest.mark.parametrize("n", [21, 41, 201])
@pytest.mark.parametrize(("slope", "expected"), [(5, "smooth"), (7, "smooth"), (12, "jump"), (100, "jump")])
def test_a_logistic_step_is_a_jump_if_steep(n, slope, expected):
    t = np.linspace(0, 1, n)
    verdict = judge_path(fade(1 / (1 + np.exp(-slope * (t - 0.5)))))
    assert verdict.verdict == expected
    if n > 100 and slope == 12:  # its half-width in closed form: from σ = ¼ to σ = ¾
        assert verdict.half_width == pytest.approx(2 * math.log(3) / slope, rel=0.05)


def test_other_classes_on_the_way_are_a_detour():
    images = fade(np.linspace(0, 1, 20))
    verdict = judge_path(images, classes=[3] * 8 + [5] * 4 + [8] * 8)
    assert verdict.verdict == "detour"
    assert verdict.passes_through == (3, 5, 8)
    assert verdict.foreign_share == pytest.approx(0.2)
    assert "classes 3 → 5 → 8" in repr(verdict)
    assert judge_path(images, classes=[3] * 10 + [8] * 10).verdict == "smooth"
    # one image of doubt on the border is none
    assert judge_path(images, classes=[3] * 10 + [5] + [8] * 9).verdict == "smooth"


def test_the_true_classes_of_the_ends_count():
    images = fade(np.linspace(0, 1, 20))
    assert judge_path(images, classes=[5] * 10 + [8] * 10, ends=(3, 8)).verdict == "detour"


def test_a_way_round_is_a_detour_without_classes():
    angle = np.linspace(0, 1.8 * np.pi, 60)
    images = torch.zeros(60, 1, 1, 2)
    images[:, 0, 0, 0], images[:, 0, 0, 1] = torch.tensor(np.cos(angle)), torch.tensor(np.sin(angle))
    verdict = judge_path(images)
    assert verdict.verdict == "detour"
    assert verdict.stretch == pytest.approx(1.8 * np.pi / (2 * np.sin(0.9 * np.pi)), rel=1e-3)


def test_a_path_that_does_not_move():
    verdict = judge_path(torch.zeros(5, 1, 2, 2))
    assert (verdict.verdict, verdict.half_width, verdict.stretch) == ("smooth", 0.5, 1.0)


def test_density_under_the_prior_and_the_empty_middle():
    d = 16
    a, b = torch.full((d,), 1.0), torch.full((d,), 1.0)
    b[::2] = -1.0  # at right angles, both on the shell
    images = fade(np.linspace(0, 1, 11))
    line, arc = (judge_path(images, z=interpolate(a, b, 11, kind)) for kind in ("lerp", "slerp"))
    expected = torch.distributions.Normal(0.0, 1.0).log_prob(lerp(a, b, 11)).sum(1)
    torch.testing.assert_close(line.log_prior, expected.double())
    assert float(line.radius[5]) == pytest.approx(math.sqrt(0.5), rel=1e-5)
    assert "empty middle" not in repr(line)  # 0.71 sqrt(d) is not out of the ordinary
    assert float(arc.radius.min()) == pytest.approx(1.0, rel=1e-5)
    through = judge_path(images, z=lerp(a, -a, 11))
    assert "crosses the empty middle" in repr(through)


def test_between_two_points_of_a_model():
    x, labels = blobs(300), torch.zeros(300, dtype=torch.int64)
    z = x.flatten(1) @ axes().T
    labels[z[:, 0] > 0] = 1
    a, b = torch.tensor([-2.0, 0.0]), torch.tensor([2.0, 0.0])
    verdict = path_between(linear_vae(), a, b, classify=nearest_class(x, labels))
    assert (verdict.verdict, verdict.passes_through) == ("smooth", (0, 1))
    assert len(verdict.images) == 33


def test_nearest_class_is_the_nearest():
    x = blobs(50)
    labels = torch.arange(50)
    assert torch.equal(nearest_class(x, labels)(x + 1e-4), labels)


def test_bad_input():
    a = torch.zeros(2)
    with pytest.raises(OptionError, match="kind is 'line'"):
        interpolate(a, a, 5, "line")
    with pytest.raises(OptionError, match="n is 1"):
        lerp(a, a, 1)
    with pytest.raises(ShapeError, match="the ends have shapes"):
        slerp(a, torch.zeros(3), 5)
    with pytest.raises(ShapeError, match="n at least 3"):
        judge_path(torch.zeros(2, 1, 2, 2))
    with pytest.raises(ShapeError, match="classes has 2 entries for 3 images"):
        judge_path(torch.zeros(3, 1, 2, 2), classes=[0, 1])


def test_rounding_along_a_path_that_stands_still_is_no_jump() -> None:
    image = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    images = image.repeat(5, 1, 1, 1)
    images[3] += 1e-7  # as the rows of one batch differ
    verdict = judge_path(images)
    assert (verdict.verdict, verdict.half_width, verdict.stretch) == ("smooth", 0.5, 1.0)
