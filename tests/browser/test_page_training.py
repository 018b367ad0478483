"""A saved page that trains: no kernel, no network; what a reader does in the first minutes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vaewidgets as vw
from tests.browser.helpers import EXPLORER, Widget
from tests.browser.lab import wait_for
from tests.browser.pages import SavedPage, open_page
from vaewidgets.publish import html_pieces

EPOCHS = 20
DROP = """([name, bytes]) => {
  const all = new DataTransfer();
  all.items.add(new File([new Uint8Array(bytes)], name));
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: all, bubbles: true, cancelable: true }));
}"""


@pytest.fixture(scope="module")
def explorer() -> Iterator[vw.LatentExplorer]:
    data = vw.load_dataset("digits", n_train=512, n_test=200)
    options = {"epochs": EPOCHS, "batch_size": 64, "autosave": False, "hidden": (32,), "lr": 3e-3}
    widget = vw.LatentExplorer(data, speed=None, **options)
    widget.run.wait(progress=False)
    yield widget
    widget.close()


@pytest.fixture(scope="module")
def saved(explorer: vw.LatentExplorer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    others = [
        vw.LatentTraversal(explorer.run),
        vw.ReconstructionGrid(explorer.run),
        vw.Diagnosis(explorer.run),
        vw.ElboMicroscope(explorer.run),
    ]
    path = tmp_path_factory.mktemp("train") / "train.html"
    vw.save_html([explorer, *others], path, train={"latent_dim": [2, 8], "kind": ["VAE", "AE"]})
    for widget in others:
        widget.close()
    return path


def series(page: Widget, name: str, split: str) -> np.ndarray:
    """Values of a curve as it is drawn."""
    curve = f"w.curves().find((c) => c.name === '{name}' && c.split === '{split}' && !c.ghost)"
    return np.array(page.ask(f"Array.from(({curve})?.mean ?? [])"))


def press(page: SavedPage, button: str) -> None:
    page.page.locator(EXPLORER).locator(button).click()


def drop(page: SavedPage, name: str, content: bytes) -> None:
    """Drop a file somewhere on the page."""
    page.page.evaluate(DROP, [name, list(content)])


def test_a_page_trains_from_scratch_as_torch_does(
    browser: Any, saved: Path, explorer: vw.LatentExplorer
) -> None:
    with open_page(browser, saved) as page:
        widget = page.widget(EXPLORER)
        before = widget.points()
        speed = page.page.locator(EXPLORER).locator(".vw-speed select")
        speed.select_option(label="5 epochs/s")  # else it may have ended before it is looked at
        press(page, ".vw-again")
        widget.wait("w.status === 'running' && w.step > 8 && w.frame.scatter?.step > 0")
        early = widget.points()
        assert not np.allclose(before, early[: len(before)], atol=0.1)
        assert "new run" not in page.page.locator(EXPLORER).locator(".vw-error").inner_text()
        speed.select_option(label="full speed")
        widget.wait_status("finished", 120)
        wait_for(lambda: not np.allclose(early, widget.points(), atol=0.1), "the points move on", 5)
        assert widget.step == EPOCHS * 8
        widget.wait("root.querySelector('.vw-time-slider').max > 2")
        loss = series(widget, "loss", "test")
        assert len(loss) == EPOCHS
        assert loss[-1] == pytest.approx(explorer.run.evaluate("test")["loss"], rel=0.02)
        assert loss[-1] < 0.9 * loss[0]
        with page.page.expect_download() as download:
            page.page.locator(".vw-page-run-file").click()
        path = download.value.path()
        run = vw.load_run(path, data=explorer.run.data)
        assert run.step == EPOCHS * 8
        assert loss[-1] == pytest.approx(run.evaluate("test")["loss"], rel=0.005)
        for selector in (".vw-reconstruction-grid", ".vw-diagnosis"):
            page.widget(selector).scroll_to()
            page.widget(selector).wait("w.frame !== null")
        page.widget(".vw-reconstruction-grid").wait(f"w.step === {widget.step}")
        page.widget(".vw-diagnosis").wait("root.querySelector('.vw-thinned').textContent.includes('Python')")
        microscope = page.widget(".vw-elbo-microscope")
        microscope.scroll_to()
        microscope.wait(f"w.frame.latent?.step === {run.step} && w.found !== null")
        microscope.wait("!root.textContent.includes('not in this page')")  # its images are those of the data
        in_python = vw.ElboMicroscope(run)
        pulls = in_python.pulls
        assert microscope.ask("w.found.recon") == pytest.approx(pulls.recon, rel=0.01)
        assert microscope.ask("w.found.kl") == pytest.approx(pulls.kl, rel=0.01)
        found = microscope.ask("[Array.from(w.found.ofRecon), Array.from(w.found.ofKl)]")
        np.testing.assert_allclose(found[0], pulls.of_recon, rtol=0.02, atol=0.05)
        np.testing.assert_allclose(found[1], pulls.of_kl, rtol=0.02, atol=0.05)
        in_python.close()
        drop(page, "torn.safetensors", Path(path).read_bytes()[:999])
        widget.scroll_to()
        widget.wait("w.frame.run.error?.startsWith('this is no run file')")
        drop(page, "run.safetensors", Path(path).read_bytes())
        widget.wait(f"w.frame.ghost?.run.step === {run.step} && w.frame.scatter?.step === {run.step}")
        assert series(widget, "loss", "test") == pytest.approx(loss)
        page.assert_alone()


def test_controls_new_run_ghost_and_reload(browser: Any, saved: Path) -> None:
    with open_page(browser, saved) as page:
        widget = page.widget(EXPLORER)
        root = page.page.locator(EXPLORER)
        speed = root.locator(".vw-speed select")
        speed.select_option(label="2 epochs/s")
        press(page, ".vw-again")
        widget.wait("w.status === 'running' && w.step > 8")
        press(page, ".vw-toolbar .vw-main-button")
        widget.wait_status("paused")
        step = widget.step
        press(page, ".vw-step")
        widget.wait(f"w.step === {step + 1} && w.status === 'paused'")
        kl = series(widget, "kl", "train")[-1]
        beta = root.locator(".vw-beta .vw-number")
        beta.fill("20")
        beta.press("Enter")
        widget.wait("w.frame.run.beta === 20")
        speed.select_option(label="full speed")
        press(page, ".vw-toolbar .vw-main-button")
        widget.wait_status("finished", 120)
        assert series(widget, "kl", "train")[-1] < kl / 2

        speed.select_option(label="2 epochs/s")
        press(page, ".vw-new-run")
        root.locator(".vw-field-latent_dim select").select_option("8")
        root.locator(".vw-field-beta input").fill("1")
        press(page, ".vw-start")
        widget.wait("w.frame.run.latent_dim === 8 && w.frame.scatter?.mode === 'pca'")
        assert "β 1 → 20, latent_dim = 2" in root.locator(".vw-ghost-table").inner_text()
        widget.wait("w.step > 12")
        press(page, ".vw-toolbar .vw-main-button")
        widget.wait_status("paused")
        step, loss = widget.step, series(widget, "loss", "train")
        widget.wait(f"document.documentElement.vaewidgets.kept[0] === {step}")

        page.reload()
        again = page.widget(EXPLORER)
        again.wait(f"w.step === {step} && w.status === 'paused' && w.frame.run.latent_dim === 8")
        assert np.allclose(series(again, "loss", "train"), loss)
        speed.select_option(label="full speed")
        press(page, ".vw-toolbar .vw-main-button")
        again.wait_status("finished", 120)

        run = again.ask("w.frame.run.id")
        press(page, ".vw-new-run")
        page.page.locator(EXPLORER).locator(".vw-field-kind select").select_option("AE")
        press(page, ".vw-start")
        again.wait(f"w.frame.run.id !== {run!r} && w.step > 0")
        microscope = page.widget(".vw-elbo-microscope")
        microscope.scroll_to()
        microscope.wait("root.querySelector('.vw-reason').textContent.includes('is an autoencoder')")
        assert microscope.ask("root.querySelector('.vw-reason').hidden") is False
        page.assert_alone()


def test_widgets_without_their_kernel_offer_to_train(browser: Any, tmp_path: Path) -> None:
    """As in a notebook's HTML: states that were saved, in somebody else's page; all of the run move."""
    data = vw.load_dataset("digits", n_train=64, n_test=32)
    options = {"epochs": 2, "batch_size": 32, "autosave": False, "hidden": (8,)}
    shown = vw.LatentExplorer(data, speed=None, train={"latent_dim": [2, 4]}, **options)
    shown.run.wait(progress=False)
    others = [vw.ReconstructionGrid(shown.run), vw.BetaCompare([shown.run])]
    for widget in others:
        widget._refresh()
    pieces = html_pieces({str(i): widget.get_state() for i, widget in enumerate([shown, *others])})
    path = tmp_path / "pieces.html"
    body = "".join(pieces.places.values()) + pieces.rest
    path.write_text(f"<!doctype html><meta charset=utf-8><body>{body}")
    for widget in [shown, *others]:
        widget.close()
    with open_page(browser, path) as page:
        assert not page.page.locator(EXPLORER).locator(".vw-again").is_visible()
        press(page, ".vw-train-here")
        widget = page.widget(EXPLORER)
        page.page.locator(".vw-again").wait_for()
        press(page, ".vw-again")
        widget.wait("w.frame.run.id.startsWith('page-')")
        widget.wait("w.step === 4 && w.status === 'finished' && w.frame.scatter?.step === 4")
        assert page.page.locator(".vw-train-here").is_hidden()
        run = widget.ask("w.frame.run.id")
        page.widget(".vw-reconstruction-grid").scroll_to()
        page.widget(".vw-reconstruction-grid").wait(f"w.frame.run.id === '{run}' && w.step === 4")
        page.widget(".vw-beta-compare").scroll_to()
        page.widget(".vw-beta-compare").wait(
            "root.querySelector('.vw-thinned').textContent.includes('Python') && w.frame.run.id !== null"
        )
        with page.page.expect_download() as download:
            press(page, ".vw-page-run-file")
        assert vw.load_run(download.value.path(), data=data).step == 4
        page.assert_alone()


def test_where_workers_and_storage_are_forbidden_it_trains_in_slices_and_asks_before_it_is_left(
    browser: Any, saved: Path
) -> None:
    with open_page(browser, saved) as page:
        page.page.add_init_script(
            "globalThis.Worker = class { constructor() { throw new Error('forbidden'); } };"
            "Object.defineProperty(globalThis, 'indexedDB', { get() { throw new Error('forbidden'); } });"
        )
        page.reload()
        widget = page.widget(EXPLORER)
        page.page.locator(EXPLORER).locator(".vw-speed select").select_option(label="5 epochs/s")
        press(page, ".vw-again")
        widget.wait("w.status === 'running' && w.step > 8")
        press(page, ".vw-stop")  # before it has ended
        widget.wait("w.status !== 'running' && w.frame.scatter.step === w.step")
        assert page.page.evaluate("document.documentElement.vaewidgets.kept") == [None]
        page.assert_alone()
        asked: list[str] = []

        def leave(dialog: Any) -> None:
            asked.append(dialog.type)
            dialog.accept()

        page.page.on("dialog", leave)
        page.page.reload()
        assert asked == ["beforeunload"]
