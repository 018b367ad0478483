"""Saved runs where there is no torch: what is saved, and that Python alone opens it."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.node import JS, run_module
from vaewidgets import replay
from vaewidgets.errors import CheckpointError, OptionError
from vaewidgets.live.save import page_states

# As where these are not installed; what is left is in JupyterLite too.
WITHOUT = """
import sys
class Absent:
    names = {"torch", "torchvision", "sklearn", "scipy", "matplotlib", "safetensors", "tqdm", "numpy"}
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}")
sys.meta_path.insert(0, Absent())
"""
OPENED = """
import hashlib, json
from vaewidgets import replay
saved = replay.open(sys.argv[1], *sys.argv[2:])
content = saved.content
for training in content["trainings"]:
    training["state"] = json.loads(content["blobs"][str(training["state"])])
import vaewidgets
assert vaewidgets.host().name  # needs no torch
try:
    vaewidgets.LatentExplorer
except ModuleNotFoundError as error:
    assert "replay.open" in str(error), error
else:
    raise AssertionError("torch is there")
blobs = {name: hashlib.sha256(data).hexdigest() for name, data in content["blobs"].items()}
print(json.dumps({"content": {**content, "blobs": blobs}, "names": saved.names, "repr": repr(saved)}))
"""
# As JupyterLite's kernel converts messages: null is no None.
TURNED = """
from pyodide.code import run_js
saved.set_state({"view": {"classes": run_js("null"), "selected": [1]}})
assert saved.view == {"classes": None, "selected": [1]}, saved.view
"""
PYODIDE = JS / "node_modules" / "pyodide" / "pyodide.mjs"
# Packages of this environment that hold no machine code: those that JupyterLite would fetch.
IN_PYODIDE = """
const { loadPyodide } = await import(process.argv[3]);
const python = await loadPyodide();
const [program, ...roots] = process.argv.slice(4);
for (const [i, root] of roots.entries()) {
  python.FS.mkdirTree(`/${i}`);
  python.FS.mount(python.FS.filesystems.NODEFS, { root }, `/${i}`);
}
python.runPython(program);
"""

OF_A_WIDGET = ("widget_id", "layout", "ack")  # not of the run


@pytest.fixture(scope="module")
def run() -> vw.Run:
    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=128)
    model = vw.MLPVAE(data.image_shape, hidden=(16,))
    return vw.train(model, data, epochs=2, autosave=False).wait(progress=False)


@pytest.fixture(scope="module")
def file(run: vw.Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("replay") / "run.safetensors"
    replay.save(run, path)
    return path


def whole(widget: dict[str, Any], blobs: dict[str, Any]) -> dict[str, Any]:
    """The state with a name of its bytes in place of each buffer."""
    state = copy.deepcopy(widget["state"])
    for path, number in widget["buffers"]:
        at = state
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = blobs[str(number)]
    return state


def named(value: Any) -> Any:
    """A state as `whole` makes it."""
    if isinstance(value, bytes | bytearray | memoryview):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, dict):
        return {key: named(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [named(item) for item in value]
    return value


def test_python_without_torch_shows_what_torch_showed(run: vw.Run, file: Path) -> None:
    command = [sys.executable, "-c", WITHOUT + OPENED, str(file), "LatentExplorer", "TrainingCurves"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    opened = json.loads(done.stdout)
    assert opened["repr"] == "Replay(MLPVAE on digits: LatentExplorer, TrainingCurves)"
    assert set(opened["names"]) >= {"LatentScatter", "ReconstructionGrid", "LatentTraversal", "SketchEncoder"}
    content = opened["content"]
    widgets = [vw.LatentExplorer(run), vw.TrainingCurves(run)]
    states, trainings = page_states(list(widgets), train=True)
    for widget, saved, state in zip(widgets, content["widgets"], states, strict=True):
        got = whole(saved, content["blobs"])
        wanted = {key: named(value) for key, value in state.items() if not key.startswith("_")}
        for one in (got, wanted):
            del one["frame"]["seq"]
            for name in OF_A_WIDGET:
                del one[name]
        assert got == json.loads(json.dumps(wanted))
        widget.close()
    [training] = content["trainings"]
    assert training["run"] == run.id
    assert whole(training, content["blobs"]) == json.loads(json.dumps(named(trainings[run.id])))


def test_a_saved_notebook_keeps_a_picture_of_it(file: Path) -> None:
    data, metadata = replay.open(file, "TrainingCurves", "LatentScatter")._repr_mimebundle_()
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert set(metadata["image/png"]) == {"width", "height"}
    assert "application/vnd.jupyter.widget-view+json" in data


def test_a_message_of_it_holds_no_none(file: Path) -> None:
    """JupyterLite's kernel sends None as undefined: a run of no set speed did not train."""
    saved = replay.open(file, "LatentExplorer")
    sent = saved.get_state("content")["content"]
    assert sent.keys() == {"plain", "blobs"}
    assert json.loads(sent["plain"]) == {name: saved.content[name] for name in ("widgets", "trainings")}
    assert {type(part) for part in sent["blobs"].values()} == {bytes}


@pytest.mark.slow
def test_pyodide_opens_it_as_python_does(file: Path, tmp_path: Path) -> None:
    if not PYODIDE.is_file() and not os.environ.get("CI"):
        pytest.skip("pyodide is not installed: npm ci in vaewidgets/js")
    here = [JS.parents[1], sysconfig.get_path("purelib"), file.parent]
    # numpy of this machine cannot run there, and has to be as absent as torch
    start = WITHOUT + "sys.path += ['/0', '/1']\nsys.argv = ['', '/2/run.safetensors', 'LatentExplorer']\n"
    printed = run_module(tmp_path, IN_PYODIDE, PYODIDE.as_uri(), start + OPENED + TURNED, *here, seconds=240)
    opened = json.loads(printed.splitlines()[-1])
    wanted = replay.open(file, "LatentExplorer").content
    blobs = opened["content"]["blobs"]
    assert blobs == {name: named(data) for name, data in wanted["blobs"].items()}
    [got], [widget] = opened["content"]["widgets"], wanted["widgets"]
    for one in (got["state"], widget["state"]):
        del one["widget_id"]
    assert got == widget


def test_what_was_measured_is_there(run: vw.Run, file: Path) -> None:
    saved = replay.open(file)
    assert saved.facts["name"] == run.name
    assert saved.facts["step"] == run.step
    np.testing.assert_array_equal(saved.history["step"], run.recorder.state()["steps"])
    np.testing.assert_array_equal(saved.history["loss"], run.recorder.state()["columns"]["loss"])


def test_a_run_file_of_replay_is_a_run_file_without_code(run: vw.Run, file: Path) -> None:
    again = vw.load_run(file, data=run.data)
    assert again.step == run.step
    assert again.can_train
    assert b"vaewidgets, BSD-3-Clause" not in file.read_bytes()


def test_widgets_are_saved_as_they_are_turned(run: vw.Run, tmp_path: Path) -> None:
    curves = vw.TrainingCurves(run)
    curves.view = {"log": True}
    replay.save(curves, tmp_path / "curves.safetensors", train=False)
    saved = replay.open(tmp_path / "curves.safetensors")
    assert saved.names == ("TrainingCurves",)
    assert saved.content["trainings"] == []
    assert saved.content["widgets"][0]["state"]["view_state"]["values"]["log"] is True
    curves.close()


def test_a_file_of_run_save_says_what_it_lacks(run: vw.Run, tmp_path: Path) -> None:
    run.save(tmp_path / "plain.safetensors")
    with pytest.raises(CheckpointError, match=r"no pictures of it.*vw\.replay\.save\(vw\.load_run\("):
        replay.open(tmp_path / "plain.safetensors")


def test_other_files_are_refused(file: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no file"):
        replay.open(tmp_path / "none.safetensors")
    (tmp_path / "other.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    with pytest.raises(CheckpointError, match="no run file, or is damaged"):
        replay.open(tmp_path / "other.safetensors")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="is damaged"):
        replay.open(cut)
    with pytest.raises(OptionError, match="LatentExplorer"):
        replay.open(file, "LatentExplore")


def test_only_widgets_of_one_run_are_saved(run: vw.Run, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="expected a run, or widgets of one"):
        replay.save(vw.KLPlayground(), tmp_path / "none.safetensors")
