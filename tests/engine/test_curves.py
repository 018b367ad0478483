import numpy as np
import pytest

from vaewidgets.engine.curves import Buckets


def series(n, seed=0):
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.integers(1, 4, n)), rng.normal(size=n).astype(np.float32)


def by_hand(steps, values, max_points):
    width = 1
    while len(values) > max_points * width:
        width *= 2
    parts = [slice(i, i + width) for i in range(0, len(values), width)]
    rows = [
        (steps[p].mean(), values[p].astype(float).mean(), values[p].min(), values[p].max()) for p in parts
    ]
    return np.array(rows).T


@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 16, 17, 1000, 4097])
@pytest.mark.parametrize("max_points", [2, 8, 100])
@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_buckets_equal_those_made_by_hand(n, max_points, chunk):
    steps, values = series(n)
    buckets = Buckets(max_points)
    for i in range(0, n, chunk):
        buckets.extend(steps[i : i + chunk], values[i : i + chunk])
    curve = buckets.curve()
    wanted = by_hand(steps, values, max_points)
    for got, want in zip((curve.step, curve.mean, curve.low, curve.high), wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)
    assert len(curve.step) <= max_points


def test_what_is_not_finite_is_left_out():
    buckets = Buckets(10)
    buckets.extend(np.arange(4), np.array([1.0, np.nan, np.inf, 2.0]))
    assert buckets.curve().mean.tolist() == [1.0, 2.0]
    assert buckets.curve().step.tolist() == [0.0, 3.0]


def test_an_empty_series_gives_an_empty_curve():
    assert len(Buckets(10).curve().step) == 0


def test_a_curve_handed_out_does_not_change():
    buckets = Buckets(4)
    buckets.extend(np.arange(4), np.arange(4.0))
    curve = buckets.curve()
    buckets.extend(np.arange(4, 8), np.arange(4.0, 8.0))
    assert curve.mean.tolist() == curve.low.tolist() == curve.high.tolist() == [0, 1, 2, 3]
