"""The page's interpreter, under node, against torch."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.graphs.image_models import IMAGE_DECODERS, IMAGE_ENCODERS
from tests.graphs.layer_models import LAYER_DECODERS
from tests.graphs.models import DECODERS, ENCODERS, IMAGE, Z, made
from tests.node import run_module
from vaewidgets.graphs import Network, decoder_network, encoder_network

IMAGES = 5

# The bytes are put at an odd offset, as they may be in a message from the kernel.
SCRIPT = """
import { readFileSync, writeFileSync } from "node:fs";
const [lib, folder] = process.argv.slice(2);
const { createMemory } = await import(lib + "graphs/kernels/memory.js");
const { createTensors, createProgram } = await import(lib + "graphs/program.js");
const { operations } = await import(lib + "graphs/operations/index.js");
const memory = createMemory();
for (const { name, batches } of JSON.parse(readFileSync(folder + "/cases.json", "utf8"))) {
  const { network, images } = JSON.parse(readFileSync(`${folder}/${name}.json`, "utf8"));
  const results = [];
  for (const dtype of ["f32", "f16"]) {
    const bytes = readFileSync(`${folder}/${name}.${dtype}`);
    const padded = new Uint8Array(bytes.length + 3);
    padded.set(bytes, 3);
    network.weights.dtype = dtype;
    network.weights.data = new DataView(padded.buffer, 3, bytes.length);
    const tensors = createTensors(network, memory);
    for (const batch of batches) {
      const program = createProgram(network, { memory, tensors, operations, batch, constantWeights: true });
      const found = [];
      for (let i = 0; i < images.length; i += batch) {
        const outputs = program.call(images.slice(i, i + batch).flat());
        outputs.forEach((y, k) => (found[k] ??= []).push(...y));
      }
      results.push(found);
      program.destroy();
    }
    tensors.destroy();
  }
  writeFileSync(`${folder}/${name}.out.json`, JSON.stringify(results));
}
"""


def write_case(folder: Path, name: str, network: Network, images: np.ndarray) -> None:
    """One network and its inputs, as the script reads them."""
    sent = network.as_dict()
    (folder / f"{name}.f16").write_bytes(sent["weights"].pop("data"))
    (folder / f"{name}.f32").write_bytes(network.weights.tobytes())
    flat = images.reshape(len(images), -1).tolist()
    (folder / f"{name}.json").write_text(json.dumps({"network": sent, "images": flat}))


def cases() -> dict[str, tuple[Network, np.ndarray, list[np.ndarray]]]:
    """Network, inputs, torch's outputs: all built-in and odd models, both ways."""
    found = {}
    generator = torch.Generator().manual_seed(7)
    for kinds, trace, shape, method in (
        (DECODERS + IMAGE_DECODERS + LAYER_DECODERS, decoder_network, (Z,), "decode"),
        (ENCODERS + IMAGE_ENCODERS, encoder_network, IMAGE, "encode"),
    ):
        for kind in kinds:
            model = made(kind).eval()
            network = trace(model, Z if method == "decode" else IMAGE)
            x = torch.rand((IMAGES, *shape), generator=generator)
            with torch.no_grad():
                rows = [getattr(model, method)(x[i : i + 1].clone()) for i in range(IMAGES)]
            rows = [row if isinstance(row, tuple) else (row,) for row in rows]
            wanted = [
                torch.cat([one.detach().reshape(1, -1) for one in output]).numpy()
                for output in zip(*rows, strict=True)
            ]
            found[f"{kind.__name__}-{method}"] = (network, x.numpy(), wanted)
    return found


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_page_runner_equals_torch_one_by_one_and_together(tmp_path):
    all_cases = cases()
    for name, (network, images, _) in all_cases.items():
        write_case(tmp_path, name, network, images)
    batches = {name: [1] if network.reason else [1, IMAGES] for name, (network, *_) in all_cases.items()}
    listed = [{"name": name, "batches": sizes} for name, sizes in batches.items()]
    (tmp_path / "cases.json").write_text(json.dumps(listed))
    run_module(tmp_path, SCRIPT, tmp_path)
    for name, (_, _, wanted) in all_cases.items():
        results = json.loads((tmp_path / f"{name}.out.json").read_text())
        runs = [(tolerance, batch) for tolerance in (1e-4, 1e-2) for batch in batches[name]]
        for (tolerance, batch), outputs in zip(runs, results, strict=True):
            for want, got in zip(wanted, outputs, strict=True):
                error = np.abs(np.array(got).reshape(want.shape) - want).max()
                assert error <= tolerance * max(1.0, np.abs(want).max()), f"{name}, {batch} at once"
