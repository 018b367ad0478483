"""Short codes of answers: a number of a known range, a mark of the question, and a letter against mistypes.

Letters are Crockford's base 32 (no I, L, O, U), so a code can be read aloud.
js/widgets/prediction/answer_codes.js does the same.
"""

from __future__ import annotations

import re
import zlib

__all__ = ["LETTERS", "code_of", "mark_of", "read_code"]

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ALIKE = str.maketrans("ILOilo", "110110")


def mark_of(text: str) -> str:
    """Two letters that stand for a question, the same on every machine."""
    number = zlib.crc32(text.encode("utf-8")) % 1024
    return LETTERS[number // 32] + LETTERS[number % 32]


def length_of(size: int) -> int:
    """How many letters a number below `size` takes."""
    length = 1
    while 32**length < size:
        length += 1
    return length


def code_of(mark: str, number: int, size: int) -> str:
    """Write a number from 0 to `size` - 1 as a code, such as "4T-2K"."""
    letters = ""
    for _ in range(length_of(size)):
        letters = LETTERS[number % 32] + letters
        number //= 32
    return f"{mark}-{letters}{_check(mark + letters)}"


def read_code(mark: str, code: str, size: int) -> int | None:
    """Return the number of a code; None where it is mistyped, cut off, or of another question."""
    plain = re.sub(r"[\s-]", "", code).translate(_ALIKE).upper()
    if len(plain) != len(mark) + length_of(size) + 1 or not set(plain) <= set(LETTERS):
        return None
    if plain[:2] != mark or plain[-1] != _check(plain[:-1]):
        return None
    number = 0
    for letter in plain[2:-1]:
        number = 32 * number + LETTERS.index(letter)
    return number if number < size else None


def _check(letters: str) -> str:
    """Odd weights: one wrong letter is always noticed."""
    return LETTERS[sum((2 * i + 1) * LETTERS.index(letter) for i, letter in enumerate(letters)) % 32]
