"""A data set as one safetensors file, so that a sweep's tasks carry a path and not the pixels."""

from __future__ import annotations

import functools
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from vaewidgets.data import ImageDataset, Items
from vaewidgets.errors import CheckpointError
from vaewidgets.runs.tensor_file import save_file

_KEY = "vaewidgets.data"


def write_data(data: ImageDataset, path: Path) -> None:
    """Write a set that is in memory: pixels as they are kept, labels, factors."""
    tensors = {}
    for name, split in (("train", data.train), ("test", data.test)):
        if split is None:
            continue
        tensors[f"{name}.pixels"] = split.read(torch.arange(len(split)))
        for what, values in (("labels", split.labels), ("factors", split.factors)):
            if values is not None:
                tensors[f"{name}.{what}"] = values.contiguous()
    facts = {
        "name": data.name,
        "value_range": data.value_range,
        "class_names": data.class_names,
        "factor_names": data.factor_names,
        "factor_counts": data.factor_counts,
        "items": None if data.items is None else asdict(data.items),
    }
    save_file(tensors, path, {_KEY: json.dumps(facts)})


@functools.lru_cache(maxsize=1)  # the cells that a worker is given one after the other share their data
def read_data(path: Path) -> ImageDataset:
    if not path.is_file():
        raise CheckpointError(
            f"there is no file {str(path)!r} on this worker. The sweep's folder must be one that all workers "
            "see: sweep(..., folder=...) on a shared disk."
        )
    with safe_open(path, framework="pt", device="cpu") as file:
        facts = json.loads(file.metadata()[_KEY])
        tensors: dict[str, Any] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    test = tensors.get("test.pixels")
    data = ImageDataset(
        tensors["train.pixels"],
        tensors.get("train.labels"),
        test=None if test is None else (test, tensors.get("test.labels")),
        test_fraction=0,
        channels="first",
        value_range=tuple(facts["value_range"]),
        class_names=facts["class_names"],
        name=facts["name"],
    )
    if facts["items"] is not None:
        shape, names = facts["items"]["shape"], facts["items"]["names"]
        known = None if names is None else tuple(names)
        data.items = Items(**{**facts["items"], "shape": tuple(shape), "names": known})
    if facts["factor_names"] is None:
        return data
    return data.with_factors(
        facts["factor_names"],
        facts["factor_counts"],
        tensors["train.factors"],
        tensors.get("test.factors"),
    )
