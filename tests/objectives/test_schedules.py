import itertools
import math

import pytest

from vaewidgets.errors import OptionError
from vaewidgets.objectives import (
    GECO,
    Constant,
    Custom,
    Cyclical,
    LinearWarmup,
    LogUniform,
    TargetKL,
    as_schedule,
    schedule_from_dict,
)


def test_warmup_is_a_line_then_flat():
    warmup = LinearWarmup(0.0, 4.0, steps=8)
    assert [warmup(step) for step in (0, 2, 4, 8, 9, 10**9)] == [0.0, 1.0, 2.0, 4.0, 4.0, 4.0]


def test_cyclical_repeats():
    cyclical = Cyclical(0.0, 1.0, period=10, rise=0.5)
    assert [cyclical(step) for step in range(10)] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1, 1, 1, 1, 1])
    assert [cyclical(step) for step in range(10, 20)] == [cyclical(step) for step in range(10)]


def test_steps_in_a_row_cover_the_logarithm_of_a_range_evenly():
    spread = LogUniform(0.01, 100)
    exponents = sorted(math.log10(spread(step)) for step in range(700, 800))
    assert exponents[0] >= -2
    assert exponents[-1] <= 2
    gaps = [b - a for a, b in itertools.pairwise([-2, *exponents, 2])]
    assert max(gaps) < 3 * 4 / 100  # of independent draws the widest would be about 5 times the mean
    assert spread.scored(700) == pytest.approx(1)


def test_numbers_functions_and_schedules_are_taken():
    assert as_schedule(2) == Constant(2.0)
    assert as_schedule(lambda step: step / 10)(5) == 0.5
    warmup = LinearWarmup(steps=5)
    assert as_schedule(warmup) is warmup


@pytest.mark.parametrize(
    "schedule",
    [
        Constant(3.0),
        LinearWarmup(0.5, 2, 7),
        Cyclical(0, 1, 9, 0.25),
        LogUniform(0.2, 5),
        TargetKL(20).after(90.0, 25.0),
        GECO(100),
    ],
)
def test_plain_values_rebuild_a_schedule(schedule):
    assert schedule_from_dict(schedule.to_dict()) == schedule


def test_a_function_cannot_be_kept():
    assert Custom(lambda step: 1.0).to_dict() is None


@pytest.mark.parametrize("bad", [-1, float("nan"), float("inf"), 1e31, "four", None, True])
def test_bad_weights_are_refused(bad):
    with pytest.raises(OptionError, match=r"expected a (finite number of at least|number from) 0"):
        as_schedule(bad)


def test_a_function_that_gives_no_weight_is_refused_at_once_and_later():
    with pytest.raises(OptionError, match=r"beta\(0\) is -1.0"):
        as_schedule(lambda step: -1.0)
    late = as_schedule(lambda step: 1.0 if step < 3 else float("nan"))
    with pytest.raises(OptionError, match=r"beta\(3\) is nan"):
        late(3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LinearWarmup(steps=0), "steps is 0; expected a whole number of at least 1"),
        (lambda: LinearWarmup(start=-1), "start is -1;"),
        (lambda: Cyclical(period=1.5), "period is 1.5"),
        (lambda: Cyclical(rise=0), "rise is 0; expected a number above 0 and at most 1"),
        (lambda: LogUniform(0), "least is 0; expected a finite number above 0"),
        (lambda: LogUniform(2, 1), "most is 1.0; expected a finite number above 2"),
        (lambda: schedule_from_dict({"kind": "cosine"}), "the kind of schedule is 'cosine'; expected one of"),
    ],
)
def test_bad_options_are_refused(make, message):
    with pytest.raises(OptionError, match=message):
        make()


def test_descriptions():
    assert Constant(4).describe() == "4"
    assert LinearWarmup(0, 1, 2000).describe() == "0 to 1 over 2000 steps"
    assert Cyclical(0, 1, 500).describe() == "0 to 1, again every 500 steps"
    assert Custom(lambda step: 1.0).describe() == "a function"
