"""The importance-weighted bound against the exact log-likelihood of linear models."""

from __future__ import annotations

import math

import pytest
import torch

from tests.diagnostics.linear import Affine
from vaewidgets.diagnostics import importance_bound, linear_log_likelihood
from vaewidgets.errors import OptionError, ProtocolError, ShapeError
from vaewidgets.objectives import SquaredError

# squared error is a Gaussian's with sigma2 = ½ but for this much a pixel
CONSTANT = 0.5 * math.log(math.pi)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def exact(model, x):
    """Exact log-likelihood of each image, in the likelihood's own units."""
    return linear_log_likelihood(x, model.best.weight, model.best.mean, 0.5) + 20 * CONSTANT


def test_of_the_true_posterior_every_draw_is_exact():
    model, x = Affine.best(sigma2=0.5)
    found = importance_bound(model, SquaredError(), x, k=20, generator=seeded())
    wanted = exact(model, x)
    for column in found.per_image.T:
        torch.testing.assert_close(column, wanted)
    assert found.error == pytest.approx(0, abs=1e-9)
    torch.testing.assert_close(found.ess_per_image, torch.full((200,), 20.0).double())


@pytest.mark.parametrize(("shrink", "widen"), [(0.8, 0.0), (1.0, 0.7), (0.9, -0.4)])
def test_of_a_wrong_posterior_it_closes_the_gap(shrink, widen):
    model, x = Affine.best(sigma2=0.5, shrink=shrink, widen=widen)
    found = importance_bound(model, SquaredError(), x, k=5000, generator=seeded(), batch=20_000)
    wanted = exact(model, x)
    assert found.ks == (1, 10, 100, 1000, 5000)
    # the ELBO is short by the KL from the true posterior, which is known
    mu, logvar = model.encode(x)
    right, true = Affine(model.best).encode(x)
    gap = 0.5 * ((logvar - true).exp() + (mu - right).square() / true.exp() - 1 + true - logvar).sum(1)
    assert float(gap.mean()) > 0.1
    assert found.elbo == pytest.approx(float((wanted - gap).mean()), abs=0.01)
    assert found.value == pytest.approx(float(wanted.mean()), abs=0.05)
    assert found.gap == pytest.approx(float(gap.mean()), abs=0.05)
    assert found.error < 0.01
    # single images too, as far as their own errors allow
    assert bool((found.per_image[:, -1] - wanted < 6 * found.error_per_image + 0.05).all())


def test_it_rises_with_k_and_never_falls_below_the_elbow_of_one_draw():
    model, x = Affine.best(sigma2=0.5, shrink=0.7, widen=0.5)
    found = importance_bound(model, SquaredError(), x, k=(1, 2, 4, 8, 64), generator=seeded())
    assert bool((found.per_image.diff(dim=1) >= -1e-12).all())
    steps = [b - a for a, b in zip(found.values, found.values[1:], strict=False)]
    assert min(steps) > 0.01
    assert found.values[0] == pytest.approx(found.elbo, abs=0.1)
    assert found.value > found.elbo - 3 * found.error


def test_each_image_has_its_own_draws_and_batches_bound_the_memory():
    model, x = Affine.best(sigma2=0.5, shrink=0.8)
    sizes = []

    class Counting(Affine):
        def decode_raw(self, z):
            sizes.append(len(z))
            return super().decode_raw(z)

    counting = Counting(model.best, shrink=0.8)
    found = importance_bound(counting, SquaredError(), x[:10], k=70, generator=seeded(), batch=32)
    assert max(sizes) <= 32
    assert sum(sizes) == 10 * 70
    assert found.per_image.shape == (10, 3)
    same = importance_bound(model, SquaredError(), x[:1].expand(5, -1, -1, -1), k=5, generator=seeded())
    assert len(set(same.per_image[:, -1].tolist())) == 5


def test_float32_is_enough():
    model, x = Affine.best(sigma2=0.5, widen=0.5)

    class Single(Affine):
        def encode(self, x):
            return tuple(t.float() for t in super().encode(x))

        def decode_raw(self, z):
            return super().decode_raw(z.double()).float()

    found = importance_bound(
        Single(model.best, widen=0.5), SquaredError(), x.float(), k=1000, generator=seeded()
    )
    assert found.per_image.dtype == torch.float64
    assert found.value == pytest.approx(float(exact(model, x).mean()), abs=0.05)


def test_text_says_what_it_is():
    model, x = Affine.best(sigma2=0.5, shrink=0.1, widen=-6)
    text = repr(importance_bound(model, SquaredError(), x[:20], k=10, generator=seeded()))
    assert text.startswith("ImportanceBound(20 images, in squared error: ELBO ")
    assert "(k = 1), " in text
    assert "note: the likelihood is no density (squared error)" in text
    assert "note: one draw in 10 carries the bound of " in text


@pytest.mark.parametrize("sees", [True, False])
def test_labels_and_pixels_reach_the_model(sees):
    model, x = Affine.best(sigma2=0.5)
    asked = []

    class Told(Affine):
        takes_labels = not sees
        sees_pixels = sees

        def encode(self, x, labels=None):
            asked.append(labels)
            return super().encode(x)

        def decode_raw(self, z, told):
            asked.append(told)
            return super().decode_raw(z)

    labels = None if sees else torch.arange(2)
    importance_bound(Told(model.best), SquaredError(), x[:2], k=3, labels=labels, generator=seeded())
    if sees:
        torch.testing.assert_close(asked[1], x[:2].repeat_interleave(3, 0))
    else:
        assert asked[0].tolist() == [0, 1]
        assert asked[1].tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"k": 0}, OptionError, "k is 0; expected a whole number"),
        ({"k": 2.5}, OptionError, r"k is 2\.5"),
        ({"k": ()}, OptionError, r"k is \(\)"),
        ({"k": (1, 3, 5)}, OptionError, "each a multiple of the one before"),
        ({"k": (1, 4, 4)}, OptionError, "expected rising numbers"),
        ({"batch": 0}, OptionError, "batch is 0"),
        ({"labels": torch.zeros(3)}, ShapeError, "labels has 3 entries for 200 images"),
    ],
)
def test_bad_options(options, error, message):
    model, x = Affine.best(sigma2=0.5)
    with pytest.raises(error, match=message):
        importance_bound(model, SquaredError(), x, **options)


def test_bad_models_and_images():
    model, x = Affine.best(sigma2=0.5)
    with pytest.raises(ShapeError, match="at least one image"):
        importance_bound(model, SquaredError(), x[:0])

    class Autoencoder:
        def encode(self, x):
            return x.flatten(1), None

    with pytest.raises(ProtocolError, match="no posterior"):
        importance_bound(Autoencoder(), SquaredError(), x)
