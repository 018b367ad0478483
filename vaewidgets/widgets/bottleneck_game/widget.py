"""A game for two, before any maths: encode a card in two numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, final

from vaewidgets.checks import one_of, whole, wholes
from vaewidgets.errors import OptionError
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.concept import ConceptWidget
from vaewidgets.widgets.bottleneck_game.rules import (
    CARDS,
    checked_game,
    code_length,
    fresh_game,
    wrong_guesses,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def _check_game(name: str, value: Any) -> None:
    checked_game(name, value)


@final
class BottleneckGame(ConceptWidget):
    """The encoder writes digit cards as numbers; the decoder guesses the cards; a wrong guess costs 1.

    Two people at one screen, which is passed on with the codes hidden, or a model in either seat: an optimal
    coder, and a learner that guesses the card of the nearest code it was shown. Groups swap the decoder's
    codebook as a line of text, and the loss jumps.

    Parameters
    ----------
    bottleneck : {"two", "one", "bits"}, default "two"
        Two numbers, one number, or bits.
    bits : int, default 2
        How many, 1 to 4.
    cards : {"five", "nine"} or sequence of int, default "five"
        0, 1, 3, 7 and 8; those with 2, 4, 5 and 9; or which of the nine.
    encoder : {"person", "optimal"}
    decoder : {"person", "learner"}
    seed : int, default 0
        Of the order of the cards.
    game : mapping, optional
        A game to go on with: ``other.view["game"]``. Not with the other parameters.

    Attributes
    ----------
    score : tuple of int
        Wrong guesses in each round.
    rounds : list of dict
        What was played: bottleneck, bits, cards, codes, order, guesses, and whether the codebook was another
        group's.
    codebook : dict
        Code by card, of the last round.
    confusions : dict
        How often a card was taken for another, by (card, guess).

    Notes
    -----
    Key of `view`: `game`, all of it as JSON. What players type is checked and shown as text.
    """

    _esm = STATIC / "bottleneck_game.js"
    _keys: ClassVar = {"game": _check_game}

    def __init__(
        self,
        bottleneck: str = "two",
        *,
        bits: int = 2,
        cards: str | Sequence[int] = "five",
        encoder: str = "person",
        decoder: str = "person",
        seed: int = 0,
        game: Mapping[str, Any] | None = None,
    ) -> None:
        one_of("bottleneck", bottleneck, ["two", "one", "bits"])
        whole("bits", bits, 1, 4)
        one_of("encoder", encoder, ["person", "optimal"])
        one_of("decoder", decoder, ["person", "learner"])
        whole("seed", seed, 0, 999)
        if game is None:
            hand = _hand(cards)
            game = fresh_game(bottleneck, bits, hand, encoder=encoder, decoder=decoder, seed=seed)
        super().__init__({"game": dict(game)})

    @property
    def _game(self) -> dict[str, Any]:
        return self.view["game"]

    @property
    def rounds(self) -> list[dict[str, Any]]:
        """The rounds played so far, the first one first."""
        return list(self._game["rounds"])

    @property
    def score(self) -> tuple[int, ...]:
        """Wrong guesses in each round: 0 is a perfect one."""
        return tuple(wrong_guesses(one) for one in self.rounds)

    @property
    def codebook(self) -> dict[int, tuple[float, ...]]:
        """Code by card, of the last round; empty before its end."""
        return {card: tuple(code) for card, code in self.rounds[-1]["codes"]} if self.rounds else {}

    @property
    def confusions(self) -> dict[tuple[int, int], int]:
        """How often a card was taken for another, by (card, guess), most often first."""
        pairs = (pair for one in self.rounds for pair in zip(one["order"], one["guesses"], strict=True))
        return dict(Counter((card, said) for card, said in pairs if card != said).most_common())

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """The codes of the last round and the loss by round, for print; see `LiveWidget.figure`."""
        from vaewidgets.figures import game_figure

        last = self.rounds[-1] if self.rounds else {**self._game, "codes": []}
        return game_figure(last, self.score, dimensions=code_length(last), size=size or (7.2, 3.2))

    def __repr__(self) -> str:
        game = self._start["game"]
        return f"BottleneckGame({game['bottleneck']!r}, {len(game['cards'])} cards)"


def _hand(cards: str | Sequence[int]) -> list[int]:
    if isinstance(cards, str):
        one_of("cards", cards, [*CARDS])
        return list(CARDS[cards])
    hand = wholes("cards", cards)
    known = CARDS["nine"]
    if len(hand) < 2 or len(set(hand)) < len(hand) or any(card not in known for card in hand):
        raise OptionError(
            f"cards is {cards!r}; expected 'five', 'nine' or at least two different ones of {list(known)}."
        )
    return list(hand)
