import numpy as np
import pytest

from tests.runs.conftest import make_data, start


def test_names_and_lengths():
    run = start(epochs=3).wait()
    history = run.history
    n = 3 * run.steps_per_epoch
    for name in ("step", "loss", "recon", "kl", "beta", "lr"):
        assert len(history[name]) == n
    assert history["step"].tolist() == list(range(n))
    assert history["epoch"].tolist() == [1, 2, 3]
    assert history["epoch_step"].tolist() == [6, 12, 18]
    for name in ("train_loss", "train_recon", "train_kl", "test_loss", "test_recon", "test_kl"):
        assert len(history[name]) == 3
        assert np.isfinite(history[name]).all()
    np.testing.assert_allclose(history["loss"], history["recon"] + history["kl"], rtol=1e-5)
    assert set(history) >= {"loss", "epoch", "train_kl"}
    assert len(history) == len(list(history))


def test_an_access_gives_a_new_array():
    run = start(epochs=1).wait()
    run.history["kl"][:] = 0
    assert run.history["kl"].any()


def test_elbo_exists_for_binary_pixels():
    run = start(data=make_data(binary=True), epochs=1).wait()
    history = run.history
    assert "elbo" in history
    np.testing.assert_allclose(history["elbo"], -(history["recon"] + history["kl"]))
    assert run.unit == "nats"


def test_elbo_of_grey_pixels_says_why_not():
    run = start(epochs=1).wait()
    assert "elbo" not in run.history
    with pytest.raises(KeyError, match="recon is BCE on grey pixels, not a normalised log-likelihood"):
        run.history["elbo"]


def test_an_unknown_name_lists_the_known():
    run = start(epochs=1, eval_every=0).wait()
    with pytest.raises(KeyError, match="no 'losses' in the history; it has: step, loss, recon, kl, beta, lr"):
        run.history["losses"]


def test_before_the_first_step():
    run = start(start=False)
    assert list(run.history) == []
    assert run.history["step"].size == run.history["epoch"].size == 0
    assert run.history["kl"].size == run.history["test_loss"].size == 0
    with pytest.raises(KeyError, match="no 'k' in the history; it has: nothing yet"):
        run.history["k"]


def test_epochs_without_evaluation_are_nan():
    run = start(epochs=4, eval_every=2).wait()
    assert np.isnan(run.history["test_loss"]).tolist() == [True, False, True, False]


def test_train_means_weigh_a_smaller_last_batch():
    run = start(data=make_data(n=40), epochs=1).wait()
    weights = np.array([16, 16, 8]) / 40
    assert run.history["train_loss"][0] == pytest.approx(weights @ run.history["loss"], rel=1e-6)
