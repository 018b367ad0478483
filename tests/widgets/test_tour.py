"""Tours: what each stop sets in which widget, and what cannot be a stop."""

from __future__ import annotations

import re
from typing import Any

import pytest

from vaewidgets.errors import OptionError
from vaewidgets.widgets import AnnealingSchedule, KLPlayground, Tour

STOPS: list[Any] = [
    ("Equal.", {"mu": 0.0, "sigma": 1.0}),
    "Look again.",
    ("Shifted.", {"mu": 2.0}),
    ("Cyclical.", {"kind": "cyclical"}),
]


def test_each_stop_sets_what_it_says_and_back_restores() -> None:
    play, schedule = KLPlayground(), AnnealingSchedule("linear")
    play.view |= {"sigma": 0.5}
    kind = schedule.view["kind"]
    tour = Tour([play, schedule], STOPS)
    assert (play.view["mu"], play.view["sigma"]) == (0.0, 1.0), "the first stop shows at once"
    tour.stop = 3
    assert (play.view["mu"], play.view["sigma"], schedule.view["kind"]) == (2.0, 1.0, "cyclical")
    tour.stop = 1
    assert (play.view["mu"], schedule.view["kind"]) == (0.0, kind), "as before the stops that set them"
    play.view |= {"mu": -1.0}
    tour.stop = 0
    assert play.view["mu"] == 0.0, "what was turned by hand in between"


def test_the_page_turns_a_stop_and_python_follows() -> None:
    play = KLPlayground()
    tour = Tour(play, STOPS[:3])
    tour._handle_custom_msg({"type": "command", "seq": 1, "name": "view:stop", "value": 2}, [])
    assert (tour.stop, play.view["mu"]) == (2, 2.0)
    tour._handle_custom_msg({"type": "command", "seq": 2, "name": "view:stop", "value": 3}, [])
    assert tour.frame is not None
    assert "stop is 3; expected a whole number from 0 to 2" in tour.frame["error"]


def test_stops_are_written_from_the_view_as_it_is() -> None:
    play = KLPlayground()
    tour = Tour(play)
    assert tour.frame is not None
    assert tour.frame["stops"] == []
    before = play.view["mu"]
    tour.add("Start.")
    play.view |= {"mu": 1.5}
    tour.add("Moved.")
    assert [view["mu"] for _, view in tour.stops] == [before, 1.5]
    again = Tour(KLPlayground(), tour.stops)
    assert again.stops == tour.stops
    assert again.frame is not None
    assert [stop["text"] for stop in again.frame["stops"]] == ["Start.", "Moved."]
    assert repr(tour) == "Tour(KLPlayground, 2 stops)"


@pytest.mark.parametrize(
    ("stops", "said"),
    [
        ([("Text.", {"mew": 1})], "KLPlayground's view got 'mew'.*mu"),
        ([("Text.", {"mu": "far"})], "mu is 'far'"),
        ([("", {})], r"stop 0 is \('', \{\}\); expected a text of 1 to 2,000 letters"),
        ([("Text.", 3)], "stop 0 is .*expected a text"),
        (["x" * 2001], "stop 0 is"),
        (["x"] * 61, "stop 60, counted from 0; expected at most 60"),
        ("Text.", "stops is 'Text.'; expected a list"),
        (3, "stops is 3; expected a list"),
    ],
)
def test_what_cannot_be_a_stop_is_refused(stops: Any, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        Tour(KLPlayground(), stops)


def test_it_wants_widgets_and_no_markup_comes_from_texts() -> None:
    with pytest.raises(OptionError, match=re.escape("Tour got int; expected widgets")):
        Tour(3)  # type: ignore[arg-type]
    evil = "<img src=x onerror=alert(1)>"
    tour = Tour(KLPlayground(), [evil])
    assert tour.frame is not None
    assert tour.frame["stops"][0]["text"] == evil, "the page sets it as text"
    assert tour.figure().axes[0].texts[0].get_text().startswith("1.  <img")
