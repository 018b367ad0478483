"""Another run from the explorer's form: validated, built, shown; the one before as a ghost; its code."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from ipywidgets.widgets.widget import _remove_buffers

import vaewidgets as vw
from tests.widgets.test_contract import command, wait_until
from vaewidgets.contract.packing import unpack
from vaewidgets.errors import OptionError
from vaewidgets.live import points
from vaewidgets.live.feed import Feed
from vaewidgets.widgets.latent_explorer.new_run import (
    FIELDS,
    WHOLE_SETS,
    check_settings,
    form_state,
    make_run,
)

DIGITS = {"epochs": 2, "batch_size": 64, "autosave": False, "speed": None, "hidden": (16,)}


@pytest.fixture
def explorer() -> Iterator[vw.LatentExplorer]:
    widget = vw.LatentExplorer(vw.load_dataset("digits", n_train=256), **DIGITS)
    widget.run.wait(progress=False)
    yield widget
    widget.run.stop()
    widget.run.wait(progress=False)
    widget.close()


def settings(explorer: vw.LatentExplorer, **changed: Any) -> dict[str, Any]:
    form = explorer.frame["form"]
    return {**{name: form[name] for name in FIELDS}, **changed}


def start(explorer: vw.LatentExplorer, seq: int = 1, **changed: Any) -> vw.Run:
    before = explorer.run
    command(explorer, seq, "new_run", settings(explorer, **changed))
    wait_until(lambda: explorer.run is not before, "another run")
    wait_until(lambda: explorer.run.status == "finished", "it ends")
    wait_until(lambda: explorer.frame["run"]["status"] == "finished", "its last frame")
    return explorer.run


def test_the_form_starts_from_the_run(explorer: vw.LatentExplorer) -> None:
    form = explorer.frame["form"]
    assert settings(explorer) == {
        "dataset": "digits", "kind": "VAE", "likelihood": "bernoulli", "latent_dim": 2, "epochs": 2,
        "seed": 0, "batch_size": 64, "beta": 1.0, "lr": 1e-3,
    }  # fmt: skip
    assert {"digits", "shapes"} <= set(form["datasets"])


def test_another_likelihood_than_the_two_of_the_form_is_kept_with_its_options() -> None:
    data = vw.ArrayDataset(torch.poisson(torch.full((64, 9), 3.0)), draw="bars")
    options = {"hidden": (8,), "output": "softplus", "total_count": "dimension"}
    model = vw.MLPVAE(data.image_shape, likelihood="negative_binomial", **options)
    run = vw.train(model, data, batch_size=16, autosave=False, start=False)
    form = form_state(run, ())
    assert form["likelihoods"] == {"bernoulli": "BCE", "squared_error": "MSE"} | {
        "negative_binomial": "negative_binomial"
    }
    again = make_run(run, {name: form[name] for name in FIELDS})
    assert again.model.config() == model.config()
    other = make_run(run, {name: form[name] for name in FIELDS} | {"likelihood": "squared_error"})
    assert (other.model.likelihood, other.model.output) == ("squared_error", "identity")


def test_another_run_is_shown_and_the_one_before_stays(explorer: vw.LatentExplorer) -> None:
    old, seen = explorer.run, []
    explorer.observe(lambda change: seen.append(change["new"]), "run_id")
    new = start(explorer, latent_dim=5, likelihood="squared_error", beta=0.5, epochs=3, seed=7)
    wait_until(lambda: seen == [new.id], "Python hears of it")
    assert new is not old
    assert explorer.previous is old
    assert new.model.latent_dim == 5
    assert new.model.hidden == (16,)
    assert new.data is old.data
    assert new.likelihood.name == "squared_error"
    assert (new.epochs, new.options["seed"], new.current_beta) == (3, 7, 0.5)
    frame = explorer.frame
    assert frame["run"]["id"] == new.id
    assert frame["scatter"]["mode"] == "pca"
    assert len(unpack(frame["units"]["kl"])) == 5
    assert frame["form"]["latent_dim"] == 5
    assert explorer not in Feed.of(old).view.widgets
    assert explorer in Feed.of(new).view.widgets


def test_what_was_being_built_of_the_run_before_leaves_nothing_in_the_next(
    explorer: vw.LatentExplorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, build = explorer.run, points.scatter_state
    built, may_be_kept = threading.Event(), threading.Event()

    def slow(sample: Any, snapshot: Any, *rest: Any) -> Any:
        result = build(sample, snapshot, *rest)
        if snapshot.model.latent_dim == 2:  # of the run before
            built.set()
            may_be_kept.wait(10)
        return result

    monkeypatch.setattr(points, "scatter_state", slow)
    old.epochs = 3
    old.advance(1)
    assert built.wait(10)
    new = make_run(old, settings(explorer, latent_dim=5))
    showing = threading.Thread(target=explorer.show_run, args=(new,))
    showing.start()
    showing.join(1)  # it waits; one that does not has shown the other run by now
    may_be_kept.set()
    showing.join(10)
    new.advance(4)
    wait_until(lambda: explorer.frame["run"]["step"] == 4, "the other run is shown")
    assert explorer.frame["run"]["error"] is None
    assert explorer.frame["scatter"]["mode"] == "pca"


def test_the_page_still_knows_it_by_its_name(explorer: vw.LatentExplorer) -> None:
    name = explorer.get_state()["widget_id"]
    start(explorer, latent_dim=3, epochs=1)
    assert name
    assert explorer.get_state()["widget_id"] == name


def test_the_ghost_holds_the_last_numbers_and_is_bounded(explorer: vw.LatentExplorer) -> None:
    old = explorer.run
    start(explorer, latent_dim=3)
    ghost = explorer.frame["ghost"]
    assert ghost["setting"]["label"] == "latent_dim = 2"
    tests = old.recorder.epochs()[1]
    for name in ("loss", "recon", "kl"):
        assert ghost["numbers"][name] == {"value": pytest.approx(tests[f"test_{name}"][-1]), "split": "test"}
    units = old.active_units(n=500)
    assert ghost["active"] == {"kl": int(units.by_kl.sum()), "var": int(units.by_var.sum())}
    _, _, buffers = _remove_buffers(ghost)
    assert sum(map(len, buffers)) < 40_000
    explorer.view = {"ghost": False}
    wait_until(lambda: explorer.frame["ghost"] is None, "it is dismissed")
    assert explorer.previous is old
    start(explorer, 2, latent_dim=2)
    assert explorer.frame["ghost"]["setting"]["label"] == "latent_dim = 3"


def test_a_run_under_way_is_stopped_not_lost() -> None:
    explorer = vw.LatentExplorer(vw.load_dataset("digits", n_train=256), **{**DIGITS, "epochs": None})
    old = explorer.run
    wait_until(lambda: old.step > 5, "it trains")
    start(explorer, epochs=1)
    assert old.status == "stopped"
    assert len(old.history["loss"]) == old.step > 5
    explorer.close()


def test_an_autoencoder_and_other_data(explorer: vw.LatentExplorer) -> None:
    new = start(explorer, kind="AE", dataset="shapes", batch_size=512, epochs=1)
    assert type(new.model).__name__ == "Autoencoder"
    assert new.data.name == "shapes"
    assert new.data.image_shape == (1, 32, 32)
    assert "units" not in explorer.frame
    assert explorer.frame["run"]["error"] is None
    assert explorer.get_state()["originals"]["shape"][1:] == [1, 32, 32]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"latent_dim": 0}, "latent_dim"),
        ({"latent_dim": 2.5}, "whole number"),
        ({"epochs": "many"}, "epochs is 'many'"),
        ({"lr": -1}, "lr"),
        ({"batch_size": 10_000}, "batch_size"),
        ({"kind": "GAN"}, "'VAE', 'AE'"),
        ({"dataset": "digit"}, "Did you mean 'digits'"),
        ({"latent": 3}, "Did you mean 'latent_dim'"),
    ],
)
def test_what_cannot_be_started_is_said_in_the_panel(
    explorer: vw.LatentExplorer, changed: dict, message: str
) -> None:
    old = explorer.run
    command(explorer, 1, "new_run", settings(explorer, **changed))
    wait_until(lambda: message in (explorer.frame["run"]["error"] or ""), message)
    assert explorer.run is old
    start(explorer, 2, epochs=1)  # and it can be mended
    assert explorer.frame["run"]["error"] is None


def test_missing_settings_are_named() -> None:
    with pytest.raises(OptionError, match="also wants likelihood"):
        check_settings({name: 1 for name in FIELDS if name != "likelihood"} | {"kind": "VAE"})
    with pytest.raises(OptionError, match="as a dict"):
        check_settings([])


def run_code(code: str, monkeypatch: Any) -> vw.Run:
    """Run a cell's code and wait for what it trains."""
    space: dict[str, Any] = {}
    exec(compile(code, "cell", "exec"), space)
    run: vw.Run = space["run"]
    run.wait(progress=False)
    return run


def test_the_code_trains_the_same_run_again(explorer: vw.LatentExplorer, monkeypatch: Any) -> None:
    monkeypatch.setenv("VAEWIDGETS_AUTOSAVE", "0")
    run = start(explorer, latent_dim=3, likelihood="squared_error", beta=0.5, lr=2e-3, epochs=2, seed=11)
    code = explorer.code()
    assert code == explorer.frame["form"]["code"]
    assert "n_train=256" in code
    torch.manual_seed(99)
    again = run_code(code, monkeypatch)
    for name in ("loss", "recon", "kl", "beta", "lr"):
        np.testing.assert_allclose(again.history[name], run.history[name], rtol=1e-4)


def test_the_code_of_the_default_explorer_is_short_and_the_same(monkeypatch: Any) -> None:
    explorer = vw.LatentExplorer(epochs=1, speed=None, hidden=(8,), autosave=False)
    explorer.run.wait(progress=False)
    code = explorer.code()
    assert "vw.load_dataset('strokes')" in code
    again = run_code(code, monkeypatch)
    np.testing.assert_allclose(again.history["loss"], explorer.run.history["loss"], rtol=1e-4)
    explorer.close()


def test_the_code_says_what_it_cannot_know() -> None:
    data = vw.ImageDataset(torch.rand(64, 1, 8, 8), name="mine")
    model = vw.MLPVAE(data.image_shape, 2, hidden=(8,))
    run = vw.train(
        model, data, beta=vw.LinearWarmup(10), batch_size=32, epochs=1, start=False, autosave=False
    )
    code = vw.LatentExplorer(run).code()
    assert "your own ImageDataset, here named 'mine'" in code
    assert "# beta followed a schedule" in code
    constant = vw.train(
        vw.MLPVAE(data.image_shape, 2), data, beta=2.0, batch_size=32, start=False, autosave=False
    )
    constant.beta = 3.0
    turned = vw.LatentExplorer(constant).code()
    assert "beta=2" in turned
    assert "turned while it trained, to 3" in turned


def test_whole_sets_are_as_large_as_they_are_said_to_be() -> None:
    for name in ("digits", "shapes", "faces"):
        data = vw.load_dataset(name)
        assert (len(data.train), len(data.test)) == WHOLE_SETS[name]


def test_frames_stay_small_with_a_ghost(explorer: vw.LatentExplorer) -> None:
    start(explorer, latent_dim=4)
    state, _, buffers = _remove_buffers(explorer.get_state())
    plain = {key: value for key, value in state.items() if not key.startswith("_")}
    assert len(json.dumps(plain)) < 60_000
    assert sum(len(buffer) for buffer in buffers) < 6_000_000
