"""What every widget promises, written once and asked of each."""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from typing import Any

import numpy as np
import pytest
import torch
from ipywidgets.widgets.widget import _remove_buffers

import vaewidgets as vw
from tests.forked import python
from tests.widgets.model_for import model_for
from vaewidgets import widgets as room
from vaewidgets.contract.frame import Frame, LiveState
from vaewidgets.contract.packing import unpack
from vaewidgets.errors import OptionError
from vaewidgets.live.live_keys import UNSEEN_SECONDS
from vaewidgets.live.run_widget import RunWidget

pytestmark = pytest.mark.usefixtures("feeds_rest_soon")
# those of a run; the pictures of ideas promise other things, see test_concept_contract.py
WIDGETS = [
    member
    for name in room.__all__
    if isinstance(member := getattr(room, name), type) and issubclass(member, RunWidget)
]
SECTIONS = {
    "ActiveUnitsBar": {"units"},
    "BetaAxis": {"axis"},
    "BetaCompare": {"compare", "curves", "pictures", "rate", "scatter"},
    "InterpolationStrip": {"latent"},
    "LatentArithmetic": {"latent"},
    "BottleneckSweep": {"active", "size", "sweep"},
    "CodebookUsage": {"codes"},
    "Diagnosis": {"diagnosis"},
    "ElboMicroscope": {"latent"},
    "LatentExplorer": {"curves", "scatter", "units"},
    "LatentGeometry": {"latent"},
    "LatentManifold": {"latent"},
    "LatentScatter": {"scatter"},
    "LatentTraversal": {"latent"},
    "LearnedPrior": {"latent"},
    "PriorSamples": {"latent"},
    "ReconstructionGrid": {"grid"},
    "SketchEncoder": {"latent"},
    "TrainingCurves": {"curves"},
}
# widgets that print less than they hold: one view of several, say
PANELS = {"BetaCompare": 1}
OPTIONS = {"batch_size": 64, "autosave": False}


def wait_until(condition: Any, what: str, seconds: float = 20.0) -> None:
    """Wait on a condition without a fixed sleep."""
    pause, deadline = threading.Event(), seconds
    while not condition():
        assert deadline > 0, f"{what}: not within {seconds:g} s"
        pause.wait(0.02)
        deadline -= 0.02


def feed_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "vaewidgets-feed"]


@pytest.fixture(scope="module")
def data() -> vw.ImageDataset:
    return vw.load_dataset("digits", n_train=256)


@pytest.fixture
def new_run(data: vw.ImageDataset, request: pytest.FixtureRequest) -> Any:
    runs = []
    asked = request.getfixturevalue("widget_class") if "widget_class" in request.fixturenames else None

    def make(latent_dim: int = 2, **options: Any) -> vw.Run:
        torch.manual_seed(0)
        model = model_for(asked, data.image_shape, latent_dim)
        run = vw.train(model, data, **{**OPTIONS, "epochs": 3, **options})
        runs.append(run)
        return run

    yield make
    for run in runs:
        run.stop()
        run.wait(progress=False)


@pytest.fixture(params=WIDGETS, ids=lambda widget: widget.__name__)
def widget_class(request: pytest.FixtureRequest) -> type[RunWidget]:
    return request.param


def test_every_widget_is_known_here() -> None:
    assert {widget.__name__ for widget in WIDGETS} == set(SECTIONS)


def test_the_first_frame_is_complete_before_training(widget_class: Any, new_run: Any) -> None:
    widget = widget_class(new_run(start=False))
    frame = widget.get_state()["frame"]
    assert SECTIONS[widget_class.__name__] <= set(frame) <= set(Frame.__annotations__)
    assert {key.split(":")[0] for key in widget._live} <= set(LiveState.__annotations__)
    assert frame["run"]["status"] == "created"
    assert frame["run"]["error"] is None
    widget.close()


def test_a_frame_is_plain_json_and_bytes_and_bounded(widget_class: Any, new_run: Any) -> None:
    run = new_run(latent_dim=5).wait(progress=False)
    widget = widget_class(run)
    state, _, buffers = _remove_buffers(widget.get_state())
    assert len(json.dumps({key: value for key, value in state.items() if not key.startswith("_")})) < 60_000
    assert sum(len(buffer) for buffer in buffers) < 4_000_000
    widget.close()


def test_after_the_run_the_frame_is_of_the_last_step(widget_class: Any, new_run: Any) -> None:
    run = new_run()
    widget = widget_class(run)
    run.wait(progress=False)

    def steps() -> dict[str, int]:
        frame = widget.frame
        return {
            name: frame[name]["step"]
            for name in ("run", "scatter", "units", "grid", "latent")
            if name in frame
        }

    # A picture that was under way when the run ended may say so, and is of before: the next one is not.
    wait_until(lambda: widget.frame["run"]["status"] == "finished", "the end")
    wait_until(lambda: set(steps().values()) == {run.step}, "the last frame")
    assert run.step == len(run.history["loss"])
    time.sleep(0.3)
    assert set(steps().values()) == {run.step}
    widget.close()


def test_what_no_page_shows_is_sent_seldom_and_whole_once_one_does(new_run: Any, monkeypatch: Any) -> None:
    run = new_run(epochs=10_000)
    widget = vw.LatentScatter(run)
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(widget, "_send", lambda message, buffers: sent.append(message["state"]))
    numbers = set()
    begin = time.monotonic()
    wait_until(lambda: numbers.add(widget.frame["seq"]) or len(numbers) > 5, "frames are made all the same")
    assert len(sent) <= 2 + (time.monotonic() - begin) / UNSEEN_SECONDS
    wait_until(lambda: "frame" in widget._unsent, "a frame that waits")
    before, waiting = len(sent), set(widget._unsent)
    widget._handle_custom_msg({"type": "hello", "view": "one"}, [])
    assert waiting <= {key for state in sent[before:] for key in state}
    wait_until(lambda: len(sent) > before + 3, "now each frame is sent")
    assert not widget._unsent
    widget.close()
    run.stop()
    run = new_run(epochs=20)
    widget = vw.LatentScatter(run)
    monkeypatch.setattr(widget, "_send", lambda message, buffers: sent.append(message["state"]))
    run.wait(progress=False)
    wait_until(lambda: sent[-1]["frame"]["scatter"]["step"] == run.step, "the end is sent in any case")
    widget.close()


def test_live_keys_survive_drop_defaults_and_read_as_attributes(widget_class: Any, new_run: Any) -> None:
    widget = widget_class(new_run(start=False))
    state = widget.get_state(drop_defaults=True)
    assert state["_esm"]
    for key in widget._live:
        assert key in state
        assert getattr(widget, key) is state[key]
    assert widget.get_state("frame") == {"frame": widget.frame}
    widget.close()


def test_embedding_a_widget_keeps_its_module_and_its_frame(widget_class: Any, new_run: Any) -> None:
    from ipywidgets.embed import dependency_state, embed_data

    widget = widget_class(new_run(start=False))
    states = embed_data([widget], state=dependency_state([widget]))["manager_state"]["state"]
    state = states[widget.model_id]["state"]
    assert state["_esm"]
    assert state["frame"]["run"]["status"] == "created"
    widget.close()


def test_a_figure_for_print_shows_the_newest_frame(widget_class: Any, new_run: Any) -> None:
    from vaewidgets.figures import figure_png

    widget = widget_class(new_run().wait(progress=False))
    png = figure_png(widget.figure(), 1_000_000)
    assert png.startswith(b"\x89PNG")
    name = widget_class.__name__
    assert len(widget.figure().axes) >= PANELS.get(name, len(SECTIONS[name]))
    widget.close()


def test_its_saved_page_is_titled_in_words(widget_class: Any, new_run: Any) -> None:
    widget = widget_class(new_run(start=False))
    name, _, subject = widget._title().partition(" — ")
    assert subject == widget.run.name
    assert re.fullmatch("([A-Z][a-z]+|[A-Z]+)( [a-z]+)*", name), "a name in words, as in a sentence"
    widget.close()


def test_repr_is_stable(widget_class: Any, new_run: Any) -> None:
    run = new_run()
    before = repr(widget_class(run))
    run.wait(progress=False)
    assert repr(widget_class(run)) == before
    assert "0x" not in before
    assert "digits" in before


def test_no_thread_is_left_after_the_run(widget_class: Any, new_run: Any) -> None:
    run = new_run()
    widget = widget_class(run)
    run.wait(progress=False)
    wait_until(lambda: not feed_threads(), "the feed's thread ends")
    widget.close()


def test_a_fault_in_drawing_is_shown_in_the_widget(widget_class: Any, new_run: Any, monkeypatch: Any) -> None:
    def broken(self: Any, *_: Any) -> None:
        raise RuntimeError("planted")

    hook = "_history_state" if widget_class.__name__ == "TrainingCurves" else "_snapshot_state"
    monkeypatch.setattr(widget_class, hook, broken)
    widget = widget_class(new_run(start=False))
    assert "planted" in widget.frame["run"]["error"]
    widget.close()


def test_anything_but_a_run_is_refused(widget_class: Any) -> None:
    with pytest.raises(OptionError, match="expected a run"):
        widget_class(42)


def command(widget: RunWidget, seq: int, name: str, value: Any = None) -> None:
    widget._handle_custom_msg({"type": "command", "seq": seq, "name": name, "value": value}, [])


def test_commands_reach_the_run_and_are_acknowledged(new_run: Any) -> None:
    run = new_run(epochs=10_000)
    widget = vw.LatentExplorer(run)
    command(widget, 1, "pause")
    wait_until(lambda: run.status == "paused", "pause")
    command(widget, 2, "beta", 3.5)
    command(widget, 3, "lr", 5e-4)
    at = run.snapshot().step  # between two steps; `run.step` may still count the one under way
    command(widget, 4, "advance", 2)
    wait_until(lambda: run.step == at + 2 and run.status == "paused", "two steps")
    assert list(run.history["beta"][-2:]) == [3.5, 3.5]
    assert list(run.history["lr"][-2:]) == pytest.approx([5e-4, 5e-4])
    wait_until(lambda: widget.ack == 4, "the acknowledgement")
    assert widget.frame["run"]["beta"] == 3.5
    command(widget, 5, "resume")
    wait_until(lambda: run.step > at + 10, "going on")
    command(widget, 6, "stop")
    wait_until(lambda: run.status == "stopped", "stop")
    widget.close()


def test_a_command_that_comes_after_later_ones_is_void_but_every_step_counts(new_run: Any) -> None:
    run = new_run(start=False)
    widget = vw.LatentExplorer(run)
    command(widget, 5, "beta", 5.0)
    command(widget, 3, "beta", 3.0)
    assert run.beta == 5.0
    command(widget, 2, "view:hover", [1.0, 1.0])
    command(widget, 1, "view:hover", [2.0, 2.0])
    assert widget.view["hover"] == [1.0, 1.0]
    command(widget, 9, "pause")
    command(widget, 7, "advance", 1)
    wait_until(lambda: run.step == 1, "a step")
    command(widget, 6, "advance", 1)
    wait_until(lambda: run.step == 2, "another")
    command(widget, 8, "resume")
    assert run.status == "paused"
    command(widget, 10, "resume")
    wait_until(lambda: run.step > 2, "going on")
    run.stop()
    widget.close()


def test_pointing_at_a_finished_run_is_acknowledged_alone_and_composes_no_frame(
    new_run: Any, monkeypatch: Any
) -> None:
    run = new_run().wait(progress=False)
    explorer, curves = vw.LatentExplorer(run), vw.TrainingCurves(run)
    wait_until(lambda: not feed_threads(), "all is drawn and measured")
    sent: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    monkeypatch.setattr(explorer, "_send", lambda message, buffers: sent.append(message["state"]))
    monkeypatch.setattr(explorer, "send", lambda content, buffers: answers.append(content))
    frames = [explorer.frame["seq"], curves.frame["seq"]]
    for seq in range(1, 20):
        command(explorer, seq, "view:hover", [float(seq), 0.0])
    wait_until(lambda: sent and sent[-1]["ack"] == 19, "the acknowledgement of the last one")
    assert [set(state) for state in sent] == [{"ack"}] * len(sent)
    assert len(sent) < 10, "one for several"
    explorer._handle_custom_msg({"type": "decode", "seq": 20, "z": [0.0, 1.0], "run": ""}, [])
    wait_until(lambda: answers, "the answer to a page that cannot decode")
    wait_until(lambda: not feed_threads(), "the feed's thread ends")
    assert [explorer.frame["seq"], curves.frame["seq"]] == frames
    assert curves.view["hover"] == [19.0, 0.0]
    for widget in (explorer, curves):
        widget.close()


def test_a_command_that_changes_a_frame_is_acknowledged_with_that_frame(
    new_run: Any, monkeypatch: Any
) -> None:
    run = new_run(start=False)
    widget = vw.LatentExplorer(run)
    wait_until(lambda: not feed_threads(), "the first frame")
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(widget, "_send", lambda message, buffers: sent.append(message["state"]))
    command(widget, 1, "beta", 2.5)
    command(widget, 2, "view:hover", [0.0, 0.0])  # not ahead of the command before
    wait_until(lambda: widget.ack == 2, "the acknowledgement")
    first = next(state for state in sent if state.get("ack", 0) >= 1)
    assert first["frame"]["run"]["beta"] == 2.5
    widget.close()


def test_a_bad_command_is_answered_in_the_panel(new_run: Any) -> None:
    widget = vw.LatentExplorer(new_run(start=False))
    command(widget, 1, "beta", -1.0)
    wait_until(lambda: widget.ack == 1, "the acknowledgement")
    wait_until(lambda: "beta" in (widget.frame["run"]["error"] or ""), "the message")
    command(widget, 2, "beta", 2.0)
    wait_until(lambda: widget.ack == 2 and widget.frame["run"]["error"] is None, "the panel empties")
    command(widget, 3, "fly")
    wait_until(lambda: "'fly'" in (widget.frame["run"]["error"] or ""), "the message")
    widget.close()


def test_the_lasso_selects_images(new_run: Any, data: vw.ImageDataset) -> None:
    widget = vw.LatentScatter(new_run(start=False))
    assert len(widget.selected) == 0
    seen = []
    widget.observe(lambda change: seen.append(change["new"]), "selected")
    command(widget, 1, "view:selected", [0, 3])
    images, labels = widget.selected_images()
    assert images.shape == (2, *data.image_shape)
    assert list(labels) == [int(widget.sample.labels[0]), int(widget.sample.labels[3])]
    assert [list(new) for new in seen] == [[0, 3]]
    command(widget, 2, "view:selected", [10**6])
    wait_until(lambda: "selected holds" in (widget.frame["run"]["error"] or ""), "the message")
    widget.close()


def test_points_equal_the_encoding_within_quantisation(new_run: Any) -> None:
    run = new_run().wait(progress=False)
    widget = vw.LatentScatter(run)
    with torch.no_grad():
        mu, _ = run.model.encode(widget.sample.images)
    points = unpack(widget.frame["scatter"]["points"])
    span = np.ptp(mu.numpy(), axis=0)
    assert np.abs(points - mu.numpy()).max() <= span.max() / 65534
    widget.close()


def test_a_projection_is_inverted_by_its_components(new_run: Any) -> None:
    run = new_run(latent_dim=6).wait(progress=False)
    widget = vw.LatentScatter(run)
    scatter = widget.frame["scatter"]
    assert scatter["mode"] == "pca"
    plane = unpack(scatter["projection"]["components"])
    mean = unpack(scatter["projection"]["mean"])
    with torch.no_grad():
        mu = run.model.encode(widget.sample.images)[0].numpy()
    drawn = unpack(scatter["points"])
    np.testing.assert_allclose((mu - mean) @ plane.T, drawn, atol=np.ptp(drawn) / 30_000)
    np.testing.assert_allclose(plane @ plane.T, np.eye(2), atol=1e-5)
    widget.close()


def test_an_explorer_starts_its_own_run() -> None:
    explorer = vw.LatentExplorer(epochs=1, speed=None, hidden=(16,), latent_dim=3, autosave=False)
    explorer.run.wait(progress=False)
    assert explorer.run.status == "finished"
    assert explorer.run.model.latent_dim == 3
    explorer.close()


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("digit", {}, "digits"),
        (3.5, {}, "expected a run, an ImageDataset or the name"),
        ("digits", {"epoch": 3}, "epochs"),
    ],
)
def test_an_explorer_refuses_clearly(source: Any, options: dict, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        vw.LatentExplorer(source, **options)


def test_a_run_keeps_its_own_options(new_run: Any) -> None:
    with pytest.raises(OptionError, match="beta"):
        vw.LatentExplorer(new_run(start=False), beta=2.0)


def test_a_script_that_ends_while_widgets_are_fed_ends_well() -> None:
    script = """
import vaewidgets as vw
data = vw.load_dataset("digits")
run = vw.train(vw.MLPVAE(data.image_shape, 2), data, epochs=2, batch_size=64, autosave=False)
widgets = vw.LatentExplorer(run), vw.Diagnosis(run)
run.wait(progress=False)
"""
    ended = subprocess.run(
        python(script, to_its_end=True), check=False, capture_output=True, text=True, timeout=120
    )
    assert (ended.returncode, ended.stderr) == (0, "")
