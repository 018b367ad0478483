"""Exercises on a saved page: each kind is answered and revealed, by pointer and by keys, with no kernel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import vaewidgets as vw
from tests.browser.helpers import Widget
from tests.browser.pages import SavedPage, open_page

EVIL = "<img src=x onerror=alert(1)>"
ITEMS = ["β = 1", "β = 0.1", "β = 10", EVIL]
TRUE_ORDER = ["β = 10", "β = 1", EVIL, "β = 0.1"]
CHOICE, ORDER, NUMBER, PLACE, LATER, CODED = range(6)


@pytest.fixture(scope="module")
def exercises() -> list[vw.Prediction]:
    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=256)
    model = vw.MLPVAE(data.image_shape, 2, hidden=(32,))
    run = vw.train(model, data, epochs=5, batch_size=64, autosave=False).wait(progress=False)
    return [
        vw.Prediction(EVIL, choices=["it falls", EVIL, "it rises"], truth=EVIL, because=EVIL),
        vw.Prediction("In which order?", order=ITEMS, order_by="KL, smallest first", truth=TRUE_ORDER),
        vw.Prediction("How many?", between=(0, 20), unit="units", tolerance=2, truth=8),
        vw.Prediction("Where will the sevens lie?", place=run, label=7),
        vw.Prediction("How large?", between=(0.0, 5.0), unit="nats"),
        vw.Prediction("How many?", between=(0, 20), unit="units", truth=8, codes=True),
    ]


@pytest.fixture(scope="module")
def page(browser: Any, exercises: list[vw.Prediction], tmp_path_factory: Any) -> Iterator[SavedPage]:
    path: Path = vw.save_html(
        exercises, tmp_path_factory.mktemp("page") / "exercises.html", title="Exercises"
    )
    with open_page(browser, path, viewport={"width": 1000, "height": 3200}) as page:
        for i, root in enumerate(page.page.locator(".vw-root").all()):
            root.evaluate("(root, i) => { root.id = `exercise${i}`; }", i)
        yield page


def exercise(page: SavedPage, number: int) -> Widget:
    widget = page.widget(f"#exercise{number}")
    widget.wait("w.exercise !== null", 10)
    return widget


def press(widget: Widget, selector: str, *keys: str) -> None:
    widget.lab.page.locator(f"{widget.selector} {selector}").first.focus()
    for key in keys:
        widget.lab.page.keyboard.press(key)


def text(widget: Widget, selector: str = ".vw-predict-outcome") -> str:
    return widget.lab.page.locator(f"{widget.selector} {selector}").first.inner_text()


def can_reveal(widget: Widget) -> bool:
    return bool(widget.ask("!root.querySelector('.vw-reveal').disabled"))


def reveal(widget: Widget, right: bool) -> None:
    """By the keyboard; the button keeps the focus, as the one that begins anew."""
    widget.wait("!root.querySelector('.vw-reveal').disabled", 5)
    press(widget, ".vw-reveal", "Enter")
    widget.wait("w.view.revealed === true", 5)
    widget.wait(f"w.right === {json.dumps(right)}", 5)
    widget.wait("document.activeElement.textContent === 'try again'", 5)
    assert widget.ask("root.querySelector('.vw-predict-outcome').getAttribute('role')") == "status"
    assert text(widget).startswith("Right" if right else "Not quite")


def try_again(widget: Widget) -> None:
    press(widget, ".vw-reveal", "Space")
    widget.wait("w.view.revealed === false && w.view.answer === null && w.right === null", 5)
    widget.wait("root.querySelector('.vw-reveal').disabled", 5)


def test_nothing_is_revealed_before_an_answer(page: SavedPage) -> None:
    for number in range(5):
        widget = exercise(page, number)
        assert widget.ask("w.view.answer") is None
        assert not can_reveal(widget)
        assert "Enter your prediction" in text(widget)
        assert not widget.lab.page.locator(f"{widget.selector} .vw-predict-because").is_visible()


def test_a_choice_by_pointer_and_by_keys(page: SavedPage) -> None:
    widget = exercise(page, CHOICE)
    widget.click(".vw-predict-choice:nth-child(1)")
    widget.wait("w.view.answer === 'it falls'", 5)
    reveal(widget, right=False)
    assert EVIL in text(widget)
    assert text(widget, ".vw-predict-choice:nth-child(2) .vw-predict-mark") == "✓ true"
    assert text(widget, ".vw-predict-choice:nth-child(1) .vw-predict-mark") == "✗ your answer"
    assert text(widget, ".vw-predict-because") == EVIL
    assert page.page.locator(f"{widget.selector} img").count() == 0, "what authors write is text"
    assert page.page.locator(f"{widget.selector} .vw-predict-radio").first.is_disabled()
    try_again(widget)
    press(widget, ".vw-predict-radio", "Space", "ArrowDown")
    widget.wait(f"w.view.answer === {json.dumps(EVIL)}", 5)
    reveal(widget, right=True)
    try_again(widget)


def test_an_order_by_buttons_alone_with_the_focus_kept(page: SavedPage) -> None:
    widget = exercise(page, ORDER)
    widget.click(".vw-keep-order")
    widget.wait(f"w.view.answer?.join() === {json.dumps(','.join(ITEMS))}", 5)
    press(widget, "[aria-label='move β = 10 up']", "Enter")
    widget.wait("w.view.answer?.[1] === 'β = 10'", 5)
    page.page.keyboard.press("Enter")
    widget.wait("w.view.answer?.[0] === 'β = 10'", 5)
    widget.wait("document.activeElement.getAttribute('aria-label') === 'move β = 10 down'", 5)
    assert text(widget, "[role=status].vw-voice") == "β = 10 is now 1 of 4"
    reveal(widget, right=False)
    assert text(widget) == "Not quite: 2 of 4 are in the right place"
    shown = "[...root.querySelectorAll('.vw-predict-truths .vw-predict-text')].map((e) => e.textContent)"
    assert widget.ask(shown) == TRUE_ORDER
    try_again(widget)


def test_an_order_by_dragging(page: SavedPage) -> None:
    widget = exercise(page, ORDER)
    row = "li:has([aria-label='move {} up'])"
    boxes = [
        page.page.locator(f"{widget.selector} {row.format(item)}").bounding_box()
        for item in ("β = 10", "β = 1")
    ]
    (x, y), (_, target) = ((box["x"] + 60, box["y"] + box["height"] / 2) for box in boxes)
    mouse = page.page.mouse
    mouse.move(x, y)
    mouse.down()
    mouse.move(x, target - 6, steps=6)
    assert widget.ask("w.view.answer") is None, "it is said when it is dropped"
    mouse.up()
    widget.wait(f"w.view.answer?.join() === {json.dumps(','.join(['β = 10', 'β = 1', 'β = 0.1', EVIL]))}", 5)
    press(widget, f"[aria-label='move {EVIL} up']", "Enter")
    widget.wait(f"w.view.answer?.join() === {json.dumps(','.join(TRUE_ORDER))}", 5)
    reveal(widget, right=True)
    assert page.page.locator(f"{widget.selector} .vw-predict-up:visible").count() == 0
    try_again(widget)


def test_a_number_by_the_slider_and_by_typing(page: SavedPage) -> None:
    widget = exercise(page, NUMBER)
    field = page.page.locator(f"{widget.selector} .vw-number")
    assert field.input_value() == ""
    assert widget.ask("root.querySelector('.vw-slider').value") == "500"
    press(widget, ".vw-slider", "ArrowRight", "ArrowRight")
    widget.wait("w.view.answer === 11", 5)
    press(widget, ".vw-slider", "ArrowLeft")
    widget.wait("w.view.answer === 10", 5)
    reveal(widget, right=True)
    assert text(widget) == "Right: 8 units; your answer was 10, within 2 units"
    label = widget.ask("root.querySelector('.vw-predict-line').getAttribute('aria-label')")
    assert label == "your answer 10 units, true 8 units, from 0 to 20 units"
    at = widget.ask("['said', 'truth'].map((k) => root.querySelector(`.vw-predict-${k}`).style.left)")
    assert at == ["50%", "40%"]
    try_again(widget)
    widget.wait("root.querySelector('.vw-number').value === ''", 5)
    widget.set_number("predicted", 10.6)
    widget.wait("w.view.answer === 11", 5)
    reveal(widget, right=False)
    try_again(widget)


def test_a_place_by_click_and_by_arrow_keys(page: SavedPage, exercises: list[vw.Prediction]) -> None:
    widget = exercise(page, PLACE)
    truth = exercises[PLACE].truth
    centers = {label: at for label, *at in exercises[PLACE].frame["exercise"]["map"]["centers"]}
    seen = page.page.locator(f"{widget.selector} canvas")
    hidden = seen.evaluate("canvas => canvas.toDataURL()")
    page.page.mouse.click(*widget.ask(f"w.toClient({truth[0]}, {truth[1]})"))
    widget.wait("Array.isArray(w.view.answer)", 5)
    assert widget.ask("w.view.answer") == pytest.approx(truth, abs=0.05)
    reveal(widget, right=True)
    assert seen.evaluate("canvas => canvas.toDataURL()") != hidden
    assert "the center of 7 lies at" in (seen.get_attribute("aria-label") or "")
    before = widget.ask("w.view.answer")
    page.page.mouse.click(*widget.ask("w.toClient(0.3, 0.3)"))
    press(widget, ".vw-map-handle", "ArrowLeft")
    assert widget.ask("w.view.answer") == before, "what was said stands"
    try_again(widget)
    press(widget, ".vw-map-handle", "ArrowLeft")
    x, y = widget.wait("w.view.answer", 5)
    press(widget, ".vw-map-handle", "ArrowDown", "ArrowDown", "ArrowRight")
    widget.wait(f"w.view.answer[0] > {x} && w.view.answer[1] < {y}", 5)
    right, up = (now - before for now, before in zip(widget.ask("w.view.answer"), (x, y), strict=True))
    assert up == pytest.approx(-2 * right, abs=0.01), "each key is a step, also before it is drawn"
    other = max(centers, key=lambda label: abs(centers[label][0] - truth[0]))
    page.page.mouse.click(*widget.ask(f"w.toClient({centers[other][0]}, {centers[other][1]})"))
    widget.wait("w.right === false", 5)
    reveal(widget, right=False)
    assert ", not 7" in text(widget)
    try_again(widget)


def test_what_is_not_known_yet_cannot_be_revealed(page: SavedPage) -> None:
    widget = exercise(page, LATER)
    widget.set_number("predicted", 3.25)
    widget.wait("w.view.answer === 3.25", 5)
    said = "root.querySelector('.vw-predict-outcome').textContent"
    widget.wait(f"{said} === 'Your answer is saved. The true answer is known after training.'", 5)
    assert not can_reveal(widget)
    assert widget.ask("w.right") is None


def test_what_was_answered_is_taken_back_into_python(page: SavedPage, exercises: list[vw.Prediction]) -> None:
    widget = exercise(page, NUMBER)
    widget.set_number("predicted", 7)
    reveal(widget, right=True)
    exercises[NUMBER].view = widget.ask("w.view")
    assert (exercises[NUMBER].answer, exercises[NUMBER].revealed, exercises[NUMBER].right) == (7, True, True)
    try_again(widget)


def test_nothing_was_asked_of_anyone(page: SavedPage) -> None:
    page.assert_alone()


def test_codes_of_a_class_are_counted_beside_the_truth(
    page: SavedPage, exercises: list[vw.Prediction]
) -> None:
    asked, widget = exercises[CODED], exercise(page, CODED)
    codes = []
    for answer in (8, 9, 3):
        asked.answer = answer
        codes.append(asked.code)
    part = widget.lab.page.locator(f"{widget.selector} .vw-predict-collect")
    assert not part.locator(".vw-predict-code").is_visible(), "no code without an answer"
    press(widget, ".vw-predicted .vw-slider", "Home", "ArrowRight")
    widget.wait("w.view.answer === 1", 5)
    asked.answer = 1
    widget.wait(f"root.querySelector('.vw-predict-code').textContent === '{asked.code}'", 5)
    part.locator("summary").click()
    part.locator("textarea").fill(f"{EVIL}\n" + ",".join([*codes, f"{codes[0]}7"]))
    widget.wait("w.view.collected.length === 3", 5)
    assert part.locator(".vw-note").nth(1).inner_text() == f"3 answers; 1 mistyped ({codes[0]}7)."
    reveal(widget, right=False)
    true = part.locator(".vw-predict-row.is-true")
    assert true.all_inner_texts() == ["8 to 9\n2 ✓"]
    assert part.locator(".vw-predict-sum").inner_text() == "1 of 3 are right."
    asked.answer = None
