"""The time line as live keys: against the run's own, bounded, and each set of weights sent once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import vaewidgets as vw
from vaewidgets.contract.packing import unpack
from vaewidgets.sections import time_line as time_state

DATA = {"n_train": 256}


@pytest.fixture(scope="module")
def runs() -> dict[int, vw.Run]:
    data = vw.load_dataset("digits", **DATA)
    made = {}
    for dim in (2, 6):
        torch.manual_seed(0)
        model = vw.MLPVAE(data.image_shape, latent_dim=dim, hidden=(32,))
        run = vw.train(model, data, epochs=1, batch_size=64, autosave=False, start=False)
        for epochs in range(1, 5):
            run.time_line.budget = 10.0
            run.epochs = epochs
            run.resume()
            run.wait(progress=False)
        made[dim] = run
    return made


def slots(widget: Any) -> dict[int, dict[str, Any]]:
    found = [value for key, value in widget._live.items() if key.startswith("time_weights_") and value]
    return {slot["step"]: slot for slot in found}


@pytest.mark.parametrize("dim", [2, 6])
def test_all_frames_lie_on_the_plane_of_the_newest(runs: dict[int, vw.Run], dim: int) -> None:
    run = runs[dim]
    widget = vw.LatentScatter(run)
    line, scatter = widget._live["time_line"], widget.frame["scatter"]
    assert line["steps"] == list(run.time_line.steps)
    assert line["epochs"] == [frame.epoch for frame in run.time_line.frames]
    assert len(line["steps"]) >= 4
    points = unpack(line["points"])
    span = np.ptp(points)
    np.testing.assert_allclose(points[-1], unpack(scatter["points"]), atol=span / 10_000)
    if dim == 2:
        np.testing.assert_allclose(points[0], run.time_line.frames[0].mu, atol=span / 10_000)
    else:
        plane = unpack(line["projection"]["components"])
        mean = unpack(line["projection"]["mean"])
        np.testing.assert_allclose(
            points[0], (run.time_line.frames[0].mu - mean) @ plane.T, atol=span / 10_000
        )
    widget.close()


def test_the_page_gets_decoders_of_then(runs: dict[int, vw.Run]) -> None:
    run = runs[2]
    widget = vw.LatentScatter(run)
    found = slots(widget)
    assert sorted(found) == widget._live["time_line"]["weights"]
    assert {0, run.step} <= set(found)
    start, now = (unpack(found[step]["network"]["weights"]) for step in (0, run.step))
    assert np.abs(start - now).max() > 0.01
    np.testing.assert_array_equal(now, unpack(widget._live["decoder"]["network"]["weights"]))
    widget.close()


def test_a_set_of_weights_is_sent_once(runs: dict[int, vw.Run]) -> None:
    widget = vw.LatentScatter(runs[2])
    keys = widget._time_keys[runs[2].id]
    assert not keys.is_new(runs[2])
    assert widget._time_state(runs[2]) == {}
    keys._version = -1
    assert set(widget._time_state(runs[2])) == {"time_line"}
    widget.close()


def test_as_many_sets_as_fit(runs: dict[int, vw.Run], monkeypatch: pytest.MonkeyPatch) -> None:
    widget = vw.LatentScatter(runs[2])
    size = len(slots(widget)[0]["network"]["weights"]["data"])
    widget.close()
    monkeypatch.setattr(time_state, "PAGE_WEIGHTS_BYTES", int(2.5 * size))
    widget = vw.LatentScatter(runs[2])
    assert sorted(slots(widget)) == [0, runs[2].step]
    widget.close()


def test_units_need_no_points(runs: dict[int, vw.Run]) -> None:
    widget = vw.ActiveUnitsBar(runs[6])
    line = widget._live["time_line"]
    assert "points" not in line
    assert slots(widget) == {}
    np.testing.assert_allclose(unpack(line["kl"])[-1], unpack(widget.frame["units"]["kl"]), rtol=1e-4)
    np.testing.assert_allclose(unpack(line["var_mu"])[-1], unpack(widget.frame["units"]["var_mu"]), rtol=1e-4)
    widget.close()


def test_samples_of_all_sizes_begin_alike() -> None:
    data = vw.load_dataset("digits", **DATA)
    small, large = vw.data.Sample(data, 50), vw.data.Sample(data, 500)
    assert torch.equal(small.images, large.images[:50])
    index = vw.data.sample.spread_index(1797, 1797)
    assert sorted(index.tolist()) == list(range(1797))
    gaps = np.diff(np.sort(vw.data.sample.spread_index(10_000, 500).numpy()))
    assert gaps.max() <= 3 * 10_000 / 500


def test_the_time_line_grows_while_it_trains() -> None:
    data = vw.load_dataset("digits", **DATA)
    run = vw.train(vw.MLPVAE(data.image_shape, hidden=(16,)), data, epochs=2, autosave=False, start=False)
    widget = vw.LatentScatter(run)
    assert "time_line" not in widget._live
    run.resume()
    run.wait(progress=False)
    pause = __import__("threading").Event()
    for _ in range(500):
        if widget._live.get("time_line", {}).get("steps", [-1])[-1] == run.step:
            break
        pause.wait(0.02)
    else:
        raise AssertionError(widget._live.get("time_line"))
    widget.close()
