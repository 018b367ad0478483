"""Damaged run files: the fault is named, and what is whole is still there."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.runs.conftest import make_data, start
from vaewidgets.contract.run_file import CHECKSUMS, KEY
from vaewidgets.errors import CheckpointError
from vaewidgets.runs import TrainingRun

DATA = make_data(n_test=8)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[bytes, TrainingRun]]:
    """A run file, and its run."""
    run = start(DATA, epochs=3, optimizer="adagrad").wait(progress=False)
    path = tmp_path_factory.mktemp("whole") / "run.safetensors"
    run.save(path)
    yield path.read_bytes(), run
    run.close()


def header_of(data: bytes) -> tuple[dict[str, Any], int]:
    length = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8 : 8 + length]), 8 + length


def place(data: bytes, name: str) -> slice:
    header, start_at = header_of(data)
    first, end = header[name]["data_offsets"]
    return slice(start_at + first, start_at + end)


def flipped(data: bytes, name: str) -> bytes:
    """With one bit of a tensor changed."""
    at = place(data, name).start
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def forged(data: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """With other facts and no checksums, as a file of before."""
    header, start_at = header_of(data)
    facts = json.loads(header["__metadata__"][KEY])
    facts = change(facts) or facts
    header["__metadata__"] = {KEY: facts if isinstance(facts, str) else json.dumps(facts)}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[start_at:]


def put(folder: Path, data: bytes) -> Path:
    path = folder / "run.safetensors"
    path.write_bytes(data)
    return path


def test_each_part_has_a_checksum(whole: tuple[bytes, TrainingRun], tmp_path: Path) -> None:
    data, run = whole
    header, _ = header_of(data)
    assert set(json.loads(header["__metadata__"][CHECKSUMS])) == {"", *header} - {"__metadata__"}
    for name in (*header,):
        if name == "__metadata__":
            continue
        with pytest.raises(CheckpointError, match=f"tensor {name!r} is changed since it was written"):
            vw.load_run(put(tmp_path, flipped(data, name)), data=DATA)
    assert vw.load_run(put(tmp_path, data), data=DATA).lost == ()
    assert run.lost == ()


def salvaged(path: Path, **options: Any) -> Any:
    with pytest.warns(UserWarning, match=r"was loaded without what is damaged: .* See run\.lost"):
        return vw.load_run(path, salvage=True, **options)


def same(a: Any, b: Any) -> bool:
    mine, others = a.model.state_dict(), b.model.state_dict()
    return all(torch.equal(mine[name], others[name]) for name in mine)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("history.column.kl", "history.column.kl"),
        ("history.steps", "history.steps"),
        ("generator.noise", "generator.noise"),
        ("optimizer.1.sum", "optimizer.1.sum"),
        ("time.1.mu", "time.1.mu"),
        ("time.weights.0.2", "time.weights.0.2"),
        ("model.encoder.0.weight", "model.encoder.0.weight"),
    ],
)
def test_what_is_whole_is_salvaged(
    whole: tuple[bytes, TrainingRun], tmp_path: Path, name: str, says: str
) -> None:
    data, run = whole
    loaded = salvaged(put(tmp_path, flipped(data, name)), data=DATA)
    assert says in loaded.lost[0]
    part = name.split(".", maxsplit=1)[0]
    assert same(loaded, run) == (part != "model")
    for column in ("kl", "loss"):
        if name not in (f"history.column.{column}", "history.steps"):
            np.testing.assert_array_equal(loaded.history[column], run.history[column])
    assert ("kl" in list(loaded.history)) == (name not in ("history.column.kl", "history.steps"))
    frames, sets = len(run.time_line), len(run.time_line.weights)
    assert len(loaded.time_line) == frames - (name == "time.1.mu")
    assert len(loaded.time_line.weights) == sets - name.startswith("time.weights")
    goes_on = part in ("history", "time")
    assert isinstance(loaded, TrainingRun) == goes_on
    if not goes_on:
        assert "salvaged from a damaged file" in loaded.engine
    if part == "model":  # from the time line, in half precision
        torch.testing.assert_close(
            loaded.model.encoder[0].weight, run.model.encoder[0].weight, atol=1e-3, rtol=1e-2
        )
    again = tmp_path / "again.safetensors"
    loaded.save(again)
    assert vw.load_run(again, data=DATA).step == run.step


def test_a_file_that_is_cut_off_gives_what_comes_before(
    whole: tuple[bytes, TrainingRun], tmp_path: Path
) -> None:
    data, run = whole
    at = place(data, "model.encoder.0.weight").start + 4
    loaded = salvaged(put(tmp_path, data[:at]), data=DATA)
    assert any("cut off: 4 of" in one for one in loaded.lost)
    np.testing.assert_array_equal(loaded.history["loss"], run.history["loss"])
    assert np.isfinite(loaded.evaluate()["loss"])
    with pytest.raises(CheckpointError, match="ends within its header"):
        vw.load_run(put(tmp_path, data[:100]), data=DATA, salvage=True)


def test_facts_that_are_lost_have_to_be_given(whole: tuple[bytes, TrainingRun], tmp_path: Path) -> None:
    data, run = whole
    path = put(tmp_path, forged(data, lambda facts: "no JSON"))
    with pytest.raises(CheckpointError, match="what it says of its run is not readable"):
        vw.load_run(path, data=DATA)
    with pytest.raises(CheckpointError, match=r"load_run\(path, model=\.\.\.\)"):
        vw.load_run(path, data=DATA, salvage=True)
    model = vw.MLPVAE((1, 4, 4), 2, hidden=(8,))
    assert same(salvaged(path, model=model, data=DATA), run)


DEEP = json.loads("[" * 900 + "]" * 900)


@pytest.mark.parametrize(
    "case",
    [
        ("step", "x", "fact 'step' is 'x'; expected a whole number"),
        ("step", -1, "fact 'step' is -1"),
        ("step", True, "fact 'step' is True"),
        ("epoch", 10**80, "fact 'epoch' is too deep, or holds numbers too large"),
        ("options", [], "fact 'options' is a?"),
        ("options", {"lr": "fast"}, "option 'epochs' is missing"),
        ("model", [], r"fact 'model' is \[\]"),
        (
            "model",
            {"class": "MLPVAE", "image_shape": [1, 4, 4], "latent_dim": 200_000},
            "option 'latent_dim'",
        ),
        ("model", {"class": "MLPVAE", "image_shape": [1, 4, 4], "hidden": [1] * 99_999}, "option 'hidden'"),
        ("model", {"class": "MLPVAE", "image_shape": "x"}, "its model cannot be built"),
        ("name", None, "fact 'name' is None"),
        ("status", "well", "fact 'status' is 'well'"),
        ("data", {"name": "noise"}, "fact 'data': 'image_shape' is missing"),
        ("columns", ["loss", "loss"], "fact 'columns'"),
        ("columns", ["gain"], "tensor 'history.column.gain' is missing"),
        ("history_epochs", [[1, {"kl": "x"}]], "fact 'history_epochs'"),
        ("time_line", {"frames": 3}, "fact 'time_line'"),
        ("likelihood", "perhaps", "fact 'likelihood' is 'perhaps'"),
        ("objective", {"name": "free_bits", "bits": 1}, "fact 'objective'"),
        ("schedule", {"kind": "constant", "value": -1}, "fact 'schedule'"),
        ("epoch_sums", [1, 2], "fact 'epoch_sums'"),
        ("lr", float("nan"), "fact 'lr' is nan"),
        ("position", 10**6, "fact 'position' is 1000000; expected at most the 6 steps"),
        ("error", DEEP, "fact 'error' is too deep"),
    ],
    ids=lambda case: case[0],
)
def test_every_fact_is_checked_before_anything_is_built(
    whole: tuple[bytes, TrainingRun],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[str, Any, str],
) -> None:
    name, value, message = case
    monkeypatch.setattr("vaewidgets.runs.load.assemble", lambda *_, **__: pytest.fail("an engine was built"))
    path = put(tmp_path, forged(whole[0], lambda facts: {**facts, name: value}))
    with pytest.raises(CheckpointError, match=message) as caught:
        vw.load_run(path, data=DATA)
    assert os.fspath(path) in str(caught.value)


def test_a_file_without_checksums_holds_no_weight_that_is_not_finite(
    whole: tuple[bytes, TrainingRun], tmp_path: Path
) -> None:
    data = forged(whole[0], lambda facts: facts)
    assert vw.load_run(put(tmp_path, data), data=DATA).step == 18
    at = place(data, "model.decoder.0.weight").start
    broken = data[:at] + struct.pack("<f", float("nan")) + data[at + 4 :]
    with pytest.raises(CheckpointError, match=r"tensor 'model.decoder.0.weight' is not finite"):
        vw.load_run(put(tmp_path, broken), data=DATA)
