"""The page's own sections of a frame, under node, against those that Python builds of the same arrays."""

from __future__ import annotations

import base64
import json
import shutil
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from tests.node import run_module
from vaewidgets.contract.packing import pack, pack_quantised, unpack
from vaewidgets.contract.random import normals
from vaewidgets.diagnostics import project
from vaewidgets.engine.recorder import Recorder
from vaewidgets.live.latent import latent_state
from vaewidgets.objectives.kl import kl_per_dim
from vaewidgets.runs import TimeFrame
from vaewidgets.sections.state import curves_state, grid_state, scatter_state, units_state
from vaewidgets.sections.time_line import TimeKeys, posterior_state
from vaewidgets.sections.values import point_values

SHAPE, N = (1, 2, 3), 60
DIMS = {"line": 1, "direct": 2, "plane": 5, "many": 150}

SCRIPT = """
import { readFileSync, writeFileSync } from "node:fs";
const [lib, folder] = process.argv.slice(2);
const frames = await import(lib + "training/frames.js");
const { packFloats } = await import(lib + "contract/packing.js");
const { Recorder } = await import(lib + "training/recorder.js");
const { createTimeLine } = await import(lib + "training/time_line.js");
const { cases, images, classes, terms } = JSON.parse(readFileSync(folder + "/in.json", "utf8"));
const sample = {
  images: Uint8Array.from(images), shape: [1, 2, 3], classes: Int32Array.from(classes), nTest: 20, nTrain: 40,
};
const floats = (list) => list && Float32Array.from(list);
const out = {};
for (const [name, { d, before, mu, logvar }] of Object.entries(cases)) {
  const codes = (values, step) => ({ step, n: 60, d, mu: floats(values), logvar: floats(logvar) });
  const first = frames.scatterState(sample, codes(before, 3), null);
  const { state: scatter, plane } = frames.scatterState(sample, codes(mu, 7), first.plane);
  const old = frames.latentState(sample, codes(before, 3), null, true);
  const line = createTimeLine({ n: 60, d, weightsBytes: 100 });
  line.add(codes(before, 3), 0, { step: 3, network: null, reason: "none" });
  line.add(codes(mu, 7), 1, { step: 7, network: null, reason: "none" });
  const index = Int32Array.of(4, 2, 29);
  out[name] = {
    scatter, units: frames.unitsState(codes(mu, 7), { delta: 0.01, var_threshold: 0.02 }),
    values: frames.valuesState(codes(mu, 7)), posteriors: frames.posteriorState(codes(mu, 7)),
    latent: frames.latentState(sample, codes(mu, 7), old.directions, true).state,
    time_line: line.line(plane),
    z: packFloats(frames.latentsOf(codes(mu, 7), index, 5), [3, d]),
    grid: frames.gridState(sample, 7, index, { name: "own", seed: 5, decoded: new Uint8Array(18) }),
  };
}
const history = new Recorder(["loss", "recon", "kl", "beta"]);
terms.forEach((loss, step) => history.append(step, [loss, loss / 2, loss / 4, 0.1]));
history.appendEpoch(2, { test_loss: 5, test_recon: 3 });
history.appendEpoch(9, { test_loss: 4, test_recon: 2, test_kl: 1 });
out.curves = frames.curvesState(Recorder.from(history.save()));
writeFileSync(folder + "/out.json", JSON.stringify(out, (_, value) =>
  ArrayBuffer.isView(value) ? Buffer.from(value).toString("base64") : value));
"""


def _numbers(d: int, scale: float, seed: int) -> np.ndarray:
    """Axes of falling length: those of equal length could be turned about each other."""
    draws = np.random.default_rng(seed).standard_normal((N, d))
    return (draws * scale * np.geomspace(1, 0.75**d, d) + 0.2).astype(np.float32)


def _same(ours: Any, theirs: Any, where: str) -> None:
    """`theirs`, of the page, equals `ours`: rounding of 16 bits and of single floats aside."""
    if isinstance(ours, dict) and "dtype" in ours:
        assert (ours["dtype"], ours["shape"]) == (theirs["dtype"], theirs["shape"]), where
        theirs = {**theirs, "data": base64.b64decode(theirs["data"])}
        step = np.subtract(ours.get("hi", 0), ours.get("lo", 0)) / 65534
        difference = np.abs(unpack(ours).astype(float) - unpack(theirs).astype(float))
        allowed = 1e-5 * (1 + np.abs(unpack(ours).astype(float))) + 1.01 * step
        assert (difference <= allowed).all(), f"{where}: {difference.max()}"
    elif isinstance(ours, dict):
        assert set(ours) == set(theirs), where
        for key, value in ours.items():
            _same(value, theirs[key], f"{where}.{key}")
    elif isinstance(ours, list | tuple):
        assert len(ours) == len(theirs), where
        for i, value in enumerate(ours):
            _same(value, theirs[i], f"{where}[{i}]")
    elif isinstance(ours, float):
        assert theirs == pytest.approx(ours, abs=1e-6), where
    else:
        assert ours == theirs, where


def _python(d: int, before: np.ndarray, mu: np.ndarray, logvar: np.ndarray, sample: Any) -> dict[str, Any]:
    old, new, spread = map(torch.from_numpy, (before, mu, logvar))
    snapshot = SimpleNamespace(
        step=7,
        model=SimpleNamespace(latent_dim=d),
        data=SimpleNamespace(to_unit=lambda x: x),
        labels_needed=lambda _: None,
        encode=lambda images, _=None: (new[images.long()], spread[images.long()]),
        decode=lambda z, _=None: torch.zeros(len(z), *SHAPE),
    )
    sample.images = torch.arange(N)  # what `encode` takes for an image is its number
    earlier = SimpleNamespace(step=3)
    _, plane = scatter_state(sample, earlier, old, None)
    scatter, plane = scatter_state(sample, snapshot, new, plane, spread)
    _, directions = latent_state(sample, earlier, old, spread, None, points=True)
    time_frames = [
        TimeFrame(step, epoch, kl_per_dim(m, spread).mean(dim=0).numpy(), m.var(dim=0, correction=0).numpy(),
                  pack_quantised(m.numpy()), None)
        for step, epoch, m in ((3, 0, old), (7, 1, new))
    ]  # fmt: skip
    line = SimpleNamespace(frames=tuple(time_frames), weights=(), version=2)
    index = np.array([4, 2, 29])
    eps = np.stack([normals(d, 5, int(i)) for i in index])
    return {
        "z": pack(mu[index] + np.exp(logvar[index] / 2) * eps, "f32"),
        "scatter": scatter,
        "units": units_state(snapshot, new, spread, 0.01, 0.02),
        "values": point_values(sample, snapshot, new, spread, {}, recon=False),
        "posteriors": {**posterior_state(snapshot, sample), "step": 7},
        "latent": latent_state(sample, snapshot, new, spread, directions, points=True)[0],
        "time_line": TimeKeys(points=True, weights=False).state(
            SimpleNamespace(time_line=line), plane, lambda _: None
        )["time_line"],
        "grid": grid_state(sample, index, snapshot, "own", seed=5),
    }


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_sections_of_the_page_equal_those_of_python(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (N, *SHAPE), dtype=np.uint8)
    classes = np.arange(N) % 4
    terms = np.float32(100 / (1 + np.arange(2500)) + 0.37 * (np.arange(2500) % 7))
    terms[13] = np.nan
    cases = {
        name: {"d": d, "before": _numbers(d, 2, 1), "mu": _numbers(d, 3, 2), "logvar": _numbers(d, -2, 3)}
        for name, d in DIMS.items()
    }
    given = {
        "cases": {
            name: {k: v.ravel().tolist() if k != "d" else v for k, v in case.items()}
            for name, case in cases.items()
        },
        "images": images.ravel().tolist(),
        "classes": classes.tolist(),
        "terms": [None if np.isnan(t) else float(t) for t in terms],
    }
    (tmp_path / "in.json").write_text(json.dumps(given).replace("null", "1e999"))
    run_module(tmp_path, SCRIPT, tmp_path)
    page = json.loads((tmp_path / "out.json").read_text())
    sample = SimpleNamespace(
        classes=classes, labels=None, n_test=20, n_train=40, images_u8=torch.from_numpy(images)
    )
    for name, case in cases.items():
        ours = _python(**case, sample=sample)
        _same(ours, page[name], name)
    recorder = Recorder()
    columns = {"loss": terms, "recon": terms / 2, "kl": terms / 4, "beta": np.full(2500, 0.1)}
    recorder.extend(np.arange(2500), columns)
    recorder.append_epoch(2, {"test_loss": 5, "test_recon": 3})
    recorder.append_epoch(9, {"test_loss": 4, "test_recon": 2, "test_kl": 1})
    _same(curves_state(SimpleNamespace(recorder=recorder)), page["curves"], "curves")  # type: ignore[arg-type]


def test_the_plane_is_continued_from_the_frame_before():
    """What the comparison above relies on: without the frame before the axes would differ."""
    mu, before = (torch.from_numpy(_numbers(5, *s)) for s in ((3, 2), (2, 1)))
    continued = project(mu, previous=project(before)).components
    assert not torch.allclose(project(mu).components, continued, atol=1e-3)
