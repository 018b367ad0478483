"""The audit of a loop: where its words stand, what it costs, and that it never disturbs."""

from __future__ import annotations

import contextlib
import threading
import warnings

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.experiments.audit_loops import FAMILIES, ROWS, Row, images, looking_often, loop
from tests.experiments.audit_table import outcome
from tests.runs.conftest import make_data, make_model, start
from vaewidgets.diagnostics import Audit
from vaewidgets.errors import OptionError
from vaewidgets.runs import auditor as module
from vaewidgets.runs.auditor import Auditor
from vaewidgets.sections.state import run_state

MLP = FAMILIES["mlp Bernoulli"]
MEANS = ROWS["both means"]
LINE = 'losses=vw.LossConvention(recon="pixel_mean", kl="latent_mean")'


@pytest.fixture(scope="module")
def run_of_means():
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        run = loop(MLP, MEANS, steps=250)
    return run, [str(one.message) for one in said]


def test_the_words_stand_in_the_warning_the_message_the_diagnosis_and_once_on_the_console(run_of_means):
    run, said = run_of_means
    assert LINE in run.warning
    assert "the beta in force is 5.33, not 0.5" in run.warning
    assert run_state(run)["error"] == run.warning
    assert len([one for one in said if LINE in one]) == 1
    found = run.diagnose()
    assert LINE in found.notes[0]
    assert found.measurements.recon > 10, "as the model gives it, and not 0.4 an image"
    assert found.measurements.beta == pytest.approx(0.5 * 64 / 6)


def test_an_audit_on_demand_has_the_numbers(run_of_means):
    run, _ = run_of_means
    found = run.audit()
    assert isinstance(found, Audit)
    assert LINE in found.code
    recon, kl = found.terms
    assert recon.ratio == pytest.approx(1 / 64, rel=0.1)
    assert kl.ratio == pytest.approx(1 / 6, rel=0.3)
    assert found.beta == pytest.approx(0.5 * 64 / 6)
    assert found.steps[-1] == run.step
    assert "Audit: misread" in repr(found)


def test_the_line_makes_it_right():
    losses = vw.LossConvention(recon="pixel_mean", kl="latent_mean")
    run = loop(MLP, MEANS, steps=250, losses=losses)
    assert run.warning is None
    found = run.audit()
    assert found.verdict == "agrees"
    assert found.beta == pytest.approx(0.5 * 64 / 6)


@pytest.mark.parametrize("row", ["both summed over an unknown batch", "spread: std", "GradScaler"])
def test_rows_of_the_table(row):
    assert outcome(ROWS[row], MLP, 0, steps=300)[0] == "right"


@pytest.mark.parametrize("seed", range(5))
def test_a_healthy_loop_gets_no_word(seed):
    family = FAMILIES["conv" if seed % 2 else "mlp Bernoulli"]
    run = loop(family, ROWS["healthy"], seed=seed, steps=60)
    assert run.warning is None
    assert run.audited is None
    assert run.audit().words == ""


def test_a_run_of_ours_agrees():
    data = make_data()
    with start(data, make_model(data), epochs=20) as run:
        run.wait(progress=False)
        assert run.audit().verdict == "agrees"
        assert run.audited is None


def test_it_speaks_while_the_loop_goes_on(monkeypatch):
    found = []
    real = Auditor.watch

    def watch(self, *args, is_last=False):
        real(self, *args, is_last=is_last)
        if not is_last:
            found.append(self.text)

    monkeypatch.setattr(Auditor, "watch", watch)
    threads = threading.active_count()
    with looking_often():
        loop(MLP, ROWS["recon averaged over pixels"], steps=120)
    assert found[-1] is not None
    assert 'recon="pixel_mean"' in found[-1]
    assert found[:2] == [None, None], "said after three looks"
    assert threading.active_count() == threads


def test_with_the_batch_itself_the_noise_is_that_of_z_alone():
    data = images((0.0, 1.0))
    torch.manual_seed(0)
    model = MLP.make("logvar")
    run = vw.attach(model, data, spread="logvar")
    x_all = data.train.images(slice(None))
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for _ in range(40):
        x = x_all[torch.randint(len(x_all), (32,))]
        mu, logvar = model.encode(x)
        recon = MLP.recon(model.decode(mu + (0.5 * logvar).exp() * torch.randn_like(mu)), x).mean()
        kl = 0.5 * (mu.square() + logvar.exp() - logvar - 1).sum(1).mean()
        optimizer.zero_grad()
        (recon + kl).backward()
        optimizer.step()
        run.log(loss=recon + kl, recon=recon / 64, kl=kl, x=x)
    (look,) = [run._auditor.look(run.model, run.recorder, run.step, images=64)]
    assert look.is_exact
    assert look.facts.batch_size == 32
    run._auditor.batch = None
    other = run._auditor.look(run.model, run.recorder, run.step, images=32)
    assert look.recon[look.own].error < other.recon[other.own].error
    assert not other.is_exact
    run._auditor.batch = x
    run.finish()
    assert 'recon="pixel_mean"' in run.warning


def test_the_loop_s_random_numbers_and_running_means_stay_its_own():
    def weights(looking):
        with looking:
            run = loop(FAMILIES["conv"], Row(), steps=50)
        return [t.clone() for t in run.model.module.state_dict().values()], len(run._auditor.looks)

    with_looks, n = weights(looking_often())
    without, m = weights(contextlib.nullcontext())
    assert n > m
    assert all(map(torch.equal, with_looks, without))


def test_a_model_that_cannot_be_measured_ends_no_loop(monkeypatch):
    def fails(*args, **options):
        raise RuntimeError("no")

    monkeypatch.setattr(module, "look_at", fails)
    run = loop(MLP, ROWS["healthy"], steps=40)
    assert run.status == "finished"
    assert "the loss could not be audited: RuntimeError: no" in run.warning


def test_made_up_numbers_of_a_model_that_does_not_change_are_not_judged():
    data = images((0.0, 1.0))
    run = vw.attach(MLP.make("logvar"), data, spread="logvar")
    for _ in range(40):
        run.log(loss=5.0, recon=4.0, kl=1.0)
    run.finish()
    assert run.warning is None
    assert run.audit().is_finding, "asked for, it says what it sees"


def test_without_data_nothing_can_be_measured(tmp_path):
    data = make_data()
    with start(data, make_model(data), epochs=1) as run:
        run.wait(progress=False)
        run.save(tmp_path / "run.safetensors")
    with pytest.raises(OptionError, match="without its data"):
        vw.load_run(tmp_path / "run.safetensors").audit()


def test_its_share_of_the_time_is_bounded(monkeypatch):
    clock = [0.0]
    model = MLP.make("logvar")
    run = vw.attach(model, images((0.0, 1.0)), spread="logvar")
    auditor, recorder = Auditor(run.model, run.data, run.losses), run.recorder
    recorder.extend(np.arange(1000), {"kl": np.ones(1000)})
    torch.nn.init.zeros_(model.back[2].weight)  # an update
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])

    def look(*args, **options):
        clock[0] += 0.2
        return real(auditor, *args, **options)

    real = Auditor.look
    monkeypatch.setattr(auditor, "look", look)
    assert not auditor.is_due(1000), "no time has gone by that would pay for it"
    while clock[0] < 1000:
        clock[0] += 0.1
        if auditor.is_due(10_000):
            auditor.watch(lambda: run.model, recorder, 1000)
    assert auditor.spent >= 4 * 0.2, "the test proves nothing"
    assert auditor.spent <= module.SHARE * clock[0]


def test_a_loss_that_only_the_loop_knows_leaves_the_kl_to_compare():
    with looking_often():
        run = loop(MLP, ROWS["kl averaged over dimensions"], steps=100, likelihood="own")
        (term,) = run.audit().terms
    assert term.name == "kl", "recon is known as logged alone"
    assert 'kl="latent_mean"' in run.warning
    with looking_often():
        other = loop(MLP, ROWS["another prior"], steps=100, likelihood="own")
    assert other.audit().verdict == "unexplained"
    assert "KL is logged as" in other.warning


def test_a_loop_is_measured_in_the_mode_that_it_logs_in(monkeypatch):
    """Batch norm and dropout give another recon once the loop has ended, and the model evaluates."""
    monkeypatch.setattr("vaewidgets.runs.attached.FLUSH_SECONDS", 0.0)
    seen = []
    real = Auditor.look

    def look(self, model, *args, **options):
        seen.append([layer.training for layer in model.modules()])
        return real(self, model, *args, **options)

    monkeypatch.setattr(Auditor, "look", look)
    model = FAMILIES["conv"].make("logvar")
    run = vw.attach(model, images((0.0, 1.0)), spread="logvar")
    for _ in range(10):
        torch.nn.init.normal_(model.to_mu.bias)
        run.log(recon=40.0, kl=1.0)
    model.eval()
    torch.nn.init.zeros_(model.back[-2].weight)  # an update
    run.finish()
    run.audit()
    assert not any(layer.training for layer in model.modules())
    assert len(seen) == 2
    assert all(map(all, seen))
