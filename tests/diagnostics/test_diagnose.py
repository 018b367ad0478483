"""The verdict on a run: made-up curves for each rule, and planted trainings on small digits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from vaewidgets.data import load_dataset
from vaewidgets.diagnostics import RunStats, active_units, diagnose, run_stats, unit_lives
from vaewidgets.errors import DivergedError
from vaewidgets.models import MLPVAE
from vaewidgets.runs import train


def curves(n=1000, *, level=100.0, start=500.0, decay=50.0, kl=20.0, beta=1.0, test_recon=None):
    """A history that falls exponentially from `start` to `level`."""
    recon = level + (start - level) * np.exp(-np.arange(n) / decay)
    kl = np.full(n, kl)
    history = {"recon": recon, "kl": kl, "loss": recon + beta * kl, "beta": np.full(n, beta)}
    if test_recon is not None:
        history |= {"train_recon": recon[-1:], "test_recon": np.array([test_recon])}
    return history


def stats(*, train=0.9, test=0.88, used=8, dims=8, off=0.1):
    """A model that explains so much, with `used` of `dims` units in use."""
    mu = torch.zeros(1000, dims)
    mu[:, :used] = torch.randn(1000, used, generator=torch.Generator().manual_seed(0))
    return RunStats(
        n_train=1000,
        n_test=1000,
        train_recon=100.0,
        test_recon=102.0,
        train_explained=train,
        test_explained=test,
        units=active_units(mu, torch.zeros(1000, dims)),
        marginal_kl=off,
        value_unit="nats",
    )


@pytest.mark.parametrize(
    ("history", "measured", "verdict", "reason"),
    [
        (curves(), stats(), "healthy", "levelled off"),
        (curves(), stats(used=0, train=0.0, test=0.0), "posterior collapse", "none of the 8 units"),
        (curves(), stats(used=0, train=0.95, test=0.95), "posterior collapse", "none of the 8 units"),
        (curves(), stats(used=1, train=0.1, test=0.1), "posterior collapse", "1 of 8 units are used"),
        (curves(), stats(train=0.1, test=0.1), "under-fitting", "explain 10 % of the pixels' variance"),
        (curves(), stats(train=0.98, test=0.8), "memorising", "10.0 times as much variance"),
        (
            curves(),
            stats(off=16.0),
            "memorising",
            "is 2.00 nats per active unit",
        ),
        (curves(decay=400.0), stats(), "under-fitting", "still falling"),
        # what is unused so early may yet come to life
        (curves(decay=400.0), stats(used=0, train=0.0, test=0.0), "under-fitting", "still falling"),
        (curves(n=5), stats(), "under-fitting", "only 5 steps"),
        (curves(level=2000.0), stats(), "diverged", "3.88 times what it was at the start"),
        # grey everywhere, as before training
        (curves(n=20, decay=100.0), stats(train=-3.0, test=-3.0), "under-fitting", "still falling"),
        (curves(), None, "healthy", "levelled off"),
        (curves(kl=0.01), None, "posterior collapse", "KL is 0.010 nats"),
        (curves(test_recon=150.0), None, "memorising", "by 12.5 % of the improvement"),
        (curves(test_recon=101.0), None, "healthy", "levelled off"),
        ({}, None, "under-fitting", "only 0 steps"),
    ],
)
def test_each_rule(history, measured, verdict, reason):
    found = diagnose(history, measured)
    assert found.verdict == verdict
    assert reason in found.evidence[0]
    assert bool(found.advice) == (verdict != "healthy")
    assert repr(found).startswith(f"Diagnosis: {verdict}\n  - {found.evidence[0]}")


def test_a_rising_beta_is_not_taken_for_learning_or_for_divergence():
    # recon rises as beta does, the loss at the last beta is level
    history = curves(kl=30.0)
    history["beta"] = np.linspace(0, 4, 1000)
    history["recon"][500:] += 10.0
    history["kl"][500:] -= 2.5
    history["loss"] = history["recon"] + history["beta"] * history["kl"]
    assert diagnose(history, stats()).verdict == "healthy"


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_what_is_not_finite_has_diverged(bad):
    history = curves(n=50)
    history["loss"][-1] = bad
    found = diagnose(history)
    assert (found.verdict, found.evidence[0]) == ("diverged", "the loss became NaN or infinite at step 49")


def test_a_step_that_recorded_no_loss_has_not_diverged():
    history = curves()
    for name in ("loss", "recon", "kl"):
        history[name][10] = np.nan
    assert diagnose(history, stats()).verdict == "healthy"


def test_a_loop_that_logs_its_loss_alone():
    falling = {"loss": curves(decay=400.0)["loss"]}
    assert "still falling" in diagnose(falling, stats()).evidence[0]
    found = diagnose({"loss": curves()["loss"]}, stats())
    assert found.verdict == "healthy"
    assert np.isnan(found.measurements.kl)
    assert diagnose({"loss": curves()["loss"]}).verdict == "healthy"


def test_the_error_is_believed():
    error = DivergedError("…", step=3, term="kl")
    found = diagnose(curves(n=3), error=error)
    assert (found.verdict, found.evidence[0]) == ("diverged", "the kl became NaN or infinite at step 3")


@pytest.mark.parametrize(
    ("unit", "words"),
    [
        ("nats", "recon 100.00 nats, KL 20.00 nats per image"),
        ("squared error", "recon 100.00 (squared error), KL 20.00 nats per image"),
        ("as logged", "recon 100.00 as logged, KL 20.00 nats per image"),
    ],
)
def test_recon_has_the_unit_of_its_likelihood(unit, words):
    found = diagnose(curves(), replace(stats(), value_unit=unit))
    assert found.evidence[1].startswith(words)
    assert diagnose(curves()).evidence[1].startswith("recon 100.00, KL"), "it is not known"


def test_deaths_are_told():
    lives = unit_lives([0, 10, 20], [[1.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    text = repr(diagnose(curves(), stats(used=4), lives=lives))
    assert "note: units died: z₂ at step 10" in text
    assert "note: 4 of 8 units are collapsed: a smaller latent_dim would do as well" in text
    assert "lower β (now 4)" in repr(diagnose(curves(beta=4.0), stats(used=4)))


def test_the_same_thresholds_on_curves_say_that_the_model_was_not_measured():
    assert "curves alone" in repr(diagnose(curves()))
    assert "curves alone" not in repr(diagnose(curves(), stats()))


SMALL = {"hidden": (64,), "epochs": 60, "beta": 1.0, "lr": 1e-3, "n": None}
PLANTED = {
    "healthy": {},
    "posterior collapse": {"beta": 50.0},
    "memorising": {"beta": 1e-3, "hidden": (512, 256), "n": 300, "epochs": 100},
    "under-fitting": {"epochs": 1},
    "diverged": {"lr": 10.0},
}


@pytest.mark.parametrize("verdict", PLANTED)
def test_planted_trainings_on_digits_of_8_by_8(verdict):
    case = SMALL | PLANTED[verdict]
    data = load_dataset("digits", size=8, n_train=case["n"])
    torch.manual_seed(20)
    model = MLPVAE(data.image_shape, latent_dim=8, hidden=case["hidden"])
    run = train(
        model,
        data,
        epochs=case["epochs"],
        beta=case["beta"],
        lr=case["lr"],
        batch_size=32,
        seed=20,
        eval_every=10,
        autosave=False,
    )
    try:
        run.wait(progress=False)
    except DivergedError:
        assert verdict == "diverged"
    found = diagnose(run.history, run_stats(run.snapshot().model, data), error=run.error)
    assert found.verdict == verdict, repr(found)
