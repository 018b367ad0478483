import threading

import numpy as np
import pytest
import torch
from torch import nn

from tests.runs.conftest import make_data, start, wait_until
from vaewidgets.engine.engine import diverged
from vaewidgets.engine.optimizers import Mask
from vaewidgets.errors import DivergedError, OptionError
from vaewidgets.runs import load_run

NAN, INF = float("nan"), float("inf")


class Planted(nn.Module):
    """A model in which something becomes NaN or infinite at a step."""

    latent_dim, likelihood, image_shape = 2, "bernoulli", (1, 4, 4)

    def __init__(self, term, at, batch_norm=False):
        super().__init__()
        torch.manual_seed(0)
        self.down = nn.Linear(16, 4)
        self.norm = nn.BatchNorm1d(4) if batch_norm else nn.Identity()
        self.up = nn.Linear(2, 16)
        self.term, self.at, self.calls = term, at, 0
        self.before = None

    def encode(self, x):
        if self.training:
            if self.calls == self.at:
                self.before = [t.detach().clone() for t in self.state_dict().values()]
            self.calls += 1
        bad = self.training and self.calls == self.at + 1
        x = x.flatten(1)
        if bad and self.term == "input":
            x = x * float("nan")
        mu, logvar = self.norm(self.down(x)).chunk(2, 1)
        if bad and self.term == "kl":
            logvar = logvar + 1000.0
        return mu, logvar

    def decode_raw(self, z):
        bad = self.training and self.calls == self.at + 1
        if bad and self.term == "recon":
            z = z * float("nan")
        raw = self.up(z)
        if bad and self.term == "gradient":
            # finite forwards, infinite backwards
            raw = raw + (raw * 0).abs().sqrt()
        return raw.view(-1, 1, 4, 4)

    def decode(self, z):
        return torch.sigmoid(self.decode_raw(z))


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "adagrad"])
@pytest.mark.parametrize("at", [0, 500])
def test_a_nan_planted_at_a_step_leaves_the_weights_before_it(optimizer, at):
    model = Planted("recon", at)
    run = start(model=model, optimizer=optimizer, epochs=200, eval_every=0)
    with pytest.raises(DivergedError, match=f"recon was NaN or infinite at step {at}") as caught:
        run.wait()
    assert (caught.value.step, caught.value.term) == (at, "recon")
    assert run.status == "failed"
    assert run.step == at
    for now, before in zip(model.state_dict().values(), model.before, strict=True):
        assert torch.isfinite(now).all()
        assert torch.equal(now, before)
    assert len(run.history["loss"]) == at
    assert all(np.isfinite(run.history[name]).all() for name in ("loss", "recon", "kl") if at)
    assert run.snapshot().step == at
    assert run.error_text.startswith("DivergedError: training diverged")


@pytest.mark.parametrize(
    ("term", "blamed", "cause"),
    [
        ("recon", "recon", "a decoder running away"),
        ("input", "kl", "pixels not scaled to value_range"),
        ("kl", "kl", "logvar running away"),
        ("gradient", "gradient", "sqrt, log or a division at 0"),
    ],
)
def test_the_message_names_the_term_and_its_usual_cause(term, blamed, cause):
    run = start(model=Planted(term, 20), epochs=200, eval_every=0)
    with pytest.raises(DivergedError, match=cause) as caught:
        run.wait()
    assert caught.value.term == blamed
    assert caught.value.step == 20


@pytest.mark.parametrize(
    ("terms", "term", "cause"),
    [
        ([NAN, NAN, NAN, NAN], "kl", "logvar running away"),
        ([INF, 1.0, INF, 1.0], "kl", "logvar running away"),
        ([INF, INF, 1.0, NAN], "recon", "a decoder running away"),
        ([INF, 1.0, 1.0, NAN], "loss", "a term of the objective beside recon and the KL"),
        ([2.0, 1.0, 1.0, NAN], "gradient", "sqrt, log or a division at 0"),
    ],
)
def test_which_term_is_blamed(terms, term, cause):
    error = diverged(7, np.array(terms))
    assert (error.step, error.term) == (7, term)
    assert f"the {term} was NaN or infinite at step 7. The usual cause is" in str(error)
    assert cause in str(error)


@pytest.mark.parametrize(("beta", "blamed"), [(1e38, True), (INF, True), (1e6, False), (1.0, False)])
def test_beta_is_blamed_only_where_it_is_the_cause(beta, blamed):
    error = diverged(7, np.array([INF, 1.0, 9.0, NAN]), beta)
    assert error.term == "loss"
    assert (f"beta: {beta:g} times a KL of 9 is beyond float32" in str(error)) is blamed
    assert ("beta" in str(error)) is blamed


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_running_statistics_are_put_back_too(optimizer):
    model = Planted("input", 30, batch_norm=True)
    run = start(model=model, optimizer=optimizer, epochs=200, eval_every=0)
    with pytest.raises(DivergedError):
        run.wait()
    for now, before in zip(model.state_dict().values(), model.before, strict=True):
        assert torch.isfinite(now).all()
        assert torch.equal(now, before)


@pytest.mark.parametrize("name", ["Adam", "AdamW", "SGD", "Adagrad", "RMSprop"])
def test_the_mask_works_for_optimisers_that_know_nothing_of_it(name):
    weight = nn.Parameter(torch.ones(3))
    optimizer = getattr(torch.optim, name)([weight], lr=0.1)
    mask = Mask(optimizer, [weight], [])
    seen = []
    for loss in (1.0, float("inf"), 2.0):
        weight.grad = torch.full((3,), loss)
        mask.look(torch.tensor([loss, 1.0]))
        optimizer.step()
        mask.settle()
        seen.append(weight.detach().clone())
    assert not torch.equal(seen[0], torch.ones(3))
    assert torch.equal(seen[1], seen[0])
    assert torch.equal(seen[2], seen[0])


def test_a_diverged_run_does_not_go_on():
    run = start(model=Planted("recon", 3), epochs=200, eval_every=0)
    assert wait_until(lambda: run.status == "failed")
    with pytest.raises(OptionError, match="diverged at step 3 and cannot go on"):
        run.resume()


def test_who_saves_in_between_does_not_hide_it(tmp_path, monkeypatch):
    """Saving reads back what was measured, the bad step too; the loop must end with it all the same."""
    monkeypatch.setattr("vaewidgets.engine.engine.FLUSH_SECONDS", 1e9)
    model = Planted("recon", 4)
    reached, go_on = threading.Event(), threading.Event()
    encode = model.encode

    def stopping(x):
        if model.training and model.calls == 7:
            reached.set()
            go_on.wait(10)
        return encode(x)

    run = start(make_data(n=320), model, epochs=None, eval_every=0, start=False)
    model.encode = stopping
    run.resume()
    assert reached.wait(10)
    saver = threading.Thread(target=run.save, args=(tmp_path / "run.safetensors",))
    saver.start()
    assert wait_until(lambda: run._gate._asks)
    go_on.set()
    saver.join(10)
    assert wait_until(lambda: run.status == "failed" and not run.trains_now)
    assert (run.step, run.error.step) == (4, 4)
    assert load_run(tmp_path / "run.safetensors", model=Planted("recon", 4), data=run.data).step == 4


def test_the_data_need_not_be_at_fault():
    run = start(data=make_data(), lr=1e30, optimizer="sgd", epochs=50, eval_every=0)
    with pytest.raises(DivergedError):
        run.wait()
    assert all(torch.isfinite(p).all() for p in run.model.parameters())


@pytest.mark.parametrize("batch_norm", [False, True])
def test_weights_that_something_else_spoilt_are_those_of_the_newest_good_copy(batch_norm):
    model = Planted("nothing", 0, batch_norm)
    run = start(model=model, epochs=None, eval_every=0, start=False)
    run.advance(20)
    assert wait_until(lambda: run.status == "paused" and run.step == 20)
    good = run.snapshot()
    assert good.step == 20
    with torch.no_grad():
        model.down.weight[0, 0] = NAN
    run.resume()
    with pytest.raises(
        DivergedError,
        match=r"weights of the model were NaN or infinite at step 20, before .* "
        r"They are those of step 20 again, the newest copy that is finite",
    ):
        run.wait(progress=False)
    assert (run.error.step, run.error.term) == (20, "weights")
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, good.model.state_dict()[name]), name
    assert np.isfinite(run.evaluate()["loss"])


def test_without_a_newer_copy_they_are_those_of_the_time_line():
    run = start(epochs=None, eval_every=0, start=False)
    run.advance(20)
    assert wait_until(lambda: run.status == "paused" and run.step == 20)
    kept = [one.step for one in run.time_line.weights]
    with torch.no_grad():
        next(run.model.parameters())[0, 0] = INF
    run.resume()
    with pytest.raises(DivergedError, match=f"those of step {kept[-1]} again"):
        run.wait(progress=False)
    assert all(bool(torch.isfinite(p).all()) for p in run.model.parameters())
