"""What `LatentExplorer` and `TrainingCurves` let a reader do in JupyterLab."""

from __future__ import annotations

import numpy as np

from tests.browser.abilities import ability
from tests.browser.book import Shown
from tests.browser.lab import wait_for

EXPLORER, CURVES = "LatentExplorer", "TrainingCurves"


@ability(EXPLORER, "train")
def _(on: Shown) -> None:
    on.click(".vw-main-button")
    on.until("w.run.status == 'running' and w.run.step > 8")
    on.wait("w.status === 'running' && w.step > 8", 10)


@ability(EXPLORER, "scatter, image, curves and units while it trains")
def _(on: Shown) -> None:
    points = on.points()
    length = "w.frame.curves.series.find(s => s.name === 'loss').step.shape[0]"
    first = on.ask(length)
    on.wait(f"{length} > {first} + 8", 20)
    wait_for(lambda: np.abs(on.points() - points).max() > 1e-3, "the points move", 10)
    on.wait("w.units().kl.length === w.frame.run.latent_dim", 5)


@ability(EXPLORER, "beta while it trains")
def _(on: Shown) -> None:
    on.set_number("beta", 3)
    on.until("w.run.beta == 3.0 and w.run.status == 'running' and w.run.history['beta'][-1] == 3.0")


@ability(EXPLORER, "the learning rate while it trains")
def _(on: Shown) -> None:
    on.press(".vw-lr .vw-slider", "ArrowRight")
    on.until("w.run.lr > 0.001 and w.run.history['lr'][-1] == w.run.lr")
    on.set_number("lr", 0.0005)
    on.until("w.run.lr == 0.0005 and w.run.status == 'running' and w.run.history['lr'][-1] == 0.0005")


@ability(EXPLORER, "slow down")
def _(on: Shown) -> None:
    on.locator(".vw-speed select").select_option(label="1 epoch/s")
    on.until("w.run.speed == 1.0")
    on.locator(".vw-speed select").select_option(label="full speed")
    on.until("w.run.speed is None")


@ability(EXPLORER, "pause")
def _(on: Shown) -> None:
    on.wait("w.step > 300", 30)  # before, all points lie under the handles A and B
    on.press(".vw-main-button", "Enter")
    on.until("w.run.status == 'paused'")
    on.wait("w.status === 'paused'", 10)


@ability(EXPLORER, "step")
def _(on: Shown) -> None:
    step = on.python("w.run.snapshot().step")
    on.click(".vw-step")
    on.until(f"w.run.step == {step + 1} and w.run.status == 'paused'")


@ability(EXPLORER, "hover decodes the point")
def _(on: Shown) -> None:
    on.wait("w.frame.run.step === w.frame.scatter.step && w.status === 'paused'", 10)
    shown = on.hover(0.4, -0.3)
    assert shown["ms"] is not None, "decoded in the page"
    torchs = on.python(f"decoded(w.run, {shown['z']})")
    np.testing.assert_allclose(shown["image"], torchs, atol=1e-2)
    on.until(f"np.allclose(w.view['hover'], {shown['z']}, atol=1e-6)")


@ability(EXPLORER, "lasso selects indices")
def _(on: Shown) -> None:
    points = on.points()
    # the left half, from a corner in which there is no handle to be dragged instead
    (left, bottom), top, middle = points.min(axis=0), points[:, 1].max(), np.median(points[:, 0])
    chosen = on.lasso((left, bottom), (middle, bottom), (middle, top), (left, top))
    assert 0 < len(chosen) < len(points)
    on.until(f"list(w.selected) == {chosen}")
    assert on.python("len(w.selected_images()[0])") == len(chosen)
    on.press(".vw-scatter-overlay", "Escape")
    on.until("len(w.selected) == 0")


@ability(EXPLORER, "drag along training time")
def _(on: Shown) -> None:
    on.drag_time_there_and_back()


@ability(EXPLORER, "linear and log, smoothing")
def _(on: Shown) -> None:
    on.press(".vw-log", "Enter")
    on.until("w.view['log'] is True")
    on.press(".vw-log", "Enter")
    on.press(".vw-smoothing .vw-slider", "PageUp", "PageUp")
    on.until("w.view['log'] is False and w.view['smoothing'] > 0")


@ability(EXPLORER, "the thresholds of active units")
def _(on: Shown) -> None:
    on.press(".vw-knob-kl", *["ArrowUp"] * 10)
    on.until("w.view['delta'] > 0.01")


@ability(EXPLORER, "drag the ends of the strip")
def _(on: Shown) -> None:
    before = on.ask("w.path()")
    on.drag(".vw-map-handle", 40, 10)
    on.until("w.view.get('path') is not None")
    path = on.python("w.view['path']")
    assert [place is None for place in path].count(True) == 1, "the other end goes on following its class"
    assert [a == b for a, b in zip(on.ask("w.path()"), before, strict=True)].count(True) == 1
    on.wait("w.way() !== null", 10)
    way = on.ask("w.way().map(({ z, image }) => ({ z, image: Array.from(image) }))")
    for one in (way[0], way[4]):
        want = np.array(on.python(f"decoded(w.run, {one['z']})"))
        assert np.abs(np.array(one["image"]) - want * 255).max() < 4


@ability(EXPLORER, "copy its settings as a code cell")
def _(on: Shown) -> None:
    on.press(".vw-copy", "Enter")
    on.wait("root.querySelector('.vw-code').value.length > 0", 5)
    assert on.locator(".vw-code").input_value() == on.python("w.code()")


def start_anew(on: Shown, **settings: str) -> None:
    """Fill in the form, start, and wait for the end of the run."""
    old = on.python("w.run.id")
    if not on.locator(".vw-form").is_visible():
        on.press(".vw-new-run", "Enter")
    on.locator(".vw-form").wait_for(state="visible")
    for name, value in settings.items():
        field = on.locator(f".vw-field-{name} :is(input, select)")
        if field.evaluate("e => e.localName") == "select":
            field.select_option(value)
        else:
            field.fill(value)
    on.locator(".vw-start").click()
    on.until(f"w.run.id != {old!r} and w.run_id == w.run.id and w.run.status == 'finished'", 40)
    wait_for(lambda: on.ask("w.frame.run.id") == on.python("w.run.id"), "the new run is shown", 10)


@ability(EXPLORER, "a new run: latent_dim, likelihood MSE, epochs, seed")
def _(on: Shown) -> None:
    start_anew(on, latent_dim="3", likelihood="squared_error", kind="VAE", epochs="2", seed="5")
    said = "[w.run.model.latent_dim, w.run.likelihood.name, w.run.epochs, w.run.options['seed']]"
    assert on.python(said) == [3, "squared_error", 2, 5]


@ability(EXPLORER, "the old run stays as a ghost until it is dismissed")
def _(on: Shown) -> None:
    assert on.python("w.previous.status") == "stopped"
    on.wait("w.curves().some(c => c.ghost)", 5)
    assert "previous run (" in on.locator(".vw-ghost-table").inner_text()
    on.press(".vw-dismiss", "Enter")
    on.until("w.view['ghost'] is False and w.frame['ghost'] is None")
    on.wait("!w.curves().some(c => c.ghost)", 5)


@ability(EXPLORER, "a new run: AE, likelihood BCE")
def _(on: Shown) -> None:
    start_anew(on, kind="AE", likelihood="bernoulli", latent_dim="2", epochs="1")
    assert on.python("[type(w.run.model).__name__, w.run.likelihood.name]") == ["Autoencoder", "bernoulli"]


@ability(EXPLORER, "a new run: dataset")
def _(on: Shown) -> None:
    start_anew(on, dataset="shapes", kind="VAE", likelihood="bernoulli", batch_size="500", epochs="1")
    assert on.python("[w.run.data.name, type(w.run.model).__name__]") == ["shapes", "MLPVAE"]


@ability(CURVES, "several runs")
def _(on: Shown) -> None:
    shown = on.wait("w.curves().length && w.curves().map(c => [c.name, c.label])", 10)
    assert {tuple(one) for one in shown} == {
        (name, beta) for name in ("loss", "recon", "kl") for beta in ("β = 0.1", "β = 1", "β = 4")
    }


@ability(CURVES, "linear and log")
def _(on: Shown) -> None:
    before = on.pixels(".vw-plot:visible canvas")
    on.press(".vw-log", "Enter")
    on.until("w.view['log'] is True")
    wait_for(lambda: on.pixels(".vw-plot:visible canvas") != before, "the logarithmic axis", 5)
    on.press(".vw-log", "Enter")
    on.until("w.view['log'] is False")


@ability(CURVES, "smoothing")
def _(on: Shown) -> None:
    on.press(".vw-smoothing .vw-slider", *["PageUp"] * 3)
    on.until("w.view['smoothing'] > 1")
    on.wait("w.curves().some(c => c.raw)", 5)
    on.press(".vw-smoothing .vw-slider", "Home")
    on.until("w.view['smoothing'] == 0")


@ability(CURVES, "read values at the cursor")
def _(on: Shown) -> None:
    plots = on.page.locator(f"{on.selector} .vw-plot:visible")
    plots.last.scroll_into_view_if_needed()
    box = plots.last.bounding_box()
    on.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    said = on.wait("w.readout()", 5)
    assert "β = 4:" in said
    plots.last.focus()
    plots.last.press("ArrowLeft")
    on.wait(f"w.readout() && w.readout() !== {said!r}", 5)
