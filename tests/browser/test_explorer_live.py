"""What one sees of a live `LatentExplorer` in JupyterLab while it trains: strip, classes, hover card."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from tests.browser.helpers import Widget, numbers
from tests.browser.lab import Lab, wait_for

# few points leave the processor to the page
CREATE = """import vaewidgets as vw
data = vw.load_dataset("digits", n_train=500, n_test=64)
explorer = vw.LatentExplorer(data, batch_size=32, {arguments})
run = explorer.run
explorer"""
EPOCHS = 10  # after so many the classes of the digits are apart
LEAST_GREY_LEVELS = 20.0  # by which the images at A and B differ then, mean over the pixels, of 255


def open_explorer(lab: Lab, arguments: str) -> Widget:
    lab.open([CREATE.format(arguments=arguments)])
    lab.run_cell(0)
    widget = Widget(lab)
    widget.wait("w.frame && w.frame.scatter ? true : false")
    return widget


def difference(widget: Widget) -> float:
    """Mean difference of the images at A and B, in grey levels of 255, once the strip is decoded."""
    widget.ask(
        "root.querySelector('.vw-way').scrollIntoView({ block: 'center' })"
    )  # what is out of sight is not drawn
    way = widget.wait("w.way() && w.way().map(({ image }) => Array.from(image))")
    assert len(way) == 9
    return float(np.abs(np.array(way[0]) - way[-1]).mean())


def assert_follows(lab: Lab, widget: Widget, ends: tuple[int, ...] = (0, 1)) -> None:
    """Each end is what torch encodes, with the weights of the frame's step, of an image of its class."""
    lab.execute("explorer.run.pause()")
    widget.wait_status("paused")
    widget.wait("w.frame.run.step === w.frame.scatter.step")
    path, images = widget.ask("[w.path(), w.pathImages()]")
    mu = numbers(lab, "explorer.run.snapshot().encode(explorer.sample.images)[0]")
    labels = numbers(lab, "explorer.sample.labels")
    quantum = np.ptp(mu, axis=0).max() / 65534 + 1e-5
    for end in ends:
        np.testing.assert_allclose(path[end], mu[images[end]], atol=quantum)
    if len(ends) == 2:
        assert labels[images[0]] != labels[images[1]]
    lab.execute("explorer.run.resume()")
    widget.wait_status("running")


def drag(lab: Lab, widget: Widget, dx: int, dy: int) -> None:
    """Drag A, from its middle."""
    widget.ask("root.querySelector('.vw-map-handle').scrollIntoView({ block: 'center' })")
    widget.settle()
    box = lab.page.locator(f"{widget.selector} .vw-map-handle").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    mouse = lab.page.mouse
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + dx, y + dy, steps=4)
    mouse.up()
    widget.wait("w.view.path ? true : false", 10)


def test_a_and_b_follow_their_classes_until_one_is_dragged_and_after_a_new_run(lab: Lab) -> None:
    widget = open_explorer(lab, "epochs=10_000, speed=8, hidden=(128,)")
    widget.wait(f"w.frame.run.epoch >= {EPOCHS}", 120)
    wait_for(lambda: difference(widget) > LEAST_GREY_LEVELS, "the images at A and B differ", 20)
    assert_follows(lab, widget)

    drag(lab, widget, 50, 20)
    place = widget.ask("w.path()[0]")
    # at once: a frame between two questions would bring the points that are then waited for
    epoch, step, before = widget.ask("[w.frame.run.epoch, w.frame.scatter.step, w.path()[1]]")
    # the numbers of a run come more often than its points, which the ends follow
    widget.wait(f"w.frame.run.epoch >= {epoch} + 3 && w.frame.scatter.step > {step}", 60)
    assert widget.ask("w.path()[0]") == place, "A stays where it was dragged"
    assert widget.ask("w.path()[1]") != before, "B goes on following"
    assert_follows(lab, widget, ends=(1,))

    widget.click(".vw-follow")
    assert_follows(lab, widget)
    drag(lab, widget, 30, 30)
    lab.page.locator(f"{widget.selector} .vw-map-handle").first.dblclick()
    widget.wait("w.view.path === null")
    assert not lab.page.locator(f"{widget.selector} .vw-follow").is_visible()
    drag(lab, widget, 30, 30)

    old = widget.ask("w.frame.run.id")
    root = lab.page.locator(widget.selector)
    root.locator(".vw-new-run").press("Enter")
    root.locator(".vw-field-seed input").fill("3")
    root.locator(".vw-start").click()
    widget.wait(f"w.frame.run.id !== {json.dumps(old)} && w.frame.run.epoch >= {EPOCHS}", 120)
    assert widget.ask("w.view.path") is None
    wait_for(lambda: difference(widget) > LEAST_GREY_LEVELS, "the images at A and B differ", 20)
    assert_follows(lab, widget)
    assert lab.console_of_widgets() == []


STRIP = """
import torch, vaewidgets as vw
torch.manual_seed(0)
data = vw.load_dataset("digits", n_train=500, n_test=64)
run = vw.train(vw.MLPVAE(data.image_shape, hidden=(128,)), data, epochs=10_000, speed=32, batch_size=32)
strip = vw.InterpolationStrip(run, a="0", b=4)
strip
"""


def test_ends_of_an_interpolation_strip_follow_their_images_while_it_trains(lab: Lab) -> None:
    lab.open([STRIP])
    lab.run_cell(0)
    widget = Widget(lab, ".vw-interpolation-strip")
    first = widget.wait("w.path().length && w.path()")
    widget.wait(f"w.frame.run.epoch >= {6 * EPOCHS}", 120)  # two given images, and no typical ones
    lab.execute("run.pause()")
    widget.wait_status("paused")
    widget.wait("w.frame.run.step === w.frame.latent.step && w.left === 0")
    ends, path = widget.ask("[w.ends, w.path()]")
    assert numbers(lab, "strip.sample.labels")[ends[0]] == 0
    assert ends[1] == 4
    mu = numbers(lab, f"run.snapshot().encode(strip.sample.images[{ends}])[0]")
    np.testing.assert_allclose([path[0], path[-1]], mu, atol=1e-3)
    assert np.abs(np.subtract(path, first)).max() > 0.1
    images = [np.array(widget.ask(f"Array.from(w.image({i}))"), float) for i in (0, 10)]
    assert np.abs(images[0] - images[1]).mean() > LEAST_GREY_LEVELS


SPARSE = """
import numpy as np, torch, time
import vaewidgets as vw
rng = np.random.default_rng(0)
values = np.array([{values}])
labels = values[rng.integers(0, len(values), 400)]
bright = 0.6 * (labels == values[0])[:, None, None, None]
images = (rng.random((400, 1, 8, 8)) * 0.2 + bright).astype("f4")
data = vw.ImageDataset(images, labels)
print(data)
run = vw.train(vw.MLPVAE((1, 8, 8), hidden=(16,)), data, epochs=10_000, speed=8)
explorer = vw.LatentScatter(run)
explorer
"""


def legend(lab: Lab, selector: str) -> list[str]:
    return [text.strip() for text in lab.page.locator(f"{selector} .vw-legend-entry").all_inner_texts()]


def test_labels_of_any_value_are_classes_that_occur(lab: Lab) -> None:
    """Two classes, 7 and 100,000, and one beyond 2⁵³: the page counts classes, not numbers."""
    lab.open([SPARSE.format(values="-4, 7, 100_000, 2**62 + 1")])
    lab.run_cell(0)
    selector = ".vw-latent-scatter"
    widget = Widget(lab, selector)
    widget.wait("w.frame && w.frame.scatter && w.points().length ? true : false", 30)
    names = ["-4", "7", "100000", str(2**62 + 1)]
    wait_for(lambda: [name.replace("…", "") for name in legend(lab, selector)] == names, "the legend", 10)
    assert "4 classes" in lab.text(0)
    step = widget.step
    widget.wait(f"w.step > {step} + 5", 10)  # the page is not busy
    for index, label in ((2, 100_000), (3, str(2**62 + 1))):
        lab.page.locator(f"{selector} .vw-legend-entry").nth(index).click()
        wait_for(lambda label=label: widget.ask("w.view.classes") == [label], "the view holds the label")
        value = int(label)
        expected = numbers(lab, f"numpy.flatnonzero(explorer.sample.labels == {value})")
        assert widget.ask("w.shown()") == expected.tolist()
        assert str(label) in lab.execute("print(explorer.view['classes'])")
    lab.execute("explorer.view = {'classes': [7, -4]}")
    expected = numbers(lab, "numpy.flatnonzero(numpy.isin(explorer.sample.labels, (7, -4)))")
    wait_for(lambda: widget.ask("w.shown()") == expected.tolist(), "both classes")
    assert lab.console_of_widgets() == []


def test_a_legend_of_many_classes_ends_with_the_others(lab: Lab) -> None:
    years = ", ".join(map(str, range(1990, 2024)))
    lab.open([SPARSE.format(values=years)])
    lab.run_cell(0)
    selector = ".vw-latent-scatter"
    Widget(lab, selector).wait("w.frame && w.frame.scatter && w.points().length ? true : false", 30)
    wait_for(lambda: len(legend(lab, selector)) == 20, "twenty entries", 10)
    assert set(legend(lab, selector)) < set(map(str, range(1990, 2024)))
    assert lab.page.locator(f"{selector} .vw-legend-other").inner_text().strip() == "other (14 classes)"
    assert "34 classes" in lab.text(0)


def images_of(widget: Widget) -> Any:
    """The large decoded image and the card's, as the page shows them."""
    return widget.ask(
        """['.vw-decoded', '.vw-hover-image'].map((name) => {
            const canvas = root.querySelector(name);
            const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
            return Array.from(data);
        })"""
    )


def test_in_one_column_the_decoded_image_stands_beside_the_pointer(lab: Lab) -> None:
    widget = open_explorer(lab, "epochs=3, hidden=(128,)")
    widget.wait_status("finished")
    card = lab.page.locator(f"{widget.selector} .vw-hover-card")
    widget.hover(0.5, 0.5)
    widget.settle()
    assert not card.is_visible(), "in two columns the large image is beside the map"
    lab.page.evaluate("() => jupyterapp.shell.collapseLeft()")
    lab.page.set_viewport_size({"width": 520, "height": 900})
    for place in ((0.5, 0.5), (-1.0, 1.5), (1.9, -1.9)):
        widget.hover(*place)
        card.wait_for(state="visible")
        widget.settle()
        x, y = widget.ask(f"w.toClient({place[0]}, {place[1]})")
        box = card.bounding_box()
        inside = box["x"] <= x <= box["x"] + box["width"] and box["y"] <= y <= box["y"] + box["height"]
        assert not inside, "the card covers what is pointed at"
        far = np.hypot(
            max(box["x"] - x, 0, x - box["x"] - box["width"]),
            max(box["y"] - y, 0, y - box["y"] - box["height"]),
        )
        assert far < 40
        large, small = images_of(widget)
        assert small == large
        assert np.ptp(small[::4]) > 100, "an image without contrast proves nothing"
    lab.page.mouse.move(1, 1)
    wait_for(lambda: not card.is_visible(), "it goes with the pointer")
    lab.page.locator(f"{widget.selector} .vw-scatter-overlay").focus()
    lab.page.keyboard.press("ArrowRight")
    card.wait_for(state="visible")


def test_the_previous_run_is_named_by_the_values_in_force(lab: Lab) -> None:
    widget = open_explorer(lab, "epochs=10_000, speed=8, hidden=(32,)")
    widget.wait("w.frame.run.epoch >= 1")
    widget.set_number("beta", 8)
    widget.wait("w.frame.run.beta === 8")
    step = widget.step
    widget.wait(f"w.step > {step} + 5")
    old = widget.ask("w.frame.run.id")
    root = lab.page.locator(widget.selector)
    root.locator(".vw-new-run").press("Enter")
    root.locator(".vw-start").click()
    widget.wait(f"w.frame.run.id !== {json.dumps(old)}")
    table = root.locator(".vw-ghost-table")
    table.wait_for(state="visible")
    assert "previous run (β 1 → 8)" in table.inner_text()
