"""`LatentTracker` with the real accelerate."""

import warnings

import numpy as np
import pytest
import torch

from tests.integrations.small import Small, images
from tests.runs.conftest import make_data
from vaewidgets.errors import TrainingStopped
from vaewidgets.runs import attach

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    accelerate = pytest.importorskip("accelerate")
    from vaewidgets.integrations.accelerate import LatentTracker


def train(run, model, *, epochs=2):
    accelerator = accelerate.Accelerator(cpu=True, log_with=LatentTracker(run))
    accelerator.init_trackers("vae", {"latent_dim": 2})
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    loader = torch.utils.data.DataLoader(images(), batch_size=16)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    step, seen = 0, []
    for _ in range(epochs):
        for x in loader:
            terms = accelerator.unwrap_model(model).terms(x)
            optimizer.zero_grad()
            accelerator.backward(terms["loss"])
            optimizer.step()
            accelerator.log({f"train_{name}": value for name, value in terms.items()}, step=step)
            seen.append([value.item() for value in terms.values()])
            step += 1
        accelerator.log({"eval/loss": 3.0}, step=step)
    accelerator.end_training()
    return np.array(seen)


def test_what_the_accelerator_logs():
    model = Small()
    run = attach(model, make_data())
    seen = train(run, model)
    for name, wanted in zip(("loss", "recon", "kl"), seen.T, strict=True):
        np.testing.assert_allclose(run.history[name], wanted, rtol=1e-6)
    assert run.history["val_loss"].tolist() == [3.0, 3.0]
    assert run.history["epoch_step"].tolist() == [6, 12]
    assert (run.status, run.step, run.warning) == ("finished", 12, None)


def test_the_stop_button_ends_the_loop():
    model = Small()
    run = attach(model, make_data())
    run.log(loss=1.0)
    run.stop()
    with pytest.raises(TrainingStopped):
        train(run, model)


def test_a_fault_is_one_warning_and_ends_no_training(monkeypatch):
    model = Small()
    run = attach(model, make_data())
    monkeypatch.setattr(run, "log", lambda **_: 1 / 0)
    with pytest.warns(UserWarning, match="LatentTracker failed, and training goes on") as caught:
        assert len(train(run, model)) == 12
    assert len(caught) == 1
