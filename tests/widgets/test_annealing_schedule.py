"""beta(t) as the page draws it is beta(t) as training takes it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.widgets.in_node import in_node, needs_node
from vaewidgets.contract.packing import unpack
from vaewidgets.errors import OptionError
from vaewidgets.objectives import GECO, Custom, Cyclical, LinearWarmup, Schedule, TargetKL, schedule_from_dict
from vaewidgets.widgets.annealing_schedule.example import answer, kl_at, recon_at
from vaewidgets.widgets.annealing_schedule.widget import _schedule_of

LENGTHS = ((1000, 4, 0.5), (7, 3, 0.333), (10, 20, 1.0), (100_000, 7, 0.01), (1, 1, 0.001))
TARGETS = {"target_kl": 20.0, "target_recon": 90.0}
SETTINGS = [
    {"kind": kind, "start": start, "end": end, "steps": steps, "cycles": cycles, "ratio": ratio, **TARGETS}
    for kind in ("constant", "linear", "cyclical")
    for start, end in ((0.0, 1.0), (0.25, 4.0), (2.0, 0.5))
    for steps, cycles, ratio in (
        (1000, 4, 0.5),
        (7, 3, 0.333),
        (10, 20, 1.0),
        (100_000, 7, 0.01),
        (1, 1, 0.001),
    )
]


@needs_node
def test_the_page_computes_the_schedules_that_training_uses() -> None:
    steps = [0, 1, 2, 3, 5, 9, 10, 99, 124, 125, 126, 250, 499, 500, 501, 999, 1000, 12_345, 99_999]
    body = "return value.map((one) => { const s = lib.scheduleOf(one); return [s, lib.codeOf(s)]; })"
    made = in_node("widgets/annealing_schedule/schedules.js", body, SETTINGS)
    body = "return value[0].map((schedule) => value[1].map((step) => lib.betaAt(schedule, step)))"
    computed = in_node("training/schedules.js", body, [[values for values, _ in made], steps])
    for settings, (values, code), betas in zip(SETTINGS, made, computed, strict=True):
        assert values == _schedule_of(settings).to_dict()
        schedule = schedule_from_dict(values)
        assert betas == [schedule(step) for step in steps]
        pasted = eval(code, {"vw": vw})
        assert pasted == schedule
        kind = settings["kind"]
        widget = vw.AnnealingSchedule(
            kind, **{key: value for key, value in settings.items() if key != "kind"}
        )
        assert widget.code() == code
        assert widget.schedule == schedule
        widget.close()


@needs_node
def test_the_corners_lie_on_the_line() -> None:
    body = (
        "return value.map((settings) => { const s = lib.scheduleOf(settings);"
        " return lib.cornersOf(s, settings.steps); })"
    )
    for settings, corners in zip(
        SETTINGS, in_node("widgets/annealing_schedule/schedules.js", body, SETTINGS), strict=True
    ):
        schedule = _schedule_of(settings)
        at, values = np.array(corners).T
        assert at[0] == 0
        assert (np.diff(at) >= 0).all()
        for step in range(0, min(settings["steps"], 1000)):
            # the last corner at or before a step: where beta jumps, two stand at one step
            k = np.searchsorted(at, step, side="right") - 1
            k = min(k, len(at) - 2)
            if at[k + 1] == at[k]:
                continue
            drawn = values[k] + (values[k + 1] - values[k]) * (step - at[k]) / (at[k + 1] - at[k])
            assert drawn == pytest.approx(schedule(step), abs=1e-9), (settings, step, corners)


@needs_node
@pytest.mark.parametrize("schedule", [TargetKL(20), TargetKL(3.5), GECO(recon=90), GECO(recon=60)], ids=repr)
def test_the_page_draws_the_example_that_python_does(schedule: TargetKL | GECO) -> None:
    widget = vw.AnnealingSchedule(schedule, steps=700)
    body = (
        "const line = lib.lineOf(value); const { beta, recon, kl } = line.answer;"
        " return { code: lib.codeOf(lib.scheduleOf(value)), beta: [...beta], recon: [...recon], kl: [...kl],"
        " last: line.at(9999), corners: line.corners.at(-1) }"
    )
    page = in_node("widgets/annealing_schedule/schedules.js", body, dict(widget.view))
    here = answer(schedule, 700)
    for name in ("beta", "recon", "kl"):
        np.testing.assert_allclose(page[name], getattr(here, name), rtol=1e-9, err_msg=name)
    assert page["corners"] == [700, page["beta"][-1]]
    assert page["last"] == page["beta"][-1], "it stays where it was"
    assert page["code"] == widget.code()
    assert eval(page["code"], {"vw": vw}) == widget.schedule == schedule
    widget.close()


def test_the_example_is_an_optimum_and_is_held_where_it_can_be() -> None:
    for beta in (0.3, 1.0, 4.0):
        kl = kl_at(beta)
        near = [recon_at(one) + beta * one for one in (kl - 0.01, kl, kl + 0.01)]
        assert near[1] < min(near[0], near[2]), "recon + beta KL is least"
    assert kl_at(1.0) == pytest.approx(25, abs=0.1), "the docstring's figures"
    assert recon_at(0.0) == 206
    for target in (5.0, 20.0):
        assert answer(TargetKL(target), 2000).kl[-1] == pytest.approx(target, rel=0.01)
    assert answer(GECO(recon=90), 4000).recon[-1] == pytest.approx(90, rel=0.01)


def test_a_run_with_a_target_is_drawn_beside_it() -> None:
    data = vw.load_dataset("digits", n_train=128)
    run = vw.train(
        vw.MLPVAE(data.image_shape, hidden=(16,)),
        data,
        epochs=2,
        batch_size=64,
        beta=TargetKL(6),
        autosave=False,
    )
    run.wait(progress=False)
    widget = vw.AnnealingSchedule(TargetKL(6), run=run)
    recorded = widget.frame["recorded"]
    assert widget.schedule == TargetKL(6)
    np.testing.assert_allclose(unpack(recorded["recon"]), run.history["recon"], rtol=1e-6)
    figure = widget.figure()
    assert {line.get_gid() for line in figure.axes[0].lines} == {"beta", "recorded"}
    assert {line.get_gid() for line in figure.axes[1].lines} == {"kl", "target", "recorded"}
    widget.close()


def test_the_lectures_numbers() -> None:
    widget = vw.AnnealingSchedule("linear", steps=20, ratio=0.5)
    assert widget.schedule == LinearWarmup(0.0, 1.0, steps=10)
    losses = [0.4 + widget.schedule(epoch) * 1.2 for epoch in (1, 5, 10, 20)]
    assert losses == pytest.approx([0.52, 1.00, 1.60, 1.60])
    widget.close()


@pytest.mark.parametrize(
    "schedule",
    [
        vw.Constant(2.5),
        LinearWarmup(0.1, 2.0, steps=137),
        Cyclical(0.0, 1.0, period=250, rise=0.4),
        TargetKL(12.5),
        GECO(recon=80),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_schedule_goes_in_and_comes_out(schedule: Schedule) -> None:
    widget = vw.AnnealingSchedule(schedule)
    assert widget.schedule == schedule
    widget.close()


def test_what_is_drawn_is_what_trains() -> None:
    data = vw.load_dataset("digits", n_train=128)
    torch.manual_seed(0)
    model = vw.MLPVAE(data.image_shape, hidden=(16,))
    drawn = vw.AnnealingSchedule("linear", start=0.0, end=2.0, steps=8, ratio=0.5)
    run = vw.train(model, data, epochs=4, batch_size=64, beta=drawn.schedule, autosave=False).wait(
        progress=False
    )
    assert list(run.history["beta"]) == [drawn.schedule(step) for step in range(8)]
    widget = vw.AnnealingSchedule(run=run)
    recorded = widget.frame["recorded"]
    np.testing.assert_allclose(unpack(recorded["beta"]), run.history["beta"])
    assert widget.view["steps"] == 8
    assert widget.view["kl"] == pytest.approx(run.history["kl"][-1], rel=0.01)
    assert {line.get_gid() for line in widget.figure().axes[0].lines} == {"beta", "recorded"}
    widget.close()


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("linar",), {}, "Did you mean 'linear'"),
        (("linear",), {"steps": 0}, "steps is 0"),
        (("linear",), {"ratio": 0}, "ratio is 0"),
        (("linear",), {"end": -1}, "end is -1"),
        (("linear",), {"run": 3}, "expected a run"),
        ((Custom(lambda step: 1.0),), {}, "it draws Constant, LinearWarmup, Cyclical, TargetKL and GECO"),
        (("target_kl",), {"target_kl": 0}, "target_kl is 0"),
        (("geco",), {"target_recon": "x"}, "target_recon is 'x'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments: tuple, options: dict, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        vw.AnnealingSchedule(*arguments, **options)
