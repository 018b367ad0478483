import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.runs.conftest import make_data, make_model, start, wait_until
from vaewidgets.engine.engine import stream_seed
from vaewidgets.objectives import LinearWarmup, kl_per_dim


def plain_loop(model, data, steps, *, optimizer=torch.optim.Adam, lr=1e-3, beta=1.0, batch_size=16, seed=0):
    """The same training as anyone would write it down; loss, recon and kl of each step."""
    opt = optimizer(model.parameters(), lr=lr)
    order = torch.Generator().manual_seed(stream_seed(seed, 0))
    noise = torch.Generator().manual_seed(stream_seed(seed, 1))
    images = data.train.images(slice(None))
    rows = []
    while len(rows) < steps:
        for index in torch.randperm(len(images), generator=order).split(batch_size):
            x = images[index]
            mu, logvar = model.encode(x)
            z = mu + torch.exp(0.5 * logvar) * torch.randn(mu.shape, generator=noise)
            if model.likelihood == "bernoulli":
                recon = F.binary_cross_entropy(model.decode(z), x, reduction="sum") / len(x)
            else:
                recon = F.mse_loss(model.decode(z), x, reduction="sum") / len(x)
            kl = kl_per_dim(mu, logvar).sum() / len(x)
            weight = beta(len(rows)) if callable(beta) else beta
            loss = recon + weight * kl
            opt.zero_grad()
            loss.backward()
            opt.step()
            rows.append((loss.item(), recon.item(), kl.item()))
            if len(rows) == steps:
                break
    return np.array(rows).T


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("adam", torch.optim.Adam),
        ("adamw", torch.optim.AdamW),
        ("sgd", torch.optim.SGD),
        ("adagrad", torch.optim.Adagrad),
    ],
)
@pytest.mark.parametrize("likelihood", ["bernoulli", "squared_error"])
def test_fifty_steps_equal_a_plain_loop(name, kind, likelihood):
    data = make_data(n=90)  # with a smaller last batch
    options = {"likelihood": likelihood, "activation": "tanh"}
    run = start(data, make_model(data, **options), optimizer=name, lr=1e-3, beta=2.0, seed=7, epochs=9).wait()
    loss, recon, kl = plain_loop(make_model(data, **options), data, 50, optimizer=kind, beta=2.0, seed=7)
    np.testing.assert_allclose(run.history["loss"][:50], loss, rtol=1e-5)
    np.testing.assert_allclose(run.history["recon"][:50], recon, rtol=1e-5)
    np.testing.assert_allclose(run.history["kl"][:50], kl, rtol=1e-5, atol=1e-6)


def test_a_schedule_weighs_each_step():
    data = make_data()
    warmup = LinearWarmup(0.0, 4.0, steps=9)
    run = start(data, beta=warmup, epochs=3).wait()
    assert run.history["beta"].tolist() == [warmup(step) for step in range(18)]
    loss, _, kl = plain_loop(make_model(data), data, 18, beta=warmup)
    np.testing.assert_allclose(run.history["loss"], loss, rtol=1e-5)
    np.testing.assert_allclose(run.history["kl"], kl, rtol=1e-4, atol=1e-6)


def test_drop_last():
    run = start(make_data(n=40), drop_last=True, epochs=2).wait()
    assert run.steps_per_epoch == 2
    assert run.step == 4


def test_evaluation_does_not_disturb_training():
    data = make_data()
    weights = [
        [p.clone() for p in start(data, epochs=4, eval_every=every).wait().model.parameters()]
        for every in (0, 1)
    ]
    assert all(torch.equal(a, b) for a, b in zip(*weights, strict=True))


def test_the_global_generator_is_left_alone():
    data, model = make_data(), make_model()
    torch.manual_seed(5)
    before = torch.get_rng_state()
    run = start(data, model, epochs=3).wait()
    run.evaluate("test")
    assert torch.equal(torch.get_rng_state(), before)


def test_the_number_of_threads_is_left_alone():
    before = torch.get_num_threads()
    start(epochs=1).wait()
    assert torch.get_num_threads() == before


def test_evaluation_in_closed_form():
    """A decoder that ignores z and an encoder that ignores x: every number is known."""

    class Known(nn.Module):
        latent_dim, likelihood = 2, "bernoulli"

        def __init__(self):
            super().__init__()
            self.logit = nn.Parameter(torch.tensor(0.3))
            self.mu = nn.Parameter(torch.tensor(0.5))

        def encode(self, x):
            shape = (len(x), 2)
            return self.mu.expand(shape), torch.zeros(shape)

        def decode_raw(self, z):
            return self.logit.expand(len(z), 1, 4, 4)

        def decode(self, z):
            return torch.sigmoid(self.decode_raw(z))

    data = make_data()
    run = start(data, Known(), start=False, beta=3.0)
    values = run.evaluate("test")
    x = data.test.images(slice(None))
    recon = F.binary_cross_entropy_with_logits(torch.full_like(x, 0.3), x, reduction="sum").item() / len(x)
    assert values["recon"] == pytest.approx(recon, rel=1e-6)
    assert values["kl"] == pytest.approx(0.25, rel=1e-6)
    assert values["loss"] == pytest.approx(recon + 3 * 0.25, rel=1e-6)
    assert run.evaluate("train")["recon"] != values["recon"]


def test_beta_and_lr_changed_in_mid_run_are_recorded_at_their_step():
    run = start(epochs=100, start=False, beta=1.0, lr=1e-3)
    for n, (beta, lr) in enumerate([(1.0, 1e-3), (4.0, 1e-3), (0.5, 2e-3), (0.0, 5e-4)]):
        run.beta, run.lr = beta, lr
        run.advance(5)
        assert wait_until(lambda n=n: run.status == "paused" and len(run.history["beta"]) == 5 * (n + 1))
    run.stop()
    assert run.history["beta"].tolist() == [1.0] * 5 + [4.0] * 5 + [0.5] * 5 + [0.0] * 5
    assert run.history["lr"].tolist() == [1e-3] * 10 + [2e-3] * 5 + [5e-4] * 5
    history = run.history
    np.testing.assert_allclose(history["loss"], history["recon"] + history["beta"] * history["kl"], rtol=1e-5)


def test_a_changed_lr_is_the_one_that_updates():
    data = make_data()
    run = start(data, start=False, optimizer="sgd", lr=1e-3)
    run.lr = 0.5
    run.advance(1)
    assert wait_until(lambda: run.status == "paused" and run.step == 1)
    run.stop()
    model = make_model(data)
    plain_loop(model, data, 1, optimizer=torch.optim.SGD, lr=0.5)
    for got, want in zip(run.model.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(got, want)


def test_a_frozen_parameter_stays_and_dropout_trains():
    class WithDropout(nn.Module):
        latent_dim, likelihood, image_shape = 2, "bernoulli", (1, 4, 4)

        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.Dropout(0.5))
            self.heads, self.up = nn.Linear(8, 4), nn.Linear(2, 16)
            self.body[1].weight.requires_grad_(False)

        def encode(self, x):
            return self.heads(self.body(x)).chunk(2, 1)

        def decode_raw(self, z):
            return self.up(z).view(-1, 1, 4, 4)

        def decode(self, z):
            return torch.sigmoid(self.decode_raw(z))

    model = WithDropout().eval()
    frozen, free = model.body[1].weight.clone(), model.up.weight.clone()
    run = start(model=model, epochs=2).wait()
    assert model.training
    assert not run.snapshot().model.training
    assert torch.equal(model.body[1].weight, frozen)
    assert not torch.equal(model.up.weight, free)


def test_a_set_beyond_the_memory_cap_trains_to_the_same_numbers():
    inside = make_data(n=320)
    cap = 320 * 16 * 4 // 10
    outside = make_data(n=320, memory_cap_bytes=cap)
    assert inside.train.resident
    assert not outside.train.resident
    first, second = (start(data, epochs=2).wait() for data in (inside, outside))
    np.testing.assert_allclose(first.history["loss"], second.history["loss"], rtol=1e-6)
    np.testing.assert_allclose(first.history["test_loss"], second.history["test_loss"], rtol=1e-6)
