"""The time line of a widget as a saved page keeps it: of a size that does not depend on the machine's speed.

A run takes as many frames as its time allows, so how many there are when a page is saved says how fast the
machine was. A page keeps as many of them as fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vaewidgets.live.size_limit import array_bytes
from vaewidgets.sections.time_line import MOST_SLOTS, spread

TIME_LINE_MB = 1.0  # of one widget, before base64
TRAINING_TIME_LINE_MB = 0.1  # where the page trains, which makes a time line of its own

_ROWS = ("kl", "var_mu", "points")  # arrays with a row for each frame


def with_short_time_line(state: Mapping[str, Any], megabytes: float) -> dict[str, Any]:
    """Return the state of a widget with at most so much of its runs' time lines.

    Earlier weights may take half of it and frames take the rest, both spread evenly over the run. The first
    and the last frame always stay, and the last weights where the page has them anyway.
    """
    suffixes = [key.removeprefix("time_line") for key, line in state.items() if _is_line(key, line)]
    most = int(megabytes * 1e6 / max(1, len(suffixes)))
    changed: dict[str, Any] = {}
    for suffix in suffixes:
        line = state[f"time_line{suffix}"]
        gone, weights_bytes = _weights_left_out(state, suffix, most // 2)
        shorter = _with_fewer_frames(line, most - weights_bytes)
        left = {state[key]["step"] for key in gone}
        shorter["weights"] = [step for step in line["weights"] if step not in left]
        changed |= {f"time_line{suffix}": shorter, **dict.fromkeys(gone)}
    return {**state, **changed}


def _is_line(key: str, value: Any) -> bool:
    return (key == "time_line" or key.startswith("time_line:")) and bool(value)


def _weights_left_out(state: Mapping[str, Any], suffix: str, most: int) -> tuple[list[str], int]:
    """Keys of the sets of weights that do not fit, and the bytes that the others take."""
    names = [f"time_weights_{slot}{suffix}" for slot in range(MOST_SLOTS)]
    sets = {state[name]["step"]: name for name in names if state.get(name)}
    now = _weights_data(state.get(f"decoder{suffix}"))
    cost = {
        step: array_bytes(state[name]) - (len(now) if now and _weights_data(state[name]) == now else 0)
        for step, name in sets.items()
    }
    steps = sorted(sets)
    for count in range(len(steps), -1, -1):
        kept = spread(steps, count)
        taken = sum(cost[step] for step in kept)
        if taken <= most:
            return [name for step, name in sets.items() if step not in kept], taken
    return list(sets.values()), 0


def _weights_data(decoder: Any) -> bytes | None:
    network = decoder.get("network") if decoder else None
    return bytes(network["weights"]["data"]) if network else None


def _with_fewer_frames(line: Mapping[str, Any], most: int) -> dict[str, Any]:
    count = len(line["steps"])
    each = sum(array_bytes(line.get(name)) for name in _ROWS) // max(1, count)
    fit = max(2, most // max(1, each))
    if fit >= count:
        return dict(line)
    kept = np.linspace(0, count - 1, fit).round().astype(int).tolist()
    rows = {name: _rows(line[name], kept) for name in _ROWS if line.get(name)}
    return {**line, **{name: [line[name][i] for i in kept] for name in ("steps", "epochs")}, **rows}


def _rows(packed: Mapping[str, Any], kept: Sequence[int]) -> dict[str, Any]:
    count, *shape = packed["shape"]
    data = np.frombuffer(packed["data"], np.uint8).reshape(count, -1)
    return {**packed, "shape": [len(kept), *shape], "data": data[list(kept)].tobytes()}
