"""`LatentCallback` with the real Lightning."""

import sys
import warnings

import numpy as np
import pytest
import torch

from tests.integrations.small import Small, images
from tests.runs.conftest import make_data
from vaewidgets.errors import DivergedError, OptionError
from vaewidgets.integrations.lightning import LatentCallback
from vaewidgets.runs import attach

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # deprecations of what Lightning imports
    lightning = pytest.importorskip("lightning.pytorch")
    import pytorch_lightning

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*LeafSpec.*"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers.*"),
    pytest.mark.filterwarnings("ignore:.*batch_size.*ambiguous.*"),
]
QUIET = {
    "logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "accelerator": "cpu",
    "enable_model_summary": False, "num_sanity_val_steps": 1, "max_epochs": 2,
}  # fmt: skip


class Lit(lightning.LightningModule):
    """Returns its terms, and keeps what it returned."""

    def __init__(self, vae=None):
        super().__init__()
        self.vae = vae or Small()
        self.latent_dim, self.encode, self.decode = 2, self.vae.encode, self.vae.decode
        self.seen = []

    def training_step(self, batch, index):
        terms = self.vae.terms(batch)
        self.seen.append({name: value.item() for name, value in terms.items()})
        return self.returned(terms)

    def returned(self, terms):
        return terms

    def validation_step(self, batch, index):
        self.log("val_loss", self.vae.terms(batch)["loss"] * 0 + 3.0)

    def test_step(self, batch, index):
        self.log("test/kld", self.vae.terms(batch)["kl"] * 0 + 2.0)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 1e-2)


def loader(n=96):
    return torch.utils.data.DataLoader(images()[:n], batch_size=16)


def fit(module, callback, *, trainer=lightning.Trainer, **options):
    trainer = trainer(**{**QUIET, "callbacks": [callback], **options})
    trainer.fit(module, loader(), loader(16))
    return trainer


def seen(module, name):
    return [row[name] for row in module.seen]


def test_steps_validation_and_test():
    module = Lit()
    run = attach(module, make_data())
    trainer = fit(module, LatentCallback(run))
    assert (run.status, run.step, run.epoch) == ("finished", 12, 2)
    for name in ("loss", "recon", "kl"):
        np.testing.assert_allclose(run.history[name], seen(module, name), rtol=1e-6)
    assert run.history["step"].tolist() == list(range(12))
    assert run.history["epoch_step"].tolist() == [6, 12]
    np.testing.assert_allclose(run.history["train_kl"][0], np.mean(seen(module, "kl")[:6]), rtol=1e-6)
    assert run.history["val_loss"].tolist() == [3.0, 3.0], "the sanity check before training is none"
    trainer.test(module, loader(16), verbose=False)
    assert run.history["test_kl"][-1] == 2.0
    assert (run.status, run.step, run.warning) == ("finished", 12, None)


def test_gradients_that_are_accumulated_are_one_step():
    module = Lit()
    run = attach(module, make_data())
    fit(module, LatentCallback(run), accumulate_grad_batches=3)
    wanted = np.array(seen(module, "loss")).reshape(4, 3).mean(1)
    np.testing.assert_allclose(run.history["loss"], wanted, rtol=1e-5)
    assert run.history["step"].tolist() == [0, 1, 2, 3]


class Logs(Lit):
    """Returns the loss alone and logs the others, under names of its own."""

    def returned(self, terms):
        self.log("train_mse", terms["recon"])
        self.log("train/kld", terms["kl"], on_step=True, on_epoch=True)
        self.log("kl_of_epoch", terms["kl"], on_epoch=True, on_step=False)
        return terms["loss"]


def test_terms_that_a_module_logs():
    module = Logs()
    run = attach(module, make_data())
    fit(module, LatentCallback(run, terms={"recon": "mse"}))
    for name in ("loss", "recon", "kl"):
        np.testing.assert_allclose(run.history[name], seen(module, name), rtol=1e-6)
    with pytest.raises(OptionError, match="terms got 'mse'; expected one of 'loss', 'recon', 'kl'"):
        LatentCallback(run, terms={"mse": "recon"})


class Manual(Lit):
    automatic_optimization = False

    def training_step(self, batch, index):
        terms = super().training_step(batch, index)
        self.optimizers().zero_grad()
        self.manual_backward(terms["loss"])
        self.optimizers().step()
        return {name: value.detach() for name, value in terms.items()}


def test_a_module_that_optimises_by_hand():
    module = Manual()
    run = attach(module, make_data())
    fit(module, LatentCallback(run), max_epochs=1)
    np.testing.assert_allclose(run.history["loss"], seen(module, "loss"), rtol=1e-6)


class OfTheOtherPackage(pytorch_lightning.LightningModule):
    training_step, configure_optimizers = Lit.training_step, Lit.configure_optimizers
    returned = Lit.returned

    def __init__(self):
        super().__init__()
        self.vae, self.seen = Small(), []
        self.latent_dim, self.encode, self.decode = 2, self.vae.encode, self.vae.decode


def test_the_package_may_be_either():
    module = OfTheOtherPackage()
    run = attach(module, make_data())
    callback = LatentCallback(run)
    assert isinstance(callback, lightning.Callback)
    assert isinstance(callback, pytorch_lightning.Callback)
    trainer = pytorch_lightning.Trainer(**{**QUIET, "callbacks": callback})  # not in a list
    trainer.fit(module, loader())
    assert run.step == 12


def test_the_first_that_is_installed_is_taken_where_none_is_loaded(monkeypatch):
    monkeypatch.delitem(sys.modules, "pytorch_lightning")
    assert not isinstance(LatentCallback(attach(Lit(), make_data())), pytorch_lightning.Callback)


def test_the_stop_button_ends_the_fit():
    module = Lit()
    run = attach(module, make_data())

    class Presses(lightning.Callback):
        def on_train_batch_end(self, *_):
            if run.step == 4:
                run.stop()

    trainer = fit(module, LatentCallback(run), callbacks=[Presses(), LatentCallback(run)])
    assert trainer.global_step == 5
    assert (run.status, run.step) == ("stopped", 5)


def test_a_fault_is_one_warning_and_ends_no_training(monkeypatch):
    module = Lit()
    run = attach(module, make_data())
    monkeypatch.setattr(run, "log", lambda **_: 1 / 0)
    with pytest.warns(UserWarning, match=r"LatentCallback failed, and training goes on") as caught:
        trainer = fit(module, LatentCallback(run))
    assert len([one for one in caught if "LatentCallback" in str(one.message)]) == 1
    assert trainer.global_step == 12


class Spoils(Lit):
    def returned(self, terms):
        return {**terms, "kl": terms["kl"] * float("nan")} if len(self.seen) == 3 else terms


def test_raising_is_a_choice():
    module = Spoils()
    run = attach(module, make_data())
    assert fit(module, LatentCallback(run)).global_step == 12
    assert "kl was NaN or infinite at step 2" in run.warning
    module = Spoils()
    run = attach(module, make_data(), on_bad_value="raise")
    callback = LatentCallback(run)
    with pytest.raises(DivergedError, match="kl"):
        fit(module, callback, max_epochs=100)
    assert run.status == "failed"


def test_a_run_that_goes_on_from_a_checkpoint_starts_where_it_starts(tmp_path):
    module = Lit()
    fit(module, LatentCallback(attach(module, make_data()))).save_checkpoint(tmp_path / "last.ckpt")
    module = Lit()
    run = attach(module, make_data())
    trainer = lightning.Trainer(**{**QUIET, "callbacks": [LatentCallback(run)], "max_epochs": 3})
    trainer.fit(module, loader(), loader(16), ckpt_path=tmp_path / "last.ckpt", weights_only=False)
    assert run.history["step"].tolist() == [*range(12, 18)]


def test_it_wants_a_run():
    with pytest.raises(OptionError, match=r"run = vw.attach\(module, data\)"):
        LatentCallback(make_data())
