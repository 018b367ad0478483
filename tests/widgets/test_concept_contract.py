"""What every picture of an idea promises, written once and asked of each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from ipywidgets.widgets.widget import _remove_buffers

from vaewidgets import widgets as room
from vaewidgets.errors import OptionError
from vaewidgets.live.concept import ConceptWidget
from vaewidgets.widgets.bottleneck_game.rules import fresh_game

CONCEPTS = [
    member
    for name in room.__all__
    if isinstance(member := getattr(room, name), type) and issubclass(member, ConceptWidget)
]
GAME = fresh_game("bits", 3, [0, 1, 8], encoder="person", decoder="learner", seed=4)
# something else than it starts with, that its page could send: key, value
TURNED: dict[str, tuple[str, Any]] = {
    "AnnealingSchedule": ("kind", "cyclical"),
    "ArchitectureDiagram": ("step", 5),
    "BottleneckGame": ("game", GAME),
    "KLPlayground": ("mu", -2.5),
    "Prediction": ("answer", 8),
    "ReparameterizationDemo": ("f", "sine"),
    "Tour": ("stop", 1),
}
# those that want something to start from
STARTED = {
    "Prediction": lambda: room.Prediction("How many?", between=(0, 20), unit="units", truth=9),
    "Tour": lambda: room.Tour(room.KLPlayground(), ["How many?", ("More.", {"mu": 2})]),
}
SUBJECTS = {"Prediction": "How many?", "Tour": "KL playground"}


@pytest.fixture(params=CONCEPTS, ids=lambda widget: widget.__name__)
def concept(request: pytest.FixtureRequest) -> Iterator[ConceptWidget]:
    widget = STARTED.get(request.param.__name__, request.param)()
    yield widget
    widget.close()


def turn(widget: ConceptWidget, key: str, value: Any, seq: int = 1) -> None:
    """As the page does it."""
    widget._handle_custom_msg({"type": "command", "seq": seq, "name": f"view:{key}", "value": value}, [])


def test_every_concept_is_known_here() -> None:
    assert {widget.__name__ for widget in CONCEPTS} == set(TURNED)


def test_it_needs_nothing_and_has_a_frame_at_once(concept: ConceptWidget) -> None:
    frame = concept.get_state()["frame"]
    assert frame["seq"] >= 1
    assert frame["error"] is None
    assert "run" not in frame


def test_its_state_is_plain_json_and_bytes_and_small(concept: ConceptWidget) -> None:
    state, _, buffers = _remove_buffers(concept.get_state())
    text = json.dumps(
        {key: value for key, value in state.items() if not key.startswith("_")}, allow_nan=False
    )
    assert len(text) < 60_000
    assert sum(len(buffer) for buffer in buffers) < 1_000_000


def test_all_that_can_be_turned_is_in_its_view_from_the_start(concept: ConceptWidget) -> None:
    assert concept.view
    assert set(concept.view) <= set(concept._keys)
    assert concept.get_state()["view_state"]["values"] == concept.view


def test_what_the_page_turns_is_read_in_python_and_kept(concept: ConceptWidget) -> None:
    key, value = TURNED[type(concept).__name__]
    assert concept.view[key] != value
    turn(concept, key, value, seq=7)
    assert concept.view[key] == value
    assert concept.frame is not None
    assert concept.ack == 7
    assert concept.frame["error"] is None
    assert concept.get_state()["view_state"]["values"][key] == value


def test_a_view_can_be_kept_and_set_again(concept: ConceptWidget) -> None:
    kept = json.loads(json.dumps(concept.view))
    key, value = TURNED[type(concept).__name__]
    concept.view |= {key: value}
    assert concept.view[key] == value
    concept.view = kept
    assert concept.view == kept


def test_what_makes_no_sense_is_refused_in_the_panel(concept: ConceptWidget) -> None:
    key, _ = TURNED[type(concept).__name__]
    before = concept.view
    turn(concept, key, {"no": "sense"})
    assert concept.frame is not None
    assert key in concept.frame["error"]
    turn(concept, "fly", 1, seq=2)
    assert "fly" in concept.frame["error"]
    with pytest.raises(OptionError, match="fly"):
        concept.view |= {"fly": 1}
    assert concept.view == before


def test_it_has_a_bundle_and_embeds(concept: ConceptWidget) -> None:
    from ipywidgets.embed import dependency_state, embed_data

    states = embed_data([concept], state=dependency_state([concept]))["manager_state"]["state"]
    state = states[concept.model_id]["state"]
    assert "export" in state["_esm"]
    assert state["view_state"]["values"] == concept.view


def test_its_figure_is_for_print(concept: ConceptWidget) -> None:
    from vaewidgets.figures import figure_png

    assert figure_png(concept.figure(), 1_000_000).startswith(b"\x89PNG")
    assert figure_png(concept.figure(size=(3.0, 2.5)), 1_000_000).startswith(b"\x89PNG")


def test_its_saved_page_is_titled_in_words(concept: ConceptWidget) -> None:
    name, _, subject = concept._title().partition(" — ")
    assert subject == SUBJECTS.get(type(concept).__name__, "")
    assert re.fullmatch("([A-Z][a-z]+|[A-Z]+)( [a-z]+)*", name), "a name in words, as in a sentence"


def test_its_repr_is_stable_and_names_it(concept: ConceptWidget) -> None:
    before = repr(concept)
    assert before.startswith(type(concept).__name__ + "(")
    assert "0x" not in before
    turn(concept, *TURNED[type(concept).__name__])
    assert repr(concept) == before
