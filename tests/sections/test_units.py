"""What units cost: as `run.ablation` computes it; and the view's keys, checked."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.widgets.test_contract import feed_threads, wait_until
from vaewidgets.contract.packing import unpack
from vaewidgets.diagnostics import ablation
from vaewidgets.errors import OptionError
from vaewidgets.live import unit_costs
from vaewidgets.live.unit_costs import UnitCosts


@pytest.fixture(scope="module")
def run() -> vw.Run:
    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=200)
    model = vw.MLPVAE(data.image_shape, latent_dim=4, hidden=(32,))
    return vw.train(model, data, epochs=3, batch_size=64, autosave=False).wait(progress=False)


def measured(widget: Any) -> Any:
    """The live key, once all that is wanted is measured."""
    wait_until(lambda: widget._live["ablation"]["measuring"] is None, "the costs")
    return widget._live["ablation"]


def measure(costs: UnitCosts, run: vw.Run, sample: Any, off: list[int], *, rests: bool = True) -> Any:
    snapshot = run.snapshot()
    costs.state(snapshot, sample, off, rests=rests)
    while costs.is_pending:
        costs.advance()
    return costs.state(snapshot, sample, off, rests=rests)


def test_the_cost_of_each_unit_is_that_of_the_diagnostics(run: vw.Run) -> None:
    widget = vw.ActiveUnitsBar(run, points=150)
    found = measured(widget)
    wanted = ablation(run.snapshot().model, widget.sample.images, run.likelihood)
    np.testing.assert_allclose(unpack(found["cost"]), wanted.cost, rtol=1e-5, atol=1e-5)
    assert found["recon"] == pytest.approx(wanted.recon)
    assert (found["off"], found["together"], found["n"]) == ([], None, 150)
    assert found["unit"] == run.unit
    widget.close()


def test_several_units_off_are_measured_together(run: vw.Run) -> None:
    widget = vw.ActiveUnitsBar(run, points=150)
    found = measure(UnitCosts(), run, widget.sample, [2, 0])
    snapshot, images = run.snapshot(), widget.sample.images
    z, _ = snapshot.encode(images)
    z[:, [0, 2]] = z[:, [0, 2]].mean(0)
    recon = run.likelihood.recon(snapshot.model.decode_raw(z), images).double().mean()
    assert found["off"] == [0, 2]
    assert found["together"] == pytest.approx(float(recon) - found["recon"], abs=1e-3)
    widget.close()


def test_a_unit_that_is_switched_off_while_costs_are_measured_is_measured_next(
    run: vw.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget = vw.ActiveUnitsBar(run, points=150)
    plain = widget._weights_state

    def interrupted(run: vw.Run, snapshot: Any) -> dict[str, Any]:
        state = plain(run, snapshot)
        if not widget.view.get("off"):
            widget.view = {"off": [1]}
        return state

    monkeypatch.setattr(widget, "_weights_state", interrupted)
    widget._feed.forget_weights()
    wait_until(lambda: widget._live["ablation"]["off"] == [1], "the unit's cost")
    widget.close()


def test_more_units_than_are_tried_one_by_one(run: vw.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit_costs, "MOST_UNITS", 2)
    widget = vw.ActiveUnitsBar(run, points=50)
    found = measure(UnitCosts(), run, widget.sample, [3])
    assert np.isnan(unpack(found["cost"])[:3]).all()
    assert found["together"] == pytest.approx(float(unpack(found["cost"])[3]), abs=1e-4)
    widget.close()


def slow_run(seconds_an_image: float, dims: int = 32) -> tuple[vw.Run, list[int]]:
    """A run whose decoder is slow, and how many images each of its passes decoded."""
    passes: list[int] = []

    class Slow(vw.MLPVAE):
        def decode_raw(self, z: torch.Tensor, *args: Any) -> torch.Tensor:
            passes.append(len(z))
            time.sleep(seconds_an_image * len(z))
            return super().decode_raw(z, *args)

    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=200)
    model = Slow(data.image_shape, latent_dim=dims, hidden=(16,))
    return vw.train(model, data, epochs=1, autosave=False, start=False), passes


def test_a_slow_decoder_is_shown_at_once_and_measured_once_for_all_widgets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unit_costs, "BUDGET_SECONDS", 1.0)
    slow, passes = slow_run(1e-4)
    start = time.monotonic()
    bar = vw.ActiveUnitsBar(slow)
    first = bar._live["ablation"]
    explorer = vw.LatentExplorer(slow)
    assert first["measuring"] is not None
    assert np.isnan(unpack(first["cost"])).any()
    assert bar.frame is not None
    assert "units" in bar.frame
    found = measured(bar)
    assert measured(explorer) == found
    assert not np.isnan(unpack(found["cost"])).any()
    assert found["n"] in unit_costs.FEWER  # not 500: 34 passes over those take 1.7 s at least
    assert time.monotonic() - start < 10
    wait_until(lambda: not feed_threads(), "the feed rests")
    seen = len(passes)
    third = vw.ActiveUnitsBar(slow)
    assert third._live["ablation"] == found
    assert len(passes) == seen
    for widget in (bar, explorer, third):
        widget.close()


def test_few_images_and_then_few_units_where_time_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, _ = slow_run(1e-4)
    widget = vw.ActiveUnitsBar(slow, points=100)
    monkeypatch.setattr(unit_costs, "BUDGET_SECONDS", 0.01)
    found = measure(UnitCosts(), slow, widget.sample, [3])
    assert found["n"] == min(unit_costs.FEWER)
    assert np.flatnonzero(~np.isnan(unpack(found["cost"]))).tolist() == [3]
    assert found["together"] is not None
    assert found["measuring"] is None
    widget.close()


def test_a_saved_page_holds_all_costs(tmp_path: Path) -> None:
    slow, _ = slow_run(3e-5)
    widget = vw.ActiveUnitsBar(slow)
    assert widget._live["ablation"]["measuring"] is not None
    widget.save_html(tmp_path / "page.html")
    found = widget._live["ablation"]
    assert found["measuring"] is None
    assert not np.isnan(unpack(found["cost"])).any()
    widget.close()


def test_costs_of_another_copy_of_the_same_weights_hold_and_of_other_weights_do_not(run: vw.Run) -> None:
    widget, costs = vw.ActiveUnitsBar(run, points=50), UnitCosts()
    before = measure(costs, run, widget.sample, [])
    again = costs.state(run.snapshot(), widget.sample, [], rests=True)
    assert again == before
    other = run.snapshot()
    with torch.no_grad():
        next(other.model.parameters()).add_(1.0)
    changed = costs.state(other, widget.sample, [], rests=True)
    assert changed != before
    widget.close()


def test_what_the_model_raises_is_said_by_those_who_want_costs(run: vw.Run) -> None:
    class Broken(vw.MLPVAE):
        def decode_raw(self, z: torch.Tensor, *args: Any) -> torch.Tensor:
            raise RuntimeError("planted")

    data = vw.load_dataset("digits", n_train=100)
    broken = vw.train(
        Broken(data.image_shape, 2, hidden=(8,)), data, batch_size=64, autosave=False, start=False
    )
    widget, other = vw.ActiveUnitsBar(broken), vw.TrainingCurves(broken)
    assert widget.frame is not None
    assert "planted" in widget.frame["run"]["error"]
    wait_until(lambda: not feed_threads(), "the feed rests")
    assert "planted" in widget.frame["run"]["error"]
    assert other.frame is not None
    assert other.frame["run"]["error"] is None
    widget.close()
    other.close()


@pytest.mark.parametrize("widget_class", [vw.ActiveUnitsBar, vw.LatentExplorer])
@pytest.mark.parametrize("bad", [{"off": [4]}, {"off": 1}, {"delta": -1}, {"var_threshold": "x"}])
def test_a_bad_view_is_refused(run: vw.Run, widget_class: Any, bad: dict[str, Any]) -> None:
    widget = widget_class(run)
    with pytest.raises(OptionError, match=next(iter(bad))):
        widget.view = bad
    widget.close()
