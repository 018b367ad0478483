"""Every widget on one saved page: drawn, alone, accessible in both themes, reachable from the keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import vaewidgets as vw
from tests.browser.axe import axe_source, findings
from tests.browser.book import CLASSES, selector
from tests.browser.contrast import too_faint
from tests.browser.every_widget import every_widget
from tests.browser.jumps import moved_when_turned
from tests.browser.pages import SavedPage, open_page
from tests.browser.tabs import missed_by_tab
from tests.browser.test_page_touch import TARGETS
from tests.browser.text_boxes import NOTE_TEXT, draw_all, faint_on_canvas, misplaced

draws_pictures = True  # of every widget, as `save_html` does it
WIDTHS = [390, 700, 900, 1400]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=256)
    model = vw.MLPVAE(data.image_shape, latent_dim=3, hidden=(32,))
    run = vw.train(model, data, epochs=5, autosave=False).wait(progress=False)
    return vw.save_html(
        every_widget(run), tmp_path_factory.mktemp("every") / "page.html", title="Every widget"
    )


@pytest.fixture(scope="module", params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Any, path: Path) -> Iterator[SavedPage]:
    # the page's own policy would refuse the program that judges it
    with open_page(browser, path, script=NOTE_TEXT, color_scheme=request.param, bypass_csp=True) as page:
        yield page


def test_all_are_drawn_and_ask_nobody(page: SavedPage) -> None:
    page.assert_alone()
    assert page.page.locator(".vw-root").count() == len(CLASSES)
    for cls in CLASSES:
        widget = page.widget(selector(cls.__name__))
        assert widget.ask("root.dataset.status") in ("finished", "ready"), cls.__name__
        assert widget.ask("root.dataset.theme") == page.page.evaluate(
            "document.documentElement.dataset.vwTheme"
        )
        assert not page.page.locator(f"{selector(cls.__name__)} .vw-error").is_visible(), cls.__name__
        assert widget.ask("root.querySelector('.vw-body').clientHeight") > 40


def test_controls_of_one_widget_are_not_those_of_another(page: SavedPage) -> None:
    """Bundles count by themselves: what they call the same is one control to the browser."""
    ids = page.page.evaluate("[...document.querySelectorAll('.vw-root [id]')].map(element => element.id)")
    assert len(ids) > 10
    assert len(set(ids)) == len(ids)
    chosen = page.page.evaluate(
        """() => [...document.querySelectorAll('.vw-root [role=radiogroup]')]
            .filter(group => group.checkVisibility())
            .map(group => group.querySelectorAll('input:checked').length)"""
    )
    assert len(chosen) > 3
    assert set(chosen) == {1}


OUTSIDE = """() => {
    const isClipped = (element, root) => {
        for (let at = element.parentElement; at && at !== root; at = at.parentElement)
            if (getComputedStyle(at).overflowX !== 'visible') return true;
        return false;
    };
    return [...document.querySelectorAll('.vw-root')].flatMap(root => {
        const place = root.getBoundingClientRect();
        const isOutside = element => {
            const box = element.getBoundingClientRect();
            return Math.min(box.width, box.height) > 2
                && (box.left < place.left - 2 || box.right > place.right + 2
                    || box.top < place.top - 2 || box.bottom > place.bottom + 2)
                && element.checkVisibility({ visibilityProperty: true })
                && getComputedStyle(element).clipPath === 'none' && !isClipped(element, root);
        };
        return [...root.querySelectorAll('*')].filter(isOutside)
            .map(element => `${root.className}: ${element.outerHTML.slice(0, 120)}`);
    });
}"""


@pytest.mark.parametrize("width", WIDTHS)
def test_no_text_overlaps_or_is_cut_off_and_all_stays_inside(page: SavedPage, width: int) -> None:
    page.page.set_viewport_size({"width": width, "height": 900})
    draw_all(page.page)
    assert misplaced(page.page) == []
    assert page.page.evaluate(OUTSIDE) == []
    assert page.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("page", ["light"], indirect=True)
@pytest.mark.parametrize("width", [390, 700, 1400])
def test_nothing_moves_when_it_is_turned(page: SavedPage, width: int) -> None:
    page.page.set_viewport_size({"width": width, "height": 900})
    draw_all(page.page)
    assert moved_when_turned(page.page) == []


def test_texts_have_contrast(page: SavedPage) -> None:
    draw_all(page.page, behind=True)
    for measured, faint in (too_faint(page.page, ".vw-root"), faint_on_canvas(page.page)):
        assert faint == []
        assert measured > 5 * len(CLASSES)


# On the last plot: a text on another, one across the edge, all pale. Then boxes outside, and too small.
PLANTED = """() => {
    const context = [...document.querySelectorAll('.vw-plot2-canvas')].at(-1).getContext('2d');
    context.globalAlpha = 0.3;
    for (const [text, x] of [['on', 60], ['another', 62], ['over the edge', -20]])
        context.fillText(text, x, 40);
    const caption = document.querySelector('.vw-root .vw-caption');
    caption.style.cssText = 'position:fixed;top:-50px';
    caption.nextElementSibling.style.cssText = 'width:4px;overflow:hidden';
}"""


def test_what_is_misplaced_or_faint_would_be_found(page: SavedPage) -> None:
    draw_all(page.page, behind=True)
    page.page.evaluate(PLANTED)
    found = "\n".join(misplaced(page.page))
    for words in (
        '"on" and "another" overlap',
        'cut off at the edge of vw-plot2-canvas: "over',
        "outside: ",
        "cut off: ",
    ):
        assert words in found
    assert any('"another"' in line for line in faint_on_canvas(page.page)[1])
    assert page.page.evaluate(OUTSIDE)
    page.reload()


def test_all_can_be_hit_by_a_finger(page: SavedPage) -> None:
    page.page.set_viewport_size({"width": 390, "height": 900})
    session = page.page.context.new_cdp_session(page.page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 1})
    draw_all(page.page)  # handles stand further apart
    found = page.page.evaluate(TARGETS)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": False})
    session.detach()
    assert len(found) > 5 * len(CLASSES)
    assert [target for target in found if target["height"] < 40 and not target["isHit"]] == []


def test_each_has_its_help(page: SavedPage) -> None:
    roots = page.page.locator(".vw-root")
    for i in range(roots.count()):
        mark, panel = roots.nth(i).locator(".vw-help-mark"), roots.nth(i).locator(".vw-help")
        mark.focus()
        page.page.keyboard.press("Enter")
        lines = panel.locator(".vw-help-line:visible").all_inner_texts()
        assert [line.split(".")[0] for line in lines] == ["What you see", "What you can do", "Try this"]
        page.page.keyboard.press("Escape")
        assert not panel.is_visible()
        assert mark.evaluate("mark => mark === document.activeElement")
    assert roots.count() >= len(CLASSES)


def test_axe_finds_nothing_serious(page: SavedPage) -> None:
    page.page.evaluate(axe_source())
    found = findings(page.page, ".vw-root, .vw-page-head")
    assert found == [], "\n".join(found)


def test_axe_would_find_something(page: SavedPage) -> None:
    page.page.evaluate(axe_source())
    page.page.evaluate(
        """() => {
            const p = document.createElement('div');
            p.id = 'planted';
            p.innerHTML = '<p style="color:#777;background:#888">grey on grey</p><button></button>';
            document.body.append(p);
        }"""
    )
    found = findings(page.page, "#planted")
    page.page.evaluate("document.getElementById('planted').remove()")
    assert {line.split(": ")[1] for line in found} == {"color-contrast", "button-name"}


def test_every_control_is_reached_by_tab(page: SavedPage) -> None:
    marked, missed = missed_by_tab(page.page, "body")
    assert missed == []
    assert marked > 3 * len(CLASSES)
