"""What the widgets of a latent space let a reader do in JupyterLab."""

from __future__ import annotations

import numpy as np

from tests.browser.abilities import ability
from tests.browser.book import Shown
from tests.browser.frozen_clock import Clock
from tests.browser.lab import wait_for

SCATTER, MANIFOLD, STRIP = "LatentScatter", "LatentManifold", "InterpolationStrip"
TRAVERSAL, SKETCH, PRIOR = "LatentTraversal", "SketchEncoder", "PriorSamples"
ARITHMETIC = "LatentArithmetic"
GEOMETRY = "LatentGeometry"
MICROSCOPE = "ElboMicroscope"
PAD = ".vw-pad-canvas"


@ability(SCATTER, "hover decodes that point and shows the nearest original")
def _(on: Shown) -> None:
    shown = on.hover(0.4, -0.3)
    torchs = on.python(f"decoded(w.run, {shown['z']})")
    np.testing.assert_allclose(shown["image"], torchs, atol=1e-2)
    on.until(f"np.allclose(w.view['hover'], {shown['z']}, atol=1e-6)")
    mu = np.array(on.python("w.run.snapshot().encode(w.sample.images)[0]"))
    away = np.hypot(*(mu - np.array(shown["z"])).T)
    assert away[on.ask("w.hover.nearest")] < away.min() + 1e-3


@ability(SCATTER, "the other widgets of the run follow the pointer")
def _(on: Shown) -> None:
    z = on.hover(-0.5, 0.6)["z"]
    for name in (MANIFOLD, STRIP, SKETCH, "ReconstructionGrid"):
        on.until(f"np.allclose(widgets[{name!r}].view['hover'], {z}, atol=1e-6)")


@ability(SCATTER, "lasso selects indices in Python")
def _(on: Shown) -> None:
    points = on.points()
    (u, v), half = np.median(points, axis=0), points.std()
    chosen = on.lasso(*((u + a * half, v + b * half) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))))
    inside = np.flatnonzero((np.abs(points - (u, v)) < 0.95 * half).all(axis=1))
    missed = sorted({*inside} - {*chosen})
    assert not missed, f"{len(missed)} of {len(inside)} inside were not chosen; chosen: {len(chosen)}"
    assert 0 < len(chosen) < len(points)
    on.until(f"list(w.selected) == {chosen} == w.view['selected']")
    on.press(".vw-scatter-overlay", "Escape")
    on.until("len(w.selected) == 0")


@ability(SCATTER, "drag along training time")
def _(on: Shown) -> None:
    on.drag_time_there_and_back("widgets['LatentManifold'].view['time'] == 0")


@ability(SCATTER, "the evolution is animated")
def _(on: Shown) -> None:
    on.page.emulate_media(reduced_motion="no-preference")
    on.press(".vw-time-slider", "Home")
    on.wait("w.moment?.step === 0")
    # all that its place says, noted in the page: who looks from outside may miss some
    on.ask("""(() => {
        const place = root.querySelector('.vw-time-place');
        const moments = root.moments = new Set();
        const note = () => moments.add(place.textContent);
        new MutationObserver(note).observe(place, { childList: true, subtree: true });
    })()""")
    play = "root.querySelector('.vw-time-play').click()"
    picture = "root.querySelector('.vw-scatter-base').toDataURL()"
    pictures = []
    with Clock(on.page).frozen() as clock:

        def has_begun() -> bool:
            clock.frame(0)
            return on.ask("w.moment?.step !== 0")

        on.ask(play)
        wait_for(has_begun, "the next moment")
        on.ask(play)  # it rests there, the points are on their way
        for _ in range(4):
            clock.frame(1000 / 30)
            pictures.append(on.ask(picture))
    assert len(set(pictures)) == 4, "at 30 frames a second the points travel in each"
    on.ask(play)
    on.wait("w.moment === null", 30)
    assert on.ask("root.moments.size") >= 3
    on.until("w.view['time'] is None")
    on.page.emulate_media(reduced_motion="reduce")


@ability(SCATTER, "color by any value")
def _(on: Shown) -> None:
    for value in ("recon", "kl", "width"):
        on.locator(".vw-color select").select_option(value)
        on.until(f"w.view['color'] == {value!r}")
        on.wait("w.colors() !== null", 10)
    colors = np.array(on.ask("Array.from(w.colors())")).reshape(-1, 3)
    assert (np.diff(colors @ [0.2126, 0.7152, 0.0722])[10:-10] >= -1.5).all(), "the ramp gets brighter"
    on.locator(".vw-color select").select_option("label")
    on.wait("w.colors() === null", 5)


@ability(SCATTER, "show one class")
def _(on: Shown) -> None:
    on.press(".vw-legend-entry[data-label='3']", "Enter")
    on.until("w.view['classes'] == [3]")
    threes = on.python("np.flatnonzero(w.sample.labels == 3)")
    wait_for(lambda: on.ask("w.shown()") == threes, "only the threes", 5)
    on.press(".vw-legend-entry[data-label='3']", "Enter")
    on.until("w.view['classes'] is None")


@ability(SCATTER, "posterior ellipses")
def _(on: Shown) -> None:
    before = on.pixels(".vw-scatter-base")
    on.press(".vw-ellipses", "Enter")
    on.until("w.view['ellipses'] is True")
    wait_for(lambda: on.pixels(".vw-scatter-base") != before, "the ellipses", 5)
    on.press(".vw-ellipses", "Enter")
    on.until("w.view['ellipses'] is False")


@ability(SCATTER, "t-SNE, computed in the kernel")
def _(on: Shown) -> None:
    before = on.points()
    on.locator(".vw-projection select").select_option("tsne")
    on.until("w.view['projection'] == 'tsne'")
    wait_for(lambda: np.ptp(on.points()) > 2 * np.ptp(before), "t-SNE's points", 40)
    x, y = on.points()[17]
    on.show(".vw-scatter-overlay")
    on.page.mouse.move(*on.ask(f"w.toClient({x}, {y})"))
    on.wait("w.hover.nearest === 17", 5)
    on.locator(".vw-projection select").select_option("plane")
    wait_for(lambda: np.array_equal(on.points(), before), "the plane again", 10)


@ability(SCATTER, "Python sets what the page shows")
def _(on: Shown) -> None:
    on.python("[setattr(w, 'view', {'classes': [3], 'selected': [1, 2]})]")
    on.wait("w.view.classes?.join() === '3' && w.selected().join() === '1,2'", 5)
    on.python("[setattr(w, 'view', {'classes': None, 'selected': None})]")
    on.wait("w.view.classes === null && w.selected().length === 0", 5)


@ability(MANIFOLD, "zoom")
def _(on: Shown) -> None:
    on.wait("w.left === 0 && w.cells().length >= 64", 20)
    on.show(".vw-manifold-canvas").click()
    on.page.mouse.move(*on.ask("w.toClient(0.5, 0.5)"))
    on.page.mouse.wheel(0, -400)
    on.until("w.view['span'] < 0.9")


@ability(MANIFOLD, "pan")
def _(on: Shown) -> None:
    on.show(".vw-manifold-canvas")
    u, v = on.ask("w.view.center")
    x, y = on.ask("w.toClient(...w.view.center)")
    on.stroke((x, y), (x - 30, y + 20))
    on.until(f"w.view['center'][0] > {u} and w.view['center'][1] > {v}")
    on.wait("w.left === 0", 20)
    cell = on.ask(
        "w.cells().map(({ key, z }) => ({ z, b: Array.from(w.cell(...key.split(',').map(Number))) }))[9]"
    )
    want = np.array(on.python(f"decoded(w.run, {cell['z']})"))
    assert np.abs(np.array(cell["b"]) - want * 255).max() < 4
    on.locator(".vw-whole").click()
    on.until("w.view['span'] == 1")


@ability(STRIP, "endpoints by label")
def _(on: Shown) -> None:
    on.locator(".vw-end-0 select").select_option("4")
    on.until("w.view['ends'][0] == np.flatnonzero(w.sample.labels == 4)[0]")


@ability(ARITHMETIC, "two groups, added to an image")
def _(on: Shown) -> None:
    on.locator(".vw-group-1 select").select_option("7")
    on.until("w.view['groups'] == [1, 7]")
    on.press(".vw-amount .vw-slider", "ArrowRight")
    on.until("w.view['amount'] > 0")
    on.wait("w.left === 0", 10)
    np.testing.assert_allclose(on.ask("w.direction()"), on.python("w.direction"), atol=0.02)


@ability(ARITHMETIC, "a direction kept under a name, and brought back")
def _(on: Shown) -> None:
    on.locator(".vw-keep-name").fill("one to seven")
    on.press(".vw-keep-name", "Enter")
    on.until("w.view['directions'] == [{'name': 'one to seven', 'groups': [1, 7]}]")
    on.click(".vw-swap")
    on.until("w.view['groups'] == [7, 1]")
    on.click(".vw-kept")
    on.until("w.view['groups'] == [1, 7]")


@ability(STRIP, "endpoints by index")
def _(on: Shown) -> None:
    on.press(".vw-end-0 .vw-next", "Enter")
    on.until("w.view['ends'][0] == np.flatnonzero(w.sample.labels == 4)[1]")


@ability(STRIP, "endpoints from the map")
def _(on: Shown) -> None:
    before = on.ask("w.ends")
    on.page.locator(f"{on.selector} .vw-map-handle").nth(1).scroll_into_view_if_needed()
    target = next(i for i in range(40, 80) if i not in before)
    on.stroke(on.ask("w.toClient(1)"), on.ask(f"w.pointClient({target})"))
    on.until(f"w.view['ends'][0] == {before[0]} and w.view['ends'][1] != {before[1]}")
    a, b = (np.array(on.ask(f"w.pointClient({i})")) for i in (on.ask("w.ends[1]"), target))
    assert np.hypot(*(a - b)) < 3


@ability(STRIP, "endpoints from the scatter")
def _(on: Shown) -> None:
    scatter = Shown(on.lab, SCATTER)
    scatter.show(".vw-scatter-overlay").focus()
    points = scatter.points()
    for i, key in ((3, "Enter"), (8, "Shift+Enter")):
        on.page.mouse.move(*scatter.ask(f"w.toClient({points[i][0]}, {points[i][1]})"))
        on.page.keyboard.press(key)
    on.until("len(w.view['selected']) == 2 and w.view['ends'] == w.view['selected']")
    scatter.press(".vw-scatter-overlay", "Escape")


@ability(STRIP, "linear or spherical")
def _(on: Shown) -> None:
    # Two codes in one direction have no arc between them: which these are is up to the training.
    codes = np.array(on.python("unpack(w.frame['latent']['points'])[:40]"))
    angles = np.arctan2(codes[:, 1], codes[:, 0])
    a, b = np.unravel_index(np.abs(np.sin(angles - angles[:, None])).argmax(), (40, 40))
    on.python(f"setattr(w, 'view', {{'ends': [{a}, {b}]}})")
    on.wait(f"w.ends[0] === {a} && w.ends[1] === {b}")
    straight = on.wait("w.left === 0 && w.path()", 20)
    on.locator(".vw-mode select").select_option("slerp")
    on.until("w.view['mode'] == 'slerp'")
    on.wait("w.left === 0 && w.verdict !== null", 20)
    assert np.abs(np.array(on.ask("w.path()")) - straight).max() > 1e-3


@ability(STRIP, "a verdict on the path with its evidence")
def _(on: Shown) -> None:
    on.wait("w.left === 0 && w.verdict !== null", 20)
    assert on.python("w.verdict.verdict") == on.ask("w.verdict.verdict")
    np.testing.assert_allclose(on.ask("w.verdict.steps"), on.python("w.verdict.step_sizes"), atol=0.02)
    assert on.locator(".vw-path-verdict").inner_text().lower().startswith(on.ask("w.verdict.verdict"))
    assert on.page.locator(f"{on.selector} .vw-evidence li").count() > 0


@ability(GEOMETRY, "a geodesic that is no longer than the straight line, as in Python")
def _(on: Shown) -> None:
    on.wait("w.path('geodesic') !== null", 30)
    found = on.ask("['lerp', 'geodesic'].map((name) => w.path(name).length)")
    assert found[1] <= found[0]
    np.testing.assert_allclose(
        found, on.python("[w.paths[n].length for n in ('lerp', 'geodesic')]"), rtol=0.01
    )


@ability(GEOMETRY, "ends that are dragged, and moved by keys")
def _(on: Shown) -> None:
    end = ".vw-map-handle + .vw-map-handle"  # B, which lies above A
    on.show(end)
    (x, y), before = on.ask("w.toClient(1)"), on.ask("w.ends")
    on.stroke((x, y), (x + 20, y - 12))
    on.until(f"isinstance(w.view['ends'][1], list) and w.view['ends'][0] == {before[0]}")
    place = on.ask("w.ends[1]")
    on.press(end, "ArrowLeft", "ArrowLeft")
    on.until(f"w.view['ends'][1][0] < {place[0]} and abs(w.view['ends'][1][1] - {place[1]}) < 1e-6")


@ability(GEOMETRY, "uncertainty makes paths longer")
def _(on: Shown) -> None:
    length = on.wait("w.path('lerp')?.length", 30)
    on.press(".vw-uncertainty input", "Home")
    on.until("w.view['uncertainty'] == 0")
    assert on.wait("w.path('lerp')?.length", 30) <= length


@ability(TRAVERSAL, "one row a dimension, ordered by KL")
def _(on: Shown) -> None:
    rows = on.wait("w.left === 0 && w.rows().map(r => r.name)", 20)
    wanted = on.python("list(w.traversals())")
    assert [name.translate(str.maketrans("₁₂₃₄₅₆", "123456")) for name in rows] == wanted


@ability(TRAVERSAL, "a slider per dimension")
def _(on: Shown) -> None:
    sliders = on.page.locator(f"{on.selector} .vw-row input")
    assert sliders.count() == len(on.ask("w.rows()"))
    before = np.array(on.ask("w.z"))
    for i in (0, 1):
        sliders.nth(i).focus()
        on.page.keyboard.press("ArrowRight")
        on.page.keyboard.press("ArrowRight")
        moved = f"np.sum(np.abs(np.array(w.view['z']) - {before.tolist()}) > 1e-6)"
        on.until(f"w.view.get('z') is not None and {moved} == {i + 1}")
    on.locator(".vw-back").click()
    on.until("w.view['z'] is None")


@ability(PRIOR, "the same draws for every run")
def _(on: Shown) -> None:
    on.wait("w.left === 0 && w.image(5, 1) !== null", 20)
    for i, run in enumerate(("plane", "many")):
        np.testing.assert_allclose(on.ask(f"w.draws({i})"), on.python(f"w.draws({run})"), atol=1e-6)
    np.testing.assert_allclose(np.array(on.ask("w.draws(1)"))[:, :2], on.ask("w.draws(0)"))


@ability(PRIOR, "new draw")
def _(on: Shown) -> None:
    before = on.ask("w.draws(0)")
    on.press(".vw-new-draw", "Enter")
    on.until("w.view['seed'] == 1")
    assert not np.allclose(on.ask("w.draws(0)"), before)
    np.testing.assert_allclose(on.ask("w.draws(0)"), on.python("w.draws()"), atol=1e-6)


@ability(PRIOR, "temperature")
def _(on: Shown) -> None:
    before = np.array(on.ask("w.draws(0)"))
    on.locator(".vw-temperature input").fill("0.5")
    on.until("w.view['temperature'] == 0.5")
    np.testing.assert_allclose(on.ask("w.draws(0)"), before / 2, atol=1e-6)
    np.testing.assert_allclose(on.ask("w.draws(0)"), on.python("w.draws()"), atol=1e-6)


@ability("LearnedPrior", "fit, by the keyboard, as Python does")
def _(on: Shown) -> None:
    on.press(".vw-fit", "Enter")
    on.until("w.view.get('steps') == 40", 30)
    on.wait("!w.pending && w.left === 0", 20)
    np.testing.assert_allclose(on.ask("w.logLikelihood"), on.python("w.fitted().log_likelihood"), rtol=1e-6)
    on.press(".vw-prior-learned", "ArrowRight")
    on.until("len(w.view['hover']) == 2")
    np.testing.assert_allclose(on.ask("w.draws('learned')"), on.python("w.fitted().draws(3)"), atol=1e-5)


def line(on: Shown, *places: tuple[float, float]) -> None:
    """One stroke through places of the pad, 0 to 1."""
    box = on.show(PAD).bounding_box()
    on.stroke(*((box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in places))


@ability(SKETCH, "draw: encoded in the browser, its place, its reconstruction")
def _(on: Shown) -> None:
    line(on, (0.3, 0.2), (0.7, 0.3), (0.4, 0.5), (0.7, 0.7), (0.3, 0.8))
    on.wait("w.mu !== null && w.decoded() !== null", 10)
    on.until("w.image is not None and len(w.view['strokes']) == 1")
    pixels = np.array(on.ask("w.pixels()"))
    torchs = on.python(
        f"w.run.snapshot().encode(torch.tensor({pixels.tolist()}).reshape(1, *data.image_shape))[0][0]"
    )
    np.testing.assert_allclose(on.ask("w.mu"), torchs, atol=2e-2)
    np.testing.assert_allclose(on.python("w.z"), torchs, atol=5e-2)  # of 256 grey levels
    want = np.array(on.python(f"decoded(w.run, {on.ask('w.z')})"))
    assert np.abs(np.array(on.ask("Array.from(w.decoded())")) - want * 255).max() < 4


@ability(SKETCH, "erase")
def _(on: Shown) -> None:
    before = sum(on.ask("w.pixels()"))
    on.locator(".vw-eraser").click()
    line(on, (0.2, 0.45), (0.8, 0.55))
    on.until("len(w.view['strokes']) == 2 and w.view['strokes'][1]['erase']")
    assert sum(on.ask("w.pixels()")) < before


@ability(SKETCH, "drag the point")
def _(on: Shown) -> None:
    on.show(".vw-map-handle")
    on.stroke(on.ask("w.toClient(...w.at)"), on.ask("w.toClient(0.5, -0.5)"))
    on.until("w.view.get('z') is not None and np.hypot(w.z[0] - 0.5, w.z[1] + 0.5) < 0.15")
    on.until("w.view['hover'] == w.view['z']")


@ability(MICROSCOPE, "drag the mean: the two pulls are Python's")
def _(on: Shown) -> None:
    on.wait("w.found !== null && w.balance !== null", 20)
    on.show(".vw-map-handle")
    on.stroke(on.ask("w.toClient(...w.at)"), on.ask("w.toClient(0.5, -0.5)"))
    on.until("w.view['mu'] is not None and w.view['hover'] == w.view['mu']")
    wanted = np.array(on.python("[w.pulls.of_recon.tolist(), w.pulls.of_kl.tolist()]"))
    pulls = np.array(on.ask("[Array.from(w.found.ofRecon), Array.from(w.found.ofKl)]"))
    np.testing.assert_allclose(pulls, wanted, rtol=2e-2, atol=2e-2)  # of 256 grey levels, halved weights


@ability(MICROSCOPE, "walk to the balance")
def _(on: Shown) -> None:
    on.locator(".vw-walk").click()
    on.wait("Math.abs(w.found.loss - w.balance.loss) < 0.05", 20)
    on.until(f"abs(w.pulls.loss - {on.ask('w.balance.loss')}) < 0.2")


@ability("BetaAxis", "slide beta between runs")
def _(on: Shown) -> None:
    before = on.ask("w.at().rate")
    on.press(".vw-beta .vw-slider", "ArrowRight", "ArrowRight")
    on.until("w.view['beta'] is not None")
    on.wait(f"w.at().rate < {before}", 5)  # the KL falls as beta rises
