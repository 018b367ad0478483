"""The other places where widgets live with a kernel: Notebook 7 and marimo."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

import vaewidgets as vw
from tests.browser.book import NAMES, SETUP, WIDGETS
from tests.browser.helpers import Widget
from tests.browser.host_styles import (
    assert_controls_look_as_on_a_saved_page,
    differences,
    styles_of,
    styles_of_page,
)
from tests.browser.lab import Lab, wait_for


@pytest.fixture(scope="module")
def notebook_7(lab_server: Lab, browser: Any) -> Iterator[Lab]:
    """Every widget in Notebook 7."""
    with lab_server.session(browser):
        lab_server.open([SETUP, WIDGETS], place="notebooks")
        assert lab_server.page.evaluate("jupyterapp.name") == "Jupyter Notebook"
        for cell in range(2):
            lab_server.run_cell(cell)
            lab_server.wait_idle(120)
        roots = lab_server.page.locator(".vw-root")
        wait_for(lambda: roots.count() == len(NAMES), "all are there", 60)
        yield lab_server


def test_controls_look_in_notebook_7_as_on_a_saved_page(notebook_7: Lab, browser: Any) -> None:
    assert_controls_look_as_on_a_saved_page(notebook_7, browser)


def test_notebook_7_trains_live_and_is_controlled(notebook_7: Lab) -> None:
    lab = notebook_7
    widget = Widget(lab)
    widget.scroll_to()  # what cannot be seen is not drawn
    lab.execute("run = widgets['LatentExplorer'].run\nrun.resume()")
    widget.wait_status("running")
    step = widget.step
    widget.wait(f"w.step > {step} + 10")
    widget.click(".vw-main-button")
    widget.wait_status("paused", 10)
    assert widget.hover(0.5, 0.5)["ms"] is not None
    lab.execute("run.stop()")
    assert lab.console_of_widgets() == []


@contextmanager
def marimo(mode: str, browser: Any, tmp_path: Path) -> Iterator[Any]:
    """The app of marimo_app.py in a page: "run" as its reader sees it, "edit" as its author does."""
    root = Path(__file__).parents[2]
    settings = tmp_path / "marimo" / "marimo.toml"
    settings.parent.mkdir()
    settings.write_text("[runtime]\nauto_instantiate = true\n")  # else its author presses "run all"
    app = Path(shutil.copy(Path(__file__).with_name("marimo_app.py"), tmp_path))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "marimo", mode, str(app)]
    command += ["--headless", "--no-token", "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(root), "XDG_CONFIG_HOME": str(tmp_path)}
    with (tmp_path / "server.log").open("w") as log:
        server = subprocess.Popen(
            command, env=environment, cwd=tmp_path, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            wait_for(lambda: answers(f"http://127.0.0.1:{port}/health"), "marimo answers", 60)
            # its own theme is light, whatever the system prefers
            context = browser.new_context(color_scheme="dark")
            page = context.new_page()
            page.goto(f"http://127.0.0.1:{port}")
            yield page
            context.close()
        finally:
            server.terminate()
            server.wait(20)


@pytest.fixture(scope="module")
def marimo_page(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with marimo("run", browser, tmp_path_factory.mktemp("marimo")) as page:
        yield page


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False


def test_marimo_shows_widgets_of_a_run_live_and_linked(marimo_page: Any) -> None:
    # inside marimo's shadow roots, which locators look into
    explorer, curves = (marimo_page.locator(f".vw-{name}") for name in ("latent-explorer", "training-curves"))
    explorer.wait_for(timeout=60_000)
    curves.wait_for(timeout=20_000)

    def step(widget: Any) -> int:
        return int(widget.get_attribute("data-step") or 0)

    for widget in (explorer, curves):
        widget.scroll_into_view_if_needed()  # what cannot be seen is not drawn
        before = step(widget)
        wait_for(lambda widget=widget, before=before: step(widget) > before, "a new frame is drawn", 20)
        assert widget.get_attribute("data-theme") == "light"
        assert widget.evaluate("root => getComputedStyle(root.querySelector('.vw-head')).display") == "flex"
    explorer.locator(".vw-toolbar .vw-main-button").click()
    for widget in (curves, explorer):
        widget.scroll_into_view_if_needed()
        wait_for(
            lambda widget=widget: widget.get_attribute("data-status") == "paused", "the pause is shown", 20
        )
    explorer.locator(".vw-scatter-overlay").hover(position={"x": 60, "y": 60}, force=True)
    wait_for(
        lambda: explorer.evaluate("root => root.vaewidgets.hover?.image?.length > 0"),
        "decoded in the page",
        10,
    )


def test_controls_look_in_marimo_as_on_a_saved_page(marimo_page: Any, browser: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=256)
    run = vw.train(vw.MLPVAE(data.image_shape, hidden=(16,)), data, epochs=1, autosave=False)
    run.wait(progress=False)
    path = vw.save_html([vw.LatentExplorer(run), vw.TrainingCurves(run)], tmp_path / "same.html")
    roots = marimo_page.locator(".vw-root")
    wait_for(lambda: roots.count() == 2, "both are there", 60)
    here = styles_of(roots)
    there = styles_of_page(browser, path, roots.first.evaluate("root => root.clientWidth"))
    assert len(here.keys() & there.keys()) > 30
    found = differences(here, there)
    assert found == [], "\n".join(found)


def test_marimo_edit_runs_cells_again_and_survives_a_reload(browser: Any, tmp_path: Path) -> None:
    with marimo("edit", browser, tmp_path) as page:
        explorer, text = page.locator(".vw-latent-explorer"), page.locator("pre.value")
        plane = explorer.locator(".vw-scatter-overlay").first

        def told(what: str, *wanted: str) -> None:
            wait_for(lambda: text.inner_text(timeout=1000).split()[1:] == [*wanted], what, 20)

        def selected() -> int:
            return int(explorer.evaluate("root => root.vaewidgets.view.selected?.length ?? 0"))

        explorer.wait_for(timeout=60_000)
        told("one run trains", "running", "1")
        first = explorer.evaluate("root => root.vaewidgets.frame.run.id")
        page.get_by_role("slider").first.press("ArrowRight")
        # A widget has no frame at first.
        new = f"root => (root.vaewidgets.frame?.run.id ?? {first!r}) !== {first!r}"
        wait_for(lambda: explorer.evaluate(new), "a new run", 20)
        told("the run before has ended", "running", "1")
        assert explorer.evaluate("root => root.vaewidgets.frame.run.beta") == 2
        plane.scroll_into_view_if_needed()
        wait_for(lambda: explorer.evaluate("root => root.vaewidgets.step > 20"), "points are spread", 20)
        box = plane.bounding_box()
        page.mouse.move(box["x"] + 9, box["y"] + 9)
        page.mouse.down()
        for x, y in ((1, 0), (1, 1), (0, 1), (0, 0)):
            page.mouse.move(box["x"] + 9 + x * (box["width"] - 20), box["y"] + 9 + y * (box["height"] - 20))
        page.mouse.up()
        wait_for(lambda: text.inner_text().split()[0] == str(selected()) != "0", "a cell reads the lasso", 20)
        before = selected()
        page.reload()
        explorer.wait_for(timeout=60_000)
        wait_for(lambda: selected() == before, "what was selected is still so", 20)
        explorer.locator(".vw-main-button").first.click()
        told("a cell reads of the pause", "paused", "1")
