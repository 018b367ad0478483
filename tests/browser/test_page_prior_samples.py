"""Draws from the prior in a saved page: the same for each run, new ones, temperature."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.browser.helpers import Widget
from tests.browser.pages import SavedPage, open_page
from tests.widgets.decode import digits, made
from vaewidgets.sections.state import to_u8


@pytest.fixture(scope="module")
def runs() -> list[vw.Run]:
    data = digits()
    return [made(latent_dim=d, epochs=1, data=data) for d in (2, 4)]


@pytest.fixture(scope="module")
def widget(runs: list[vw.Run]) -> vw.PriorSamples:
    return vw.PriorSamples(runs, draws=6)


@pytest.fixture(scope="module")
def page(browser: Any, widget: vw.PriorSamples, tmp_path_factory: Any) -> Iterator[SavedPage]:
    path = tmp_path_factory.mktemp("pages") / "prior.html"
    widget.save_html(path)
    with open_page(browser, path) as page:
        yield page


@pytest.fixture
def shown(page: SavedPage) -> Widget:
    shown = page.widget(".vw-prior-samples")
    shown.wait("w.left === 0 && w.image(5, 1) !== null", 10)
    return shown


def test_the_draws_are_those_of_python_decoded_as_torch_does(
    shown: Widget, widget: vw.PriorSamples, runs: list[vw.Run]
) -> None:
    for i, run in enumerate(runs):
        z = np.array(shown.ask(f"w.draws({i})"))
        np.testing.assert_allclose(z, widget.draws(run), atol=1e-6)
        got = np.array(shown.ask(f"[0, 1, 2, 3, 4, 5].map((k) => Array.from(w.image(k, {i})))"))
        with torch.no_grad():
            wanted = to_u8(run.data, run.model.decode(torch.tensor(z).float())).reshape(6, -1).astype(int)
        assert np.abs(got - wanted).max() <= 3
    np.testing.assert_allclose(np.array(shown.ask("w.draws(1)"))[:, :2], shown.ask("w.draws(0)"))


def test_a_new_draw_and_the_temperature(shown: Widget, page: SavedPage) -> None:
    before = np.array(shown.ask("w.draws(0)"))
    page.page.locator(".vw-temperature input").fill("0.5")
    shown.wait(f"Math.abs(w.draws(0)[0][0] - {before[0, 0] / 2}) < 1e-6 && w.left === 0", 5)
    assert shown.ask("w.view.temperature") == 0.5
    np.testing.assert_allclose(shown.ask("w.draws(0)"), before / 2, atol=1e-6)
    page.page.locator(".vw-new-draw").click()
    shown.wait(f"w.view.seed === 1 && Math.abs(w.draws(0)[0][0] - {before[0, 0] / 2}) > 1e-6", 5)
    assert not np.allclose(shown.ask("w.draws(0)"), before / 2)
    assert "0.5 · ε" in shown.ask("root.querySelector('.vw-caption').textContent")


def test_pointing_at_a_draw_tells_its_z(shown: Widget, page: SavedPage) -> None:
    page.page.mouse.move(*shown.ask("w.toClient(2, 0)"))
    shown.wait("w.view.hover !== null && Math.abs(w.view.hover[0] - w.draws(0)[2][0]) < 1e-6", 5)


def test_the_page_asks_nobody(page: SavedPage) -> None:
    page.assert_alone()


def test_a_conditional_model_is_told_the_class(browser: Any, tmp_path_factory: Any) -> None:
    data = digits()
    torch.manual_seed(0)
    run = made(vw.ConditionalVAE(data.image_shape, latent_dim=2, hidden=(16,)), data=data)
    path = tmp_path_factory.mktemp("pages") / "told.html"
    vw.PriorSamples(run, draws=3).save_html(path)
    with open_page(browser, path) as page:
        shown = page.widget(".vw-prior-samples")
        for label in (None, 4):
            if label is not None:
                page.page.locator(".vw-class select").select_option(str(label))
            shown.wait(f"(w.view.label ?? null) === {'null' if label is None else label}", 5)
            with torch.no_grad():
                wanted = to_u8(data, run.model.decode(torch.tensor(shown.ask("w.draws(0)")), label))
            wanted = wanted.reshape(3, -1).astype(int)
            images = "[0, 1, 2].map((i) => Array.from(w.image(i) ?? []))"
            shown.wait(
                f"w.left === 0 && {images}.every((image, k) => image.length && "
                f"image.every((x, i) => Math.abs(x - {wanted.tolist()}[k][i]) <= 3))",
                5,
            )
        page.assert_alone()
