"""The KL of two Gaussians: in Python, in the page, against torch."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

import vaewidgets as vw
from tests.widgets.in_node import in_node, needs_node
from vaewidgets.errors import OptionError
from vaewidgets.objectives import shift_cost, spread_cost

GAUSSIANS = [(0.0, 1.0), (1.0, 1.0), (0.0, 2.0), (1.0, 0.5), (-4.0, 0.03), (1.5, 5.0), (0.0, 1.0 + 1e-6)]
PAIRS = list(itertools.product(GAUSSIANS, GAUSSIANS))


def torch_kl(q: tuple[float, float], p: tuple[float, float]) -> float:
    one, other = (Normal(*map(lambda v: torch.tensor(v, dtype=torch.float64), of)) for of in (q, p))
    return float(kl_divergence(one, other))


def test_the_kl_is_torchs_and_the_sum_of_its_parts() -> None:
    for (mu, sigma), (m, s) in PAIRS:
        widget = vw.KLPlayground(mu, sigma, prior_mu=m, prior_sigma=s)
        assert widget.kl == pytest.approx(torch_kl((mu, sigma), (m, s)), rel=1e-9, abs=1e-12)
        assert widget.kl == widget.shift + widget.spread
        widget.close()


def test_against_the_standard_normal_the_parts_are_those_of_the_loss() -> None:
    for mu, sigma in GAUSSIANS:
        widget = vw.KLPlayground(mu, sigma)
        values = torch.tensor([mu, 2 * np.log(sigma)], dtype=torch.float64)
        assert widget.shift == pytest.approx(float(shift_cost(values[0])), abs=1e-15)
        assert widget.spread == pytest.approx(float(spread_cost(values[1])), rel=1e-12, abs=1e-15)
        widget.close()


@needs_node
def test_the_page_computes_what_torch_does() -> None:
    got = in_node(
        "maths/gaussian.js",
        "return value.map(([[mu, sigma], [m, s]]) => {"
        " const [q, p] = [{mu, sigma}, {mu: m, sigma: s}];"
        " return [lib.klParts(q, p).total, lib.logDensity(0.7, q)]; })",
        PAIRS,
    )
    for (q, p), (kl, log_density) in zip(PAIRS, got, strict=True):
        assert kl == pytest.approx(torch_kl(q, p), rel=1e-9, abs=1e-12)
        wanted = float(
            Normal(*map(lambda v: torch.tensor(v, dtype=torch.float64), q)).log_prob(torch.tensor(0.7))
        )
        assert log_density == pytest.approx(wanted, rel=1e-6)


@needs_node
def test_the_drawn_areas_add_up_to_the_kl() -> None:
    got = in_node(
        "maths/gaussian.js",
        "return value.map(([[mu, sigma], [m, s]]) => lib.klAreas({mu, sigma}, {mu: m, sigma: s}))",
        PAIRS,
    )
    for (q, p), areas in zip(PAIRS, got, strict=True):
        assert areas["below"] <= 0 <= areas["above"]
        assert areas["above"] + areas["below"] == pytest.approx(torch_kl(q, p), rel=1e-4, abs=1e-6)


def test_the_view_starts_it_and_changes_it() -> None:
    widget = vw.KLPlayground(mu=1.0, sigma=0.5, kept=[(0, 1), (1.5, 1)])
    assert widget.view["kept"] == [[0, 1], [1.5, 1]]
    assert repr(widget) == "KLPlayground(mu=1, sigma=0.5)"
    widget.view |= {"mu": 2.0}
    assert widget.shift == 2.0
    widget._handle_custom_msg({"type": "command", "seq": 1, "name": "view:sigma", "value": 1.0}, [])
    assert widget.kl == 2.0
    widget.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mu": 9}, "mu is 9; expected a number from -4 to 4"),
        ({"sigma": 0}, "sigma is 0; expected a number from 0.03 to 5"),
        ({"sigma": float("nan")}, "sigma is nan"),
        ({"direction": "pg"}, "expected one of 'qp', 'pq'"),
        ({"kept": [(1, 2, 3)]}, "expected pairs of numbers"),
        ({"kept": [(0, 1)] * 9}, "at most 8 pairs"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options: dict, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        vw.KLPlayground(**options)


def test_an_unknown_key_is_refused_with_the_nearest() -> None:
    widget = vw.KLPlayground()
    with pytest.raises(OptionError, match="Did you mean 'sigma'"):
        widget.view |= {"sigm": 1.0}
    widget.close()


def test_the_figure_says_the_kl() -> None:
    figure = vw.KLPlayground(mu=2.0, sigma=1.0).figure()
    above, below = figure.axes
    assert "2.000 nats: shift 2.000 + spread 0.000" in above.get_title(loc="left")
    assert {line.get_gid() for line in above.lines} >= {"prior", "posterior"}
    assert {area.get_gid() for area in below.collections} == {"gain", "loss"}
