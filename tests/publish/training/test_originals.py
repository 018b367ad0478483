"""Small pictures of a trainable page: the page takes them from its data, and they are those of Python."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.node import run_module
from vaewidgets.contract.packing import unpack
from vaewidgets.live import save

SCRIPT = """
import { readFileSync } from "node:fs";
const [js, file] = process.argv.slice(2);
const { dataSet } = await import(js + "training/batches.js");
const { chooseSample, firstOf, originalsState } = await import(js + "training/sample.js");
const { data, counts } = JSON.parse(readFileSync(file, "utf8"), (key, value) =>
  key === "data" && typeof value === "string" ? Uint8Array.from(Buffer.from(value, "base64")) : value);
const set = dataSet(data);
const text = ({ shape, data: bytes }) =>
  ({ shape, bytes: Buffer.from(bytes.buffer ?? bytes).toString("base64") });
console.log(JSON.stringify(counts.map((n) => text(originalsState(firstOf(chooseSample(set, n), n))))));
"""


@pytest.fixture(scope="module")
def run() -> vw.Run:
    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=30, n_test=12)
    model = vw.MLPVAE(data.image_shape, hidden=(4,))
    return vw.train(model, data, epochs=1, batch_size=10, autosave=False).wait(progress=False)


def test_the_page_chooses_the_images_that_python_chose(run: vw.Run, tmp_path: Path) -> None:
    widgets = [vw.LatentScatter(run, points=points) for points in (7, 20, 2000)]
    payload = save._trainings(widgets, True)[run.id]["data"]
    assert payload["whole"]
    wanted = []
    for widget in widgets:
        widget._refresh(whole=True)
        wanted.append(unpack(widget.get_state()["originals"]))
        assert save._without_originals(widget, {run.id: {"data": payload}})["originals"] == "of the data"
        assert save._without_originals(widget, {})["originals"] is not None

    def plain(value: Any) -> Any:
        return base64.b64encode(bytes(value)).decode()

    file = tmp_path / "in.json"
    file.write_text(json.dumps({"data": payload, "counts": [len(one) for one in wanted]}, default=plain))
    found = json.loads(run_module(tmp_path, SCRIPT, file))
    for one, want in zip(found, wanted, strict=True):
        assert one["shape"] == list(want.shape)
        assert np.array_equal(np.frombuffer(base64.b64decode(one["bytes"]), np.uint8), want.reshape(-1))


def test_a_part_of_the_data_keeps_the_small_pictures(run: vw.Run, tmp_path: Path) -> None:
    widget = vw.LatentScatter(run)
    payload = save._trainings([widget], {"n_images": 10})
    assert not payload[run.id]["data"]["whole"]
    widget._refresh(whole=True)
    assert save._without_originals(widget, payload)["originals"] != "of the data"
