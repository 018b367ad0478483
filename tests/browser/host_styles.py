"""What a host's style sheet would change in a widget: its controls look everywhere as on a saved page."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from tests.browser.lab import Lab, wait_for
from tests.browser.pages import open_page

# What a host's rule about buttons, inputs or tables would change. Colors are the theme's, sizes the room's.
STYLES = """roots => {
    const names = `
        border-top-left-radius border-bottom-right-radius border-top-width border-top-style
        border-left-width border-bottom-style padding-top padding-left padding-right margin-top
        margin-left margin-bottom min-width min-height max-width box-sizing box-shadow
        background-image appearance opacity display position float clear font-size font-weight
        font-style font-variant-numeric line-height letter-spacing word-spacing text-align
        text-indent text-transform text-decoration-line text-shadow white-space vertical-align
        cursor list-style-type outline-offset border-collapse filter touch-action overflow-x
    `.trim().split(/\\s+/);
    const found = {};
    for (const root of roots) {
        for (const element of [root, ...root.querySelectorAll(':not(svg *)')]) {
            if (!element.checkVisibility()) continue;
            const named = one => [...one?.classList ?? []].filter(name => !/^(vw-waiting|is-)/.test(name));
            const parents = [element.parentElement, element.parentElement?.parentElement].flatMap(named);
            const on = ['aria-pressed', 'disabled'].map(name => element.getAttribute(name));
            const own = [element.localName, ...named(element), element.type ?? '', ...on];
            const key = [root.classList[1], ...(element === root ? [] : parents), '>', ...own].join(' ');
            const style = getComputedStyle(element);
            // A shadow has the theme's color.
            const plain = name => style.getPropertyValue(name).replace(/rgba?\\([^)]*\\)/g, '');
            const value = names.map(name => `${name}: ${plain(name)}`);
            (found[key] ??= new Set()).add(value.join('; '));
        }
    }
    return Object.fromEntries(Object.entries(found).map(([key, values]) => [key, [...values]]));
}"""


def differences(here: dict[str, list[str]], there: dict[str, list[str]]) -> list[str]:
    """What is set otherwise here than anywhere there, for elements that both have."""
    found = []
    for key in sorted(here.keys() & there.keys()):
        for style in here[key]:
            if style not in there[key]:
                closest = min(
                    (set(style.split("; ")) - set(other.split("; ")) for other in there[key]), key=len
                )
                found.append(f"{key}: {', '.join(sorted(closest))}")
    return found


def is_drawn(root: Any) -> bool:
    return root.get_attribute("data-status") != "empty"


def styles_of(roots: Any) -> dict[str, list[str]]:
    """The styles of each kind of element in these widgets, once all are drawn."""
    for root in roots.all():
        root.scroll_into_view_if_needed()
        wait_for(partial(is_drawn, root), "it is drawn", 30)
    return roots.evaluate_all(STYLES)


def styles_of_page(browser: Any, path: Path, width: float, style: str = "") -> dict[str, list[str]]:
    """The same of a saved page, its widgets this wide."""
    with open_page(browser, path, color_scheme="light", viewport={"width": 1600, "height": 1000}) as page:
        page.page.add_style_tag(content=f"main {{ width: {width}px }} {style}")
        page.page.evaluate("() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")
        return styles_of(page.page.locator(".vw-root"))


def assert_controls_look_as_on_a_saved_page(lab: Lab, browser: Any) -> None:
    """Of the `widgets` that a notebook shows."""
    lab.execute("vw.save_html([*widgets.values()], 'same.html')")
    here = styles_of(lab.page.locator(".vw-root"))
    width = lab.page.evaluate("document.querySelector('.vw-root').clientWidth")
    # an output has a margin of its own
    there = styles_of_page(browser, lab.notebooks / "same.html", width, ".vw-root{padding:8px 0!important}")
    shared = here.keys() & there.keys()
    assert len(shared) > 150
    for part in ("vw-map-handle", "vw-handle", "vw-knob", "vw-button", "vw-select", "vw-slider", "vw-number"):
        assert any(part in key for key in shared), part
    found = differences(here, there)
    assert found == [], "\n".join(found)
    radius = lab.page.eval_on_selector_all(
        ".vw-map-handle, .vw-handle", "all => all.map(e => getComputedStyle(e).borderRadius)"
    )
    assert set(radius) == {"50%"}
