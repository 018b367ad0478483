"""Decoding in the page, under node: experiment C's convolutional decoder and the MLP of experiment A.

    python -m tests.benchmarks.bench_inference [--rounds 300]

Medians of the whole call (z in, image out), with the WebAssembly kernels and the plain ones; the error is
the largest difference from torch with the same half-precision weights, of values in [−1, 1].
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch

import vaewidgets
from vaewidgets.graphs import decoder_network
from vaewidgets.models import MLPVAE, ConvVAE

JS = Path(vaewidgets.__file__).parent / "js"

SCRIPT = """
import { readFileSync } from "node:fs";
const [lib, folder, rounds, forbidden] = process.argv.slice(2);
const { createMemory } = await import(lib + "graphs/kernels/memory.js");
const { createProgram, createTensors } = await import(lib + "graphs/program.js");
const { operations } = await import(lib + "graphs/operations/index.js");
const { network, z, wanted } = JSON.parse(readFileSync(folder + "/case.json", "utf8"));
network.weights.data = new Uint8Array(readFileSync(folder + "/weights"));
const memory = createMemory({ plain: forbidden === "plain" });
const compile = () => {
  const tensors = createTensors(network, memory);
  const program = createProgram(network, { memory, tensors, operations, constantWeights: true });
  program.call(z); // what depends on weights alone runs once
  return { program, tensors };
};
const { program } = compile();
let error = 0;
program.call(z)[0].forEach((value, i) => { error = Math.max(error, Math.abs(value - wanted[i])); });
const times = (call) => {
  const taken = [];
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    call(i);
    taken.push(performance.now() - start);
  }
  return taken.slice(taken.length / 10).sort((a, b) => a - b);
};
const runs = times((i) => program.call(z.map((v) => v + i / 1000)));
const compiles = times(() => {
  const made = compile();
  made.program.destroy();
  made.tensors.destroy();
});
const at = (list, q) => list[Math.floor(list.length * q)];
console.log(JSON.stringify({ kernel: memory.kernels.name, error, median_ms: at(runs, 0.5), least_ms: runs[0],
  high_ms: at(runs, 0.9), compile_ms: at(compiles, 0.5) }));
"""


def measure(model: torch.nn.Module, rounds: int, kind: str) -> dict:
    """Run one decoder in a node of its own."""
    network = decoder_network(model, model.latent_dim)
    z = np.random.default_rng(0).normal(size=model.latent_dim)
    sent = network.as_dict()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "weights").write_bytes(sent["weights"].pop("data"))
        wanted = network.run(z, half=True)[0][0]
        case = {"network": sent, "z": z.tolist(), "wanted": wanted.tolist()}
        (folder / "case.json").write_text(json.dumps(case))
        (folder / "run.mjs").write_text(SCRIPT)
        command = ["node", str(folder / "run.mjs"), JS.as_uri() + "/", str(folder), str(rounds), kind]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    rounds = parser.parse_args().rounds
    torch.manual_seed(0)
    models = {
        "C, convolutional, 68 M multiply-adds": ConvVAE((1, 28, 28), 128),
        "A, 2-256-512-784": MLPVAE((1, 28, 28), 2, hidden=(512, 256)),
    }
    print(f"{'':40}{'kernel':>8}{'median':>9}{'least':>8}{'90 %':>8}{'compile':>9}  ms    error")
    for name, model in models.items():
        for kind in ("wasm", "plain"):
            row = measure(model, rounds, kind)
            times = (
                f"{row['median_ms']:9.2f}{row['least_ms']:8.2f}{row['high_ms']:8.2f}{row['compile_ms']:9.2f}"
            )
            print(f"{name:40}{row['kernel']:>8}{times}      {row['error']:.1e}")


if __name__ == "__main__":
    main()
