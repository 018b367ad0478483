import gc
import signal
import threading
import tracemalloc

import numpy as np
import psutil
import pytest
import torch
from torch import nn

from tests.runs.conftest import make_data, make_model, wait_until
from vaewidgets import cells as cells_module
from vaewidgets.adapters import LossConvention
from vaewidgets.engine.snapshot import GoodWeights
from vaewidgets.errors import DataError, DivergedError, OptionError, ProtocolError, TrainingStopped
from vaewidgets.runs import Run, attach
from vaewidgets.runs.log_buffer import MAX_ROWS


class Chapter(nn.Module):
    """A model as lecture notes write it, with its own loop below."""

    latent_dim = 2

    def __init__(self, image_shape=(1, 4, 4)):
        super().__init__()
        torch.manual_seed(0)
        self.image_shape = image_shape
        self.down, self.up = nn.Linear(16, 4), nn.Linear(2, 16)

    def encode(self, x):
        return self.down(x.flatten(1)).chunk(2, 1)

    def decode(self, z):
        return torch.sigmoid(self.up(z)).view(-1, 1, 4, 4)

    def loss(self, x, beta=1.0):
        mu, logvar = self.encode(x)
        x_hat = self.decode(mu + torch.exp(0.5 * logvar) * torch.randn_like(mu))
        recon = nn.functional.binary_cross_entropy(x_hat, x, reduction="sum") / len(x)
        kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum() / len(x)
        return recon + beta * kl, recon, kl


def attached(model=None, **options):
    return attach(Chapter() if model is None else model, make_data(), **options)


def test_a_hand_written_loop():
    data, model = make_data(), Chapter()
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    run = attach(model, data)
    assert isinstance(run, Run)
    assert (run.status, run.can_train, run.step) == ("created", False, 0)
    rows = []
    for epoch in range(5):
        for i in range(0, 96, 16):
            loss, recon, kl = model.loss(data.train.images(slice(i, i + 16)))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.log(loss=loss, recon=recon, kl=kl, epoch=epoch)
            rows.append((loss.item(), recon.item(), kl.item()))
    assert run.status == "running"
    for name, wanted in zip(("loss", "recon", "kl"), np.array(rows).T, strict=True):
        np.testing.assert_allclose(run.history[name], wanted, rtol=1e-6)
    assert (run.step, run.epoch, run.epochs) == (30, 4, None)
    assert run.model.module is model
    assert repr(run) == "AttachedRun('Chapter on noise')"
    snapshot = run.snapshot()
    assert snapshot.step == 30
    torch.testing.assert_close(snapshot.model.module.up.weight, model.up.weight, check_stride=False)
    assert np.isfinite(run.evaluate()["loss"])
    run.finish()
    assert run.status == "finished"
    run.wait()


def test_what_is_logged_is_kept_as_it_was():
    """A loop may log a running sum and go on to add to it."""
    run = attached()
    total = torch.zeros(())
    for _ in range(5):
        total += 1
        run.log(loss=total)
    assert run.history["loss"].tolist() == [1, 2, 3, 4, 5]


def test_numbers_tensors_and_other_names_mix():
    run = attached()
    run.log(loss=1, recon=torch.tensor([[2.0]]), kl=np.float32(3), lr=1e-3, accuracy=torch.tensor(7))
    run.log(loss=torch.tensor(1.5, dtype=torch.float64), recon=2.5)
    run.log(kl=torch.tensor(4.0, requires_grad=True), recon=torch.tensor(5.0, dtype=torch.bfloat16))
    np.testing.assert_array_equal(run.history["loss"], [1, 1.5, np.nan])
    np.testing.assert_array_equal(run.history["recon"], [2, 2.5, 5])
    np.testing.assert_array_equal(run.history["kl"], [3, np.nan, 4])
    np.testing.assert_array_equal(run.history["accuracy"], [7, np.nan, np.nan])
    assert run.lr is None
    run.log(loss=1.0, lr=5e-4)
    assert run.history["step"].tolist() == [0, 1, 2, 3]
    assert run.lr == 5e-4
    assert not run.lr_is_controllable


def test_logging_waits_for_nothing(monkeypatch):
    """Between two flushes no value is read back from the device."""
    monkeypatch.setattr("vaewidgets.runs.attached.FLUSH_SECONDS", float("inf"))
    run = attached()
    run.log(loss=torch.tensor(1.0))

    def read(*args):
        raise AssertionError("a value was read back")

    with monkeypatch.context() as patch:
        for name in ("item", "cpu", "tolist", "numpy", "__float__", "__bool__"):
            patch.setattr(torch.Tensor, name, read)
        for _ in range(MAX_ROWS - 1):
            run.log(loss=torch.tensor(1.0), recon=torch.tensor(1.0), kl=torch.tensor(0.0), epoch=0)
    assert len(run.history["loss"]) == MAX_ROWS


@pytest.mark.parametrize(
    ("losses", "recon", "kl", "loss"),
    [
        (LossConvention(), 10.0, 2.0, 12.0),
        (LossConvention(recon="batch_sum", kl="batch_sum"), 80.0, 16.0, 96.0),
        (LossConvention(recon="pixel_mean", kl="latent_mean"), 10.0 / 16, 1.0, 12.0 / 16),
        (LossConvention(recon_factor=0.5, kl_sign=-1), 5.0, -2.0, 6.0),
        (LossConvention(kl_weight=0.25), 10.0, 0.5, 12.0),
    ],
)
def test_terms_are_shown_per_image_whatever_the_loop_s_reduction(losses, recon, kl, loss):
    run = attached(losses=losses)
    for batch_size in (8, 8):
        run.log(loss=torch.tensor(loss), recon=torch.tensor(recon), kl=kl, batch_size=batch_size)
    np.testing.assert_allclose(run.history["recon"], 10.0)
    np.testing.assert_allclose(run.history["kl"], 2.0)
    np.testing.assert_allclose(run.history["loss"], 12.0)


def test_each_step_is_divided_by_its_own_batch():
    run = attached(losses=LossConvention(recon="batch_sum", kl="batch_sum"))
    run.log(recon=80.0, kl=16.0, batch_size=8)
    run.log(recon=30.0, kl=6.0, batch_size=3)
    assert run.history["recon"].tolist() == [10, 10]
    assert run.history["kl"].tolist() == [2, 2]
    run.log(recon=30.0, kl=6.0)  # in mid-training this is said, not raised
    assert run.history["recon"].tolist()[:2] == [10, 10]
    assert np.isnan(run.history["recon"][2])
    assert np.isnan(run.history["kl"][2])
    assert "log needs batch_size=len(x)" in run.warning
    with pytest.raises(OptionError, match=r"log needs batch_size=len\(x\)"):
        attached(losses=LossConvention(recon="batch_sum", kl="batch_sum")).log(recon=30.0, kl=6.0)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (torch.zeros(3), r"log got recon of shape \(3,\); expected one number a step"),
        ("high", "log got recon of type str; expected a number or a 0-d tensor"),
    ],
)
def test_values_that_are_no_numbers(value, message):
    with pytest.raises(OptionError, match=message):
        attached().log(recon=value)


def test_beta_is_controllable_once_the_loop_reads_it():
    run = attached()
    assert not run.beta_is_controllable
    assert (run.current_beta, run.beta_description) == (1.0, "in your loop")
    run.log(loss=1.0)
    assert not run.beta_is_controllable
    for beta in (1.0, 1.0, 4.0, 0.5):
        run.beta = beta
        used = run.beta
        run.beta = 9.0  # turned while the step is under way: not in force yet
        assert used == beta
        run.log(loss=1.0)
    assert run.beta_is_controllable
    np.testing.assert_array_equal(run.history["beta"], [np.nan, 1.0, 1.0, 4.0, 0.5])
    run.beta = lambda step: step / 100
    assert run.beta == 0.05
    with pytest.raises(OptionError, match="expected a finite number"):
        run.beta = -1


def test_a_beta_that_is_logged():
    run = attached()
    run.log(loss=1.0, beta=0.25)
    assert (run.current_beta, run.beta_description) == (0.25, "0.25")
    assert run.history["beta"].tolist() == [0.25]
    assert not run.beta_is_controllable


class Loop(threading.Thread):
    """A user's loop in a thread, logging until it is told otherwise."""

    def __init__(self, run):
        super().__init__(daemon=True)
        self.run_, self.ended, self.quit = run, None, False

    def run(self):
        try:
            while not self.quit:
                self.run_.log(loss=float(self.run_.step), recon=1.0, kl=0.5)
        except BaseException as error:
            self.ended = error


def test_pause_advance_resume_and_stop_act_inside_log():
    run = attached()
    loop = Loop(run)
    loop.start()
    assert wait_until(lambda: run.step > 50)
    run.pause()
    run.pause()
    assert run.status == "paused"
    assert wait_until(lambda: run.is_halted)
    step = run.step
    assert len(run._recorder) == step
    run.advance(5)
    assert wait_until(lambda: run.status == "paused" and run.is_halted)
    assert run.step == step + 5
    run.resume()
    assert wait_until(lambda: run.step > step + 50)
    assert wait_until(lambda: run.steps_per_second > 0)
    run.stop()
    run.stop()
    loop.join(10)
    assert isinstance(loop.ended, TrainingStopped)
    assert f"stopped at step {run.step}, as asked" in str(loop.ended)
    assert run.status == "stopped"
    assert len(run._recorder) == run.step


def test_a_stopped_loop_may_be_run_again():
    run = attached()
    for _ in range(2):
        loop = Loop(run)
        step = run.step
        loop.start()
        assert wait_until(lambda step=step: run.step > step + 5)
        assert run.status == "running"
        run.stop()
        loop.join(10)
        assert isinstance(loop.ended, TrainingStopped)
    run.resume()
    assert run.status == "stopped", "nobody trains"


def test_training_stopped_is_shown_as_one_line():
    assert TrainingStopped("stopped")._render_traceback_() == ["stopped"]


def test_an_interrupt_leaves_a_paused_loop():
    run = attached()
    run.log(loss=1.0)
    run.pause()
    main = threading.main_thread().ident
    timer = threading.Timer(0.2, lambda: signal.pthread_kill(main, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run.log(loss=2.0)
    timer.join()
    assert run.status == "stopped"
    run.log(loss=3.0)
    assert run.status == "running"
    assert run.history["loss"].tolist() == [1, 2, 3]


def test_snapshots_are_taken_inside_log_only():
    run = attached()
    module = run.model.module
    inside = threading.Event()
    go = threading.Event()

    def loop():
        for i in range(1, 30):
            with torch.no_grad():
                module.up.weight.fill_(i)
                if i == 10:
                    inside.set()
                    go.wait(10)
                module.down.weight.fill_(i)
            run.log(loss=1.0)

    thread = threading.Thread(target=loop)
    thread.start()
    assert inside.wait(10)
    run.request_snapshot()
    asked = threading.Timer(0.05, go.set)
    asked.start()
    snapshot = run.snapshot()
    asked.join()
    thread.join(10)
    weights = snapshot.model.module
    assert weights.up.weight[0, 0] == weights.down.weight[0, 0] == 10
    assert snapshot.step == 10


def test_an_idle_loop_gives_its_newest_copy():
    run = attached()
    loop = Loop(run)
    loop.start()
    assert wait_until(lambda: run.last_good is not None)
    loop.quit = True
    loop.join(10)
    assert loop.ended is None
    assert run.snapshot(timeout=0.01).step > 0
    run.finish()
    assert run.snapshot(timeout=0).step == run.step


def log_until_bad(run, module, bad=6):
    for i in range(10):
        value = 1.0 if i < bad else float("nan")
        with torch.no_grad():
            module.up.weight.fill_(value)
        run.log(loss=1.0, recon=torch.tensor(value), kl=0.1)


def test_nan_is_a_gap_and_the_last_good_weights_are_kept(monkeypatch):
    monkeypatch.setattr("vaewidgets.runs.attached.FLUSH_SECONDS", 0.0)
    monkeypatch.setattr(GoodWeights, "_AT_MOST_EVERY", 0.0)
    monkeypatch.setattr(GoodWeights, "_SHARE", 1e9)
    run = attached()
    module = run.model.module
    log_until_bad(run, module)
    assert run.status == "running"
    assert run.error is None
    assert (
        "recon was NaN or infinite at step 6, and so was a term of each of the 3 steps since" in run.warning
    )
    np.testing.assert_array_equal(run.history["recon"], [1.0] * 6 + [np.nan] * 4)
    np.testing.assert_array_equal(run.history["loss"], [1.0] * 10)
    good = run.last_good
    assert 1 <= good.step <= 6
    assert torch.isfinite(good.model.module.up.weight).all()
    run.restore_last_good()
    assert torch.equal(module.up.weight, good.model.module.up.weight)
    run.log(loss=1.0)
    assert run.status == "running"


def test_a_bad_value_is_raised_where_the_loop_asks_for_it(monkeypatch):
    monkeypatch.setattr("vaewidgets.runs.attached.FLUSH_SECONDS", 0.0)
    monkeypatch.setattr(GoodWeights, "_AT_MOST_EVERY", 0.0)
    monkeypatch.setattr(GoodWeights, "_SHARE", 1e9)
    run = attached(on_bad_value="raise")
    module = run.model.module
    with pytest.raises(
        DivergedError, match=r"the recon was NaN or infinite at step 6.*restore_last_good"
    ) as caught:
        log_until_bad(run, module)
    assert (caught.value.step, caught.value.term) == (6, "recon")
    assert run.status == "failed"
    assert run.error_text.startswith("DivergedError")
    assert np.isfinite(run.history["recon"][:6]).all()
    assert len(run.history["recon"]) == 7
    good = run.last_good
    assert 1 <= good.step <= 6
    assert torch.isfinite(good.model.module.up.weight).all()
    run.restore_last_good()
    assert torch.equal(module.up.weight, good.model.module.up.weight)
    run.log(loss=1.0)
    assert run.status == "running"
    with pytest.raises(OptionError, match="log got recon of type str"):
        run.log(recon="high")
    with pytest.raises(OptionError, match="on_bad_value is 'ignore'; expected"):
        attached(on_bad_value="ignore")


def test_weights_that_are_spoilt_without_a_bad_loss_are_not_called_good(monkeypatch):
    monkeypatch.setattr("vaewidgets.runs.attached.FLUSH_SECONDS", 0.0)
    monkeypatch.setattr(GoodWeights, "_AT_MOST_EVERY", 0.0)
    monkeypatch.setattr(GoodWeights, "_SHARE", 1e9)
    run = attached()
    assert run.last_good is None
    with pytest.raises(OptionError, match="has no good weights to go back to"):
        run.restore_last_good()
    for i in range(8):
        if i == 4:
            with torch.no_grad():
                run.model.module.up.weight.fill_(float("inf"))
        run.log(loss=1.0)
    assert torch.isfinite(run.last_good.model.module.up.weight).all()


def log_many(run):
    for i in range(1, 200):
        run.log(loss=float("inf") if i >= 10 else 1.0, kl=float("nan") if i >= 12 else 0.0)


def test_nan_is_blamed_on_the_first_bad_step_of_many(monkeypatch):
    monkeypatch.setattr("vaewidgets.runs.attached.FLUSH_SECONDS", float("inf"))
    run = attached(on_bad_value="raise")
    run.log(loss=0.0)
    with pytest.raises(DivergedError, match="Log recon and kl, too") as caught:
        log_many(run)
    assert (caught.value.step, caught.value.term) == (10, "loss")
    assert "beta" not in str(caught.value), "nothing speaks for it"
    assert run.step <= MAX_ROWS + 1


def test_memory_stays_flat_over_100_000_steps():
    run = attached()
    loss = torch.tensor(1.0)

    def log(n):
        for _ in range(n):
            run.log(loss=loss, recon=loss, kl=loss)
        len(run.history["loss"])
        gc.collect()

    log(5_000)
    resident = psutil.Process().memory_info().rss
    tracemalloc.start(1)
    try:
        before = tracemalloc.get_traced_memory()[0]
        log(100_000)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    # three values and a step a row, at 8 bytes at most each, and a chunk that is not full
    assert grown < 100_000 * 4 * 8 + 16_384 * 4 * 8
    assert run.step == 105_000
    assert psutil.Process().memory_info().rss - resident < 48 * 2**20  # torch's own memory included


def log_and_raise(run, error):
    with run:
        run.log(loss=1.0)
        raise error


def test_a_context_finishes_it():
    with attached() as run:
        run.log(loss=1.0)
    assert run.status == "finished"
    for error, status, text in (
        (ZeroDivisionError("division by zero"), "failed", "ZeroDivisionError: division by zero"),
        (KeyboardInterrupt(), "stopped", None),
    ):
        run = attached()
        with pytest.raises(type(error)):
            log_and_raise(run, error)
        assert (run.status, run.error_text) == (status, text)


def test_a_cell_that_ends_ends_its_loop(monkeypatch):
    ended = []
    monkeypatch.setattr(
        "vaewidgets.runs.attached.at_cell_end", lambda callback: ended.append(callback) or (lambda: None)
    )
    run = attached()
    run.log(loss=1.0)
    (callback,) = ended
    heard = []
    run.add_listener(lambda: heard.append((run.status, len(run.history["loss"]))))
    run.log(loss=2.0)
    callback()
    assert run.status == "finished"
    assert heard[-1] == ("finished", 2)
    assert run.latest_snapshot.step == 2
    run.log(loss=3.0)
    assert run.status == "running"
    run.pause()
    callback()
    assert run.status == "paused", "the next cell's loop begins with a halt"
    assert cells_module.ipython_shell() is None


def test_waiting_for_it_elsewhere():
    run = attached()
    loop = Loop(run)
    loop.start()
    assert wait_until(lambda: run.step > 5)
    waiter = threading.Thread(target=run.wait)
    waiter.start()
    run.stop()
    waiter.join(10)
    assert not waiter.is_alive()
    loop.join(10)
    attached().wait()
    mine = attached()
    mine.log(loss=1.0)
    assert mine.wait() is mine, "who runs the loop does not wait for itself"


def test_bad_arguments():
    with pytest.raises(
        OptionError, match=r"data is of type list; expected an ImageDataset.*train_loader\.dataset"
    ):
        attach(Chapter(), [])
    with pytest.raises(ProtocolError, match="Chapter"):
        attach(Chapter(), make_data(shape=(1, 5, 5)))
    with pytest.raises(DataError, match="Bernoulli"):
        attach(make_model(), make_data(value_range=(-1.0, 1.0)))
    with pytest.raises(OptionError, match=r"n is .*; expected a whole number of at least 1"):
        attached().advance(0)


@pytest.mark.parametrize(("name", "value"), [("lr", 1e-3), ("epochs", 5), ("speed", 2.0)])
def test_what_the_loop_alone_decides(name, value):
    run = attached()
    assert getattr(run, name) is None
    with pytest.raises(OptionError, match=f"is trained by your own loop, which alone decides its {name}"):
        setattr(run, name, value)


def test_autosave(monkeypatch):
    monkeypatch.setattr("vaewidgets.runs.attached.FLUSH_SECONDS", 0.0)
    run = attached(autosave=True, autosave_seconds=0.001)
    run.log(loss=1.0)
    run.log(loss=2.0)
    run.finish()
    assert run.autosave_path.is_file()


def log_steps(run, losses, epoch):
    for loss in losses:
        run.log(loss=loss, recon=loss - 1, kl=1.0, epoch=epoch)


def test_a_loop_that_logs_its_epoch_has_means_by_epoch():
    run = attached()
    log_steps(run, (9.0, 7.0, 5.0), 0)
    log_steps(run, (4.0, 3.0, 2.0), 1)
    run.finish()
    history = run.history
    assert history["epoch"].tolist() == [1, 2]
    assert history["epoch_step"].tolist() == [3, 6]
    assert history["train_loss"].tolist() == [7.0, 3.0]
    assert history["train_recon"].tolist() == [6.0, 2.0]
    assert history["train_kl"].tolist() == [1.0, 1.0]
    assert run.epoch == 2
    log_steps(run, (1.0, 1.0, 1.0), 0)  # the loop is run again
    run.finish()
    assert run.history["train_loss"].tolist() == [7.0, 3.0, 1.0]


def test_half_an_epoch_is_no_epoch():
    run = attached()
    log_steps(run, (9.0, 7.0, 5.0), 0)
    log_steps(run, (4.0,), 1)
    run.finish()
    assert run.history["train_loss"].tolist() == [7.0]
    log_steps(run, (4.0, 3.0, 2.0), 1)
    run.finish()
    assert run.history["train_loss"].tolist() == [7.0, 3.0]
    assert run.history["epoch_step"].tolist() == [3, 7]


def test_a_loop_that_logs_no_epoch_has_none():
    run = attached()
    for _ in range(3):
        run.log(loss=1.0)
    run.finish()
    assert len(run.history["train_loss"]) == len(run.history["epoch"]) == 0
