"""The network that says which way a point should move, replayed and in the page, against autograd."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import vaewidgets as vw
from tests.node import run_module
from vaewidgets.errors import PortableError
from vaewidgets.graphs import Network, score, score_network
from vaewidgets.models.pixels import OUTPUTS
from vaewidgets.objectives import get_likelihood

IMAGE, IMAGES = (1, 8, 8), 4

SCRIPT = """
import { readFileSync, writeFileSync } from "node:fs";
const [lib, folder] = process.argv.slice(2);
const { openGradients } = await import(lib + "widgets/elbo_microscope/gradients.js");
const found = {};
for (const name of JSON.parse(readFileSync(folder + "/cases.json", "utf8"))) {
  const { network, inputs } = JSON.parse(readFileSync(`${folder}/${name}.json`, "utf8"));
  const bytes = readFileSync(`${folder}/${name}.bin`);
  network.weights.data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const one = openGradients(network, inputs[0].length);
  found[name] = one.run(...inputs.map((rows) => rows.flat(Infinity))).map((y) => Array.from(y));
  one.close();
}
writeFileSync(`${folder}/out.json`, JSON.stringify(found));
"""


def made(kind: str) -> tuple[nn.Module, Any]:
    torch.manual_seed(0)
    if kind == "convolutional":
        return vw.ConvVAE((1, 16, 16), latent_dim=3, channels=(4, 8)).eval(), get_likelihood("bernoulli")
    if kind == "conditional":
        return vw.ConditionalVAE(IMAGE, latent_dim=3, n_classes=3, hidden=(12,)).eval(), get_likelihood(
            "bernoulli"
        )
    shape = (1, 8, 4) if kind == "categorical" else IMAGE
    model = vw.MLPVAE(shape, latent_dim=3, hidden=(12,), activation="relu", likelihood=kind)
    return model.eval(), get_likelihood(kind)


def rounded(model: nn.Module, network: Network) -> nn.Module:
    """The model with the weights that the page gets."""
    if network.precision == "f16":
        for parameter in model.parameters():
            parameter.data = parameter.data.half().float()
    return model


@pytest.fixture(scope="module")
def cases() -> dict[str, tuple[Network, list[torch.Tensor], tuple[torch.Tensor, ...]]]:
    """Network, inputs, and what autograd says."""
    found = {}
    for kind in (*OUTPUTS, "convolutional", "conditional"):
        model, likelihood = made(kind)
        shape = model.image_shape
        network = score_network(model, likelihood, shape)
        generator = torch.Generator().manual_seed(1)
        z, x = torch.randn(IMAGES, 3, generator=generator), torch.rand(IMAGES, *shape, generator=generator)
        if kind in ("poisson", "negative_binomial"):
            x = (3 * x).round()
        if kind == "categorical":
            x = nn.functional.one_hot(x.argmax(-1), shape[-1]).float()
        told = [torch.eye(3)[torch.arange(IMAGES) % 3]] if kind == "conditional" else []
        wanted = score(rounded(model, network), likelihood, z, x, *told)
        found[kind] = (network, [z, x, *told], wanted)
    return found


def close(got: Any, want: torch.Tensor, what: str) -> None:
    got = np.asarray(got, np.float64).reshape(want.shape)
    error = np.abs(got - want.numpy()).max()
    assert error <= 1e-4 * max(1.0, float(want.abs().max())), f"{what}: {error}"


def test_the_recorded_gradient_equals_autograds(cases: Any) -> None:
    for kind, (network, inputs, wanted) in cases.items():
        for got, want in zip(network.run(*(x.numpy() for x in inputs), half=True), wanted, strict=True):
            close(got, want, kind)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_pages_gradient_equals_autograds(cases: Any, tmp_path: Path) -> None:
    for kind, (network, inputs, _) in cases.items():
        sent = network.as_dict()
        (tmp_path / f"{kind}.bin").write_bytes(sent["weights"].pop("data"))
        told = {"network": sent, "inputs": [x.tolist() for x in inputs]}
        (tmp_path / f"{kind}.json").write_text(json.dumps(told))
    (tmp_path / "cases.json").write_text(json.dumps(list(cases)))
    run_module(tmp_path, SCRIPT, tmp_path)
    found = json.loads((tmp_path / "out.json").read_text())
    for kind, (_, _, wanted) in cases.items():
        for name, got, want in zip(("x_hat", "cost", "gradient"), found[kind], wanted, strict=True):
            close(got, want, f"{kind}, {name}")


def test_a_decoder_whose_gradient_cannot_be_recorded_is_scored_without() -> None:
    class Held(nn.Module):
        latent_dim, image_shape = 2, IMAGE

        def __init__(self) -> None:
            super().__init__()
            self.out = nn.Linear(2, 64)

        def decode_raw(self, z: torch.Tensor) -> torch.Tensor:
            with torch.no_grad():
                return self.out(z).view(-1, *IMAGE)

    likelihood = get_likelihood("bernoulli")
    with pytest.raises(PortableError):
        score_network(Held(), likelihood, IMAGE)
    network = score_network(Held(), likelihood, IMAGE, gradient=False)
    assert len(network.outputs) == 2
