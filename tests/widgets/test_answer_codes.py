"""Codes of answers: each answer comes back, one wrong letter is noticed, and the page does the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.node import run_module
from vaewidgets.errors import OptionError
from vaewidgets.widgets import Prediction
from vaewidgets.widgets.prediction.answer_codes import LETTERS, code_of, read_code

ANSWERS: dict[str, list[Any]] = {
    "choice": ["up", "neither"],
    "order": [["a", "b", "c", "d", "e"], ["e", "d", "c", "b", "a"], ["c", "a", "e", "b", "d"]],
    "whole": [0, 7, 20],
    "real": [-1.5, 0.5, 2.5],
}


def asked(kind: str) -> Prediction:
    match kind:
        case "choice":
            return Prediction("Which way?", choices=["up", "down", "neither"], codes=True, truth="down")
        case "order":
            return Prediction("Which order?", order=["a", "b", "c", "d", "e"], codes=True)
        case "whole":
            return Prediction("How many units?", between=(0, 20), unit="units", codes=True)
        case _:
            return Prediction("How large?", between=(-1.5, 2.5), codes=True)


PROGRAM = """
const { codeFor, readCodes, tally } = await import(`${process.argv[2]}widgets/prediction/tally.js`);
const cases = JSON.parse(process.argv[3]);
const out = cases.map(({ exercise, answers, text }) => ({
  codes: answers.map((answer) => codeFor(exercise, answer)),
  read: readCodes(exercise, text),
  tally: tally(exercise, answers, true),
}));
console.log(JSON.stringify(out));
"""


def code_with(guess: Prediction, answer: Any) -> str:
    guess.answer = answer
    assert guess.code is not None
    return guess.code


@pytest.mark.parametrize("kind", ANSWERS)
def test_every_answer_comes_back(kind: str) -> None:
    guess, answers = asked(kind), ANSWERS[kind]
    codes = [code_with(guess, answer) for answer in answers]
    assert guess.collect("name,code\n" + "\n".join(f"x,{code.lower()}" for code in codes)) == answers
    assert len(set(codes)) == len(codes)
    assert len({code[:2] for code in codes}) == 1, "the question's mark"


def test_one_wrong_letter_is_always_noticed() -> None:
    code = code_of("4T", 12_345, 10**6).replace("-", "")
    for i, right in enumerate(code):
        for wrong in set(LETTERS) - {right}:
            assert read_code("4T", code[:i] + wrong + code[i + 1 :], 10**6) is None
    assert read_code("4T", code.lower(), 10**6) == 12_345
    assert read_code("4T", code_of("40", 3, 20).replace("0", "O"), 20) is None, "another question's"
    assert read_code("40", code_of("40", 0, 20).replace("0", "o"), 20) == 0, "o is read as 0"


def test_codes_are_refused_where_none_is_of_the_question() -> None:
    other = code_with(asked("whole"), 3)
    with pytest.raises(OptionError, match=r"expected at least one code of this question, which begins with"):
        asked("choice").collect(f"2026-11-30 {other}")
    with pytest.raises(OptionError, match="text is 3; expected a text with codes"):
        asked("choice").collect(3)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match=r"collected is .*; expected at most 2,000 codes"):
        asked("choice").view = {"collected": [3]}
    assert Prediction("Which?", choices=["a", "b"]).code is None


def test_the_page_writes_reads_and_counts_the_same(tmp_path: Path) -> None:
    other = code_with(asked("whole"), 3)
    cases, wanted = [], []
    for kind, answers in ANSWERS.items():
        guess = asked(kind)
        codes = [code_with(guess, answer) for answer in answers]
        mistyped = codes[0][:-1] + ("Z" if codes[0][-1] != "Z" else "Y")
        strange = other if kind != "whole" else code_with(asked("choice"), "up")
        assert guess.frame is not None
        text = f'2026-11-30;"{codes[0]}"\n{" ".join(codes[1:]).lower()}, {mistyped} {strange}'
        cases.append({"exercise": guess.frame["exercise"], "answers": answers, "text": text})
        wanted.append({"answers": answers, "codes": codes, "others": [strange], "bad": [mistyped]})
    found = json.loads(run_module(tmp_path, PROGRAM, json.dumps(cases)))
    assert [one["codes"] for one in found] == [one["codes"] for one in wanted]
    assert [one["read"] for one in found] == wanted
    assert [(row["text"], row["count"], row["isTrue"]) for row in found[0]["tally"]] == [
        ("up", 1, False), ("down", 0, True), ("neither", 1, False)
    ]  # fmt: skip
    assert sum(row["count"] for row in found[2]["tally"]) == 3
    assert found[2]["tally"][0]["text"] == "0 to 1"
