"""What the pictures of ideas let a reader do in JupyterLab."""

from __future__ import annotations

import pytest

from tests.browser.abilities import ability
from tests.browser.book import Shown
from tests.browser.test_page_concepts import CODES, guess_all

KL, REPARAMETERISED, ANNEALING = "KLPlayground", "ReparameterizationDemo", "AnnealingSchedule"
DIAGRAM, GAME, PREDICTION, TOUR = "ArchitectureDiagram", "BottleneckGame", "Prediction", "Tour"


@ability(KL, "drag and slide the two Gaussians")
def _(on: Shown) -> None:
    on.drag(".vw-handle-mean", 60)
    on.until("w.view['mu'] > 1.5")
    on.drag(".vw-handle-width", 40)
    on.until("w.view['sigma'] > 0.8")
    on.press(".vw-prior_sigma .vw-slider", "ArrowRight")
    on.until("w.view['prior_sigma'] != 1.0")


@ability(KL, "split into shift and spread cost")
def _(on: Shown) -> None:
    on.wait("w.kl.shift > 0", 5)
    shift, spread, kl = on.python("[w.shift, w.spread, w.kl]")
    assert on.ask("[w.kl.shift, w.kl.spread, w.kl.total]") == pytest.approx([shift, spread, kl])
    on.wait("root.querySelector('.vw-kl-total').textContent === w.kl.total.toFixed(3) + ' nats'", 5)


@ability(REPARAMETERISED, "slide mu, sigma and eps")
def _(on: Shown) -> None:
    on.set_number("mu", -1)
    on.press(".vw-handle-eps", "ArrowRight")
    on.until("w.view['mu'] == -1 and w.view['eps'] > -0.3")
    mu, sigma, eps = on.python("[w.view[key] for key in ('mu', 'sigma', 'eps')]")
    assert on.ask("w.z") == pytest.approx(mu + sigma * eps)


@ability(REPARAMETERISED, "redraw eps")
def _(on: Shown) -> None:
    first = on.ask("w.gradients.mu.path.values[0]")
    on.press(".vw-redraw", "Enter")
    on.until("w.view['seed'] == 1")
    on.wait(f"w.gradients.mu.path.values[0] !== {first}", 5)
    exact = on.python("w.gradient")
    assert [on.ask(f"w.gradients.{by}.path.exact") for by in ("mu", "sigma")] == pytest.approx(exact)


@ability(ANNEALING, "slide and drag the schedule")
def _(on: Shown) -> None:
    on.drag(".vw-handle-end", -100, 40)
    on.until("w.view['ratio'] < 0.45 and w.view['end'] < 0.9")
    on.until(f"w.schedule.to_dict() == {on.ask('w.schedule')!r}")
    on.set_number("steps", 100)
    on.choose("", "cyclical")
    on.until("w.view['kind'] == 'cyclical' and w.view['steps'] == 100")
    assert [on.ask(f"w.beta({step})") for step in (0, 7, 99)] == on.python(
        "[w.schedule(step) for step in (0, 7, 99)]"
    )
    assert on.ask("w.code") == on.python("w.code()")


@ability(DIAGRAM, "step through one training step")
def _(on: Shown) -> None:
    on.press(".vw-next", "Enter")
    on.until("w.view['step'] == 1")
    assert "x>encoder" in on.ask("w.lit.edges")
    back = on.ask("w.steps.indexOf('back through z')")
    on.locator(".vw-arch-slider").fill(str(back))
    on.until(f"w.view['step'] == {back}")
    on.wait("w.lit.edges.includes('mu>z') && w.lit.edges.includes('sigma>z')", 5)


@ability(DIAGRAM, "AE, VAE or reparameterised VAE")
def _(on: Shown) -> None:
    for kind in ("ae", "vae", "reparameterised"):
        on.choose(".vw-arch-top", kind)
        on.until(f"w.view['kind'] == {kind!r}")
        on.wait(f"(root.querySelector('.vw-arch-kl') === null) === {'true' if kind == 'ae' else 'false'}", 5)


@ability(GAME, "two hidden-hand seats, score by round")
def _(on: Shown) -> None:
    for card, code in CODES.items():
        for i, number in enumerate(code):
            on.page.get_by_label(f"card {card}, number {i + 1}").fill(str(number))
    on.click(".vw-hand-over")
    on.wait("w.phase === 'pass'", 5)
    on.wait("root.querySelector('.vw-code-input') === null", 5)  # the codes are hidden
    on.click(".vw-begin")
    on.wait("w.phase === 'decode'", 5)
    guess_all(on, card=3)
    on.until("w.score == (4,) and w.codebook[8] == (2, 0)")


@ability(GAME, "a model in one seat")
def _(on: Shown) -> None:
    on.choose("", "learner")
    on.wait("w.phase === 'encode'", 5)
    on.click(".vw-hand-over")
    on.until("w.score == (4, 0)")


@ability(GAME, "codebooks swapped between groups as text")
def _(on: Shown) -> None:
    text = on.locator(".vw-book-text")
    assert text.input_value() == "two: 0 = 1, 0; 1 = 0, 1; 3 = 0, 0; 7 = 0, 2; 8 = 2, 0"
    text.fill("two: 0 = 0, 1; 1 = 1, 0; 3 = 2, 2; 7 = 0, 0; 8 = 0, 2")
    on.click(".vw-take")
    on.wait("w.phase === 'encode'", 5)
    on.click(".vw-hand-over")
    on.until("len(w.score) == 3 and w.score[2] > 0 and w.rounds[-1]['swapped']")


@ability(GAME, "one number, binary, nine cards")
def _(on: Shown) -> None:
    for value, wanted in (
        ("one", "w.view['game']['bottleneck'] == 'one'"),
        ("bits", "w.view['game']['bottleneck'] == 'bits'"),
        ("nine", "len(w.view['game']['cards']) == 9"),
    ):
        on.choose("", value)
        on.until(wanted)
    on.choose("", "optimal")
    on.until("len(w.score) == 4")


@ability(PREDICTION, "answer before the truth is known")
def _(on: Shown) -> None:
    on.press(".vw-predicted .vw-slider", "ArrowRight")
    on.until("w.answer is not None")
    on.set_number("predicted", 9)
    on.until("w.answer == 9 and w.right is None")
    on.wait("root.querySelector('.vw-predict-outcome').textContent.includes('Your answer is saved')", 5)
    assert on.locator(".vw-reveal").is_disabled()


@ability(PREDICTION, "reveal what became known, and try again")
def _(on: Shown) -> None:
    on.python("setattr(w, 'truth', 8) or setattr(w, 'because', 'So it was measured.')")
    on.wait("w.right === true && w.exercise.because !== ''", 5)
    on.press(".vw-reveal", "Enter")
    on.until("w.revealed and w.right")
    on.wait(
        "root.querySelector('.vw-predict-outcome').textContent.includes('8 units; your answer was 9')",
        5,
    )
    assert on.locator(".vw-predict-because").inner_text() == "So it was measured."
    on.page.keyboard.press("Enter")
    on.until("w.answer is None and not w.revealed")


@ability(PREDICTION, "a class's codes, counted beside a truth that came later")
def _(on: Shown) -> None:
    on.set_number("predicted", 9)
    on.until("w.answer == 9")
    on.press(".vw-reveal", "Enter")
    on.until("w.revealed")
    own = on.python("w.code")
    on.wait(f"root.querySelector('.vw-predict-code').textContent === {own!r}", 5)
    on.click(".vw-predict-class summary")
    on.locator(".vw-predict-codes").fill(f"{own} {own}")
    on.until("w.collected == [9, 9]")
    on.wait("root.querySelector('.vw-predict-sum').textContent === '2 of 2 are right.'", 5)
    on.press(".vw-reveal", "Enter")  # try again
    on.until("w.answer is None and not w.revealed")


@ability(TOUR, "walk from stop to stop, and back")
def _(on: Shown) -> None:
    on.press(".vw-next", "Enter")
    on.until("w.stop == 1 and widgets['AnnealingSchedule'].view['cycles'] == 7")
    on.press(".vw-next", "ArrowLeft")
    on.until("w.stop == 0 and widgets['AnnealingSchedule'].view['cycles'] != 7")
