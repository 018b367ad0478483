"""Chapter 13.4's companion in HTML, slides, Quarto and MyST: alive in each of them, right under the pointer.

The example's cells are executed once. nbconvert's HTML and slides are the real ones; reveal.js, which slides
load from a server, is stood in for by the scale that it gives a deck. Quarto and the theme of mystmd cannot
be had here. Quarto's page is stood in for by its structure: a div of class `cell-output-display` for each
output, and require.js on the page, as for any notebook with widgets. MyST's by its way of drawing: an element
for each output, which gets the HTML alone, and its scripts made anew (its theme does so with Lab's code).
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter, SlidesExporter
from sphinx.application import Sphinx

from tests.browser.lab import wait_for

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
REQUIRE = ROOT / "vaewidgets" / "js" / "node_modules" / "requirejs" / "require.js"
N_WIDGETS = 4


def cells(path: Path, fence: str) -> list[tuple[str, str]]:
    """Kind and source of each cell of a text notebook, whose code stands between such fences."""
    body = path.read_text("utf-8").split("---\n", 2)[2]
    parts = re.split(rf"^```{re.escape(fence)}\n(.*?)^```$", body, flags=re.DOTALL | re.MULTILINE)
    kinds = ["markdown", "code"] * len(parts)
    return [(kind, part.strip()) for kind, part in zip(kinds, parts, strict=False) if part.strip()]


@pytest.fixture(scope="module")
def notebook() -> Any:
    """The example, executed."""
    made = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    source = cells(EXAMPLES / "quarto" / "13_4_companion.qmd", "{python}")
    book = nbformat.v4.new_notebook(cells=[made[kind](text) for kind, text in source])
    for cell in book.cells:
        cell.metadata["slideshow"] = {"slide_type": "slide"}
    NotebookClient(book, timeout=120, kernel_name="python3").execute()
    return book


def htmls(notebook: Any) -> list[str]:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output.data["text/html"] for output in outputs if "text/html" in output.get("data", {})]


def by_nbconvert(notebook: Any) -> str:
    return str(HTMLExporter(require_js_url="", mathjax_url="").from_notebook_node(notebook)[0])


def by_slides(notebook: Any) -> str:
    text, _ = SlidesExporter(require_js_url="", mathjax_url="").from_notebook_node(notebook)
    scaled = ".reveal .slides { transform: scale(0.7); transform-origin: 0 0; width: 960px }"
    return str(text).replace("</head>", f"<style>{scaled}</style></head>")


def by_quarto(notebook: Any) -> str:
    outputs = "".join(
        f'<div class="cell"><div class="cell-output cell-output-display">{html}</div></div>'
        for html in htmls(notebook)
    )
    head = f"<meta charset=utf-8><script>{REQUIRE.read_text('utf-8')}</script>"
    return f"<!doctype html><html><head>{head}</head><body><main class=content>{outputs}</main></body></html>"


def by_myst(notebook: Any) -> str:
    data = json.dumps(htmls(notebook)).replace("<", "\\u003c")
    return f"""<!doctype html><html><head><meta charset=utf-8></head><body><script>
for (const html of {data}) {{
  const el = document.body.appendChild(document.createElement("div"));
  el.innerHTML = html;
  for (const old of el.querySelectorAll("script")) {{
    const made = document.createElement("script");
    made.textContent = old.textContent;
    old.replaceWith(made);
  }}
}}
</script></body></html>"""


def by_jupyter_book(notebook: Any) -> str:
    with tempfile.TemporaryDirectory() as folder:
        nbformat.write(notebook, Path(folder, "index.ipynb"))
        settings = {"extensions": ["myst_nb"], "nb_execution_mode": "off", "html_theme": "basic"}
        places = (folder, None, f"{folder}/built", f"{folder}/built")
        Sphinx(*places, "singlehtml", confoverrides=settings, status=None, warningiserror=True).build()
        text = Path(folder, "built", "index.html").read_text("utf-8")
    assert text.count('class="output text_html"') == N_WIDGETS
    return text


def by_an_untrusting_host(notebook: Any) -> str:
    """A host that takes frames, scripts and style sheets out, as JupyterLab does of what is not trusted."""
    text = "".join(htmls(notebook))
    for tag in ("iframe", "script", "style"):
        text = re.sub(rf"<{tag}\b.*?</{tag}>", "", text, flags=re.DOTALL)
    return f"<!doctype html><html><head><meta charset=utf-8></head><body>{text}</body></html>"


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1000, "height": 900}, offline=True)
    page = context.new_page()
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.route(re.compile("^https?:"), lambda route: route.abort())
    yield page
    context.close()


def frames(page: Any) -> list[Any]:
    """Elements of the widgets' frames, each with what is in it drawn."""
    found = page.locator("iframe.vw-frame")
    wait_for(lambda: found.count() == N_WIDGETS, "each output has its frame", 20)
    elements = [found.nth(i).element_handle() for i in range(N_WIDGETS)]
    for element in elements:
        element.scroll_into_view_if_needed()  # what is off the screen gets no animation frames
        frame = element.content_frame()
        wait_for(
            lambda frame=frame: frame.evaluate("document.documentElement.vaewidgets?.ready === true"),
            "a widget is drawn",
            30,
        )
    return elements


@pytest.mark.parametrize("write", [by_nbconvert, by_slides, by_quarto, by_myst, by_jupyter_book])
def test_widgets_live_and_read_what_is_under_the_pointer(
    page: Any, notebook: Any, tmp_path: Path, write: Callable[[Any], str]
) -> None:
    path = tmp_path / "book.html"
    path.write_text(write(notebook), encoding="utf-8")
    page.goto(path.as_uri())
    elements = frames(page)
    for element in elements:
        inside = element.content_frame().evaluate("document.body.offsetHeight")
        wait_for(
            lambda element=element, inside=inside: abs(element.evaluate("e => e.offsetHeight") - inside) < 2,
            "a frame is as tall as what is in it",
            10,
        )
    assert page.locator(".vw-frame-still").first.is_hidden()
    scatter = elements[1]
    scatter.scroll_into_view_if_needed()
    ask = "text => { const w = document.querySelector('.vw-root').vaewidgets; return eval(text); }"
    frame = scatter.content_frame()
    place = frame.evaluate(ask, "w.toClient(0.5, -0.4)")
    box, width = scatter.bounding_box(), scatter.evaluate("e => e.offsetWidth")
    scale = box["width"] / width
    assert abs(scale - (0.7 if write is by_slides else 1)) < 1e-3
    page.mouse.move(box["x"] + scale * place[0], box["y"] + scale * place[1])
    wait_for(
        lambda: np.allclose(frame.evaluate(ask, "w.hover?.z") or 0, [0.5, -0.4], atol=0.1),
        "what is under the pointer is decoded",
        10,
    )
    assert frame.evaluate(ask, "w.hover.image.length") > 0
    missing = ["require is not defined"] if write is by_slides else []  # it would load reveal.js
    assert page.faults == missing


def test_where_nothing_may_run_pictures_are_left(page: Any, notebook: Any, tmp_path: Path) -> None:
    path = tmp_path / "untrusted.html"
    path.write_text(by_an_untrusting_host(notebook), encoding="utf-8")
    page.goto(path.as_uri())
    stills = page.locator(".vw-frame-still img")
    assert stills.count() == N_WIDGETS
    assert stills.evaluate_all("all => all.every(e => e.complete && e.naturalWidth > 300 && e.offsetWidth)")
    assert "trust this notebook" in page.locator(".vw-frame-still").first.inner_text()


@pytest.mark.parametrize(
    ("policy", "word"),
    [
        ("script-src 'self'", "allows no inline scripts"),
        ("script-src 'unsafe-inline'", "forbids programs from blobs"),
    ],
)
def test_a_strict_policy_is_said_in_words(page: Any, notebook: Any, policy: str, word: str) -> None:
    """F8, with the policy of a server and in a frame, which inherits it."""
    text = next(html for html in htmls(notebook))
    page.unroute(re.compile("^https?:"))
    page.route(
        "http://lecture.test/",
        lambda route: route.fulfill(
            body=f"<!doctype html><meta charset=utf-8>{text}",
            content_type="text/html",
            headers={"Content-Security-Policy": f"{policy}; frame-src *"},
        ),
    )
    page.goto("http://lecture.test/")
    frame = page.locator("iframe.vw-frame").element_handle().content_frame()
    said = frame.locator(".vw-page-fault:visible")
    said.wait_for(timeout=20_000)
    assert word in said.inner_text()
    assert "Content-Security-Policy" in said.inner_text()
    if word.startswith("allows"):
        assert frame.locator("img.vw-page-still").is_visible()


def test_quarto_and_myst_have_the_same_cells() -> None:
    quarto = cells(EXAMPLES / "quarto" / "13_4_companion.qmd", "{python}")
    assert cells(EXAMPLES / "myst" / "13_4_companion.md", "{code-cell} python") == quarto
    assert sum(text.startswith("vw.show(") for _, text in quarto) == N_WIDGETS
