"""Answers as numbers for their codes: js/widgets/prediction/tally.js numbers alike."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from vaewidgets.widgets.prediction.answer_codes import code_of, mark_of, read_code
from vaewidgets.widgets.prediction.exercise import Between, Choice, Exercise, Order

_PARTS = 1000  # of a range that is not of whole numbers
_REACH, _HUNDREDTHS = 10, 100  # a place is told from -10 to 10, to a hundredth
_SIDE = 2 * _REACH * _HUNDREDTHS + 1
_CODE = re.compile(r"(?<![\w-])[0-9A-Za-z]{2}-[0-9A-Za-z]{2,14}(?![\w-])")


class Coder:
    """Writes and reads the codes of one question.

    Attributes
    ----------
    mark : str
        Two letters that stand for the question and its possible answers; each code begins with them.
    """

    def __init__(self, question: str, exercise: Exercise) -> None:
        content = exercise.content()
        asked = {key: value for key, value in content.items() if key not in ("map", "run_name", "tolerance")}
        self.mark = mark_of(json.dumps([exercise.kind, question, asked], sort_keys=True))
        self._exercise, self._size = exercise, size_of(exercise)

    def code(self, answer: Any) -> str:
        """Return the code of an answer, such as "4T-2K"."""
        return code_of(self.mark, number_of(self._exercise, answer), self._size)

    def answer(self, code: str) -> Any:
        """Return the answer of a code; None where it is mistyped or of another question."""
        number = read_code(self.mark, code, self._size)
        return None if number is None else answer_of(self._exercise, number)


def size_of(exercise: Exercise) -> int:
    """How many answers there can be."""
    if isinstance(exercise, Choice):
        return len(exercise.choices)
    if isinstance(exercise, Order):
        return math.factorial(len(exercise.items))
    if isinstance(exercise, Between):
        return int(exercise.high - exercise.low) + 1 if exercise.is_whole else _PARTS + 1
    return _SIDE * _SIDE


def number_of(exercise: Exercise, answer: Any) -> int:
    """Number an answer, from 0 to `size_of` - 1."""
    if isinstance(exercise, Choice):
        return exercise.choices.index(answer)
    if isinstance(exercise, Order):
        left, number = list(exercise.items), 0
        for item in answer:
            at = left.index(item)
            number = number * len(left) + at
            del left[at]
        return number
    if isinstance(exercise, Between):
        if exercise.is_whole:
            return int(answer - exercise.low)
        share = (answer - exercise.low) / (exercise.high - exercise.low)
        return math.floor(share * _PARTS + 0.5)
    u, v = (math.floor(min(max(x, -_REACH), _REACH) * _HUNDREDTHS + 0.5) for x in answer)
    return (u + _REACH * _HUNDREDTHS) * _SIDE + v + _REACH * _HUNDREDTHS


def answer_of(exercise: Exercise, number: int) -> Any:
    """Return the answer that has a number."""
    if isinstance(exercise, Choice):
        return exercise.choices[number]
    if isinstance(exercise, Order):
        digits: list[int] = []
        for n in range(1, len(exercise.items) + 1):
            digits.insert(0, number % n)
            number //= n
        left = list(exercise.items)
        return [left.pop(at) for at in digits]
    if isinstance(exercise, Between):
        if exercise.is_whole:
            return exercise.low + number
        return exercise.low + (exercise.high - exercise.low) * number / _PARTS
    return [n / _HUNDREDTHS - _REACH for n in divmod(number, _SIDE)]


def codes_in(text: str) -> list[str]:
    """Find what looks like codes in pasted text or a table's."""
    return _CODE.findall(text)
