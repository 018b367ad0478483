"""The other places where widgets live with a kernel: Notebook 7 and marimo."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.helpers import Widget, wait_for_hellos
from tests.browser.lab import Lab, wait_for

CREATE = """import vaewidgets as vw
explorer = vw.LatentExplorer(epochs=1_000_000, speed=4, autosave=False)
run = explorer.run
explorer"""


def test_notebook_7_trains_live_and_is_controlled(lab: Lab) -> None:
    lab.open([CREATE], place="notebooks")
    assert lab.page.evaluate("jupyterapp.name") == "Jupyter Notebook"
    lab.run_cell(0)
    widget = Widget(lab)
    widget.wait_status("running")
    wait_for_hellos(lab, "explorer")
    step = widget.step
    widget.wait(f"w.step > {step} + 10")
    widget.click(".vw-main-button")
    widget.wait_status("paused", 10)
    assert widget.hover(0.5, 0.5)["ms"] is not None
    lab.execute("run.stop()")
    assert lab.console_of_widgets() == []


@pytest.fixture
def marimo_page(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """The app of marimo_app.py as its reader sees it."""
    root = Path(__file__).parents[2]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "marimo", "run", str(Path(__file__).with_name("marimo_app.py"))]
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
