"""An exercise that checks itself: predict first, then reveal."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, final

from vaewidgets.checks import flag, shown
from vaewidgets.concurrency import BackgroundThread, Latch, Lock
from vaewidgets.errors import OptionError
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.concept import ConceptWidget
from vaewidgets.runs.gate import ENDED
from vaewidgets.widgets.prediction.coded import Coder, codes_in
from vaewidgets.widgets.prediction.exercise import (
    Between,
    Choice,
    Exercise,
    Order,
    Place,
    checked_text,
    plain,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vaewidgets.runs import Run

KINDS = ("choices", "order", "between", "place")
_MOST_QUESTION = 600  # letters
_SHOWN = 40  # of the question, in the repr
_MOST_CODES = 2000


def _check_later(name: str, value: Any) -> None:
    """What an answer may be depends on the exercise: see `Prediction._check_view`."""


def _check_codes(name: str, value: Any) -> None:
    if not isinstance(value, list) or len(value) > _MOST_CODES or not all(map(_is_code, value)):
        raise OptionError(f"{name} is {shown(value)}; expected at most {_MOST_CODES:,} codes as texts.")


def _is_code(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 20


@final
class Prediction(ConceptWidget):
    """A question to answer before one knows: the truth is revealed only to those who said something.

    Exactly one of `choices`, `order`, `between` and `place` says what an answer is.

    Parameters
    ----------
    question : str
    choices : sequence of str, optional
        The answer is one of these texts.
    order : sequence of str, optional
        The answer is these items in an order: dragged, or moved by buttons.
    between : (low, high), optional
        The answer is a number of this range; a whole one if both ends are.
    place : Run, optional
        The answer is a place among the run's latent means (two dimensions), where one class is left out; the
        truth is the class's center, known when the run has ended.
    label : int, optional
        The class that is left out; with `place` only.
    order_by : str, default ""
        What the order is by, such as "KL, smallest first"; with `order` only.
    unit : str, default ""
        Of the number; with `between` only.
    tolerance : float, default 0
        How far off a number may be and still be right; with `between` only.
    truth : optional
        What is true, as an answer is given; a measured number need not be whole. It can be set later, and
        cannot be revealed before. Not with `place`.
    because : str, default ""
        A sentence that is shown with the truth; it can be set later.
    codes : bool, default False
        Whether a given answer is also shown as a short code, such as "4T-2K", which a reader can send to the
        lecturer by any way: it holds the answer and a mark of the question, and nothing about the reader.
        Codes pasted under "Answers of a class", or a CSV file with them dropped there, become a histogram.

    Attributes
    ----------
    right : bool or None
        Whether the answer is right: within the tolerance; for a place, with no other class's center nearer.
        None without an answer or a truth.

    Notes
    -----
    Keys of `view`: `answer` (a text, a list of texts, a number or two coordinates; None: none yet),
    `revealed` and `collected` (codes of a class).
    What is true travels with the page: whoever reads its source can read it there.

    Examples
    --------
    >>> import vaewidgets as vw
    >>> guess = vw.Prediction("How many of the 20 units will be active?", between=(0, 20), unit="units")
    >>> guess.answer = 12
    >>> guess.truth = 8
    >>> guess.right
    False
    """

    _esm = STATIC / "prediction.js"
    _keys: ClassVar = {"answer": _check_later, "revealed": flag, "collected": _check_codes}

    def __init__(
        self,
        question: str,
        *,
        choices: Sequence[str] | None = None,
        order: Sequence[str] | None = None,
        between: tuple[float, float] | None = None,
        place: Run | None = None,
        label: int | None = None,
        order_by: str = "",
        unit: str = "",
        tolerance: float = 0,
        truth: Any = None,
        because: str = "",
        codes: bool = False,
    ) -> None:
        self._question_text = checked_text("question", question, _MOST_QUESTION)
        _one_kind(choices=choices, order=order, between=between, place=place)
        _only_with("label", label is not None, "place", place)
        _only_with("order_by", order_by != "", "order", order)
        _only_with("unit", unit != "", "between", between)
        _only_with("tolerance", plain(tolerance) != 0, "between", between)
        self._exercise: Exercise
        if choices is not None:
            self._exercise = Choice(choices)
        elif order is not None:
            self._exercise = Order(order, order_by)
        elif between is not None:
            self._exercise = Between(between, unit, tolerance)
        else:
            self._exercise = Place(place, label)
        self._coder = Coder(self._question_text, self._exercise)
        self._truth = self._checked_truth(truth)
        self._because = _sentence(because)
        self._codes = flag("codes", codes)
        self._settling = Lock()
        self._forget_run: Any = None
        if isinstance(self._exercise, Place):
            self._exercise.settle()
        super().__init__({"answer": None, "revealed": False, "collected": []})
        self._follow_run()

    @property
    def question(self) -> str:
        """What is asked."""
        return self._question_text

    @property
    def answer(self) -> Any:
        """What was answered; None: nothing yet. A new answer is not revealed."""
        return self.view["answer"]

    @answer.setter
    def answer(self, value: Any) -> None:
        self.view = {"answer": plain(value), "revealed": False}

    @property
    def truth(self) -> Any:
        """What is true; None as long as it is not known."""
        self._settle()
        return self._exercise.truth if isinstance(self._exercise, Place) else self._truth

    @truth.setter
    def truth(self, value: Any) -> None:
        self._truth = self._checked_truth(value)
        self._show()

    @property
    def because(self) -> str:
        """Why it is so, in a sentence."""
        return self._because

    @because.setter
    def because(self, sentence: str) -> None:
        self._because = _sentence(sentence)
        self._show()

    @property
    def revealed(self) -> bool:
        """Whether the reader sees what is true: never before an answer, nor before it is known."""
        return bool(self.view["revealed"]) and self.right is not None

    @property
    def right(self) -> bool | None:
        """Whether the answer is right; None without an answer or a truth."""
        answer, truth = self.answer, self.truth
        if answer is None or truth is None:
            return None
        return self._exercise.is_right(answer, truth)

    @property
    def code(self) -> str | None:
        """The answer as a code; None without an answer."""
        if self.answer is None:
            return None
        return self._coder.code(self.answer)

    def collect(self, text: str) -> list[Any]:
        """Take the codes of a class, and return their answers.

        Parameters
        ----------
        text : str
            Codes among anything else, such as a CSV file's text; at most 2,000. Those of before are replaced.

        Returns
        -------
        list
            Answers, as `answer` is given; a number of a range that is not of whole numbers to a thousandth of
            the range, a place to 0.01.

        Raises
        ------
        OptionError
            If there is none of this question.
        """
        if not isinstance(text, str):
            raise OptionError(f"text is {shown(text)}; expected a text with codes, such as '4T-2K, 4T-9J'.")
        good = [code for code in codes_in(text) if self._coder.answer(code) is not None]
        if not good:
            raise OptionError(
                f"text is {shown(text)}; expected at least one code of this question, which begins with "
                f"{self._coder.mark}-: its readers find it below their answer."
            )
        self.view = {"collected": good[:_MOST_CODES]}
        return self.collected

    @property
    def collected(self) -> list[Any]:
        """Answers of the class's codes."""
        answers = map(self._coder.answer, self.view["collected"])
        return [answer for answer in answers if answer is not None]

    def _content(self) -> dict[str, Any]:
        coded = {"mark": self._coder.mark} if self._codes else {}
        truth = self._exercise.truth if isinstance(self._exercise, Place) else self._truth
        return {
            "exercise": {
                "kind": self._exercise.kind,
                "question": self._question_text,
                **self._exercise.content(),
                **coded,
                "truth": truth,
                "because": self._because,
            }
        }

    def _check_view(self, key: str, value: Any) -> None:
        super()._check_view(key, value)
        if key == "answer" and value is not None:
            self._exercise.check_answer("answer", value)

    def _checked_truth(self, value: Any) -> Any:
        truth = plain(value)
        if truth is not None:
            self._exercise.check_truth(truth)
        return truth

    def _follow_run(self) -> None:
        """Wait for the end of a run that still trains, without keeping the widget alive for it."""
        if not isinstance(self._exercise, Place) or self._exercise.truth is not None:
            return
        run, me, told = self._exercise.run, weakref.ref(self), Latch()

        def settle() -> None:
            run.join(10.0)
            widget = me()
            if widget is not None:
                widget._settle()

        def listen() -> None:
            if run.status in ENDED and not told.is_set:
                # The training thread tells it, and has things to put in order before it has ended.
                with contextlib.suppress(RuntimeError):  # the interpreter ends
                    BackgroundThread("vaewidgets-prediction").start(settle)
                told.set()

        self._forget_run = run.add_listener(listen)
        self._settle()  # it may have ended in between

    def _settle(self) -> None:
        exercise = self._exercise
        if not isinstance(exercise, Place):
            return
        with self._settling:
            is_new = exercise.settle()
            if is_new and self._forget_run is not None:
                self._forget_run()
                self._forget_run = None
        if is_new:
            self._show()

    def close(self) -> None:
        forget = self.__dict__.get("_forget_run")
        if forget is not None:
            forget()
        super().close()

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """The question, the answer and, once revealed, the truth, for print; see `LiveWidget.figure`."""
        from vaewidgets.figures import prediction_figure

        return prediction_figure(
            self._content()["exercise"], self.answer, revealed=self.revealed, right=self.right, size=size
        )

    def _subject(self) -> str:
        text = self._question_text
        return text if len(text) <= _SHOWN else text[: _SHOWN - 1].rstrip() + "…"

    def __repr__(self) -> str:
        return f"Prediction({self._subject()!r})"


def _one_kind(**given: Any) -> None:
    found = [name for name, value in given.items() if value is not None]
    if len(found) != 1:
        got = " and ".join(f"{name}=" for name in found) or "none of them"
        fix = "leave out all but one" if found else "say what an answer is, such as choices=['yes', 'no']"
        raise OptionError(
            f"Prediction got {got}; expected exactly one of {', '.join(f'{k}=' for k in KINDS)}: {fix}."
        )


def _only_with(name: str, is_given: bool, kind: str, value: Any) -> None:
    if is_given and value is None:
        raise OptionError(f"Prediction got {name}=, which says something of {kind}= only: leave it out.")


def _sentence(because: Any) -> str:
    return checked_text("because", because, _MOST_QUESTION) if because not in ("", None) else ""
