"""What a page sends: what makes no sense is dropped and counted, who asks is told, views stay small."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

import vaewidgets as vw
from tests.faults.messages import BAD_SEQS, finished_run, pelt
from tests.widgets.test_concept_contract import CONCEPTS, STARTED, TURNED
from tests.widgets.test_contract import WIDGETS, feed_threads, wait_until
from vaewidgets.contract import frame
from vaewidgets.contract.messages import MESSAGES
from vaewidgets.errors import OptionError
from vaewidgets.live import messages
from vaewidgets.live.view import MAX_BYTES

pytestmark = pytest.mark.usefixtures("feeds_rest_soon", "plain_pictures")
ROUNDS = 400


@pytest.fixture
def run() -> Iterator[vw.Run]:
    made = finished_run()
    yield made
    made.close()


def size_of(path: Path, widget: Any) -> int:
    widget.save_html(path / "page.html")
    return (path / "page.html").stat().st_size


@pytest.mark.parametrize("widget_class", WIDGETS, ids=lambda widget: widget.__name__)
def test_no_message_raises_silences_or_swells_a_widget_of_a_run(widget_class: Any, tmp_path: Path) -> None:
    run = finished_run(widget_class)
    widget, other = widget_class(run), vw.TrainingCurves(run)
    before = size_of(tmp_path, widget)
    pelt(widget, ROUNDS, seed=WIDGETS.index(widget_class))
    wait_until(lambda: not feed_threads(), "all is answered")
    assert {"bad seq", "no message", "unknown name", "value too large"} <= set(widget.dropped)
    assert sum(widget.dropped.values()) > ROUNDS / 4
    assert other.frame["run"]["error"] is None
    assert other.dropped == {}
    assert size_of(tmp_path, widget) - before < 2 * MAX_BYTES
    seq = widget.ack + 1
    widget._on_message(widget, {"type": "command", "seq": seq, "name": "beta", "value": 2.5}, [])
    assert run.beta == 2.5
    wait_until(lambda: widget.ack == seq, "the acknowledgement")
    assert widget.frame["run"]["error"] is None
    widget.close()
    other.close()
    run.close()


@pytest.mark.parametrize("widget_class", CONCEPTS, ids=lambda widget: widget.__name__)
def test_no_message_raises_silences_or_swells_a_picture_of_an_idea(widget_class: Any, tmp_path: Path) -> None:
    widget = STARTED.get(widget_class.__name__, widget_class)()
    before = size_of(tmp_path, widget)
    pelt(widget, ROUNDS, seed=CONCEPTS.index(widget_class))
    assert sum(widget.dropped.values()) > ROUNDS / 4
    assert size_of(tmp_path, widget) - before < 2 * MAX_BYTES
    key, value = TURNED[widget_class.__name__]
    seq = widget.ack + 1
    content = {"type": "command", "seq": seq, "name": f"view:{key}", "value": value}
    widget._on_message(widget, content, [])
    assert widget.view[key] == value
    assert (widget.ack, widget.frame["error"]) == (seq, None)
    widget.close()


@pytest.mark.parametrize("seq", BAD_SEQS, ids=repr)
def test_a_number_that_no_page_counts_to_is_dropped(run: vw.Run, seq: Any) -> None:
    widget = vw.TrainingCurves(run)
    widget._on_message(widget, {"type": "command", "seq": seq, "name": "view:log", "value": True}, [])
    assert widget.dropped == {"bad seq": 1}
    assert "log" not in widget.view
    content = {"type": "command", "seq": widget.ack + 1, "name": "view:log", "value": True}
    widget._on_message(widget, content, [])
    assert widget.view["log"] is True
    widget.close()


def test_names_without_end_leave_nothing_behind(run: vw.Run) -> None:
    widget = vw.TrainingCurves(run)
    for i in range(1, 2001):
        name = f"view:key {i}" if i % 2 else f"name {i}"
        widget._on_message(widget, {"type": "command", "seq": i, "name": name, "value": i}, [])
    assert widget.dropped == {"unknown name": 2000}
    assert not widget._newest
    assert widget.view == {}
    widget.close()


def test_a_view_as_a_whole_is_bounded(run: vw.Run) -> None:
    widget = vw.SketchEncoder(run)
    half = [1.0] * (MAX_BYTES // 8)  # "1.0, " each
    widget.view = {"hover": half}
    with pytest.raises(OptionError, match="bytes of JSON with classes"):
        widget.view = {"classes": [123_456] * (MAX_BYTES // 16)}
    assert set(widget.view) & {"hover", "classes"} == {"hover"}
    widget.close()


def test_a_value_is_looked_at_only_as_far_as_it_may_reach() -> None:
    with pytest.raises(messages.MessageError, match="too large"):
        messages.read({"type": "command", "name": "x", "value": "x" * 2_000_000}, 0)
    deep: Any = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(messages.MessageError, match="too deep"):
        messages.read({"type": "command", "name": "x", "value": deep}, 0)
    assert messages.read({"type": "hello", "view": "a"}, 0) == messages.Hello()
    wanted = messages.Command(4, "beta", [1.0, {"a": None}])
    assert (
        messages.read({"type": "command", "seq": 4, "name": "beta", "value": [1.0, {"a": None}]}, 0) == wanted
    )


def test_the_page_and_python_have_the_same_messages() -> None:
    """The types that the page is written from, and the table that Python checks them by."""
    kinds = (frame.Hello, frame.Pull, frame.Reached, frame.Command, frame.Question)
    typed = {
        get_args(get_type_hints(kind)["type"])[0]: set(get_type_hints(kind)) - {"type"} for kind in kinds
    }
    assert typed == {kind: set(fields) for kind, fields in MESSAGES.items()}


# questions --------------------------------------------------------------------------------------

BAD_POINTS: list[Any] = [
    [0.0, 1.0, 2.0],
    [math.nan, 0.0],
    [math.inf, 0.0],
    [1e300, 0.0],
    ["a", "b"],
    "ab",
    None,
    [],
    [[0.0, 0.0], [0.0]],
    [[0.0, 0.0]] * 5000,
    [None, None],
    {"0": 1},
]


@pytest.fixture(scope="module")
def shown() -> Iterator[list[Any]]:
    """Three widgets of a run, the first of which asks, once their frames are made."""
    made = finished_run()
    widgets = [vw.LatentScatter(made), vw.TrainingCurves(made), vw.LatentExplorer(made)]
    wait_until(lambda: not feed_threads(), "frames are made")
    yield widgets
    for widget in widgets:
        widget.close()
    made.close()


@pytest.mark.parametrize("z", BAD_POINTS, ids=lambda z: repr(z)[:20])
def test_only_who_asks_is_told_that_points_cannot_be_decoded(
    shown: list[Any], z: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asker, run = shown[0], shown[0].run
    seq = 2 * BAD_POINTS.index(z) + 1
    sent: list[tuple[dict[str, Any], list[Any]]] = []
    monkeypatch.setattr(asker, "send", lambda content, buffers: sent.append((content, buffers)))
    asker._on_message(asker, {"type": "decode", "seq": seq, "z": z, "run": ""}, [])
    wait_until(lambda: sent, "an answer")
    assert sent[0][0]["seq"] == seq
    assert sent[0][0]["image"] is None
    assert "ShapeError: the page asked to decode" in sent[0][0]["error"]
    wait_until(lambda: not feed_threads(), "frames are made")
    assert [widget.frame["run"]["error"] for widget in shown] == [None] * 3
    page = vw.save_html(shown, tmp_path / "page.html")
    assert "ShapeError: the page" not in page.read_text()
    asker._on_message(asker, {"type": "decode", "seq": seq + 1, "z": [0.0, 1.0], "run": ""}, [])
    wait_until(lambda: len(sent) == 2, "the next answer")
    content, buffers = sent[1]
    assert (content["seq"], content["error"]) == (seq + 1, None)
    assert content["image"]["shape"] == list(run.data.image_shape)
    assert len(buffers[0]) == math.prod(run.data.image_shape)


# the view in Python -----------------------------------------------------------------------------


def test_a_view_that_is_changed_instead_of_assigned_says_how_it_is_done(run: vw.Run) -> None:
    widget = vw.TrainingCurves(run)
    for change in (
        lambda view: view.__setitem__("log", True),
        lambda view: view.update(log=True),
        lambda view: view.setdefault("log", True),
        lambda view: view.clear(),
        lambda view: view.pop("log", None),
    ):
        with pytest.raises(OptionError, match=r"assign instead: widget\.view = \{"):
            change(widget.view)
    widget.view |= {"log": True}
    assert widget.view == {"log": True}
    widget.view = {"selected": [1, 2]}
    widget.view["selected"].append(3)
    assert widget.view["selected"] == [1, 2]
    assert json.loads(json.dumps(widget.view)) == widget.view
    free = copy.deepcopy(widget.view)
    free["log"] = False
    assert widget.view["log"] is True
    widget.close()


@pytest.mark.parametrize("widget_class", WIDGETS, ids=lambda widget: widget.__name__)
def test_an_unknown_key_is_refused_and_the_known_ones_are_named(widget_class: Any) -> None:
    run = finished_run(widget_class)
    widget = widget_class(run)
    before = widget.view
    with pytest.raises(OptionError, match=r"'hoverr'; known: .*hover.*Did you mean 'hover'"):
        widget.view = {"hoverr": None}
    assert widget.view == before
    assert set(before) <= set(widget._known_keys())
    widget.close()
    run.close()


@pytest.mark.parametrize(
    "bad",
    [
        {"hover": "x"},
        {"hover": [None]},
        {"selected": [-1]},
        {"selected": [0.5]},
        {"classes": 3},
        {"color": ["x"]},
        {"time": -1},
    ],
    ids=repr,
)
def test_keys_that_widgets_share_are_checked_by_each(run: vw.Run, bad: dict[str, Any]) -> None:
    widget = vw.TrainingCurves(run)
    with pytest.raises(OptionError, match=f"{next(iter(bad))} is .*; expected"):
        widget.view = bad
    assert widget.view == {}
    widget.close()


def test_a_selection_in_a_widget_of_more_points_is_cut_to_those_that_there_are(run: vw.Run) -> None:
    many, few = vw.LatentScatter(run), vw.LatentScatter(run, points=100)
    many.view = {"selected": [5, 150]}
    assert many.selected.tolist() == [5, 150]
    assert few.selected.tolist() == [5]
    many.close()
    few.close()
