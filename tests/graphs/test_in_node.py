"""The page's own runner, under node, against torch and against the numpy reference."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

import vaewidgets
from tests.graphs.image_models import IMAGE_DECODERS, IMAGE_ENCODERS
from tests.graphs.models import DECODERS, ENCODERS, IMAGE, Z, made
from vaewidgets.graphs import Network, decoder_network, encoder_network

JS = Path(vaewidgets.__file__).parent / "js"
IMAGES = 3

# The bytes are put at an odd offset, as they may be in a message from the kernel.
SCRIPT = """
import { readFileSync, writeFileSync } from "node:fs";
const [lib, folder] = process.argv.slice(2);
const { compile } = await import(lib + "graphs/nn.js");
for (const name of JSON.parse(readFileSync(folder + "/cases.json", "utf8"))) {
  const { network, images } = JSON.parse(readFileSync(`${folder}/${name}.json`, "utf8"));
  const bytes = readFileSync(`${folder}/${name}.weights`);
  const padded = new Uint8Array(bytes.length + 3);
  padded.set(bytes, 3);
  network.weights.data = new DataView(padded.buffer, 3, bytes.length);
  const program = compile(network);
  const results = images.map((x) => program.run(x).map((y) => Array.from(y)));
  writeFileSync(`${folder}/${name}.out.json`, JSON.stringify(results));
}
"""


def write_case(folder: Path, name: str, network: Network, images: np.ndarray) -> None:
    """One network and its inputs, as the script reads them."""
    sent = network.as_dict()
    (folder / f"{name}.weights").write_bytes(sent["weights"].pop("data"))
    flat = images.reshape(len(images), -1).tolist()
    (folder / f"{name}.json").write_text(json.dumps({"network": sent, "images": flat}))


def cases() -> dict[str, tuple[Network, np.ndarray, list[np.ndarray]]]:
    """Network, inputs, torch's outputs: all built-in and odd models, both ways."""
    found = {}
    generator = torch.Generator().manual_seed(7)
    for kinds, trace, shape, method in (
        (DECODERS + IMAGE_DECODERS, decoder_network, (Z,), "decode"),
        (ENCODERS + IMAGE_ENCODERS, encoder_network, IMAGE, "encode"),
    ):
        for kind in kinds:
            model = made(kind).eval()
            network = trace(model, Z if method == "decode" else IMAGE)
            x = torch.rand((IMAGES, *shape), generator=generator)
            with torch.no_grad():
                rows = [getattr(model, method)(x[i : i + 1].clone()) for i in range(IMAGES)]
            rows = [row if isinstance(row, tuple) else (row,) for row in rows]
            wanted = [torch.cat(parts).flatten(1).numpy() for parts in zip(*rows, strict=True)]
            found[f"{kind.__name__}-{method}"] = (network, x.numpy(), wanted)
    return found


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_page_runner_equals_torch_and_the_reference(tmp_path):
    all_cases = cases()
    for name, (network, images, _) in all_cases.items():
        write_case(tmp_path, name, network, images)
    (tmp_path / "cases.json").write_text(json.dumps(list(all_cases)))
    (tmp_path / "run.mjs").write_text(SCRIPT)
    done = subprocess.run(
        ["node", str(tmp_path / "run.mjs"), JS.as_uri() + "/", str(tmp_path)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for name, (network, images, wanted) in all_cases.items():
        results = json.loads((tmp_path / f"{name}.out.json").read_text())
        reference = network.run(images, half=True)
        for output, (want, exact) in enumerate(zip(wanted, reference, strict=True)):
            got = np.array([result[output] for result in results])
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-2, err_msg=f"{name}, against torch")
            np.testing.assert_allclose(got, exact, rtol=1e-5, atol=1e-5, err_msg=f"{name}, against numpy")
