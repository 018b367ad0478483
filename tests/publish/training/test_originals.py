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
const { ownValues } = await import(js + "training/frames.js");
const { wantsOf } = await import(js + "training/wants.js");
const { toFloat32 } = await import(js + "contract/bytes.js");
const { data, counts, state } = JSON.parse(readFileSync(file, "utf8"), (key, value) =>
  key === "data" && typeof value === "string" ? Uint8Array.from(Buffer.from(value, "base64")) : value);
const set = dataSet(data);
const text = ({ shape, data: bytes }) =>
  ({ shape, bytes: Buffer.from(bytes.buffer ?? bytes).toString("base64") });
const own = state ? ownValues(wantsOf(state).values, set.places, counts[0]) : [];
console.log(JSON.stringify({
  originals: counts.map((n) => text(originalsState(firstOf(chooseSample(set, n), n)))),
  values: own.map(({ name, values }) => [name, Array.from(toFloat32(values))]),
}));
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

    found = _in_the_page(tmp_path, {"data": payload, "counts": [len(one) for one in wanted]})["originals"]
    for one, want in zip(found, wanted, strict=True):
        assert one["shape"] == list(want.shape)
        assert np.array_equal(np.frombuffer(base64.b64decode(one["bytes"]), np.uint8), want.reshape(-1))


def _in_the_page(folder: Path, given: dict[str, Any]) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        return base64.b64encode(bytes(value)).decode()

    (folder / "in.json").write_text(json.dumps(given, default=plain))
    found: dict[str, Any] = json.loads(run_module(folder, SCRIPT, folder / "in.json"))
    return found


@pytest.mark.parametrize("options", [{}, {"n_images": 10}, {"n_images": 10, "n_test": 5}, {"n_test": 0}])
def test_values_of_ones_own_stay_with_their_images(
    run: vw.Run, tmp_path: Path, options: dict[str, int]
) -> None:
    widget = vw.LatentScatter(run, points=25, values={"number": np.arange(25)})
    payload = save._trainings([widget], options or True)[run.id]["data"]
    widget._refresh(whole=True)
    state = widget.whole_state()
    count = min(25, sum(payload[part]["images"]["shape"][0] for part in ("train", "test") if payload[part]))
    found = _in_the_page(
        tmp_path,
        {"data": payload, "counts": [count], "state": {key: state[key] for key in ("frame", "values")}},
    )
    ((name, numbers),) = found["values"]  # those that follow from the model are not among them
    assert name == "number"
    (page,) = found["originals"]
    images = np.frombuffer(base64.b64decode(page["bytes"]), np.uint8).reshape(page["shape"])
    python = unpack(state["originals"])
    known = [(i, round(number)) for i, number in enumerate(numbers) if number is not None]
    assert len(known) == len({number for _, number in known}) >= 8
    for i, number in known:
        assert np.array_equal(images[i], python[number])
    unknown = [image for image, number in zip(images, numbers, strict=True) if number is None]
    assert not any(np.array_equal(image, one) for image in unknown for one in python)


def test_a_part_of_the_data_keeps_the_small_pictures(run: vw.Run, tmp_path: Path) -> None:
    widget = vw.LatentScatter(run)
    payload = save._trainings([widget], {"n_images": 10})
    assert not payload[run.id]["data"]["whole"]
    widget._refresh(whole=True)
    assert save._without_originals(widget, payload)["originals"] != "of the data"
