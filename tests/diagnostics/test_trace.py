"""Births and deaths of units."""

from __future__ import annotations

import pytest

from vaewidgets.diagnostics import unit_lives
from vaewidgets.errors import OptionError, ShapeError


def test_births_and_deaths():
    steps = [0, 10, 20, 30]
    kl = [
        # alive from the start, born late, dead at 20, never, dead and risen again
        [1.0, 0.0, 0.5, 0.0, 1.0],
        [1.0, 0.0, 0.4, 0.005, 0.0],
        [1.0, 0.2, 0.0, 0.0, 0.0],
        [1.0, 0.3, 0.0, 0.01, 1.0],
    ]
    lives = unit_lives(steps, kl)
    assert lives.born_at == (0, 20, 0, None, 0)
    assert lives.died_at == (None, None, 20, None, None)
    assert lives.dead == (2,)
    assert lives.never_alive == (3,)
    assert repr(lives) == (
        "UnitLives(3 of 5 units alive at step 30, KL > 0.01 nats; died: z₃ at step 20; never alive: z₄)"
    )


def test_the_threshold_decides():
    assert unit_lives([0, 1], [[1.0], [0.2]], delta=0.5).died_at == (1,)
    assert unit_lives([0, 1], [[1.0], [0.2]], delta=0.1).died_at == (None,)


def test_bad_input():
    with pytest.raises(ShapeError, match="expected"):
        unit_lives([0, 1], [[1.0]])
    with pytest.raises(OptionError, match="steps must grow"):
        unit_lives([1, 1], [[1.0], [1.0]])
