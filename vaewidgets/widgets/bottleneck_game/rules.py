"""What a state of the card game may be; js/widgets/bottleneck_game/game.js plays it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vaewidgets.checks import is_number, is_whole
from vaewidgets.contract.random import uniforms
from vaewidgets.errors import OptionError

CARDS = {"five": (0, 1, 3, 7, 8), "nine": (0, 1, 2, 3, 4, 5, 7, 8, 9)}
_MOST_NUMBER = 99
_MOST_ROUNDS = 60
_MOST_BOOK = 200
_MOST_TEXT = 40
_WORDS = {
    "bottleneck": ("two", "one", "bits"),
    "encoder": ("person", "optimal"),
    "decoder": ("person", "learner"),
    "phase": ("encode", "pass", "decode", "shown", "summary"),
}
_ROUND = ("bottleneck", "bits", "cards", "codes", "order", "guesses", "swapped")
_GAME = (*_ROUND, "encoder", "decoder", "phase", "properties", "book", "rounds", "seed")


def code_length(game: Mapping[str, Any]) -> int:
    return {"two": 2, "one": 1}.get(game["bottleneck"], int(game["bits"]))


def wrong_guesses(played: Mapping[str, Any]) -> int:
    return sum(card != said for card, said in zip(played["order"], played["guesses"], strict=True))


def fresh_game(
    bottleneck: str, bits: int, cards: list[int], *, encoder: str, decoder: str, seed: int
) -> dict[str, Any]:
    """Deal a first round, as `newGame` in game.js does; a model that encodes writes in the page."""
    order = list(cards)
    for i, u in zip(range(len(cards) - 1, 0, -1), uniforms(seed * 1000, len(cards) - 1), strict=True):
        j = int(u * (i + 1))
        order[i], order[j] = order[j], order[i]
    return {
        "bottleneck": bottleneck,
        "bits": bits,
        "cards": cards,
        "encoder": encoder,
        "decoder": decoder,
        "phase": "encode",
        "properties": ["", ""],
        "codes": [],
        "order": order,
        "guesses": [],
        "book": [],
        "swapped": False,
        "rounds": [],
        "seed": seed,
    }


def checked_game(name: str, game: Any) -> None:
    """Raise an `OptionError` if `game` is no state of the game."""
    _need(isinstance(game, Mapping) and set(game) == set(_GAME), name, f"a game with {', '.join(_GAME)}")
    _check_round(name, game, complete=False)
    for key in ("encoder", "decoder", "phase"):
        _need(game[key] in _WORDS[key], f"{name}[{key!r}]", f"one of {_WORDS[key]}")
    properties = game["properties"]
    texts = isinstance(properties, list) and len(properties) <= 4
    texts = texts and all(isinstance(text, str) and len(text) <= _MOST_TEXT for text in properties)
    _need(texts, f"{name}['properties']", f"at most 4 texts of {_MOST_TEXT} letters")
    seed = game["seed"]
    _need(is_whole(seed, 0, 999), f"{name}['seed']", "a whole number below 1000")
    book, rounds = game["book"], game["rounds"]
    _need(
        isinstance(book, list) and len(book) <= _MOST_BOOK, f"{name}['book']", f"at most {_MOST_BOOK} codes"
    )
    for entry in book:
        _need(isinstance(entry, list) and len(entry) == 2, f"{name}['book']", "pairs of a code and a card")
        _check_code(f"{name}['book']", game, entry[0])
        _need(entry[1] in CARDS["nine"], f"{name}['book']", "cards of the nine")
    _need(isinstance(rounds, list) and len(rounds) <= _MOST_ROUNDS, f"{name}['rounds']", "at most 60 rounds")
    for one in rounds:
        good = isinstance(one, Mapping) and set(one) == set(_ROUND)
        _need(good, f"{name}['rounds']", f"rounds with {', '.join(_ROUND)}")
        _check_round(f"{name}['rounds']", one, complete=True)


def _check_round(name: str, one: Mapping[str, Any], *, complete: bool) -> None:
    _need(
        one["bottleneck"] in _WORDS["bottleneck"], f"{name}['bottleneck']", f"one of {_WORDS['bottleneck']}"
    )
    bits = one["bits"]
    _need(is_whole(bits, 1, 4), f"{name}['bits']", "a whole number from 1 to 4")
    _need(isinstance(one["swapped"], bool), f"{name}['swapped']", "true or false")
    cards, order, guesses = one["cards"], one["order"], one["guesses"]
    lists = all(isinstance(part, list) for part in (cards, order, guesses, one["codes"]))
    _need(lists, name, "lists of cards")
    distinct = len(cards) >= 2 and len(set(map(str, cards))) == len(cards)
    _need(
        distinct and all(_is_card(card) for card in cards), f"{name}['cards']", "different cards of the nine"
    )
    whole_order = all(_is_card(card) for card in order) and sorted(order) == sorted(cards)
    _need(whole_order, f"{name}['order']", "each of the cards once")
    said = len(guesses) <= len(order) and all(guess in cards for guess in guesses)
    _need(
        said and (not complete or len(guesses) == len(order)), f"{name}['guesses']", "guesses among the cards"
    )
    seen = []
    for entry in one["codes"]:
        _need(isinstance(entry, list) and len(entry) == 2, f"{name}['codes']", "pairs of a card and its code")
        _need(_is_card(entry[0]) and entry[0] in cards, f"{name}['codes']", "codes of the cards")
        _check_code(f"{name}['codes']", one, entry[1])
        seen.append(entry[0])
    _need(len(set(seen)) == len(seen), f"{name}['codes']", "one code a card")


def _is_card(card: Any) -> bool:
    return is_whole(card) and card in CARDS["nine"]


def _check_code(name: str, one: Mapping[str, Any], code: Any) -> None:
    length = code_length(one)
    good = isinstance(code, list) and len(code) == length
    good = good and all(is_number(value, -_MOST_NUMBER, _MOST_NUMBER) for value in code)
    if good and one["bottleneck"] == "bits":
        good = all(value in (0, 1) for value in code)
    limit = "0 or 1" if one["bottleneck"] == "bits" else f"between -{_MOST_NUMBER} and {_MOST_NUMBER}"
    _need(good, name, f"codes of {length} numbers, {limit}")


def _need(good: bool, name: str, wanted: str) -> None:
    if not good:
        raise OptionError(f"{name} is no state of this game; expected {wanted}.")
