"""`LatentCallback` with Hugging Face's real `Trainer`."""

import warnings

import numpy as np
import pytest

from tests.integrations.small import Small, images
from tests.runs.conftest import make_data
from vaewidgets.runs import attach

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # deprecations of what transformers imports
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    from transformers.utils import ModelOutput

    from vaewidgets.integrations.transformers import LatentCallback

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*pin_memory.*"),
    pytest.mark.filterwarnings("ignore:.*use_cpu.*"),
]


class HfVAE(Small):
    """Returns an output with its terms, under names of its own, and keeps them."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, pixel_values, labels=None):
        terms = self.terms(pixel_values)
        if self.training:
            self.seen.append({name: value.item() for name, value in terms.items()})
        return self.output(terms)

    def output(self, terms):
        return ModelOutput(loss=terms["loss"], reconstruction_loss=terms["recon"], kld=terms["kl"])


class WithoutLoss(HfVAE):
    def output(self, terms):
        return {"recon": terms["recon"], "kl": terms["kl"]}


class ComputesLoss(transformers.Trainer):
    def compute_loss(self, model, inputs, return_outputs=False, **_):
        out = model(**inputs)
        loss = out["recon"] + out["kl"]
        return (loss, out) if return_outputs else loss


def train(model, folder, *, callbacks=None, trainer=transformers.Trainer, **options):
    options = {
        "num_train_epochs": 2, "per_device_train_batch_size": 16, "logging_steps": 3, "report_to": [],
        "save_strategy": "no", "disable_tqdm": True, "use_cpu": True, "eval_strategy": "epoch", **options,
    }  # fmt: skip
    run = attach(model, make_data())
    data = [{"pixel_values": image, "labels": 0} for image in images()]  # without any no eval_loss
    args = transformers.TrainingArguments(folder, **options)
    own = trainer(
        model, args, train_dataset=data, eval_dataset=data[:16], callbacks=callbacks or [LatentCallback(run)]
    )
    own.remove_callback(transformers.PrinterCallback)
    own.train()
    return run, own


def seen(model, name):
    return np.array([row[name] for row in model.seen])


def test_steps_and_evaluations(tmp_path):
    model = HfVAE()
    run, own = train(model, tmp_path)
    assert (run.status, run.step) == ("finished", 12)
    for name in ("loss", "recon", "kl"):
        values = run.history[name]
        np.testing.assert_allclose(values[np.isfinite(values)], seen(model, name), rtol=1e-6)
    assert run.history["epoch_step"].tolist() == [6, 12]
    np.testing.assert_allclose(run.history["train_kl"][1], seen(model, "kl")[6:].mean(), rtol=1e-6)
    evaluated = [row["eval_loss"] for row in own.state.log_history if "eval_loss" in row]
    np.testing.assert_allclose(run.history["val_loss"], evaluated, rtol=1e-6)
    assert run.lr == pytest.approx(own.state.log_history[-3]["learning_rate"])
    assert not {name for name in run.history if "runtime" in name or "second" in name}
    assert not model._forward_hooks
    assert run.warning is None


def test_gradients_that_are_accumulated_are_one_step(tmp_path):
    model = HfVAE()
    run, _ = train(model, tmp_path, gradient_accumulation_steps=3, eval_strategy="no")
    values = run.history["loss"]
    np.testing.assert_allclose(
        values[np.isfinite(values)], seen(model, "loss").reshape(4, 3).mean(1), rtol=1e-5
    )
    assert sorted({*run.history["step"].tolist()}) == [0, 1, 2, 3]


def test_a_loss_that_the_trainer_computes(tmp_path):
    model = WithoutLoss()
    run, _ = train(model, tmp_path, trainer=ComputesLoss)
    losses = run.history["loss"]
    wanted = (seen(model, "recon") + seen(model, "kl")).reshape(4, 3).mean(1)
    np.testing.assert_allclose(losses[np.isfinite(losses)], wanted, rtol=1e-4)
    assert set(run.history["step"][np.isfinite(losses)]) == {2, 5, 8, 11}


def test_the_stop_button_ends_the_training(tmp_path):
    model = HfVAE()
    run = attach(model, make_data())

    class Presses(transformers.TrainerCallback):
        def on_step_end(self, args, state, control, **_):
            if state.global_step == 4:
                run.stop()

    _, own = train(model, tmp_path, callbacks=[Presses(), LatentCallback(run)])
    assert (own.state.global_step, run.status) == (4, "stopped")


def test_a_fault_is_one_warning_and_ends_no_training(tmp_path, monkeypatch):
    model = HfVAE()
    run = attach(model, make_data())
    monkeypatch.setattr(run, "log", lambda **_: 1 / 0)
    with pytest.warns(UserWarning, match="LatentCallback failed, and training goes on") as caught:
        _, own = train(model, tmp_path, callbacks=[LatentCallback(run)])
    assert len([one for one in caught if "LatentCallback" in str(one.message)]) == 1
    assert own.state.global_step == 12
