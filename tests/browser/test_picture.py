"""The picture that a notebook keeps, in a JupyterLab that shows the widget meanwhile."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from tests.browser.helpers import Widget, numbers, wait_for_hellos
from tests.browser.lab import Lab, wait_for

draws_pictures = True
CREATE = """import vaewidgets as vw
data = vw.load_dataset("digits", n_train=256)
options = {"batch_size": 64, "speed": 50, "autosave": False}  # 200 steps a second
run = vw.train(vw.MLPVAE(data.image_shape, hidden=(16,)), data, epochs=100_000, **options)
scatter = vw.LatentScatter(run)
scatter"""
EXPECTED = """from vaewidgets.live.still_image import still_png
import base64
print(base64.b64encode(still_png(scatter.figure())).decode())"""
SCATTER = ".vw-latent-scatter"


def kept(lab: Lab, cell: int) -> Any:
    """The PNG that the notebook would be saved with, None where there is none."""
    return lab.page.evaluate(
        """index => {
            const cells = jupyterapp.shell.currentWidget.model.cells;
            const outputs = cells.get(index).sharedModel.getOutputs();
            return [].concat(outputs.map(o => o.data?.['image/png']).find(png => png) ?? '').join('');
        }""",
        cell,
    )


def same_picture(one: str, other: str) -> bool:
    return base64.b64decode(one) == base64.b64decode(other)


def lasso(widget: Widget, share: float) -> list[int]:
    """Choose the left part of the points, which move while the run trains."""
    points = widget.points()
    (left, bottom), top = points.min(axis=0), points[:, 1].max()
    right = np.quantile(points[:, 0], share)
    return widget.lasso((left, bottom), (right, bottom), (right, top), (left, top))


def test_the_end_of_a_run_reaches_its_cell_and_nobody_sees_it_happen(lab: Lab) -> None:
    lab.open([CREATE, "print('later')"])
    lab.run_cell(0)
    widget = Widget(lab, SCATTER)
    widget.wait_status("running")
    wait_for_hellos(lab, "scatter")
    assert kept(lab, 0) == ""
    lab.run_cell(1)
    lab.wait_idle()
    lab.page.evaluate("document.querySelector('.vw-root').marked = true")
    widget.wait(
        "w.frame.scatter.step > 200"
    )  # the first steps move the whole space further than its own size
    chosen = lasso(widget, 0.6)
    assert chosen == widget.ask("w.view.selected") != []

    lab.page.evaluate("jupyterapp.shell.currentWidget.sessionContext.session.kernel"
                      ".requestExecute({code: 'run.stop()', store_history: false}) && null")  # fmt: skip
    wait_for(lambda: kept(lab, 0), "a picture", 20)
    wait_for(lambda: same_picture(kept(lab, 0), lab.execute(EXPECTED)), "the picture of the end", 20)
    assert kept(lab, 1) == "", "it went to another cell"
    wait_for(lambda: lab.page.locator(SCATTER).count() == 1, "the view is there once", 10)
    assert widget.ask("root.marked === true"), "the view was drawn anew"
    assert widget.ask("w.view.selected") == chosen
    assert widget.ask("root.isConnected && root.clientWidth > 200")

    # what was moved still hears the kernel, and is heard
    lab.execute("run.resume()")
    widget.wait_status("running")
    step = widget.step
    widget.wait(f"w.step > {step} + 10")
    chosen = lasso(widget, 0.4)
    wait_for(lambda: numbers(lab, "scatter.selected").tolist() == chosen, "Python hears", 10)
    lab.execute("run.stop()")
    lab.page.evaluate("jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    wait_for(lambda: lab.page.locator(".vw-root").count() == 0, "the view goes with its output", 10)
    assert lab.console_of_widgets() == []


def test_points_hold_still_under_a_lasso_while_the_run_goes_on(lab: Lab) -> None:
    lab.open([CREATE])
    lab.run_cell(0)
    widget = Widget(lab, SCATTER)
    widget.wait_status("running")
    widget.wait("w.frame.scatter.step > 200")  # before, all codes may be one
    widget.scroll_to()
    left, top, _, bottom = widget.ask(
        "(b => [b.left, b.top, b.right, b.bottom])"
        "(root.querySelector('.vw-scatter-overlay').getBoundingClientRect())"
    )
    mouse = lab.page.mouse
    mouse.move(left + 2, top + 2)
    mouse.down()
    mouse.move(left + 9, top + 2, steps=3)
    before, step = widget.points(), widget.ask("w.frame.scatter.step")
    widget.wait(f"w.frame.scatter.step > {step} + 20")  # new points have come
    np.testing.assert_array_equal(widget.points(), before)
    middle = float(np.median(before[:, 0]))
    x = widget.ask(f"w.toClient({middle}, 0)")[0]
    for place in ((x, top + 2), (x, bottom - 2), (left + 2, bottom - 2)):
        mouse.move(*place, steps=3)
    mouse.up()
    away = np.abs(before[:, 0] - middle) > 1e-3 * np.ptp(before[:, 0])
    chosen = np.isin(np.arange(len(before)), widget.ask("Array.from(w.selected())"))
    np.testing.assert_array_equal(chosen[away], (before[:, 0] < middle)[away])
    assert 0 < chosen.sum() < len(before)
    widget.wait(f"w.points()[0] !== {before[0, 0]}")
