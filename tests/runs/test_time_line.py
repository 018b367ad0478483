import numpy as np
import pytest
import torch

from tests.runs.conftest import make_data, make_model, start
from vaewidgets.adapters import named_tensors
from vaewidgets.data import Sample
from vaewidgets.errors import OptionError
from vaewidgets.models import Autoencoder
from vaewidgets.objectives import kl_per_dim
from vaewidgets.runs import attach, load_run
from vaewidgets.runs.time_line import MOST_FRAMES, MOST_WEIGHTS, Thinned, TimeLine


def test_too_many_items_are_thinned_to_an_even_spacing():
    line = Thinned(8)
    for i in range(1000):
        line.add(i)
        items = [item for _, item in line.items]
        assert len(items) <= 8
        assert (items[0], items[-1]) == (0, i)
        gaps = np.diff(items[:-1])  # the newest may lie between
        assert len(set(gaps)) <= 1
    assert len(line.items) > 4


def test_a_frame_holds_what_torch_encodes():
    run = start(make_data(), epochs=3).wait(progress=False)
    line = run.time_line
    assert line.steps[0] == 0
    assert line.steps[-1] == run.step
    newest = line.frames[-1]
    with torch.no_grad():
        mu, logvar = run.model.eval().encode(Sample(run.data).images)
    assert newest.epoch == 3
    for got, wanted in ((newest.mu, mu), (newest.logvar, logvar)):
        assert np.abs(got - wanted.numpy()).max() <= np.ptp(wanted.numpy(), axis=0).max() / 65534
    np.testing.assert_allclose(newest.kl, kl_per_dim(mu, logvar).mean(0), rtol=1e-5)
    np.testing.assert_allclose(newest.var_mu, mu.var(0, correction=0), rtol=1e-4)


def test_the_weights_at_a_step_are_those_of_then():
    run = start(make_data(), epochs=2, start=False)
    before = [p.detach().clone() for p in run.model.parameters()]
    run.resume()
    run.wait(progress=False)
    first, last = run.snapshot_at(0), run.snapshot_at(10**9)
    assert (first.step, last.step) == (0, run.step)
    for kept, wanted in zip(first.model.parameters(), before, strict=True):
        torch.testing.assert_close(kept, wanted, rtol=1e-3, atol=1e-4)
    for kept, wanted in zip(last.model.parameters(), run.model.parameters(), strict=True):
        torch.testing.assert_close(kept, wanted.detach(), rtol=1e-3, atol=1e-4)
    with pytest.raises(OptionError, match="it has 0"):
        run.snapshot_at(-1)


def test_a_long_run_keeps_a_bounded_number(monkeypatch):
    monkeypatch.setattr("vaewidgets.runs.time_line.SHARE", 1.0)
    run = start(make_data(n=16, n_test=4), epochs=300).wait(progress=False)
    line = run.time_line
    assert MOST_FRAMES / 4 < len(line) <= MOST_FRAMES
    assert 2 < len(line.weights) <= MOST_WEIGHTS
    assert list(line.steps) == sorted(set(line.steps))
    assert (line.steps[0], line.steps[-1]) == (0, run.step)
    assert set(one.step for one in line.weights) <= set(range(run.step + 1))


def test_frames_do_not_change_what_is_trained(monkeypatch):
    def losses():
        return start(make_data(), epochs=4).wait(progress=False).history["loss"].tolist()

    with_frames = losses()
    monkeypatch.setattr(TimeLine, "take", lambda *_: None)
    assert losses() == with_frames


def test_a_saved_run_keeps_its_time_line(tmp_path):
    data = make_data()
    run = start(data, epochs=3).wait(progress=False)
    run.save(tmp_path / "run.safetensors")
    loaded = load_run(tmp_path / "run.safetensors", data=data)
    assert loaded.time_line.steps == run.time_line.steps
    for a, b in zip(loaded.time_line.frames, run.time_line.frames, strict=True):
        assert np.array_equal(a.mu, b.mu)
        assert np.array_equal(a.logvar, b.logvar)
        assert np.array_equal(a.kl, b.kl)
        assert a.epoch == b.epoch
    for name, tensor in named_tensors(loaded.snapshot_at(0).model).items():
        assert torch.equal(tensor, named_tensors(run.snapshot_at(0).model)[name])
    loaded.epochs = 5
    loaded.resume()
    loaded.wait(progress=False)
    assert loaded.time_line.steps[0] == 0
    assert loaded.time_line.steps[-1] == loaded.step > run.step


def test_a_loop_of_ones_own_has_a_time_line():
    data = make_data()
    model = make_model(data)
    run = attach(model, data)
    with run:
        for _ in range(3):
            run.log(loss=1.0, recon=1.0, kl=0.0)
    assert run.time_line.steps[-1] == 3


def test_an_autoencoder_has_no_variances():
    data = make_data()
    run = start(data, Autoencoder(data.image_shape, latent_dim=2, hidden=(8,)), epochs=1).wait(progress=False)
    frame = run.time_line.frames[-1]
    assert frame.kl is None
    assert frame.logvar is None
    assert frame.mu.shape[1] == 2


def test_a_fault_in_a_frame_ends_the_frames_and_not_the_training(monkeypatch):
    def broken(*_):
        raise RuntimeError("planted")

    monkeypatch.setattr("vaewidgets.runs.time_line._frame", broken)
    run = start(make_data(), epochs=2).wait(progress=False)
    assert run.status == "finished"
    assert len(run.time_line) == 0
    assert "planted" in run.time_line.fault
