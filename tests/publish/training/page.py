"""What the page computes, in Node and, by its rules, in torch."""

from __future__ import annotations

import base64
import contextlib
import functools
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import numpy as np
import torch
from torch import Tensor

from tests.node import JS, run_module
from vaewidgets.adapters.thread_mode import ThreadMode
from vaewidgets.contract.random import stream_seed, uniforms
from vaewidgets.publish.embed import split_buffers

_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".json": "application/json"}
ORDER, NOISE, EVALUATION, START = range(4)

# Calls functions of a case on the trainer of its payload; typed arrays come back as lists.
CALLS = """
function payload({ state, buffers }) {
  for (const [path, text] of buffers) {
    const place = path.slice(0, -1).reduce((value, key) => value[key], state);
    place[path.at(-1)] = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  }
  return state;
}
export async function called(js, functions, cases) {
  const { createTrainer } = await import(js + "training/trainer.js");
  const results = {};
  for (const [name, { run, sent, value }] of Object.entries(cases)) {
    try {
      const other = (options) => createTrainer(payload(structuredClone(sent)), options);
      results[name] = await functions[run](createTrainer(payload(structuredClone(sent))), value, other);
    } catch (error) {
      results[name] = { error: error.stack };
    }
  }
  return JSON.stringify(results, (_, value) => (ArrayBuffer.isView(value) ? Array.from(value) : value));
}
"""
IN_NODE = """
import { readFileSync, writeFileSync } from "node:fs";
import * as functions from "./functions.mjs";
import { called } from "./calls.mjs";
const cases = JSON.parse(readFileSync(new URL("cases.json", import.meta.url), "utf8"));
writeFileSync(new URL("results.json", import.meta.url), await called(process.argv[2], functions, cases));
"""
IN_BROWSER = """async () => {
  const [functions, { called }] = [await import("/functions.mjs"), await import("/calls.mjs")];
  return called("/js/", functions, await (await fetch("/cases.json")).json());
}"""


def in_page(
    folder: Path, functions: str, cases: Mapping[str, tuple[str, Any, Any]], *, seconds: float = 120
) -> dict[str, Any]:
    """Call functions of JS on trainers, one Node process for all.

    Parameters
    ----------
    folder : Path
        What is called and returned stays there, for `in_browser`.
    functions : str
        A module of ``export function name(trainer, value, other)``; ``other(options)`` is one more trainer.
    cases : mapping of (name of a function, payload, value)
    seconds : float
        After which Node is ended.
    """
    written(folder, functions, cases)
    run_module(folder, IN_NODE, seconds=seconds)
    results: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return results


def written(folder: Path, functions: str, cases: Mapping[str, tuple[str, Any, Any]]) -> None:
    """What `in_page` and `in_browser` run, as files of a folder."""
    sent = {
        name: {"run": run, "sent": _text(payload), "value": value}
        for name, (run, payload, value) in cases.items()
    }
    (folder / "cases.json").write_text(json.dumps(sent))
    for name, text in (("functions", functions), ("calls", CALLS)):
        (folder / f"{name}.mjs").write_text(text)


def in_browser(browser: Any, folder: Path) -> dict[str, Any]:
    """What `in_page` did in this folder once more, in a page of a browser."""

    def answer(route: Any) -> None:
        path = urlsplit(route.request.url).path
        file = JS / path[4:] if path.startswith("/js/") else folder / path[1:]
        if path == "/":
            route.fulfill(body="<!doctype html>", content_type="text/html")
        else:
            route.fulfill(path=str(file), content_type=_TYPES[file.suffix])

    page = browser.new_page()
    try:
        page.route("**/*", answer)
        page.goto("http://localhost/")
        results: dict[str, Any] = json.loads(page.evaluate(IN_BROWSER))
        return results
    finally:
        page.close()


def _text(payload: Any) -> dict[str, Any]:
    state, buffers = split_buffers(payload)
    return {
        "state": state,
        "buffers": [[path, base64.b64encode(bytes(data)).decode()] for path, data in buffers],
    }


def stream(seed: int, kind: int, index: int, count: int) -> np.ndarray:
    """The page's uniform draws (js/training/draws.js)."""
    return uniforms(stream_seed(stream_seed(seed, kind), index), count)


@functools.cache
def permutation(n: int, seed: int, epoch: int) -> Tensor:
    """The page's order of an epoch."""
    draws = stream(seed, ORDER, epoch, n)
    order = list(range(n))
    for i in range(n - 1, 0, -1):
        j = int(draws[n - 1 - i] * (i + 1))
        order[i], order[j] = order[j], order[i]
    return torch.tensor(order)


class Drawn(ThreadMode):
    """In this ``with`` block tensors are filled with what the page draws in one of its streams."""

    def __init__(self, seed: int, kind: int, index: int) -> None:
        super().__init__()
        self._stream = (seed, kind, index)
        self._taken = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        draw = _DRAWS.get(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {})) if draw is None else draw(self, *args)

    def _take(self, count: int) -> np.ndarray:
        drawn = stream(*self._stream, self._taken + count)[self._taken :]
        self._taken += count
        return drawn

    def uniform(self, shape: Any) -> Tensor:
        drawn = np.floor(self._take(int(np.prod(shape))) * 2**24) / 2**24
        return torch.from_numpy(drawn.astype(np.float32)).reshape(tuple(shape))

    def normal(self, shape: Any) -> Tensor:
        n = int(np.prod(shape))
        pairs = self._take(n + n % 2).reshape(-1, 2)
        radius, angle = np.sqrt(-2 * np.log(pairs[:, 0])), 2 * np.pi * pairs[:, 1]
        drawn = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).ravel()[:n]
        return torch.from_numpy(drawn.astype(np.float32)).reshape(tuple(shape))

    def uniform_(self, x: Tensor, low: float = 0, high: float = 1) -> Tensor:
        return x.copy_(self.uniform(x.shape) * (high - low) + low)

    def normal_(self, x: Tensor, mean: float = 0, std: float = 1) -> Tensor:
        return x.copy_(self.normal(x.shape) * std + mean)


@contextlib.contextmanager
def drawn_by_name(seed: int, kind: int, index: int) -> Iterator[None]:
    """As `Drawn`, for what objectives and layers draw while they train."""
    source = Drawn(seed, kind, index)

    def dropout(x: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
        return x * (source.uniform(x.shape) < 1 - p) / (1 - p) if training else x

    with (
        patch("torch.randn", lambda shape, **_: source.normal(shape)),
        patch("torch.rand", lambda shape, **_: source.uniform(shape)),
        patch("torch.nn.functional.dropout", dropout),
    ):
        yield


_DRAWS: dict[str, Callable[..., Any]] = {
    "uniform_": Drawn.uniform_,
    "normal_": Drawn.normal_,
}
