"""From the arguments of a sweep to its cells: which keyword goes where, and which file each cell has."""

from __future__ import annotations

import functools
import hashlib
import inspect
import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from vaewidgets.checks import random_seed
from vaewidgets.concurrency import Lock
from vaewidgets.data import ImageDataset
from vaewidgets.errors import OptionError, did_you_mean
from vaewidgets.runs.api import train
from vaewidgets.sweeps.key import fingerprint, label, name_of, plain

Settings = dict[str, Any]
OWN = ("grid", "executor", "folder", "retries", "threads_per_cell")
# what a sweep decides itself for each of its runs
_DECIDED = {
    "start": "call sweep.pause() to halt it",
    "name": "a run is named by its settings",
    "autosave": "finished cells are kept in folder=...",
    "autosave_seconds": "finished cells are kept in folder=...",
}
_ELSEWHERE = ("device", "speed")  # change where and how fast, not what is trained
# Two models that are built at once would take each other's numbers. Its `with` stands by itself: taken inside
# a context manager that is written in Python, a lock can be kept by an interrupt.
_drawing = Lock()


@dataclass(frozen=True)
class Plan:
    """One cell: what is built and how it is trained. Plain enough to be sent to another process."""

    settings: Settings  # its place in the grid
    make_model: Callable[..., nn.Module]
    model_options: dict[str, Any]  # keywords of `make_model`
    train_options: dict[str, Any]  # keywords of `vaewidgets.train`
    # Tells this cell from any other of any sweep by settings, other options, model, data; empty: no file
    file_name: str

    @property
    def name(self) -> str:
        return ", ".join(f"{key}={label(value)}" for key, value in self.settings.items()) or "the only cell"

    @property
    def seed(self) -> int:
        """Of weights, order and noise."""
        return random_seed(self.train_options.get("seed", 0))


def plan_cells(
    make_model: Callable[..., nn.Module],
    data: ImageDataset,
    grid: Mapping[str, Sequence[Any]] | None,
    options: Mapping[str, Any],
    *,
    with_files: bool = True,
) -> tuple[dict[str, tuple[Any, ...]], list[Plan]]:
    """Check the arguments, and lay out the grid; without files no cell has the name of one.

    Returns the values of each swept keyword, in the order in which they were given, and the plans of the
    cells, of which the last axis changes fastest. OptionError for a keyword that neither the model nor
    `train` takes, an axis without or with repeated values, and a model that is no class or function.
    """
    parameters = _check_maker(make_model)
    axes, fixed = _split_axes(grid, options)
    for name in (*axes, *fixed):
        _check_name(name, make_model, parameters)
    # all pixels are read for it, as long as twenty steps take
    facts = {"model": plain(make_model), "data": fingerprint(data)} if with_files else None
    given = {"image_shape": data.image_shape, "data": data}
    plans = []
    for values in itertools.product(*axes.values()):
        settings = dict(zip(axes, values, strict=True))
        every = fixed | settings
        training = {name: value for name, value in every.items() if name in _train_names()}
        modelling = {
            name: value for name, value in every.items() if name in parameters or name not in training
        }
        file_name = "" if facts is None else _file_name(facts, settings, every)
        modelling = {name: given[name] for name in given if name in parameters} | modelling
        plans.append(Plan(settings, make_model, modelling, training, file_name))
    return axes, plans


def _file_name(facts: Mapping[str, Any], settings: Settings, every: Mapping[str, Any]) -> str:
    what = {name: plain(value) for name, value in every.items() if name not in _ELSEWHERE}
    text = json.dumps({**facts, "options": what}, sort_keys=True)
    return f"{_slug(settings)}{hashlib.sha256(text.encode()).hexdigest()[:12]}.safetensors"


def build_model(plan: Plan) -> nn.Module:
    """Build a cell's model with the weights of its seed; torch's global generator is left as it was."""
    # a function of the user's may seed the generator itself, so it is the global one that it finds
    with _drawing, torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        try:
            inspect.signature(plan.make_model).bind(**plan.model_options)
        except TypeError as error:
            raise OptionError(
                f"{name_of(plan.make_model)} cannot be called for the cell {plan.name} ({error}). Pass what "
                "it wants as keywords; image_shape and data it is given where it takes arguments so named."
            ) from None
        model = plan.make_model(**plan.model_options)
    if not isinstance(model, nn.Module):
        raise OptionError(
            f"{name_of(plan.make_model)} returned an object of type {type(model).__name__}; expected a "
            "model, an nn.Module."
        )
    return model


def _check_maker(make_model: Any) -> dict[str, inspect.Parameter]:
    if isinstance(make_model, nn.Module):
        raise OptionError(
            f"sweep got a model, {type(make_model).__name__}; every cell needs one of its own. Pass the "
            f"class, sweep({type(make_model).__name__}, data, ...), or a function that makes one."
        )
    if not callable(make_model):
        raise OptionError(
            f"make_model is {make_model!r}; expected a class, such as vw.MLPVAE, or a function."
        )
    return dict(inspect.signature(make_model).parameters)


@functools.cache
def _train_names() -> tuple[str, ...]:
    names = inspect.signature(train).parameters
    return tuple(n for n in names if n not in ("model", "data", "unknown", *_DECIDED))


def _split_axes(
    grid: Mapping[str, Sequence[Any]] | None, options: Mapping[str, Any]
) -> tuple[dict[str, tuple[Any, ...]], dict[str, Any]]:
    """Lists, ranges and arrays are swept over; tuples and everything else are one value."""
    if grid is not None and not isinstance(grid, Mapping):
        raise OptionError(f"grid is {grid!r}; expected a dict of sequences, such as {{'beta': [1, 4]}}.")
    swept: dict[str, Any] = dict(grid or {})
    fixed = {}
    for name, value in options.items():
        if name in swept:
            raise OptionError(f"{name!r} is in grid and beside it; give it once.")
        if isinstance(value, list | range | np.ndarray):
            swept[name] = value
        else:
            fixed[name] = value
    return {name: _axis(name, values) for name, values in swept.items()}, fixed


def _axis(name: str, values: Any) -> tuple[Any, ...]:
    if isinstance(values, str) or not isinstance(values, Sequence | np.ndarray):
        raise OptionError(f"grid[{name!r}] is {values!r}; expected a sequence of values, such as [1, 4].")
    out = tuple(value.item() if isinstance(value, np.generic) else value for value in values)
    if not out:
        raise OptionError(f"{name!r} has no values to sweep over; give at least one.")
    seen = [json.dumps(plain(value), sort_keys=True) for value in out]
    twice = next((value for i, value in enumerate(out) if seen[i] in seen[:i]), None)
    if len(set(seen)) < len(seen):
        raise OptionError(f"{name!r} has the value {label(twice)} twice; give each once.")
    return out


def _check_name(name: str, make_model: Any, parameters: Mapping[str, inspect.Parameter]) -> None:
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    if name in parameters or name in _train_names():
        return
    if name in _DECIDED:
        raise OptionError(f"a sweep has no option {name!r}: {_DECIDED[name]}.")
    if takes_any:
        return
    named = [n for n, p in parameters.items() if p.kind is not inspect.Parameter.VAR_POSITIONAL]
    known = list(dict.fromkeys([*named, *_train_names(), *OWN]))
    hint = did_you_mean(name, known, 0.5) or f" Known: {', '.join(known)}."
    raise OptionError(f"neither {name_of(make_model)} nor vaewidgets.train has an option {name!r}.{hint}")


def _slug(settings: Settings) -> str:
    parts = (f"{name}-{label(value)}" for name, value in settings.items())
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", "_".join(parts)).strip("-.")[:80]
    return f"{slug}_" if slug else ""
