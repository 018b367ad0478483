"""Rate and distortion against closed forms; the elbow of planted sweeps."""

from __future__ import annotations

import math

import pytest
import torch

from tests.diagnostics.linear import Affine
from vaewidgets.diagnostics import elbow, rate_distortion
from vaewidgets.errors import DataError, OptionError, ProtocolError, ShapeError
from vaewidgets.objectives import SquaredError


def test_rate_and_distortion_of_a_linear_model():
    model, x = Affine.best(sigma2=0.5)
    best = model.best
    found = rate_distortion(
        model, SquaredError(), x.repeat(50, 1, 1, 1), generator=torch.Generator().manual_seed(0)
    )
    assert found.rate == pytest.approx(float(best.kl.sum()), rel=1e-6)
    # at the optimum −rate − distortion is the log-likelihood, but for the constant of sigma2 = ½
    wanted = best.log_likelihood + 0.5 * best.d * math.log(math.pi)
    assert -(found.rate + found.distortion) == pytest.approx(wanted, abs=4 * found.distortion_error)
    assert found.distortion_error < 0.02 * found.distortion
    assert found.elbo is None
    assert found.rate_bits == pytest.approx(found.rate / math.log(2))
    assert "nats (" in repr(found)
    assert "(squared error)" in repr(found)


def test_batches_do_not_matter():
    model, x = Affine.best(sigma2=0.5)
    small, large = (
        rate_distortion(model, SquaredError(), x, generator=torch.Generator().manual_seed(0), batch=batch)
        for batch in (7, 1000)
    )
    assert small.rate == pytest.approx(large.rate, rel=1e-9)
    assert small.distortion == pytest.approx(large.distortion, rel=1e-9)


def test_an_autoencoder_has_no_rate():
    class Autoencoder:
        def encode(self, x):
            return x.flatten(1), None

    with pytest.raises(ProtocolError, match=r"Autoencoder\.encode returned no logvar"):
        rate_distortion(Autoencoder(), SquaredError(), torch.zeros(2, 1, 2, 2))


def test_the_lecture_sketch_has_its_elbow_at_32():
    found = elbow([64, 4, 8, 16, 32], [0.42, 2.9, 1.6, 0.9, 0.5])
    assert found.latent_dim == 32
    assert found.best == 64
    assert found.latent_dims == (4, 8, 16, 32, 64)
    assert found.notes == ()
    assert repr(found) == (
        "Elbow(latent_dim = 32: the smallest of 4, 8, 16, 32, 64 within 5 % of the drop "
        "from 2.9 to 0.42 (at 64))"
    )


def test_recon_that_rises_again_has_its_elbow_before():
    assert elbow([2, 5, 10, 20, 40], [177.5, 150.0, 138.0, 131.3, 133.0]).latent_dim == 20


def test_seeds_say_what_is_level():
    """With a spread of ±1 between runs, 10 and 20 cannot be told apart."""
    dims = [2, 2, 5, 5, 10, 10, 20, 20]
    recon = [50.0, 51.0, 30.0, 31.0, 20.8, 21.2, 19.2, 21.2]
    found = elbow(dims, recon, tolerance=0.01)
    assert found.recon == (50.5, 30.5, 21.0, 20.2)
    assert found.error == pytest.approx(1.0)
    assert found.latent_dim == 10


@pytest.mark.parametrize(
    ("dims", "recon", "where", "note"),
    [
        ([2, 4, 8, 16], [80, 60, 40, 20], None, "recon still falls at 16"),
        ([2, 4, 8], [80.0, 80.01, 80.02], None, "no size stands out"),
        ([2, 2, 4, 4, 8, 8], [79, 81, 78, 82, 77, 83], None, "no size stands out"),
        ([2, 4, 8], [20.0, 25.0, 30.0], 2, "recon is level from 2 on"),
    ],
)
def test_where_there_is_no_elbow(dims, recon, where, note):
    found = elbow(dims, recon)
    assert found.latent_dim == where
    assert note in repr(found)


@pytest.mark.parametrize(
    ("dims", "recon", "options", "error", "message"),
    [
        ([1, 2], [1.0], {}, ShapeError, "2 latent_dims for 1 recons"),
        ([1, 2, 2], [3, 2, 1], {}, OptionError, "2 different sizes; an elbow wants at least 3"),
        ([0, 1, 2], [3, 2, 1], {}, OptionError, "a whole number of at least 1"),
        ([1, 2, 3], [3, 2, math.nan], {}, DataError, "leave the runs out that diverged"),
        ([1, 2, 3], [3, 2, 1], {"tolerance": 0}, OptionError, "tolerance is 0"),
    ],
)
def test_bad_sweeps(dims, recon, options, error, message):
    with pytest.raises(error, match=message):
        elbow(dims, recon, **options)
