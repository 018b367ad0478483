"""Runs of counts, classes and standardised values: trained, measured, kept, shown."""

import math

import numpy as np
import pytest
import torch

import vaewidgets as vw
from vaewidgets.graphs import decoder_network

N, D = 96, 12


def numbers(kind):
    g = torch.Generator().manual_seed(0)
    slope = torch.randn(2, D, generator=g)
    mean = torch.randn(N, 2, generator=g) @ slope
    if kind == "counts":
        return torch.poisson((0.5 * mean + 1.0).exp(), generator=g)
    if kind == "classes":
        return torch.nn.functional.one_hot(mean.argmax(1), D).float()
    return mean / mean.std()


@pytest.mark.parametrize(
    ("likelihood", "kind", "options"),
    [
        ("poisson", "counts", {}),
        ("poisson", "counts", {"output": "softplus"}),
        ("negative_binomial", "counts", {}),
        (vw.NegativeBinomial("dimension"), "counts", {}),
        ("categorical", "classes", {}),
        ("gaussian", "standardised", {"output": "identity"}),
    ],
    ids=["poisson", "softplus", "negative_binomial", "dimension", "categorical", "gaussian"],
)
def test_from_training_to_the_page(likelihood, kind, options, tmp_path):
    torch.manual_seed(0)
    data = vw.ArrayDataset(numbers(kind), draw="bars", test=numbers(kind)[:20])
    model = vw.MLPVAE(data.image_shape, 2, hidden=(16,), likelihood=likelihood, **options)
    run = vw.train(model, data, epochs=12, batch_size=16, lr=1e-2, autosave=False, device="cpu").wait()
    assert run.status == "finished"
    assert run.engine.startswith("autograd")
    assert run.unit == "nats"
    assert np.mean(run.history["loss"][-6:]) < 0.9 * np.mean(run.history["loss"][:3])
    found = run.evaluate("test")
    assert run.history["elbo"][-1] == pytest.approx(-(run.history["recon"] + run.history["kl"])[-1])

    run.save(tmp_path / "run.safetensors")
    again = vw.load_run(tmp_path / "run.safetensors", data=data)
    assert again.likelihood == run.likelihood
    assert again.evaluate("test") == pytest.approx(found)

    z = torch.randn(4, 2)
    built = run.snapshot().model
    (page,) = decoder_network(built, 2).run(z.numpy())
    np.testing.assert_allclose(page, built.decode(z).flatten(1).numpy(), rtol=1e-4, atol=1e-5)

    draws = run.likelihood.sample(built.decode_raw(z), torch.Generator().manual_seed(0))
    assert draws.shape == (4, *data.image_shape)
    assert kind == "standardised" or torch.equal(draws, draws.round())


def test_the_decoder_finds_the_distribution_that_the_counts_came_from():
    """Counts without structure: the mean and the total count of a negative binomial are those of the data."""
    total, mean = 3.0, 8.0
    raw = torch.full((2000, 1, 1, 4), math.log(mean))
    x = vw.NegativeBinomial(total).sample(raw, torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    data = vw.ArrayDataset(x.flatten(1), draw="bars")
    model = vw.MLPVAE(data.image_shape, 1, hidden=(8,), activation="tanh", likelihood="negative_binomial")
    vw.train(model, data, epochs=40, batch_size=250, lr=3e-2, autosave=False, device="cpu").wait()
    found = model.decode(torch.zeros(1, 1)).detach().mean()
    assert float(found) == pytest.approx(mean, rel=0.1)
    assert float(model.log_total_count.detach().exp()) == pytest.approx(total, rel=0.25)
