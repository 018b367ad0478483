"""What the widgets of runs, of several runs and of units let a reader do in JupyterLab."""

from __future__ import annotations

import numpy as np

from tests.browser.abilities import ability
from tests.browser.book import Shown
from tests.browser.lab import wait_for

GRID, UNITS, COMPARE = "ReconstructionGrid", "ActiveUnitsBar", "BetaCompare"
SWEEP, CODES, DIAGNOSIS = "BottleneckSweep", "CodebookUsage", "Diagnosis"


@ability(GRID, "one row a run")
def _(on: Shown) -> None:
    rows = on.wait("w.left === 0 && w.grid().map(r => r.name)", 20)
    assert len(rows) == 3, "originals and two runs"


@ability(GRID, "pick images")
def _(on: Shown) -> None:
    before = on.ask("w.images()")
    on.press(".vw-grid-pick", "Enter")
    on.until(f"(w.view.get('images') or {before}) != {before}")
    after = on.python("w.view['images']")
    assert after[1:] == before[1:]
    on.wait("w.left === 0", 20)
    original = np.array(on.ask("Array.from(w.grid()[0].images)")).reshape(len(after), -1)
    assert original[0].tolist() == on.python(f"plane.time_line.sample.images_u8[{after[0]}].flatten()")


@ability(GRID, "draw eps again")
def _(on: Shown) -> None:
    means = on.ask("Array.from(w.grid()[1].images)")
    for seed in (0, 1):
        on.press(".vw-redraw", "Enter")
        on.until(f"w.view['seed'] == {seed}")
    wait_for(
        lambda: on.ask("w.left === 0 && Array.from(w.grid()[1].images)") not in (False, means), "a draw", 20
    )
    on.press(".vw-means", "Enter")
    on.until("w.view['seed'] is None")


@ability(UNITS, "move thresholds")
def _(on: Shown) -> None:
    on.press(".vw-knob-kl", *["ArrowUp"] * 20)
    on.until("w.view['delta'] > 0.1")
    kl, delta = np.array(on.ask("Array.from(w.units().kl)")), on.python("w.view['delta']")
    count = f"{int((kl > delta).sum())} of 6 by KL"
    wait_for(lambda: count in on.locator(".vw-active-count").inner_text(), count, 5)
    on.drag(".vw-knob-var", 60, -60)  # bars lie where there is little room
    on.until("w.view['var_threshold'] > 0.02")


@ability(UNITS, "see units die over training")
def _(on: Shown) -> None:
    frames = "w.run.time_line.frames"
    lives = f"unit_lives([f.step for f in {frames}], np.stack([f.kl for f in {frames}]), delta=0.05)"
    died = on.python(f"vw.diagnostics.{lives}.died_at")
    assert any(step is not None for step in died), "a test without a death proves nothing"
    on.python("[setattr(w, 'view', {'delta': 0.05})]")
    on.wait("w.view.delta === 0.05", 5)
    assert on.ask("w.units().died") == died
    first = next(step for step in died if step is not None)
    assert f"at step {first:,}" in on.locator(".vw-lives").inner_text()
    on.press(".vw-time-slider", "Home")
    on.until("w.view['time'] == 0")
    kl = np.array(on.python("w.run.time_line.frames[0].kl"))
    count = f"{int((kl > 0.05).sum())} of 6 by KL"
    wait_for(lambda: count in on.locator(".vw-active-count").inner_text(), count, 5)
    on.press(".vw-time-slider", "End")
    on.until("w.view['time'] is None")


@ability(UNITS, "switch a unit off and see what it costs in recon")
def _(on: Shown) -> None:
    best = int(np.argmax(on.ask("Array.from(w.units().kl)")))
    on.press(f".vw-unit-button[data-unit='{best}']", "Enter")
    on.until(f"w.view['off'] == [{best}] and w._live['ablation']['off'] == [{best}]")
    cost = on.python("w._live['ablation']['together']")
    assert cost > 0
    wait_for(lambda: "off: recon +" in on.locator(".vw-cost").inner_text(), "the cost", 5)
    on.page.keyboard.press("Enter")
    on.until("w.view['off'] == []")


@ability(COMPARE, "step through the runs")
def _(on: Shown) -> None:
    for i in range(3):
        on.press(".vw-at .vw-slider", "ArrowRight")
        on.until(f"w.view['at'] == {i}", 5)
    assert "β = 4" in on.locator(".vw-front-says").inner_text()
    on.press(".vw-at .vw-slider", "Home")
    on.until("w.view['at'] is None")


@ability(COMPARE, "reconstructions, samples, latent spaces, curves, rate and distortion")
def _(on: Shown) -> None:
    for what in ("samples", "latent", "curves", "rate", "recon"):
        on.choose(".vw-show", what)
        on.until(f"w.view['show'] == {what!r}")
        if what == "latent":
            on.wait("w.clouds().length === 3", 5)
        if what == "rate":
            assert on.wait("w.rates().length === 3 && w.rates().map(r => r.rate)", 5) == on.python(
                "[part['rate']['rate'] for part in (w.frame, *w.frame['others'])]"
            )


@ability(COMPARE, "the same eps and the same images")
def _(on: Shown) -> None:
    names = on.wait("w.rows().length === 4 && w.rows().map(r => r.name)", 10)
    assert names == ["originals", "β = 0.1", "β = 1", "β = 4"]
    before = on.ask("Array.from(w.rows()[1].images)")
    on.press(".vw-redraw", "Enter")
    on.until("w.view['seed'] == 1 == w.seed")
    wait_for(lambda: on.ask("Array.from(w.rows()[1].images)") != before, "another draw", 10)
    want = on.python(
        "[r.model.decode((lambda m, v: m + torch.exp(v / 2) * eps)(*r.model.encode(x))).detach().flatten()"
        " for x in [w._sample.images[w._index]]"
        " for draws in [[vw.contract.random.normals(2, 1, i) for i in range(len(x))]]"
        " for eps in [torch.from_numpy(np.stack(draws))]"
        " for r in w.runs]"
    )
    for i, images in enumerate(want, 1):
        drawn = np.array(on.ask(f"Array.from(w.rows()[{i}].images)"))
        assert np.abs(drawn - np.array(images) * 255).max() < 4


@ability(SWEEP, "pick a run")
def _(on: Shown) -> None:
    on.page.mouse.click(*on.wait("w.toClient(2)", 5))
    on.until("w.picked_run is dims.runs[2]")
    on.press(".vw-pick", "ArrowDown")
    on.until("w.picked_run is dims.runs[1]")


@ability(CODES, "shows codes, their use and perplexity")
def _(on: Shown) -> None:
    on.press(".vw-cells", "ArrowRight")
    on.until("w.view.get('code') is not None")
    assert on.python("w.view['code']") == on.ask("w.code()")
    said = on.locator(".vw-codes-numbers").inner_text()
    perplexity = on.python("w.frame['codes']['perplexity']")
    assert f"perplexity {perplexity:.1f} of 16 codes" in said


@ability(DIAGNOSIS, "says what the run is doing, with evidence and advice")
def _(on: Shown) -> None:
    assert on.ask("w.verdict()") == on.python("w.verdict.verdict")
    said = "[list(w.verdict.evidence), list(w.verdict.advice), list(w.verdict.notes)]"
    assert on.ask("w.sentences()") == on.python(said)
