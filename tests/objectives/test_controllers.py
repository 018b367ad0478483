import math

import numpy as np
import pytest
import torch

import vaewidgets as vw
from vaewidgets.errors import OptionError

TARGETS = [2.0, 5.0, 10.0]


@pytest.fixture(scope="module")
def data():
    """Eight by eight pixels that eight Gaussian numbers explain, squashed to [0, 1]."""
    noise = torch.Generator().manual_seed(0)
    codes, weights = (torch.randn(shape, generator=noise) for shape in ((640, 8), (8, 64)))
    images = torch.sigmoid(codes @ weights / 2).reshape(-1, 1, 8, 8)
    return vw.ImageDataset(images, test=images[:64], name="squashed")


def run_of(data, beta, **options):
    torch.manual_seed(0)
    model = vw.MLPVAE(latent_dim=6, hidden=(32,), image_shape=(1, 8, 8), likelihood="squared_error")
    return vw.train(model, data, beta=beta, lr=3e-3, batch_size=64, autosave=False, **options)


def test_a_step_of_each_is_the_formula_that_its_docstring_gives():
    kl = vw.TargetKL(20)
    assert kl(0) == kl(99) == pytest.approx(0.1)
    error = math.log(24 / 20)
    assert kl.after(100.0, 24.0)(1) == pytest.approx(0.1 * math.exp(0.05 * error + error))
    assert kl.after(100.0, 1e6)(1) == pytest.approx(0.1 * math.exp(0.05 * 0.5 + 0.5))
    geco = vw.GECO(100)
    assert geco(0) == 1.0
    assert geco.after(101.0, 5.0)(1) == pytest.approx(math.exp(-0.1 * 0.1 - 0.1))
    assert vw.GECO(-700).after(-735.0, 5.0)(1) == pytest.approx(math.exp(0.1 * 0.5 + 0.5))


def test_beta_stays_in_its_range_and_comes_back_from_its_end():
    low, high = vw.TargetKL(20), vw.TargetKL(20)
    for _ in range(2000):
        low, high = low.after(1.0, 0.0), high.after(1.0, 1e4)
    assert (low(0), high(0)) == (pytest.approx(1e-4), pytest.approx(1e4))
    for _ in range(500):
        low = low.after(1.0, 1e4)
    assert low(0) > 1


def test_terms_that_are_not_finite_change_nothing():
    beta = vw.TargetKL(20).after(1.0, 25.0)
    assert beta.after(math.nan, 25.0) is beta
    assert beta.after(1.0, math.inf) is beta


@pytest.mark.parametrize("target", TARGETS)
def test_the_kl_is_held_within_two_percent(data, target):
    run = run_of(data, vw.TargetKL(target), epochs=80, seed=1)
    run.wait()
    kl = run.recorder.read("kl")[1]
    assert len(kl) == 800
    assert np.mean(kl[-200:]) == pytest.approx(target, rel=0.02)


def test_recon_is_held_at_its_constraint(data):
    free = run_of(data, 0.01, epochs=80, seed=1)
    free.wait()
    wanted = 1.5 * float(np.mean(free.recorder.read("recon")[1][-200:]))
    run = run_of(data, vw.GECO(wanted), epochs=80, seed=1)
    run.wait()
    assert np.mean(run.recorder.read("recon")[1][-200:]) == pytest.approx(wanted, rel=0.02)
    assert np.mean(run.recorder.read("kl")[1][-200:]) < np.mean(free.recorder.read("kl")[1][-200:])


def test_a_run_file_goes_on_where_the_controller_was(data, tmp_path):
    whole = run_of(data, vw.TargetKL(5), epochs=4, seed=1)
    whole.wait()
    half = run_of(data, vw.TargetKL(5), epochs=2, seed=1)
    half.wait()
    assert half.beta_description == "KL held at 5 nats"
    half.save(tmp_path / "half.safetensors")
    again = vw.load_run(tmp_path / "half.safetensors", data=data)
    assert again.current_beta == half.current_beta != 0.1
    again.epochs = 4
    again.resume()
    again.wait()
    np.testing.assert_array_equal(again.recorder.read("beta")[1], whole.recorder.read("beta")[1])


def test_one_controller_in_two_runs_and_a_beta_that_is_set_ends_it(data):
    beta = vw.TargetKL(5)
    first, second = (run_of(data, beta, epochs=2, seed=1, start=False) for _ in range(2))
    first.resume()
    first.wait()
    assert second.current_beta == pytest.approx(0.1)
    assert first.current_beta != second.current_beta
    first.beta = 2.0
    first.epochs = 3
    first.resume()
    first.wait()
    assert set(first.recorder.read("beta")[1][-10:]) == {2.0}


def test_a_loop_of_ones_own_is_told_to_hand_over_its_terms(data):
    run = vw.attach(vw.MLPVAE(latent_dim=2, hidden=(8,), image_shape=(1, 8, 8)), data)
    with pytest.raises(OptionError, match=r"TargetKL, which needs recon and kl of each step.*beta\.after"):
        run.beta = vw.TargetKL(5)
    run.finish()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: vw.TargetKL(0), "kl is 0; expected a number above 0"),
        (lambda: vw.TargetKL("20"), "kl is '20'"),
        (lambda: vw.GECO(float("nan")), "recon is nan"),
        (lambda: vw.GECO(1, integral=float("inf")), "integral is inf"),
    ],
)
def test_bad_options_are_refused(make, message):
    with pytest.raises(OptionError, match=message):
        make()
