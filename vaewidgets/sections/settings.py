"""What several runs that are shown together differ in, and how each is named by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from vaewidgets.contract.compared import Setting
from vaewidgets.models import MODELS
from vaewidgets.runs import Run

# Not what one would turn to compare: how the run is kept, and what follows from other settings.
_ASIDE = frozenset({"autosave", "autosave_seconds", "device", "speed", "eval_every", "image_shape"})
_SYMBOLS = {"beta": "β", "class": "model"}
_MOST_NAMED = 3  # settings in one label


class Turned(NamedTuple):
    """Values that a setting had one after the other, as text: it was changed while the run trained."""

    values: tuple[str, ...]


def settings_of(run: Run) -> dict[str, Any]:
    """Settings of a run as plain values: options of its training, then what its model was built with.

    A weight of the KL term or a learning rate that was changed while the run trained is a `Turned`.
    """
    found = {name: _plain(value) for name, value in run.options.items() if name not in _ASIDE}
    found["beta"] = _in_force(run, "beta", found.get("beta"), _plain(run.beta_description))
    if "lr" in found:
        found["lr"] = _in_force(run, "lr", found["lr"], found["lr"] if run.lr is None else run.lr)
    model = run.model
    config = config_of(model) or {"class": type(model).__name__}
    found |= {name: _plain(value) for name, value in config.items() if name not in _ASIDE}
    found["latent_dim"] = model.latent_dim
    return found


def config_of(model: Any) -> dict[str, Any] | None:
    """What a built-in model was built with, by `vaewidgets.models.build`; None of a model of one's own."""
    return dict(model.config()) if type(model) in MODELS.values() else None


def settings_states(runs: Sequence[Run]) -> dict[str, Setting]:
    """By id of the run: the setting that differs, its value and a label such as "β = 4".

    Where several differ, and not in numbers alone (another model, another objective), runs of different names
    are named by them: a list of settings would say less.

    Returns
    -------
    dict of dict
        ``{"label": str, "name": str or None, "value": float or None}``; the value None where it is no number.
    """
    table = [settings_of(run) for run in runs]
    names = list(dict.fromkeys(name for row in table for name in row))
    differ = [name for name in names if len({repr(row.get(name)) for row in table}) > 1]
    # What stands for the others goes first: beta is turned more often than it follows from something.
    differ.sort(key=lambda name: (name not in ("beta", "latent_dim"), name == "seed", names.index(name)))
    labels = _labels(runs, table, differ)
    first = differ[0] if differ else None
    return {
        run.id: {"label": text, "name": first, "value": None if first is None else _number(row.get(first))}
        for run, row, text in zip(runs, table, labels, strict=True)
    }


def _labels(runs: Sequence[Run], table: list[dict[str, Any]], differ: list[str]) -> list[str]:
    names = [run.name for run in runs]
    told = all(
        isinstance(row.get(name), Turned) or _number(row.get(name)) is not None
        for row in table
        for name in differ
    )
    if len(differ) > 1 and not told and len(set(names)) == len(names):
        return _apart(names)
    shown = differ[:_MOST_NAMED]
    texts = [
        ", ".join(_setting(name, row.get(name)) for name in shown) or run.name
        for run, row in zip(runs, table, strict=True)
    ]
    if len(set(texts)) == len(texts):
        return texts
    return [f"{text} ({i})" for i, text in enumerate(texts, 1)]


def _setting(name: str, value: Any) -> str:
    """Return "β = 4", or "β 1 → 8" where it was changed, however often in between."""
    symbol = _SYMBOLS.get(name, name)
    if not isinstance(value, Turned):
        return f"{symbol} = {_text(value)}"
    first, *between, last = value.values
    return f"{symbol} {first} → {'… → ' if between and first == last else ''}{last}"


def _apart(names: list[str]) -> list[str]:
    """Names of runs without the parts, between commas, that all of them have: a label has little room."""
    parts = [name.split(", ") for name in names]
    own = [[part for part in one if any(part not in other for other in parts)] for one in parts]
    return [", ".join(one) for one in own] if all(own) else names


def _in_force(run: Run, name: str, begun: Any, now: Any) -> Any:
    """What a setting was while the run trained: one value, or a `Turned`.

    Parameters
    ----------
    begun
        The option that it was started with; None if it has none.
    now
        The newest value, or the name of a schedule.
    """
    values = [now] if begun is None else [begun, now]
    if all(_number(value) is not None for value in values) and name in run.recorder.names:
        logged = run.recorder.read(name)[1]
        logged = logged[np.isfinite(logged)]
        changes = logged[np.flatnonzero(np.diff(logged, prepend=np.nan))]
        values = [*values[:-1], *changes.tolist(), now]
    texts = [_text(float(value) if _number(value) is not None else value) for value in values]
    kept = [text for i, text in enumerate(texts) if i == 0 or text != texts[i - 1]]
    return now if len(kept) == 1 else Turned(tuple(kept))


def _plain(value: Any) -> Any:
    """Numbers that were written as text ("0.1", a constant schedule's) as numbers."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return "-".join(map(_text, value))
    return str(value)
