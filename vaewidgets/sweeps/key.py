"""What identifies a setting and a data set, in this process and in the next."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from vaewidgets.data import ImageDataset
from vaewidgets.data.split import Split
from vaewidgets.objectives import Schedule
from vaewidgets.objectives.schedules import Custom
from vaewidgets.runs.run_file import describe_data

_SAMPLE = 64  # images of a set too large to be read as a whole


def fingerprint(data: ImageDataset) -> dict[str, Any]:
    """Identify data among others of the same name and size, by a hash of pixels and labels."""
    digest = hashlib.sha256()
    for split in (data.train, data.test):
        if split is not None:
            digest.update(_pixels(split).tobytes())
            digest.update(b"" if split.labels is None else split.labels.numpy().tobytes())
    return {**describe_data(data), "sha256": digest.hexdigest()}


def label(value: Any) -> str:
    if isinstance(value, Schedule):
        return value.describe()
    if isinstance(value, float):
        return f"{value:g}"
    if callable(value):
        return name_of(value)
    return str(value)


def _pixels(split: Split) -> np.ndarray:
    n = len(split)
    index = torch.arange(n) if split.resident else torch.linspace(0, n - 1, min(n, _SAMPLE)).long()
    return split.read(index).numpy()


def name_of(thing: Any) -> str:
    """Name of a class or function, else of its class."""
    return str(getattr(thing, "__name__", None) or type(thing).__name__)


def plain(value: Any) -> Any:
    """What a setting comes to, as JSON: equal for equal settings. Functions count with their code."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Custom):
        value = value.function
    if value is None or isinstance(value, bool | int | float | str):
        return int(value) if isinstance(value, float) and value.is_integer() else value
    if isinstance(value, type) or hasattr(value, "__code__"):
        return _of_code(value)
    return _of_parts(value)


def _of_parts(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | range):
        return [plain(inner) for inner in value]
    if isinstance(value, torch.Tensor | np.ndarray):
        return [str(value.dtype), np.asarray(value).tolist()]
    if dataclasses.is_dataclass(value):
        fields = {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"class": type(value).__qualname__, **fields}
    return repr(value)


def _of_code(value: Any) -> list[Any]:
    """A class by its name; a function, which may be changed and keep its name, by its code, too."""
    name = f"{value.__module__}.{value.__qualname__}"
    code = getattr(value, "__code__", None)
    if code is None:
        return [name]
    constants = [repr(c) for c in code.co_consts if isinstance(c, int | float | str | tuple)]
    return [name, hashlib.sha256(code.co_code).hexdigest(), constants]
