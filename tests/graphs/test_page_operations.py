"""Every operation of the page against torch: shapes, strides, broadcasting, special values, in place."""

from __future__ import annotations

import functools
import json
import math
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.graphs.page_cases import Case, cases
from tests.graphs.page_image_cases import image_cases
from tests.node import run_module

NO_VALUES = {"empty", "empty_like", "new_empty"}  # whatever was there
NOT_PROMISED = {"log_sigmoid_forward": 1}  # an output that no operation of the page reads
# What torch itself wants in certain strides, or reads as if it were contiguous.
FIXED = {"as_strided", "_reshape_alias", "native_layer_norm_backward"}
EVEN = {"view", "_unsafe_view"}
STRIDED = 3  # matrices of each operation that are tried with other strides

# One process runs all. Inputs are flat storages, one after the other; `as_strided` gives them their shapes.
SCRIPT = """
import { readFileSync, writeFileSync } from "node:fs";
const [lib, folder] = process.argv.slice(2);
const { createMemory } = await import(lib + "graphs/kernels/memory.js");
const { createTensors, createProgram } = await import(lib + "graphs/program.js");
const { operations: forward } = await import(lib + "graphs/operations/index.js");
const { backward } = await import(lib + "graphs/operations/backward.js");
const operations = { ...forward, ...backward };
const numbers = new Float32Array(readFileSync(folder + "/inputs").buffer.slice(0));
const empty = { dtype: "f32", shape: [0], data: new Uint8Array(0) };
const answer = { names: Object.keys(operations), cases: [] };
const values = [];
for (const plain of [false, true]) {
  const memory = createMemory({ plain });
  const tensors = createTensors({ tensors: [], weights: empty }, memory);
  for (const { network, starts, strided } of JSON.parse(readFileSync(folder + "/cases.json", "utf8"))) {
    if (plain && strided) continue;
    try {
      const program = createProgram(network, { memory, tensors, operations });
      const inputs = network.inputs.map(([n], i) => numbers.subarray(starts[i], starts[i] + n));
      program.call(...inputs);
      const outputs = program.call(...inputs);
      values.push(...outputs);
      answer.cases.push({ shapes: program.outputs.map(({ shape }) => shape) });
      program.destroy();
    } catch (error) {
      answer.cases.push({ error: error.stack });
    }
  }
}
const bytes = values.map((v) => Buffer.from(v.buffer, v.byteOffset, v.byteLength));
writeFileSync(folder + "/outputs", Buffer.concat(bytes));
writeFileSync(folder + "/answer.json", JSON.stringify(answer));
"""


def _strided(tensor: torch.Tensor, how: str) -> torch.Tensor:
    """The same numbers, otherwise in memory."""
    if how == "transposed" and tensor.dim() > 1:
        return tensor.transpose(0, -1).clone(memory_format=torch.contiguous_format).transpose(0, -1)
    if how == "sliced" and tensor.dim() > 0:
        return torch.stack([torch.full_like(tensor, 1), tensor], -1)[..., 1]
    return tensor.clone(memory_format=torch.preserve_format)


@functools.cache
def _overload(name: str) -> tuple[Any, list[tuple[str, bool, Any]]]:
    """An overload of ATen; of each of its arguments the name, whether it goes by name, and the default."""
    packet, _, overload = name.partition(".")
    found = getattr(getattr(torch.ops.aten, packet), overload or "default")
    return found, [
        (a.name, a.kwarg_only, a.default_value if a.has_default_value() else None)
        for a in found._schema.arguments
    ]


class Written:
    """One case as a network: its storages are the inputs."""

    def __init__(self, name: str, args: tuple[Any, ...], how: str) -> None:
        keywords = args[-1] if args and isinstance(args[-1], dict) else {}
        given = args[: len(args) - bool(keywords)]
        self.label = f"{name}, {how}"
        self.strided = how != "as it is"
        self.storages: list[np.ndarray] = []
        self.ops: list[Any] = []
        overload, arguments = _overload(name)
        values = [*given, *(keywords.get(key, default) for key, _, default in arguments[len(given) :])]
        taken = [self._moved(value, how) for value in values]
        sent = [self._sent(value) for value in taken]
        placed = [(key, value) for (key, by_name, _), value in zip(arguments, taken, strict=True) if by_name]
        got = overload(*taken[: len(taken) - len(placed)], **dict(placed))
        results = list(got) if isinstance(got, (tuple, list)) else [got]
        self.wanted = [None if r is None else r.detach().clone() for r in results]
        n = len(self.storages)
        outs = [2 * n + i for i in range(len(results))]
        if changed := _changed(name, sent):
            outs += [n + sent[i]["t"] for i in changed]
            self.wanted += [taken[i].clone() for i in changed]
        if name.endswith("batch_norm") and not taken[5]:
            self.wanted[1:3] = [None, None]  # of no meaning in eval mode
        if name in NOT_PROMISED:
            self.wanted[NOT_PROMISED[name]] = None
        self.ops = [[op, [{"t": i}, *rest], [n + i]] for i, (op, rest) in enumerate(self.ops)]
        while sent and sent[-1] is None:
            sent.pop()
        self.ops.append([name.partition(".")[0], _shifted(sent, n), outs[: len(results)]])
        self.kept = [i for i, w in enumerate(self.wanted) if w is not None]
        self.network = {
            "inputs": [[len(s)] for s in self.storages], "tensors": [], "draws": [], "ops": self.ops,
            "outputs": [outs[i] for i in self.kept],
        }  # fmt: skip

    def _moved(self, value: Any, how: str) -> Any:
        if isinstance(value, torch.Tensor):
            return _strided(value, how)
        return [self._moved(v, how) for v in value] if isinstance(value, (list, tuple)) else value

    def _sent(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            flat = value.as_strided((value.untyped_storage().nbytes() // value.element_size(),), (1,), 0)
            self.storages.append(flat.to(torch.float32).numpy().copy())
            self.ops.append(("as_strided", [list(value.shape), list(value.stride()), value.storage_offset()]))
            return {"t": len(self.storages) - 1}
        if isinstance(value, (list, tuple)):
            return [self._sent(v) for v in value]
        if isinstance(value, (torch.dtype, torch.layout, torch.device)):
            return None
        if isinstance(value, float) and not math.isfinite(value):
            return {"n": str(value)}
        return value


def _changed(name: str, sent: list[Any]) -> list[int]:
    """Arguments that a function writes into besides what it gives: running statistics."""
    if name not in ("native_batch_norm", "_native_batch_norm_legit"):
        return []
    return [i for i in (3, 4) if sent[i] is not None]


def _shifted(sent: Any, n: int) -> Any:
    if isinstance(sent, dict) and "t" in sent:
        return {"t": sent["t"] + n}
    return [_shifted(v, n) for v in sent] if isinstance(sent, list) else sent


def _variants(case: Case, tried: int) -> list[Written]:
    """A case, and the first few of each operation with other strides."""
    name, args = case
    ways = ["as it is"]
    if (
        tried < STRIDED
        and name not in FIXED
        and any(isinstance(a, torch.Tensor) and a.dim() > 0 for a in args)
    ):
        ways += ["sliced"] if name in EVEN else ["sliced", "transposed"]
    return [Written(name, args, how) for how in ways]


def _written(given: list[Case]) -> list[Written]:
    tried: Counter[str] = Counter()
    written: list[Written] = []
    with torch.no_grad():
        for case in given:
            written += _variants(case, tried[case[0]])
            tried[case[0]] += case[1][0].dim() > 1 if torch.is_tensor(case[1][0]) else 1
    return written


def _run(folder: Path, written: list[Written]) -> tuple[dict[str, Any], np.ndarray]:
    sent, numbers, start = [], [], 0
    for one in written:
        starts = []
        for storage in one.storages:
            starts.append(start)
            start += len(storage)
            numbers.append(storage)
        sent.append({"network": one.network, "starts": starts, "strided": one.strided})
    (folder / "inputs").write_bytes(np.concatenate(numbers).astype("<f4").tobytes())
    (folder / "cases.json").write_text(json.dumps(sent))
    run_module(folder, SCRIPT, folder, seconds=120)
    return json.loads((folder / "answer.json").read_text()), np.fromfile(folder / "outputs", "<f4")


def _differences(one: Written, answer: dict[str, Any], numbers: np.ndarray, at: int) -> tuple[list[str], int]:
    """What is wrong with one case, and where the numbers of the next begin."""
    if "error" in answer:
        return [f"{one.label}: {answer['error']}"], at
    wrong = []
    for i, shape in zip(one.kept, answer["shapes"], strict=True):
        wanted = one.wanted[i].to(torch.float32).numpy()
        got = numbers[at : at + math.prod(shape)]
        at += math.prod(shape)
        if list(wanted.shape) != shape:
            wrong.append(f"{one.label}: output {i} is {shape}, expected {list(wanted.shape)}")
            continue
        finite = np.abs(wanted[np.isfinite(wanted)])
        scale = float(finite[finite < 1e6].max(initial=1e-3))
        try:
            np.testing.assert_allclose(got.reshape(shape), wanted, rtol=2e-5, atol=1e-5 * scale)
        except AssertionError as error:
            wrong.append(f"{one.label}, output {i}: {error}")
    return wrong, at


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_every_operation_of_the_page_equals_torch(tmp_path):
    given = cases() + image_cases()
    written = _written(given)
    answer, numbers = _run(tmp_path, written)
    plain = [one for one in written if not one.strided]  # once more, without WebAssembly
    wrong, at = [], 0
    for one, got in zip([*written, *plain], answer["cases"], strict=True):
        found, at = _differences(one, got, numbers, at)
        wrong += found
    assert not wrong, f"{len(wrong)} of {len(answer['cases'])}:\n" + "\n".join(wrong[:20])
    tried = {name.partition(".")[0].removesuffix("_") for name, _ in given}
    named = {name.removesuffix("_") for name in answer["names"]}
    assert named - NO_VALUES <= tried, "each operation needs a case in page_cases.py"
