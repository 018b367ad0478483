"""The page's optimisers against torch's own, 50 steps of each, in one node process."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch

from tests.node import run_module

STEPS = 50
N = 103  # no multiple of four
SCRIPT = """
import { readFileSync } from "node:fs";
const [js, path] = process.argv.slice(2);
const { createMemory } = await import(js + "graphs/kernels/memory.js");
const { start, gradients, cases } = JSON.parse(readFileSync(path, "utf8"));
const n = start.length;
const trained = (memory, [kernel, options]) => {
  const [p, g, m, v] = [0, 1, 2, 3].map(() => memory.alloc(n + 1));
  memory.f32.set(start, p);
  memory.f32[p + n] = 7;
  gradients.forEach((gradient, i) => {
    memory.f32.set(gradient, g);
    memory.kernels[kernel]({ p, g, m, v, buffer: m, sum: m, n, step: i + 1, ...options });
  });
  if (memory.f32[p + n] !== 7) throw new Error(`${kernel} wrote beyond its end`);
  return Array.from(memory.f32.subarray(p, p + n));
};
const memories = [createMemory(), createMemory({ plain: true })];
console.log(JSON.stringify(memories.map((memory) => cases.map((each) => trained(memory, each)))));
"""
ADAM = {"lr": 0.01, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
TORCH_ADAM = {"lr": 0.01, "betas": (0.9, 0.999), "eps": 1e-8}

# torch's class and options, the kernel and its options
CASES = {
    "Adam": (torch.optim.Adam, TORCH_ADAM, "adam", ADAM),
    "Adam, weight decay": (
        torch.optim.Adam,
        {**TORCH_ADAM, "weight_decay": 0.1},
        "adam",
        {**ADAM, "weightDecay": 0.1},
    ),
    "Adam, other betas": (
        torch.optim.Adam,
        {**TORCH_ADAM, "betas": (0.5, 0.9)},
        "adam",
        {**ADAM, "beta1": 0.5, "beta2": 0.9},
    ),
    "AdamW": (
        torch.optim.AdamW,
        {**TORCH_ADAM, "weight_decay": 0.1},
        "adam",
        {**ADAM, "weightDecay": 0.1, "decoupled": True},
    ),
    "SGD": (torch.optim.SGD, {"lr": 0.1}, "sgd", {"lr": 0.1}),
    "SGD, momentum": (
        torch.optim.SGD,
        {"lr": 0.01, "momentum": 0.9, "dampening": 0.2, "weight_decay": 0.1},
        "sgd",
        {"lr": 0.01, "momentum": 0.9, "dampening": 0.2, "weightDecay": 0.1},
    ),
    "SGD, Nesterov": (
        torch.optim.SGD,
        {"lr": 0.01, "momentum": 0.9, "nesterov": True},
        "sgd",
        {"lr": 0.01, "momentum": 0.9, "nesterov": True},
    ),
    "Adagrad": (
        torch.optim.Adagrad,
        {"lr": 0.1, "lr_decay": 0.01, "weight_decay": 0.1, "eps": 1e-10},
        "adagrad",
        {"lr": 0.1, "lrDecay": 0.01, "weightDecay": 0.1, "eps": 1e-10},
    ),
}


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_optimisers_are_torchs(tmp_path):
    generator = torch.Generator().manual_seed(3)
    start = torch.randn(N, generator=generator)
    gradients = torch.randn(STEPS, N, generator=generator) + torch.linspace(-1, 1, N)
    case = {
        "start": start.tolist(),
        "gradients": gradients.tolist(),
        "cases": [[kernel, options] for _, _, kernel, options in CASES.values()],
    }
    (tmp_path / "case.json").write_text(json.dumps(case))
    for found in json.loads(run_module(tmp_path, SCRIPT, tmp_path / "case.json")):
        for (name, (make, options, _, _)), got in zip(CASES.items(), found, strict=True):
            weights = torch.nn.Parameter(start.clone())
            optimizer = make([weights], **options)
            for gradient in gradients:
                weights.grad = gradient.clone()
                optimizer.step()
            wanted = weights.detach().numpy()
            # 50 steps, each rounded to half a unit in the last place of numbers up to 4
            np.testing.assert_allclose(got, wanted, rtol=0, atol=STEPS * 2**-23, err_msg=name)
