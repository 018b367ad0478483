"""What the microscope sends, what Python reads of it, and that the page computes the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.node import run_module
from tests.widgets.decode import digits, made
from tests.widgets.in_node import needs_node
from vaewidgets.contract.packing import unpack
from vaewidgets.errors import OptionError
from vaewidgets.widgets.elbo_microscope.pulls import balance, draws, pulls

SCRIPT = """
import { readFileSync } from "node:fs";
const [lib, folder] = process.argv.slice(2);
const { openGradients } = await import(lib + "widgets/elbo_microscope/gradients.js");
const { draws, evaluate, walk } = await import(lib + "widgets/elbo_microscope/balance.js");
const { network, forward, x, mu, logvar, beta } = JSON.parse(readFileSync(folder + "/case.json", "utf8"));
for (const [name, one] of Object.entries({ network, forward })) {
  const bytes = readFileSync(`${folder}/${name}.bin`);
  one.weights.data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
const dims = [0, 2];
const question = { x: Float32Array.from(x), told: null, logvar: Float32Array.from(logvar),
  eps: draws(16, 3, 5), beta, dims };
const many = openGradients(network, 16);
const at = (m) => evaluate(many, m, question);
const found = at(Float32Array.from(mu));
let settled = found;
for (const step of walk(at, found, { ...question, trainedBeta: 1 })) settled = step;
const differences = evaluate(openGradients(forward, 16), Float32Array.from(mu), question);
const plain = (one) =>
  Object.fromEntries(Object.entries(one).map(([k, v]) => [k, v.length ? Array.from(v) : v]));
const said = { found: plain(found), settled: plain(settled), differences: plain(differences) };
process.stdout.write(JSON.stringify({ ...said, eps: Array.from(question.eps) }));
"""


@pytest.fixture(scope="module")
def run() -> vw.Run:
    return made(latent_dim=3, epochs=2)


def test_the_page_gets_a_network_with_a_gradient_and_the_posteriors(run: vw.Run) -> None:
    widget = vw.ElboMicroscope(run)
    score = widget._live["score"]
    assert score["reason"] is None
    assert score["step"] == run.step
    assert len(score["network"]["outputs"]) == 3
    assert [one[1:] for one in score["network"]["inputs"]] == [[3], list(run.data.image_shape)]
    n = len(widget.sample)
    for key in ("mu", "logvar"):
        assert unpack(widget._live["posteriors"][key]).shape == (n, 3)
    assert "decoder" not in widget._live, "its weights would travel twice"
    widget.close()


def test_python_reads_what_is_turned(run: vw.Run) -> None:
    widget = vw.ElboMicroscope(run, image=3)
    at_mean, settled = widget.pulls, widget.balance
    torch.testing.assert_close(at_mean.mu, run.snapshot().encode(widget.sample.images[3:4])[0][0])
    assert at_mean.beta == run.current_beta
    assert settled.loss <= at_mean.loss
    assert settled.net.norm() < 0.1 * settled.of_kl.norm()
    widget.view = {"mu": [0.5, -1.0, 2.0], "beta": 4.0}
    torch.testing.assert_close(widget.pulls.of_kl, torch.tensor([-2.0, 4.0, -8.0]))
    widget.view = {"samples": 1}
    one = widget.pulls.recon
    widget.view = {"seed": 1}
    assert widget.pulls.recon != one
    assert run.beta == 1.0, "the run is left alone"
    widget.close()


@pytest.mark.parametrize(
    "view",
    [
        {"image": -1}, {"image": 10**6}, {"mu": [1.0]}, {"mu": "left"}, {"beta": -1}, {"samples": 3},
        {"seed": -1}, {"axes": [0, 0]}, {"axes": [0, 3]}, {"show": "all"},
    ],
)  # fmt: skip
def test_views_that_cannot_be_are_refused(run: vw.Run, view: dict) -> None:
    widget = vw.ElboMicroscope(run)
    with pytest.raises(OptionError, match=next(iter(view))):
        widget.view = view
    widget.close()


def test_a_model_without_a_posterior_is_told_why() -> None:
    data = digits()
    model = vw.Autoencoder(data.image_shape, latent_dim=2, hidden=(8,))
    widget = vw.ElboMicroscope(made(model, data=data))
    assert "no posterior variance" in widget.frame["run"]["error"]
    widget.close()


def test_a_decoder_that_cannot_be_run_backwards_is_sent_without() -> None:
    data = digits()
    pixels = int(np.prod(data.image_shape))

    class Held(torch.nn.Module):
        latent_dim = 2

        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = torch.nn.Linear(pixels, 4), torch.nn.Linear(2, pixels)

        def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            mu, logvar = self.a(x.flatten(1)).chunk(2, dim=1)
            return mu, logvar

        def decode(self, z: torch.Tensor) -> torch.Tensor:
            return torch.sigmoid(self.b(z.detach())).view(-1, *data.image_shape)

    widget = vw.ElboMicroscope(made(Held(), data=data))
    score = widget._live["score"]
    assert len(score["network"]["outputs"]) == 2
    assert score["reason"]
    widget.close()


@needs_node
def test_the_page_computes_the_same(run: vw.Run, tmp_path: Path) -> None:
    from vaewidgets.graphs import score_network

    snapshot, widget = run.snapshot(), vw.ElboMicroscope(run)
    model: Any = snapshot.model
    forward = score_network(model, snapshot.likelihood, run.data.image_shape, gradient=False).as_dict()
    sent = {"network": dict(widget._live["score"]["network"]), "forward": forward}
    for name, one in sent.items():
        one["weights"] = dict(one["weights"])
        (tmp_path / f"{name}.bin").write_bytes(bytes(one["weights"].pop("data")))
    dtype = sent["network"]["weights"]["dtype"]
    if dtype == "f16":
        for parameter in model.parameters():
            parameter.data = parameter.data.half().float()
    x = torch.from_numpy(widget.sample.images_u8[0].numpy()).float() / 255
    mu, logvar = torch.tensor([0.8, -1.1, 0.4]), torch.tensor([-2.0, -1.0, -3.0])
    case = {**sent, "x": x.flatten().tolist(), "mu": mu.tolist(), "logvar": logvar.tolist(), "beta": 1.5}
    (tmp_path / "case.json").write_text(json.dumps(case))
    got = json.loads(run_module(tmp_path, SCRIPT, tmp_path))
    eps = draws(16, 3, 5)
    np.testing.assert_allclose(np.reshape(got["eps"], (16, 3)), eps, atol=1e-6)

    def at(mean: torch.Tensor) -> Any:
        return pulls(model, snapshot.likelihood, x, mean, logvar=logvar, eps=eps, beta=1.5)

    found, settled = at(mu), balance(at, mu, 1.0)
    names = {"of_recon": "ofRecon", "of_kl": "ofKl", "shift": "shift", "spread": "spread", "cost": "cost"}
    for name, theirs in names.items():
        want = getattr(found, name).flatten().numpy()
        error = np.abs(np.array(got["found"][theirs]) - want).max()
        assert error <= 1e-4 * max(1.0, np.abs(want).max()), name
    assert got["found"]["loss"] == pytest.approx(found.loss, rel=1e-5)
    assert got["settled"]["loss"] == pytest.approx(settled.loss, abs=2e-3)
    np.testing.assert_allclose(got["settled"]["mu"], settled.mu, atol=2e-2)
    near = np.array(got["differences"]["ofRecon"])
    assert near[1] == 0, "of the two dimensions in sight alone"
    np.testing.assert_allclose(near[[0, 2]], found.of_recon[[0, 2]], rtol=2e-2, atol=0.1)
    widget.close()
