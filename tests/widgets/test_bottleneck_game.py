"""The card game: the page plays by its rules, Python reads the same score."""

from __future__ import annotations

import json
from typing import Any

import pytest

import vaewidgets as vw
from tests.widgets.in_node import in_node, needs_node
from vaewidgets.errors import OptionError
from vaewidgets.widgets.bottleneck_game.rules import checked_game, fresh_game

# plays `rounds` rounds: person's codes from `codes`, a person's guess is always the first card
PLAY = """
let game = value.settings.game ?? lib.newGame(value.settings);
const end = (value.settings.game ? game.rounds.length : 0) + value.rounds;
while (game.rounds.length < end) {
  if (game.phase === "summary") game = lib.proceed(game);
  if (game.phase === "encode") {
    for (const card of game.cards) game = lib.write(game, card, value.codes[card]);
    game = lib.handOver(game);
  }
  if (game.phase === "pass") game = lib.beginDecoding(game);
  while (game.phase !== "summary") {
    if (game.phase === "decode") game = lib.guess(game, value.guess ?? game.cards[0]);
    game = lib.proceed(game);
    if (game.phase === "encode") break;
  }
}
return game;
"""
LOOPS_AND_STROKES = {0: [1, 0], 1: [0, 1], 3: [0, 0], 7: [0, 2], 8: [2, 0]}


def play(rounds: int, codes: dict[int, list[float]] | None = None, **settings: Any) -> dict[str, Any]:
    value = {"settings": settings, "rounds": rounds, "codes": codes or LOOPS_AND_STROKES}
    return in_node("widgets/bottleneck_game/game.js", PLAY, value)


@needs_node
def test_a_fresh_game_is_dealt_alike_in_python_and_in_the_page() -> None:
    for seed in (0, 1, 17, 999):
        for bottleneck, cards in (("two", [0, 1, 3, 7, 8]), ("bits", [0, 1, 2, 3, 4, 5, 7, 8, 9])):
            own = fresh_game(bottleneck, 2, cards, encoder="person", decoder="person", seed=seed)
            settings = {"bottleneck": bottleneck, "bits": 2, "cards": cards, "seed": seed}
            assert in_node("widgets/bottleneck_game/game.js", "return lib.newGame(value)", settings) == own


@needs_node
def test_every_state_that_the_page_plays_is_accepted_and_scored_alike() -> None:
    for settings in (
        {},
        {"decoder": "learner"},
        {"encoder": "optimal"},
        {"encoder": "optimal", "decoder": "learner", "bottleneck": "bits"},
    ):
        game = play(3, **settings)
        widget = vw.BottleneckGame(game=game)
        assert len(widget.rounds) == 3
        assert list(widget.score) == in_node(
            "widgets/bottleneck_game/game.js", "return value.rounds.map(lib.wrong)", game
        )
        wanted = in_node("widgets/bottleneck_game/game.js", "return lib.confusions(value.rounds)", game)
        assert widget.confusions == {(one["card"], one["guess"]): one["count"] for one in wanted}
        assert json.loads(json.dumps(widget.view["game"])) == game
        widget.close()


@needs_node
def test_one_who_always_says_the_same_is_right_once() -> None:
    game = play(2)
    widget = vw.BottleneckGame(game=game)
    assert widget.score == (4, 4)
    assert widget.codebook == {card: tuple(code) for card, code in LOOPS_AND_STROKES.items()}
    assert all(said == 0 for _, said in widget.confusions)
    assert sum(widget.confusions.values()) == 8
    widget.close()


@needs_node
def test_the_learner_needs_one_round_and_then_loses_nothing() -> None:
    score = vw.BottleneckGame(game=play(4, decoder="learner")).score
    assert score[0] > 0
    assert score[1:] == (0, 0, 0)


@needs_node
def test_a_bottleneck_that_is_too_narrow_always_costs() -> None:
    nine = [0, 1, 2, 3, 4, 5, 7, 8, 9]
    for cards, bits, least in (([0, 1, 3, 7, 8], 2, 1), (nine, 2, 5), (nine, 3, 1), (nine, 4, 0)):
        settings = {"bottleneck": "bits", "bits": bits, "cards": cards}
        assert in_node("widgets/bottleneck_game/game.js", "return lib.leastShared(value)", settings) == least
        score = vw.BottleneckGame(game=play(6, encoder="optimal", decoder="learner", **settings)).score
        assert min(score[1:]) >= least
    assert score[1:] == (0,) * 5


@needs_node
def test_swapped_codebooks_make_the_loss_jump() -> None:
    game = play(3, decoder="learner")
    # the other group wrote the same properties the other way round, and counted from the other end
    other = play(1, {0: [0, 1], 1: [1, 0], 3: [2, 2], 7: [0, 0], 8: [0, 2]}, decoder="learner")
    body = "const [mine, other] = value; return lib.takeBook(mine, lib.bookText(other))"
    taken = in_node("widgets/bottleneck_game/game.js", body, [game, other])
    assert taken["fault"] is None
    after = play(1, game=taken["game"])
    widget = vw.BottleneckGame(game=after)
    assert widget.score[2] == 0
    assert widget.score[3] > 0
    assert widget.rounds[-1]["swapped"]
    widget.close()


@needs_node
def test_a_codebook_survives_as_text() -> None:
    game = play(1, {0: [1.5, -2], 1: [0, 1], 3: [0, 0], 7: [0, 2], 8: [2, 0]})
    text = in_node("widgets/bottleneck_game/game.js", "return lib.bookText(value)", game)
    assert text == "two: 0 = 1.5, -2; 1 = 0, 1; 3 = 0, 0; 7 = 0, 2; 8 = 2, 0"
    body = "const [game, text] = value; const got = lib.takeBook(game, text); return [got.fault, got.game]"
    fault, taken = in_node("widgets/bottleneck_game/game.js", body, [game, text])
    assert fault is None
    assert sorted(map(str, taken["book"])) == sorted(map(str, game["book"]))
    bad = (
        "",
        "one: 0 = 1",
        "two: 0 = 1",
        "two: 6 = 1, 1",
        "two:",
        "two: 0 = 1, <b>",
        "two: 0 = 1e9, 0",
        "two:  = 1, 1",
    )
    for wrong in bad:
        fault, untouched = in_node("widgets/bottleneck_game/game.js", body, [game, wrong])
        assert fault
        assert untouched == game


@needs_node
def test_a_card_without_its_numbers_cannot_be_handed_over() -> None:
    body = """
    let game = lib.newGame({bottleneck: "bits"});
    for (const card of game.cards) game = lib.write(game, card, [1, 0]);
    const [card] = game.cards;
    const without = (code) => lib.isWritten(lib.write(game, card, code));
    return [lib.isWritten(game), without([1, 2]), without([NaN, 1]),
      lib.handOver(lib.write(game, card, [1])).phase, lib.handOver(game).phase];
    """
    assert in_node("widgets/bottleneck_game/game.js", body) == [True, False, False, "encode", "pass"]


@needs_node
def test_more_cards_keep_what_was_learnt_and_another_bottleneck_does_not() -> None:
    game = play(2, decoder="learner")
    more = in_node("widgets/bottleneck_game/game.js", "return lib.change(value, {cards: lib.NINE})", game)
    assert (len(more["book"]), len(more["rounds"]), len(more["order"])) == (10, 2, 9)
    other = in_node("widgets/bottleneck_game/game.js", "return lib.change(value, {bottleneck: 'one'})", game)
    assert (other["book"], other["codes"], len(other["rounds"])) == ([], [], 2)
    for one in (more, other):
        checked_game("game", one)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cards": [0, 6]}, "different cards of the nine"),
        ({"order": [0, 0, 1, 3, 7]}, "each of the cards once"),
        ({"codes": [[0, [1]]]}, "codes of 2 numbers"),
        ({"codes": [[0, [1, float("inf")]]]}, "codes of 2 numbers"),
        ({"phase": "won"}, "one of"),
        ({"properties": ["x" * 41]}, "at most 4 texts"),
        ({"guesses": [5]}, "guesses among the cards"),
        ({"rounds": [{}]}, "rounds with"),
        ({"book": [[[1, 1], 6]]}, "cards of the nine"),
        ({"more": 1}, "a game with"),
    ],
)
def test_what_is_no_game_is_refused(change: dict, message: str) -> None:
    game = fresh_game("two", 2, [0, 1, 3, 7, 8], encoder="person", decoder="person", seed=0)
    with pytest.raises(OptionError, match=message):
        vw.BottleneckGame(game={**game, **change})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bottleneck": "three"}, "bottleneck is 'three'"),
        ({"cards": "ten"}, "expected one of 'five', 'nine'"),
        ({"cards": [1]}, "at least two different"),
        ({"bits": 5}, "bits is 5"),
        ({"decoder": "learnr"}, "Did you mean 'learner'"),
    ],
)
def test_settings_are_checked(options: dict, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        vw.BottleneckGame(**options)


@needs_node
def test_the_figure_shows_each_card_and_each_round() -> None:
    widget = vw.BottleneckGame(game=play(3, encoder="optimal", decoder="learner", bottleneck="bits"))
    plane, losses = widget.figure().axes
    assert len([line for line in plane.lines if line.get_gid() == "card"]) == 5
    assert [bar.get_height() for bar in losses.patches] == list(widget.score)
    widget.close()
