"""The time line of a saved page: its size does not depend on how many frames the run had time for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vaewidgets.contract.packing import pack, pack_quantised, unpack
from vaewidgets.live.page_time_line import with_short_time_line
from vaewidgets.live.size_limit import array_bytes


def _state(frames: int, sets: int) -> dict[str, Any]:
    steps = [10 * i for i in range(frames)]
    with_weights = [steps[i] for i in np.linspace(0, frames - 1, sets).round().astype(int)]
    points = np.arange(frames, dtype=np.float32)[:, None, None] * np.ones((frames, 500, 2), np.float32)
    state: dict[str, Any] = {
        "time_line": {
            "steps": steps,
            "epochs": list(range(frames)),
            "kl": None,
            "var_mu": pack(np.arange(2 * frames).reshape(frames, 2), "f32"),
            "weights": with_weights,
            "points": pack_quantised(points),
        }
    }
    for slot, step in enumerate(with_weights):
        network = {"weights": pack(np.full(10_000, step), "f16")}
        state[f"time_weights_{slot}"] = {"step": step, "network": network}
    state["decoder"] = {"step": steps[-1], "network": {"weights": pack(np.full(10_000, steps[-1]), "f16")}}
    return state


def _bytes_of_time_line(state: dict[str, Any]) -> int:
    """What the page needs beside the newest weights, which it has anyway."""
    lines = {key: value for key, value in state.items() if key.startswith("time_")}
    last = state["time_line"]["steps"][-1] in state["time_line"]["weights"]
    return array_bytes(lines) - (array_bytes(state["decoder"]) if last else 0)


@pytest.mark.parametrize(("frames", "sets"), [(2, 2), (9, 3), (40, 8), (64, 8)])
@pytest.mark.parametrize("megabytes", [0.01, 0.05, 0.1])
def test_as_much_stays_as_fits_the_first_and_the_last_among_it(
    frames: int, sets: int, megabytes: float
) -> None:
    whole = _state(frames, sets)
    state = with_short_time_line(whole, megabytes)
    line = state["time_line"]
    assert _bytes_of_time_line(state) <= megabytes * 1e6
    assert (line["steps"][0], line["steps"][-1]) == (0, 10 * (frames - 1))
    index = [step // 10 for step in line["steps"]]
    np.testing.assert_array_equal(unpack(line["var_mu"])[:, 0], [2 * i for i in index])
    np.testing.assert_allclose(unpack(line["points"])[:, 7, 1], index, atol=1e-3)
    gaps = np.diff(index)
    assert gaps.max() <= gaps.min() + 1  # evenly spread
    kept = [state[key]["step"] for key in state if key.startswith("time_weights_") and state[key]]
    assert line["weights"] == kept
    assert kept[-1] == line["steps"][-1]  # costs nothing
    assert len(whole["time_line"]["steps"]) == frames  # what the widget has is left as it was


def test_a_time_line_that_fits_is_left_as_it_is_and_each_run_has_its_share() -> None:
    whole = _state(20, 4)
    assert with_short_time_line(whole, 1) == whole
    two = {**whole, **{f"{key}:other": value for key, value in whole.items()}}
    state = with_short_time_line(two, 0.1)
    alone = with_short_time_line(whole, 0.05)
    assert state == {**alone, **{f"{key}:other": value for key, value in alone.items()}}
    assert with_short_time_line({"frame": {}}, 0.1) == {"frame": {}}
