"""A saved page, opened from its file with the network off: alive, alone, and as its reader likes it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import vaewidgets as vw
from tests.browser.lab import wait_for
from tests.browser.pages import SavedPage, open_page
from vaewidgets.publish import page_html, write_page
from vaewidgets.sections.time_line import PAGE_WEIGHTS_BYTES

PIXEL_TOLERANCE = 1e-2
EXPLORER, SCATTER = ".vw-latent-explorer", ".vw-latent-scatter"
EVIL = "<img src=x onerror=alert(1)></script>"


@pytest.fixture(scope="module")
def explorer() -> Iterator[vw.LatentExplorer]:
    widget = vw.LatentExplorer(epochs=12, speed=None, seed=0, autosave=False)
    widget.run.wait(progress=False)
    yield widget
    widget.close()


@pytest.fixture(scope="module")
def path(explorer: vw.LatentExplorer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    widgets = [explorer, vw.LatentScatter(explorer.run), vw.TrainingCurves(explorer.run)]
    return vw.save_html(widgets, tmp_path_factory.mktemp("page") / "a page.html", title=f"Digits {EVIL}")


@pytest.fixture(scope="module")
def page(browser: Any, path: Path) -> Iterator[SavedPage]:
    with open_page(browser, path) as page:
        yield page


def image(png: bytes) -> np.ndarray:
    """RGB of a PNG as numbers, shape (height, width, 3)."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=float)


def assert_hover_is_torchs(page: SavedPage, run: vw.Run, where: tuple[float, float]) -> None:
    shown = page.widget(EXPLORER).hover(*where)
    assert shown["ms"] is not None
    with torch.no_grad():
        torchs = run.snapshot().decode(torch.tensor([shown["z"]])).flatten().numpy()
    assert np.abs(np.array(shown["image"]) - torchs).max() < PIXEL_TOLERANCE
    assert np.ptp(torchs) > 0.2, "an image without contrast proves nothing"


def test_hovering_decodes_as_torch_does_also_after_a_reload(
    page: SavedPage, explorer: vw.LatentExplorer
) -> None:
    for where in ((0.5, 0.5), (-1.0, 1.2)):
        assert_hover_is_torchs(page, explorer.run, where)
    page.reload()
    assert_hover_is_torchs(page, explorer.run, (1.0, -0.5))
    page.assert_alone()


def test_a_button_over_the_map_hides_nothing_of_it(page: SavedPage, explorer: vw.LatentExplorer) -> None:
    page.go_to()
    widget = page.widget(EXPLORER)
    for end in widget.wait("w.path()", 5):
        assert_hover_is_torchs(page, explorer.run, end)
        x, y = widget.ask(f"w.toClient({end[0]}, {end[1]})")
        top = page.page.evaluate("([x, y]) => document.elementFromPoint(x, y).className", [x, y])
        assert top == "vw-map-handle"


def test_the_points_are_torchs(page: SavedPage, explorer: vw.LatentExplorer) -> None:
    with torch.no_grad():
        mu, _ = explorer.run.snapshot().encode(explorer.sample.images)
    drawn = page.widget(EXPLORER).points()
    assert np.abs(drawn - mu.numpy()).max() <= np.ptp(mu.numpy(), axis=0).max() / 65534 + 1e-5


def test_what_only_a_kernel_can_do_is_hidden(page: SavedPage) -> None:
    toolbar = page.page.locator(f"{EXPLORER} .vw-toolbar")
    assert toolbar.locator("button:visible, input:visible, select:visible").count() == 0
    assert "epoch 12/12" in toolbar.inner_text()
    assert "finished" in toolbar.inner_text()
    page.assert_alone()


def test_text_stays_text(page: SavedPage) -> None:
    assert page.page.locator("h1").inner_text() == f"Digits {EVIL}"
    assert page.page.title() == f"Digits {EVIL}"
    assert page.page.locator("img").count() == 0


def test_the_page_is_small_and_soon_there(page: SavedPage, path: Path, explorer: vw.LatentExplorer) -> None:
    state = explorer.get_state()
    now = {key: value for key, value in state.items() if not key.startswith("time_weights")}
    assert len(page_html([now], title="")) < 3_500_000
    assert path.stat().st_size < 3_500_000 + 4 / 3 * PAGE_WEIGHTS_BYTES  # with the weights of the time line
    page.reload()
    assert page.page.evaluate("performance.now()") < 5000  # a loose bound: this machine may be busy


@pytest.mark.parametrize("selector", [EXPLORER, SCATTER, ".vw-training-curves"])
def test_the_saved_picture_is_what_stands_on_the_page(
    page: SavedPage, explorer: vw.LatentExplorer, selector: str
) -> None:
    run = explorer.run
    page.go_to()
    root = page.page.locator(selector)
    with page.page.expect_download() as download:
        root.get_by_role("button", name="save as picture").click()
    name = f"{selector.removeprefix('.vw-')}-mlpvae-on-{run.data.name}-step-{run.step}.png"
    assert download.value.suggested_filename == name
    assert not root.locator(".vw-picture-title").is_visible(), "a title stands in the picture alone"
    picture = """async (root, on) => {
        root.classList.toggle('vw-picture', on);
        root.firstChild.hidden = !on;
        for (let frame = 0; frame < 4; frame++) await new Promise(requestAnimationFrame);
    }"""
    root.evaluate(picture, True)
    assert f"step {run.step}" in root.locator(".vw-picture-title").inner_text()
    assert root.locator(":is(.vw-button, .vw-toggle, input, select):visible").count() == 0
    page.page.mouse.move(0, 0)
    shot = image(root.screenshot())
    saved = image(Path(download.value.path()).read_bytes())
    height, width = saved.shape[0] // 2, saved.shape[1] // 2
    assert (
        np.abs(np.subtract(shot.shape[:2], (height, width))).max() <= 1
    )  # a screenshot ends at whole pixels
    small = saved.reshape(height, 2, width, 2, 3).mean((1, 3))[:-1]
    shot = shot[: height - 1, :width]
    # Two by two: how the edge of a letter is smoothed differs between page and picture, its place must not.
    even = [size // 2 * 2 for size in shot.shape[:2]]
    small, shot = (
        one[: even[0], : even[1]].reshape(even[0] // 2, 2, even[1] // 2, 2, 3).mean((1, 3))
        for one in (small, shot)
    )
    ink = np.ptp(shot, axis=2) > 40  # what is colored: points, curves, bars
    assert ink.mean() > 0.005
    difference = np.abs(small - shot)
    assert difference.mean() < 3
    assert difference[ink].mean() < 0.5 * np.abs(small[::-1] - shot)[ink].mean()
    root.evaluate(picture, False)
    page.assert_alone()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_follows_the_system_and_the_switch(browser: Any, path: Path, scheme: str) -> None:
    other = {"light": "dark", "dark": "light"}[scheme]
    dark = {"light": False, "dark": True}
    with open_page(browser, path, color_scheme=scheme) as page:

        def themes() -> set[str]:
            return set(page.page.eval_on_selector_all(".vw-root", "all => all.map(e => e.dataset.theme)"))

        def is_dark() -> bool:
            color = page.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
            return sum(int(part) for part in color.removeprefix("rgb(").rstrip(")").split(",")) < 3 * 100

        assert themes() == {scheme}
        assert is_dark() == dark[scheme]
        page.page.get_by_role("button", name=f"{other} theme").press("Enter")
        wait_for(lambda: themes() == {other}, "the widgets follow the switch", 5)
        assert is_dark() == dark[other]
        page.page.emulate_media(color_scheme=other)
        page.page.emulate_media(color_scheme=scheme)
        assert themes() == {other}, "what the reader chose stays"
        # JupyterLab takes out what is scrolled away, and outside of a page there is no theme to be read.
        page.page.evaluate("""() => {
            window.taken = [...document.querySelectorAll('.vw-root')].map(root => [root.parentElement, root]);
            for (const [, root] of window.taken) root.remove();
        }""")
        for system in (other, scheme):  # a change there and back between two frames would be none
            page.page.emulate_media(color_scheme=system)
            page.widget(EXPLORER).settle()
        taken = "window.taken.map(([, root]) => root.dataset.theme)"
        wait_for(lambda: set(page.page.evaluate(taken)) == {scheme}, "out of it the system decides", 5)
        page.page.evaluate("() => { for (const [parent, root] of window.taken) parent.append(root); }")
        wait_for(lambda: themes() == {other}, "what comes back has the page's theme", 5)


def test_the_view_is_shared_by_the_widgets_of_a_run_and_goes_into_the_address(
    page: SavedPage, browser: Any, path: Path
) -> None:
    page.go_to()
    chosen = page.widget(EXPLORER).lasso((-1, -1), (1, -1), (1, 1), (-1, 1))
    points = page.widget(EXPLORER).points()
    inside = np.flatnonzero((np.abs(points) < 0.98).all(axis=1))
    assert set(inside) <= set(chosen)
    assert len(chosen) < len(points)
    assert page.widget(SCATTER).ask("w.view.selected") == chosen

    page.page.get_by_role("button", name="copy link to this view").click()
    fragment = page.page.evaluate("location.hash")
    assert fragment.startswith("#view=")
    assert page.page.evaluate("document.documentElement.vaewidgets.view.runs[0].selected") == chosen
    with open_page(browser, path, fragment) as other:
        assert other.widget(SCATTER).ask("w.view.selected") == chosen
        other.assert_alone()


def test_an_address_that_cannot_be_read_changes_nothing(page: SavedPage) -> None:
    for fragment in ("#view=%7B%22runs", "#view={}", "#chapter-2"):
        page.go_to(fragment)
        assert page.widget(EXPLORER).ask("w.points().length") > 0
    page.assert_alone()


def test_a_new_address_turns_the_open_page(page: SavedPage) -> None:
    page.go_to()
    page.page.evaluate("""location.hash = '#view={"runs":[{"selected":[1,2,3]}],"widgets":[]}'""")
    widget = page.widget(EXPLORER)
    wait_for(lambda: widget.ask("w.view.selected") == [1, 2, 3], "the view of the address", 5)


def test_in_a_frame_without_an_address_the_link_button_says_so(browser: Any, path: Path) -> None:
    """F8: a host that puts the file into a sandboxed frame."""
    context = browser.new_context(viewport={"width": 1000, "height": 800})
    page, faults = context.new_page(), []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.evaluate(
        "text => Object.assign(document.body.appendChild(document.createElement('iframe')),"
        " { sandbox: 'allow-scripts', srcdoc: text, width: 900, height: 700 })",
        path.read_text("utf-8"),
    )
    frame = page.frame_locator("iframe")
    frame.get_by_role("button", name="copy link to this view").click(timeout=30_000)
    frame.get_by_text("open it by itself to link to it").wait_for(timeout=5000)
    assert faults == []
    context.close()


class Unportable(nn.Module):
    latent_dim = 2

    def __init__(self) -> None:
        super().__init__()
        self.e, self.d = nn.Linear(64, 4), nn.Linear(2, 64)

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mu, logvar = self.e(x.flatten(1)).chunk(2, 1)
        return mu, logvar

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(torch.fft.fft(self.d(z)).real).view(-1, 1, 8, 8)


def test_a_decoder_that_the_page_cannot_run_is_named(browser: Any, tmp_path: Path) -> None:
    names = [f"{EVIL} \u202e\u05d0 \N{GRINNING FACE} {'long ' * 60}"] * 2
    images = torch.rand(40, 1, 8, 8)
    data = vw.ImageDataset(images, torch.arange(40) % 2, class_names=names)
    run = vw.attach(Unportable(), data)
    with open_page(browser, vw.LatentScatter(run).save_html(tmp_path / "page.html")) as page:
        text = page.page.locator(SCATTER).inner_text()
        assert "there is no kernel here" in text
        assert page.page.locator("img").count() == 0
        page.assert_alone()


def test_a_widget_that_fails_says_so_and_the_others_live(browser: Any, path: Path, tmp_path: Path) -> None:
    broken = {"_esm": "export default {render() { throw new Error('planted <b>')}}", "frame": None}
    run_widget = vw.TrainingCurves(vw.attach(Unportable(), vw.ImageDataset(torch.rand(40, 1, 8, 8))))
    text = page_html([broken, run_widget.get_state()], title="")
    with open_page(browser, write_page(tmp_path / "broken.html", text)) as page:
        assert "planted <b>" in page.page.get_by_role("alert").first.inner_text()
        page.widget(".vw-training-curves").wait("w.status === 'created'", 5)


def test_a_request_would_be_noticed_and_is_refused_by_the_page_itself(browser: Any, path: Path) -> None:
    with open_page(browser, path) as page:
        page.assert_alone()
        page.page.evaluate("fetch('https://example.org/').catch(() => {})")
        wait_for(lambda: page.console, "the refusal", 5)
        assert "Content Security Policy" in page.console[0]
        assert page.requests == []
        with pytest.raises(AssertionError):
            page.assert_alone()
