"""The pictures of ideas on a saved page: all that they let a reader do, with no kernel and no network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.distributions import Normal, kl_divergence

import vaewidgets as vw
from tests.browser.helpers import Widget
from tests.browser.lab import wait_for
from tests.browser.pages import SavedPage, open_page
from tests.browser.text_boxes import NOTE_TEXT, draw_all, misplaced

KL, REPARAM, ANNEALING = ".vw-kl-playground", ".vw-reparameterization-demo", ".vw-annealing-schedule"
DIAGRAM, GAME = ".vw-architecture-diagram", ".vw-bottleneck-game"
ALL_IN_SIGHT = {"width": 1200, "height": 5600}
EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    play = vw.KLPlayground(1.0, 0.5)
    stops = ["Here.", (f"{EVIL}\n\nMore.", {"mu": 2.0, "sigma": 1.5}), "Back."]
    widgets = [
        play,
        vw.ReparameterizationDemo(0.5, 1.2),
        vw.AnnealingSchedule("linear", steps=20, ratio=0.5, at=5),
        vw.ArchitectureDiagram(),
        vw.BottleneckGame(),
        vw.Tour(play, stops),
    ]
    return vw.save_html(widgets, tmp_path_factory.mktemp("page") / "ideas.html", title="Ideas")


@pytest.fixture(scope="module")
def page(browser: Any, path: Path) -> Iterator[SavedPage]:
    with open_page(browser, path, viewport=ALL_IN_SIGHT) as page:
        yield page


def drag(widget: Widget, selector: str, right: float, down: float = 0.0) -> None:
    """By so many pixels, with the mouse."""
    place = widget.lab.page.locator(f"{widget.selector} {selector}").bounding_box()
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    mouse = widget.lab.page.mouse
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + right, y + down, steps=5)
    mouse.up()


def torch_kl(q: tuple[float, float], p: tuple[float, float]) -> float:
    return float(
        kl_divergence(*(Normal(*(torch.tensor(v, dtype=torch.float64) for v in of)) for of in (q, p)))
    )


def ink(widget: Widget, selector: str) -> float:
    """Share of a canvas's pixels that are drawn on."""
    return widget.ask(
        f"""(() => {{ const c = root.querySelector({selector!r} + ' canvas');
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;
        for (let i = 3; i < d.length; i += 4) if (d[i]) n++; return n / (d.length / 4); }})()"""
    )


def test_kl_drag_the_mean_and_the_width(page: SavedPage) -> None:
    widget = page.widget(KL)
    widget.wait("w.frame !== null", 10)
    assert widget.ask("w.kl.total") == pytest.approx(torch_kl((1.0, 0.5), (0.0, 1.0)))
    before = widget.ask("[w.view.mu, w.view.sigma]")
    drag(widget, ".vw-handle-mean", 60)
    widget.wait(f"w.view.mu > {before[0]} + 0.5", 5)
    drag(widget, ".vw-handle-width", 40)
    widget.wait(f"w.view.sigma > {before[1]} + 0.3", 5)
    mu, sigma = widget.ask("[w.view.mu, w.view.sigma]")
    assert widget.ask("w.kl.total") == pytest.approx(torch_kl((mu, sigma), (0.0, 1.0)))
    widget.wait("root.querySelector('.vw-kl-total').textContent === w.kl.total.toFixed(3) + ' nats'", 5)
    assert ink(widget, ".vw-kl-densities") > 0.02
    assert ink(widget, ".vw-kl-integrand") > 0.01


def test_kl_by_keyboard_and_by_number(page: SavedPage) -> None:
    widget = page.widget(KL)
    widget.set_number("mu", -1.0)
    widget.wait("w.view.mu === -1", 5)
    page.page.locator(f"{KL} .vw-handle-mean").press("Shift+ArrowRight")
    widget.wait("Math.abs(w.view.mu + 0.5) < 1e-9", 5)
    widget.wait("root.querySelector('.vw-handle-mean').getAttribute('aria-valuenow') === '-0.5'", 5)
    widget.set_number("prior_sigma", 2.0)
    widget.wait("w.view.prior_sigma === 2", 5)
    sigma = widget.ask("w.view.sigma")
    assert widget.ask("w.reverse.total") == pytest.approx(torch_kl((0.0, 2.0), (-0.5, sigma)))


def test_kl_the_other_direction_and_a_ranking(page: SavedPage) -> None:
    widget = page.widget(KL)
    widget.set_number("prior_sigma", 1.0)
    widget.click(".vw-kl-row:nth-child(2) .vw-kl-name")
    widget.wait("w.view.direction === 'pq'", 5)
    areas, reverse = widget.ask("[w.areas, w.reverse]")
    assert areas["above"] + areas["below"] == pytest.approx(reverse["total"], rel=1e-4)
    for mu, sigma in ((0, 3), (0, 1), (1.5, 1)):
        widget.set_number("mu", mu)
        widget.set_number("sigma", sigma)
        widget.click(".vw-keep")
    names = "[...root.querySelectorAll('.vw-kl-bring')].map((e) => e.textContent)"
    wanted = "N(0.00, 1.00²),N(1.50, 1.00²),N(0.00, 3.00²)"
    widget.wait(f"{names}.join() === {wanted!r}", 5)
    widget.click(".vw-kl-one:nth-child(3) .vw-kl-bring")
    widget.wait("w.view.sigma === 3 && w.view.mu === 0", 5)
    widget.click(".vw-kl-drop")
    widget.wait("w.view.kept.length === 2", 5)


def test_reparameterisation_follow_a_draw_and_draw_anew(page: SavedPage) -> None:
    widget = page.widget(REPARAM)
    assert widget.ask("w.z") == pytest.approx(0.14)
    page.page.locator(f"{REPARAM} .vw-handle-eps").press("ArrowLeft")
    widget.wait("Math.abs(w.z - (0.5 + 1.2 * -0.35)) < 1e-9", 5)
    drag(widget, ".vw-handle-eps", 55)
    widget.wait("w.view.eps > 0", 5)
    first = widget.ask("w.gradients.mu.path.values[0]")
    widget.click(".vw-redraw")
    widget.wait(f"w.gradients.mu.path.values[0] !== {first}", 5)
    assert ink(widget, ".vw-reparam-map") > 0.01


def test_reparameterisation_the_path_is_quieter(page: SavedPage) -> None:
    widget = page.widget(REPARAM)
    for f in ("square", "sine", "cube"):
        page.page.locator(f"{REPARAM} .vw-segment-input[value={f}]").check(force=True)
        widget.wait(f"w.view.f === {f!r}", 5)
        for by in ("mu", "sigma"):
            path, score = widget.ask(f"[w.gradients.{by}.path, w.gradients.{by}.score]")
            # not so of every f: the waves of sin z average out in the score as well
            assert f == "sine" or path["sd"] < score["sd"]
            for way in (path, score):
                # of 400 estimates: within five standard errors, or this seed would be one in a million
                values = torch.tensor(way["values"])
                assert abs(float(values.mean()) - way["exact"]) < 5 * way["sd"] / 20
    page.page.locator(f"{REPARAM} .vw-segment-input[value=step]").check(force=True)
    widget.wait(
        "root.querySelector('.vw-gradient-verdict').textContent.startsWith('f is a step function')", 5
    )
    widget.set_number("samples", 64)
    widget.wait("w.view.samples === 64", 5)


def test_annealing_drag_the_end_and_take_the_code(page: SavedPage) -> None:
    widget = page.widget(ANNEALING)
    assert widget.ask("w.loss") == pytest.approx(1.0)
    assert widget.ask("w.code") == "vw.LinearWarmup(start=0, end=1, steps=10)"
    drag(widget, ".vw-handle-end", -100, 40)
    widget.wait("w.view.ratio < 0.45 && w.view.end < 0.9", 5)
    values = widget.ask("w.schedule")
    assert eval(widget.ask("w.code"), {"vw": vw}).to_dict() == values
    widget.wait("root.querySelector('.vw-code').textContent === 'beta=' + w.code", 5)
    page.page.locator(f"{ANNEALING} .vw-handle-at").press("Shift+ArrowRight")
    widget.wait("w.view.at === 7", 5)


def test_annealing_in_cycles(page: SavedPage) -> None:
    widget = page.widget(ANNEALING)
    page.page.locator(f"{ANNEALING} .vw-segment-input[value=cyclical]").check(force=True)
    widget.set_number("steps", 1000)
    widget.wait("w.schedule.period === 250", 5)
    page.page.locator(f"{ANNEALING} .vw-handle-cycle").press("ArrowRight")
    widget.wait("w.view.cycles === 3", 5)
    schedule = eval(widget.ask("w.code"), {"vw": vw})
    for step in (0, 100, 333, 334, 999):
        assert widget.ask(f"w.beta({step})") == schedule(step)


@pytest.mark.parametrize(("kind", "term"), [("target_kl", "kl"), ("geco", "recon")])
def test_annealing_by_a_target_that_is_dragged(page: SavedPage, kind: str, term: str) -> None:
    widget = page.widget(ANNEALING)
    page.page.locator(f"{ANNEALING} .vw-segment-input[value={kind}]").check(force=True)
    widget.set_number("steps", 2000)
    widget.wait(f"w.schedule.kind === '{kind}' && w.view.steps === 2000", 5)
    before = widget.ask(f"w.schedule.{term}")
    assert widget.ask(f"w.answer.{term}.at(-1)") == pytest.approx(before, rel=0.02)
    drag(widget, ".vw-handle-target", 0, -12)
    widget.wait(f"w.schedule.{term} > {before}", 5)
    target = widget.ask(f"w.schedule.{term}")
    assert widget.ask(f"w.answer.{term}.at(-1)") == pytest.approx(target, rel=0.02), "the example follows"
    page.page.locator(f"{ANNEALING} .vw-handle-target").press("Shift+ArrowUp")
    widget.wait(f"w.schedule.{term} === {target + 10}", 5)
    assert eval(widget.ask("w.code"), {"vw": vw}).to_dict() == widget.ask("w.schedule")
    widget.wait("root.querySelector('.vw-code').textContent === 'beta=' + w.code", 5)


def test_annealing_names_the_curves_of_a_run_that_has_just_begun_where_there_is_room(
    browser: Any, tmp_path: Path
) -> None:
    data = vw.load_dataset("digits", n_train=256, n_test=64)
    run = vw.train(vw.MLPVAE(data.image_shape, hidden=(8,)), data, epochs=100, start=False, autosave=False)
    run.advance(3)
    wait_for(lambda: run.step == 3 and run.status == "paused", "three steps")
    widgets = [vw.AnnealingSchedule(kind, run=run) for kind in ("constant", "linear", "target_kl")]
    path = vw.save_html(widgets, tmp_path / "begun.html")
    run.close()
    with open_page(browser, path, script=NOTE_TEXT) as page:
        draw_all(page.page)
        assert misplaced(page.page) == []


def test_the_diagram_walks_and_stops_at_the_draw(page: SavedPage) -> None:
    widget = page.widget(DIAGRAM)
    assert widget.ask("w.lit.parts") == ["x"]
    widget.click(".vw-next")
    widget.wait("w.lit.edges.includes('x>encoder')", 5)
    slider = page.page.locator(f"{DIAGRAM} .vw-arch-slider")
    slider.press("End")
    widget.wait("w.view.step === w.steps.length - 1", 5)
    back = widget.ask("w.steps.indexOf('back through z')")
    slider.fill(str(back))
    widget.wait("w.lit.edges.includes('mu>z') && w.lit.edges.includes('sigma>z')", 5)
    page.page.locator(f"{DIAGRAM} .vw-segment-input[value=vae]").check(force=True)
    stop = widget.wait("w.steps.indexOf('back through the sample')", 5)
    slider.fill(str(stop))
    widget.wait("root.querySelector('.vw-arch').classList.contains('is-stopped')", 5)
    assert not {"mu>z", "sigma>z"} & set(widget.ask("w.lit.edges"))
    page.page.locator(f"{DIAGRAM} .vw-segment-input[value=ae]").check(force=True)
    widget.wait("!root.querySelector('.vw-arch-kl')", 5)


def test_the_diagram_plays_by_itself(page: SavedPage) -> None:
    widget = page.widget(DIAGRAM)
    page.page.locator(f"{DIAGRAM} .vw-arch-slider").press("Home")
    widget.wait("w.view.step === 0", 5)
    widget.click(".vw-main-button")
    assert widget.ask("w.playing")
    widget.wait("w.view.step >= 1", 6)
    widget.click(".vw-main-button")
    assert not widget.ask("w.playing")


def guess_all(widget: Widget, card: int | None = None) -> None:
    """Play the decoder's seat: always the same card, or the one that was written so."""
    for _ in range(5):
        code = widget.ask("w.code")
        own = next(known for known, (a, b) in CODES.items() if [a, b] == code)
        widget.click(f".vw-card[data-card='{own if card is None else card}']")
        widget.wait("w.phase === 'shown'", 5)
        widget.click(".vw-proceed")
        widget.wait("w.phase === 'decode' || w.phase === 'summary'", 5)


CODES = {0: (1, 0), 1: (0, 1), 3: (0, 0), 7: (0, 2), 8: (2, 0)}


def test_what_is_written_between_two_repaints_is_all_kept(browser: Any, path: Path) -> None:
    with open_page(browser, path, viewport=ALL_IN_SIGHT) as page:
        written = page.widget(GAME).ask(
            """(() => {
                for (const input of root.querySelectorAll('.vw-code-input')) {
                    input.value = '1';
                    input.dispatchEvent(new Event('input', { bubbles: true }));
                }
                return w.view.game.codes.length;
            })()"""
        )
        assert written == len(CODES)


def test_a_round_of_the_game_for_two(page: SavedPage) -> None:
    widget = page.widget(GAME)
    page.page.locator(f"{GAME} .vw-property").first.fill(EVIL)
    for card, code in CODES.items():
        for i, number in enumerate(code):
            page.page.get_by_label(f"card {card}, number {i + 1}").fill(str(number))
    widget.click(".vw-hand-over")
    widget.wait("w.phase === 'pass'", 5)
    assert page.page.locator(f"{GAME} .vw-code-input").count() == 0, "the codes are hidden"
    widget.click(".vw-begin")
    widget.wait("w.phase === 'decode'", 5)
    guess_all(widget, card=3)
    widget.wait("w.phase === 'summary' && w.score.join() === '4'", 5)
    assert page.page.locator(f"{GAME} img").count() == 0, "what players type is text"
    assert EVIL in page.page.locator(f"{GAME} .vw-game-act").inner_text()
    kept = widget.ask("w.view.game")
    game = vw.BottleneckGame(game=kept)
    assert game.score == (4,)
    assert game.codebook == CODES
    assert game.confusions == {(card, 3): 1 for card in (0, 1, 7, 8)}
    game.close()


def test_the_game_goes_on_with_a_learner_and_a_swapped_codebook(page: SavedPage) -> None:
    widget = page.widget(GAME)
    text = page.page.locator(f"{GAME} .vw-book-text")
    assert text.input_value() == "two: 0 = 1, 0; 1 = 0, 1; 3 = 0, 0; 7 = 0, 2; 8 = 2, 0"
    page.page.locator(f"{GAME} .vw-segment-input[value=learner]").check(force=True)
    widget.wait("w.phase === 'encode'", 5)
    widget.click(".vw-hand-over")
    widget.wait("w.score.join() === '4,0'", 5)
    text.fill("two: 0 = 0, 1; 1 = 1, 0; 3 = <b>, 2")
    widget.click(".vw-take")
    widget.wait("root.textContent.includes('is not a card with its numbers')", 5)
    text.fill("two: 0 = 0, 1; 1 = 1, 0; 3 = 2, 2; 7 = 0, 0; 8 = 0, 2")
    widget.click(".vw-take")
    widget.wait("w.phase === 'encode'", 5)
    widget.click(".vw-hand-over")
    wait_for(lambda: len(widget.ask("w.score")) == 3, "a third round", 5)
    assert widget.ask("w.score")[2] > 0
    page.page.locator(f"{GAME} .vw-segment-input[value=bits]").check(force=True)
    widget.wait("root.textContent.includes('at least 1 must share one')", 5)
    page.page.locator(f"{GAME} .vw-segment-input[value=nine]").check(force=True)
    widget.wait("root.textContent.includes('at least 5 must share one')", 5)
    page.page.locator(f"{GAME} .vw-segment-input[value=optimal]").check(force=True)
    wait_for(lambda: len(widget.ask("w.score")) == 4, "both models play a round", 5)


def test_nothing_was_asked_of_anyone(page: SavedPage) -> None:
    page.assert_alone()


def test_less_motion_where_it_is_asked_for(browser: Any, path: Path) -> None:
    with open_page(browser, path, viewport=ALL_IN_SIGHT, reduced_motion="reduce") as page:
        widget = page.widget(DIAGRAM)
        widget.click(".vw-next")
        widget.wait("w.view.step === 1", 5)
        assert not widget.ask("root.querySelector('.vw-arch').classList.contains('is-moving')")
        first = page.widget(REPARAM)
        first.click(".vw-redraw")
        first.wait("w.view.seed === 1", 5)
        page.assert_alone()


def test_a_tour_turns_other_widgets_and_back_restores(page: SavedPage) -> None:
    play, tour = page.widget(KL), page.widget(".vw-tour")
    card = tour.lab.page.locator(".vw-tour-card")
    tour.lab.page.locator(".vw-tour .vw-next").focus()
    tour.lab.page.keyboard.press("Enter")
    tour.wait("w.view.stop === 1", 5)
    play.wait("w.view.mu === 2 && w.view.sigma === 1.5", 5)
    wait_for(lambda: "More." in card.inner_text(), "the second stop's text", 5)
    assert EVIL in card.inner_text(), "a text, not markup"
    assert tour.lab.page.locator(".vw-tour-dot").nth(1).get_attribute("aria-current") == "step"
    tour.lab.page.keyboard.press("PageDown")
    tour.wait("w.view.stop === 2", 5)
    assert play.ask("w.view.mu") == 2, "a text alone leaves the view as it is"
    assert tour.lab.page.locator(".vw-tour .vw-next").is_disabled()
    tour.lab.page.locator(".vw-tour-dot").first.click()
    play.wait("w.view.mu === 1 && w.view.sigma === 0.5", 5)  # as when the tour was made
