"""One model is trained by one run at a time, whichever way the second one comes to it."""

import gc
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

import vaewidgets as vw
from tests.runs.conftest import make_data, make_model, start, wait_until
from vaewidgets.errors import OptionError

REFUSED = "is being trained by .*already"


@pytest.fixture
def running():
    """A run under way, and its data."""
    run = start(epochs=None)
    assert wait_until(lambda: run.step > 2)
    yield run
    run.close()


def still_trains(run):
    step = run.step
    return wait_until(lambda: run.step > step)


def loop_step(run, loss=1.0):
    run.log(loss=loss, recon=0.5, kl=0.5)


def made_before(run):
    """A run of the same model, made while that was free."""
    run.stop()
    run.wait(progress=False)
    other = start(run.data, run.model, epochs=None, start=False)
    run.resume()
    assert wait_until(lambda: run.status == "running")
    return other


@pytest.mark.parametrize(
    "go", [lambda run: run.resume(), lambda run: run.advance(3)], ids=["resume", "advance"]
)
def test_a_run_made_before_cannot_go_on_beside_it(running, go):
    other = made_before(running)
    with pytest.raises(OptionError, match=REFUSED):
        go(other)
    assert (other.status, other.step) == ("created", 0)
    assert still_trains(running)
    running.close()
    go(other)  # and can once the model is free
    assert wait_until(lambda: other.step >= 3)
    other.close()


def test_a_stopped_run_cannot_be_taken_up_beside_another_one():
    first = start(epochs=None)
    first.stop()
    second = start(first.data, first.model, epochs=None)
    with pytest.raises(OptionError, match=REFUSED):
        first.resume()
    assert first.status == "stopped"
    second.close()
    first.resume()
    first.close()


def test_a_paused_run_keeps_its_model(running):
    other = made_before(running)
    running.pause()
    with pytest.raises(OptionError, match=REFUSED):
        other.resume()
    running.resume()
    assert still_trains(running)


def test_nor_can_a_file_be_loaded_into_it(running, tmp_path):
    running.save(tmp_path / "run.safetensors")
    step = running.step
    with pytest.raises(OptionError, match=REFUSED):
        vw.load_run(tmp_path / "run.safetensors", model=running.model, data=running.data)
    assert still_trains(running)
    running.close()
    loaded = vw.load_run(tmp_path / "run.safetensors", model=running.model, data=running.data)
    assert 0 < loaded.step <= step


def test_a_sweep_needs_a_model_for_each_cell(running):
    data = running.data
    with pytest.raises(OptionError, match=REFUSED):
        vw.sweep(lambda: running.model, data, batch_size=16, epochs=1)
    shared = make_model(data)
    before = [p.clone() for p in shared.parameters()]
    for executor in (None, ThreadPoolExecutor(2)):
        with pytest.raises(OptionError, match=r"sweep\(lambda: Net\(\)"):
            vw.sweep(lambda: shared, data, beta=[1, 4], batch_size=16, epochs=1, executor=executor)
    assert all(map(torch.equal, before, shared.parameters()))
    sweep = vw.sweep(lambda: make_model(data), data, beta=[1, 4], batch_size=16, epochs=1).wait(
        progress=False
    )
    assert [cell.status for cell in sweep] == ["finished", "finished"]


class Shared(nn.Module):
    """A decoder of its own on an encoder that others have, too."""

    def __init__(self, encoder):
        super().__init__()
        self.latent_dim = 2
        self.encoder = encoder
        self.decoder = nn.Linear(2, 16)

    def encode(self, x):
        return self.encoder(x.flatten(1)).chunk(2, 1)

    def decode(self, z):
        return torch.sigmoid(self.decoder(z)).view(-1, 1, 4, 4)

    def forward(self, x):
        mu, logvar = self.encode(x)
        return self.decode(mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)), mu, logvar


def test_models_that_share_a_layer():
    data, encoder = make_data(), nn.Linear(16, 4)
    run = start(data, Shared(encoder), epochs=None)
    with pytest.raises(OptionError, match=REFUSED):
        start(data, Shared(encoder), epochs=1)
    alias = nn.Linear(16, 4)
    alias.weight = nn.Parameter(encoder.weight.data)  # another parameter, the same memory
    with pytest.raises(OptionError, match=REFUSED):
        start(data, Shared(alias), epochs=1)
    run.close()
    encoder.requires_grad_(False)  # a layer that nobody trains may be shared
    first, second = start(data, Shared(encoder), epochs=None), start(data, Shared(encoder), epochs=None)
    assert still_trains(first)
    assert still_trains(second)
    first.close()
    second.close()


def test_attach_beside_a_run(running):
    with pytest.raises(OptionError, match=REFUSED):
        vw.attach(running.model, running.data)
    running.stop()
    loop = vw.attach(running.model, running.data)
    running.resume()  # nothing was logged yet
    with pytest.raises(OptionError, match=REFUSED):
        loop_step(loop)
    assert (loop.step, loop.status) == (0, "created")
    assert still_trains(running)


def test_a_run_beside_a_loop_in_another_thread():
    data = make_data()
    model = make_model(data)
    loop, may_end, logged = vw.attach(model, data, name="mine"), threading.Event(), threading.Event()

    def train():
        while not may_end.is_set():
            loop_step(loop)
            logged.set()
        loop.finish()

    thread = threading.Thread(target=train)
    thread.start()
    assert logged.wait(10)
    with pytest.raises(OptionError, match=r"AttachedRun\('mine'\) already\. .*run\.finish\(\)"):
        start(data, model, epochs=1)
    may_end.set()
    thread.join()
    start(data, model, epochs=1).wait(progress=False)


@pytest.mark.parametrize("elsewhere", [False, True], ids=["in this thread", "in a thread that is gone"])
def test_a_loop_that_did_not_say_that_it_ended(elsewhere):
    data = make_data()
    model = make_model(data)
    loop = vw.attach(model, data)
    if elsewhere:
        thread = threading.Thread(target=loop_step, args=(loop,))
        thread.start()
        thread.join()
    else:
        loop_step(loop)
    run = start(data, model, epochs=None)
    assert loop.status == "finished"
    with pytest.raises(OptionError, match=REFUSED):
        loop_step(loop)
    run.close()
    loop_step(loop)
    assert (loop.step, loop.status) == (2, "running")
    loop.finish()


def test_two_loops_may_log_of_one_model():
    data = make_data()
    model = make_model(data)
    loops = [vw.attach(model, data), vw.attach(model, data)]
    for _ in range(3):
        for loop in loops:
            loop_step(loop)
    assert [(loop.step, loop.status) for loop in loops] == [(3, "running")] * 2
    for loop in loops:
        loop.finish()


def test_a_run_that_is_dropped_or_fails_lets_go():
    data = make_data()
    model = make_model(data)
    loop = vw.attach(model, data)
    loop_step(loop)
    del loop
    gc.collect()

    def fails(step):
        if step > 3:
            raise RuntimeError("planted")
        return 1.0

    failed = start(data, model, beta=fails, epochs=None)
    with pytest.raises(OptionError, match=r"beta\(4\) raised RuntimeError: planted"):
        failed.wait(progress=False)
    start(data, model, epochs=1).wait(progress=False)


def test_stopped_and_started_anew_at_once():
    data = make_data()
    model = make_model(data)
    for _ in range(20):
        run = start(data, model, epochs=None)
        run.stop()
    run.close()


def test_many_at_once_for_one_model():
    data = make_data()
    model = make_model(data)
    runs = [start(data, model, epochs=None, start=False) for _ in range(8)]
    together, refused = threading.Barrier(len(runs)), []

    def go(run):
        together.wait()
        try:
            run.resume()
        except OptionError:
            refused.append(run)

    threads = [threading.Thread(target=go, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == len(runs) - 1
    for run in runs:
        run.close()


def test_a_run_that_was_interrupted_as_it_claimed_its_model_lets_go(monkeypatch):
    """Who asked for its model waited busily and without end for a run that does not train."""
    data = make_data()
    model = make_model(data)
    first = start(data, model, epochs=None, start=False)

    def interrupted(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(first._gate, "go", interrupted)
        with pytest.raises(KeyboardInterrupt):
            first.resume()
    second = []
    thread = threading.Thread(target=lambda: second.append(start(data, model, epochs=1)), daemon=True)
    thread.start()
    thread.join(20)
    assert second, "it waits for a run that does not train"
    second[0].wait(progress=False)
    first.resume()
    assert still_trains(first)
    first.close()
