"""What units cost: as `run.ablation` computes it; and the view's keys, checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.widgets.test_contract import wait_until
from vaewidgets.diagnostics import ablation
from vaewidgets.errors import OptionError
from vaewidgets.packing import unpack
from vaewidgets.widgets import units


@pytest.fixture(scope="module")
def run() -> vw.Run:
    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=200)
    model = vw.MLPVAE(data.image_shape, latent_dim=4, hidden=(32,))
    return vw.train(model, data, epochs=3, batch_size=64, autosave=False).wait(progress=False)


def test_the_cost_of_each_unit_is_that_of_the_diagnostics(run: vw.Run) -> None:
    widget = vw.ActiveUnitsBar(run, points=150)
    found = widget._live["ablation"]
    wanted = ablation(run.snapshot().model, widget._images().images, run.likelihood)
    np.testing.assert_allclose(unpack(found["cost"]), wanted.cost, rtol=1e-5, atol=1e-5)
    assert found["recon"] == pytest.approx(wanted.recon)
    assert (found["off"], found["together"], found["n"]) == ([], None, 150)
    assert found["unit"] == run.unit
    widget.close()


def test_several_units_off_are_measured_together(run: vw.Run) -> None:
    widget = vw.ActiveUnitsBar(run, points=150)
    widget.view = {"off": [0, 2]}
    found = units.ablation_state(run, run.snapshot(), widget._images(), widget.view)
    assert found is not None
    snapshot, images = run.snapshot(), widget._images().images
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
    monkeypatch.setattr(units, "MOST_UNITS", 2)
    widget = vw.ActiveUnitsBar(run, points=50)
    found = units.ablation_state(run, run.snapshot(), widget._images(), {"off": [3]})
    assert found is not None
    assert np.isnan(unpack(found["cost"])[:3]).all()
    assert found["together"] == pytest.approx(float(unpack(found["cost"])[3]), abs=1e-4)
    widget.close()


@pytest.mark.parametrize("widget_class", [vw.ActiveUnitsBar, vw.LatentExplorer])
@pytest.mark.parametrize("bad", [{"off": [4]}, {"off": 1}, {"delta": -1}, {"var_threshold": "x"}])
def test_a_bad_view_is_refused(run: vw.Run, widget_class: Any, bad: dict[str, Any]) -> None:
    widget = widget_class(run)
    with pytest.raises(OptionError, match=next(iter(bad))):
        widget.view = bad
    widget.close()
