"""Predict first, then reveal: what may be asked, when an answer is right, and that the page judges alike."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.widgets.in_node import in_node, needs_node
from tests.widgets.test_contract import wait_until
from vaewidgets.contract.packing import unpack
from vaewidgets.errors import OptionError

TEXTS = ["it falls", "it stays", "it rises"]


@pytest.fixture(scope="module")
def data() -> vw.ImageDataset:
    return vw.load_dataset("digits", n_train=256)


def new_run(data: vw.ImageDataset, latent_dim: int = 2, **options: Any) -> vw.Run:
    torch.manual_seed(0)
    model = vw.MLPVAE(data.image_shape, latent_dim=latent_dim, hidden=(32,))
    return vw.train(model, data, **{"batch_size": 64, "epochs": 3, "autosave": False, **options})


@pytest.fixture(scope="module")
def run(data: vw.ImageDataset) -> vw.Run:
    return new_run(data).wait(progress=False)


def every_kind(run: vw.Run) -> list[tuple[vw.Prediction, Any, Any]]:
    """One of each, with a right answer and a wrong one."""
    place = vw.Prediction("Where?", place=run, label=7)
    other = place.truth
    centers = {label: at for label, *at in place.frame["exercise"]["map"]["centers"]}
    return [
        (vw.Prediction("What?", choices=TEXTS, truth="it falls"), "it falls", "it rises"),
        (vw.Prediction("Which first?", order=TEXTS, truth=TEXTS[::-1]), TEXTS[::-1], TEXTS),
        (vw.Prediction("How many?", between=(0, 20), tolerance=2, truth=8), 10, 11),
        (place, other, centers[0]),
    ]


def test_each_kind_is_right_or_not_and_known_only_when_answered(run: vw.Run) -> None:
    for guess, right, wrong in every_kind(run):
        assert (guess.answer, guess.right, guess.revealed) == (None, None, False)
        guess.answer = right
        assert guess.right is True
        guess.answer = wrong
        assert guess.right is False
        guess.answer = None
        assert guess.right is None
        guess.close()


@needs_node
def test_the_page_judges_as_python_does(run: vw.Run) -> None:
    rng = np.random.default_rng(0)
    for guess, right, wrong in every_kind(run):
        exercise = guess.frame["exercise"]
        if exercise["kind"] == "place":
            answers: list[Any] = [right, wrong, *rng.normal(0, 2, (200, 2)).tolist()]
            exercise = {**exercise, "map": {"centers": exercise["map"]["centers"]}}  # bytes are no JSON
        else:
            answers = [right, wrong]
        own = []
        for answer in answers:
            guess.answer = answer
            own.append(guess.right)
        body = "return value.answers.map((one) => lib.isRight(value.exercise, one))"
        assert (
            in_node("widgets/prediction/predict.js", body, {"exercise": exercise, "answers": answers}) == own
        )
        assert set(own) == {True, False}
        guess.close()


def test_a_tolerance_counts_up_to_its_end_whatever_the_last_bit_says() -> None:
    guess = vw.Prediction("How much?", between=(0.0, 1.0), tolerance=0.2, truth=0.6)
    assert 0.8 - 0.6 > 0.2
    for answer, right in ((0.8, True), (0.4, True), (0.801, False), (0.39, False)):
        guess.answer = answer
        assert guess.right is right
    guess.close()


def test_the_truth_can_come_later_and_is_what_reveals() -> None:
    guess = vw.Prediction("How many?", between=(0, 20), unit="units", tolerance=1)
    guess.answer = 9
    guess.view |= {"revealed": True}
    assert guess.frame["exercise"]["truth"] is None
    assert (guess.right, guess.revealed) == (None, False)
    before = guess.frame["seq"]
    guess.truth = np.int64(8)
    guess.because = "The others cost more than they bring."
    assert guess.frame["seq"] > before
    assert guess.frame["exercise"]["truth"] == guess.truth == 8
    assert guess.frame["exercise"]["because"] == guess.because == "The others cost more than they bring."
    assert (guess.right, guess.revealed) == (True, True)
    guess.answer = 3
    assert (guess.right, guess.revealed) == (False, False), "a new answer is not revealed"
    guess.truth = 3.4  # measured: a mean, say
    assert guess.right is True
    guess.truth = None
    assert guess.right is None
    guess.close()


def test_numbers_and_lists_of_numpy_and_torch_are_taken() -> None:
    guess = vw.Prediction("How many?", between=(np.int64(0), np.int32(9)), truth=torch.tensor(4))
    guess.answer = np.float32(4.0)
    assert guess.right is True
    json.dumps(guess.frame["exercise"])
    ordered = vw.Prediction("Which first?", order=("a", "b"), truth=("b", "a"))
    ordered.answer = np.array(["b", "a"])
    assert ordered.right is True
    for one in (guess, ordered):
        one.close()


def test_a_place_has_the_points_and_medians_of_the_encoder(run: vw.Run) -> None:
    guess = vw.Prediction("Where will the sevens lie?", place=run, label=7)
    sample = run.time_line.sample
    assert sample is not None
    assert sample.labels is not None
    with torch.no_grad():
        mu = run.model.encode(sample.images)[0].numpy()
    wanted = np.median(mu[sample.labels == 7], axis=0)
    np.testing.assert_allclose(guess.truth, wanted, rtol=1e-4, atol=1e-5)
    content = guess.frame["exercise"]
    drawn = unpack(content["map"]["points"])
    assert np.abs(drawn - mu).max() <= np.ptp(mu) / 65534
    assert unpack(content["map"]["labels"]).tolist() == sample.labels.tolist()
    assert len(content["map"]["centers"]) == 10
    assert content["map"]["prior"]["radii"] == [1.0, 2.0]
    guess.close()


def test_an_autoencoder_has_places_and_no_prior(data: vw.ImageDataset) -> None:
    model = vw.Autoencoder(data.image_shape, latent_dim=2, hidden=(16,))
    run = vw.train(model, data, epochs=1, autosave=False).wait(progress=False)
    guess = vw.Prediction("Where?", place=run, label=0)
    assert guess.frame["exercise"]["map"]["prior"] is None
    assert guess.truth is not None
    assert len(guess.figure().axes) == 1
    guess.close()


def test_the_place_of_a_run_that_trains_comes_with_its_end(data: vw.ImageDataset) -> None:
    run = new_run(data, epochs=100_000, start=False)
    guess = vw.Prediction("Where?", place=run, label=3)
    assert guess.frame["exercise"]["map"] is None
    assert guess.truth is None
    run.resume()
    assert guess.truth is None
    run.stop()
    run.wait(progress=False)
    wait_until(lambda: guess.frame["exercise"]["map"] is not None, "the map comes by itself")
    assert guess.frame["exercise"]["truth"] == guess.truth is not None
    assert guess.frame["exercise"]["map"]["step"] == run.step
    wait_until(
        lambda: not [t for t in threading.enumerate() if t.name == "vaewidgets-prediction"], "its thread ends"
    )
    guess.close()


def test_a_closed_exercise_waits_for_its_run_no_more(
    data: vw.ImageDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(data, start=False)
    listeners: list[Callable[[], None]] = []

    def add_listener(callback: Callable[[], None]) -> Callable[[], None]:
        listeners.append(callback)
        return listeners.clear

    monkeypatch.setattr(run, "add_listener", add_listener)
    guess = vw.Prediction("Where?", place=run, label=3)
    assert len(listeners) == 1
    guess.close()
    assert listeners == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "none of them; expected exactly one of choices=, order=, between=, place="),
        ({"choices": TEXTS, "order": TEXTS}, "choices= and order=; expected exactly one"),
        ({"choices": ["one"]}, "expected 2 to 8 different texts"),
        ({"choices": ["a", "a"]}, "different texts"),
        ({"choices": "ab"}, "expected a list of texts"),
        ({"choices": ["a", 3]}, r"choices\[1\] is 3; expected a text"),
        ({"choices": ["a", "x" * 301]}, "301 letters; expected a text of 1 to 300"),
        ({"choices": TEXTS, "truth": "it fals"}, "Did you mean 'it falls'"),
        ({"choices": TEXTS, "unit": "nats"}, "unit=, which says something of between= only"),
        ({"choices": TEXTS, "tolerance": 1}, "tolerance="),
        ({"choices": TEXTS, "label": 1}, "label="),
        ({"choices": TEXTS, "order_by": "size"}, "order_by="),
        ({"choices": TEXTS, "because": 3}, "because is 3"),
        ({"order": TEXTS, "truth": TEXTS[:2]}, "each of"),
        ({"order": TEXTS, "truth": "it falls"}, "each of"),
        ({"between": (3, 3)}, "the lower one first"),
        ({"between": (0, float("inf"))}, "the lower one first"),
        ({"between": 5}, "two numbers"),
        ({"between": (0, 9), "truth": 10}, "from 0 to 9"),
        ({"between": (0, 9), "truth": "four"}, "expected a number"),
        ({"between": (0, 9), "truth": True}, "expected a number"),
        ({"between": (0, 9), "tolerance": -1}, "at least 0"),
        ({"place": 42}, "expected a run"),
    ],
)
def test_what_makes_no_exercise_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        vw.Prediction("What then?", **options)


def test_a_question_is_a_text() -> None:
    for question in ("", "  ", 3, "x" * 601):
        with pytest.raises(OptionError, match="question is"):
            vw.Prediction(question, choices=TEXTS)  # type: ignore[arg-type]


def test_a_place_needs_two_dimensions_and_a_class(data: vw.ImageDataset, run: vw.Run) -> None:
    with pytest.raises(OptionError, match=r"3 latent dimensions.*latent_dim=2"):
        vw.Prediction("Where?", place=new_run(data, 3, start=False), label=1)
    for label in (None, 10, "7", True):
        with pytest.raises(OptionError, match="expected a class of digits"):
            vw.Prediction("Where?", place=run, label=label)
    with pytest.raises(OptionError, match="takes it from the run"):
        vw.Prediction("Where?", place=run, label=1, truth=[0, 0])
    bare = vw.ImageDataset(np.zeros((40, 8, 8), np.float32))
    with pytest.raises(OptionError, match="data without labels"):
        vw.Prediction("Where?", place=new_run(bare, batch_size=8, start=False), label=1)


def test_answers_that_cannot_be_are_refused_and_leave_what_was_said(run: vw.Run) -> None:
    bad = [("no such", 3), (TEXTS[:2], [1, 2, 3]), (2.5, 21), ([0], [0, "x"])]
    for (guess, right, _), wrong in zip(every_kind(run), bad, strict=True):
        guess.answer = right
        for value in wrong:
            with pytest.raises(OptionError, match="answer is"):
                guess.answer = value
        assert guess.answer == right
        with pytest.raises(OptionError, match="revealed is"):
            guess.view |= {"revealed": 1}
        guess.close()


def test_its_repr_is_its_question_cut_to_a_line() -> None:
    assert repr(vw.Prediction("How many?", between=(0, 3))) == "Prediction('How many?')"
    long = vw.Prediction("How many of the twenty units will be active after training?", between=(0, 20))
    assert repr(long) == "Prediction('How many of the twenty units will be ac…')"


def test_its_figure_tells_the_truth_only_once_it_is_revealed(run: vw.Run) -> None:
    def said(guess: vw.Prediction) -> str:
        axes = guess.figure().axes[0]
        return " ".join(text.get_text() for text in axes.texts) + axes.get_title("left")

    for guess, right, wrong in every_kind(run):
        guess.answer = wrong
        assert "Not quite" not in said(guess)
        guess.view |= {"revealed": True}
        assert "Not quite." in said(guess)
        guess.view = {"answer": right, "revealed": True}
        assert "Right." in said(guess)
        guess.close()
    markup = vw.Prediction("Is $x_ a formula?", choices=["$\\frac", "no"], truth="no", because="$ is money")
    markup.view = {"answer": "no", "revealed": True}
    assert vw.figures.figure_png(markup.figure(), 1_000_000).startswith(b"\x89PNG")
    markup.close()


def test_what_is_true_is_in_the_saved_page_when_it_is_known(tmp_path: Any) -> None:
    guess = vw.Prediction("What?", choices=TEXTS, truth="it stays")
    page = guess.save_html(tmp_path / "page.html").read_text("utf-8")
    assert "it stays" in page
    guess.close()


def test_a_place_of_sparse_labels_is_judged_by_the_label(data: vw.ImageDataset) -> None:
    images = np.random.default_rng(0).random((80, 1, 4, 4)).astype("f4")
    labels = np.resize([-2, 7, 100_000], 80)
    images[labels == 7] *= 0.2
    sparse = vw.ImageDataset(images, labels)
    run = vw.train(vw.MLPVAE((1, 4, 4), hidden=(8,)), sparse, epochs=2, batch_size=32, autosave=False).wait(
        progress=False
    )
    guess = vw.Prediction("Where?", place=run, label=7)
    exercise = guess.frame["exercise"]
    assert (exercise["name"], exercise["label"], exercise["class_names"]) == ("7", 1, ["-2", "7", "100000"])
    assert sorted(label for label, *_ in exercise["map"]["centers"]) == [0, 1, 2]
    guess.answer = guess.truth
    assert guess.right
    guess.close()
    with pytest.raises(OptionError, match="one of \\[-2, 7, 100000\\]"):
        vw.Prediction("Where?", place=run, label=3)
