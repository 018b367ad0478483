"""Random numbers of our own beside a loop that draws from torch's global generator."""

import threading
import time

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils import _python_dispatch

from tests.runs.conftest import make_data
from vaewidgets.adapters import as_vae
from vaewidgets.adapters.seeded import seeded
from vaewidgets.models import MLPVAE
from vaewidgets.runs import attach, load_run, train

X = torch.ones(3, 4)
DRAWS = {
    "rand": lambda: torch.rand(3),
    "randn": lambda: torch.randn(2, 3),
    "half": lambda: torch.randn(20, dtype=torch.bfloat16),
    "randint": lambda: torch.randint(5, (3,)),
    "randint from": lambda: torch.randint(2, 9, (3,)),
    "randperm": lambda: torch.randperm(6),
    "rand_like": lambda: torch.rand_like(X),
    "randn_like": lambda: torch.randn_like(X),
    "randint_like": lambda: torch.randint_like(X, 7),
    "randint_like from": lambda: torch.randint_like(X, 2, 7),
    "normal": lambda: torch.normal(X, X),
    "bernoulli": lambda: torch.bernoulli(X / 2),
    "multinomial": lambda: torch.multinomial(X[0], 2),
    "poisson": lambda: torch.poisson(X),
    "gumbel": lambda: F.gumbel_softmax(X),
    "rsample": lambda: torch.distributions.Normal(X, X).rsample(),
    "gamma": lambda: torch.distributions.Gamma(X, X).rsample(),
    "dropout": lambda: F.dropout(X, 0.5),
    "dropout of channels": lambda: F.dropout2d(X[None, :, :, None], 0.5),
    "attention": lambda: F.scaled_dot_product_attention(X[None], X[None], X[None], dropout_p=0.5),
    "weights": lambda: nn.Linear(3, 4).weight.data + 0,
}


@pytest.mark.parametrize("name", DRAWS)
def test_it_draws_what_the_seed_says_and_leaves_the_global_generator(name):
    torch.manual_seed(3)
    wanted = [DRAWS[name](), DRAWS[name]()]
    state = torch.get_rng_state()
    with seeded(3):
        first = DRAWS[name]()
        with seeded(5):
            DRAWS[name]()
        second = DRAWS[name]()
    assert torch.equal(first, wanted[0])
    assert torch.equal(second, wanted[1])
    assert torch.equal(torch.get_rng_state(), state)


def test_it_is_one_thread_s_alone():
    inside, drawn = threading.Event(), threading.Event()

    def other():
        with seeded(3):
            inside.set()
            drawn.wait(10)

    torch.manual_seed(0)
    wanted = torch.randn(3)
    torch.manual_seed(0)
    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(10)
    with seeded(5):
        torch.randn(3)
    assert torch.equal(torch.randn(3), wanted)
    drawn.set()
    thread.join(10)
    assert not _python_dispatch.is_in_torch_dispatch_mode(), "what is compiled would not run compiled"


def test_what_has_no_values_is_left_alone():
    """Models are laid out on the meta device, which has no generators, to learn their sizes."""
    with seeded(0), torch.device("meta"):
        assert torch.nn.Linear(3, 2).weight.is_meta


def test_a_generator_that_is_given_is_used():
    def draw():
        return torch.randn(3, generator=torch.Generator().manual_seed(1))

    wanted = draw()
    with seeded(2):
        assert torch.equal(draw(), wanted)


DURING = []  # states of the global generator that a model met; here, since models are copied


def state():
    return bytes(torch.get_rng_state().numpy())


class Noisy(nn.Module):
    """Draws in encode and in decode, and looks whether a loop elsewhere would notice."""

    latent_dim, image_shape = 2, (1, 4, 4)

    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Linear(16, 4), nn.Linear(2, 16)

    def encode(self, x):
        mu, logvar = self.down(x.flatten(1)).chunk(2, 1)
        z = mu + torch.exp(logvar / 2) * torch.randn_like(mu)
        DURING.append(state())
        return z, mu, logvar

    def decode(self, z):
        out = torch.sigmoid(self.up(z + 0.01 * torch.randn_like(z)))
        DURING.append(state())
        return out.view(-1, 1, 4, 4)


def loop_draws(between):
    """What a loop draws with `between` called in it, and the generator's states after its draws."""
    torch.manual_seed(0)
    drawn, states = [], set()
    for _ in range(3):
        drawn.append(torch.randn(2))
        states.add(state())
        between()
    return torch.stack(drawn), states


@pytest.mark.parametrize(
    "what",
    [
        lambda model: as_vae(model, image_shape=(1, 4, 4)),
        lambda model: attach(model, make_data()),
        lambda model: attach(model, make_data()).snapshot().encode(make_data().train.images([0])),
        lambda model: attach(model, make_data()).log(loss=1.0, recon=1.0, kl=0.0),
        lambda model: attach(model, make_data()).finish(),
    ],
    ids=["as_vae", "attach", "snapshot", "log", "finish"],
)
def test_the_numbers_of_a_loop_stay_its_own(what):
    """Never set, not even for a moment, so that it does not matter which thread the loop is in."""
    model = Noisy()
    drawn, states = loop_draws(lambda: None)
    DURING.clear()
    assert torch.equal(loop_draws(lambda: what(model))[0], drawn)
    assert DURING
    assert set(DURING) <= states


@pytest.mark.parametrize(
    "what",
    [as_vae, lambda model: attach(model, make_data()).snapshot().decode(torch.zeros(1, 2))],
    ids=["as_vae", "attach and decode"],
)
def test_the_numbers_of_a_loop_stay_its_own_while_another_thread_attaches(what):
    model, drawn, results = Noisy(), [], []
    thread = threading.Thread(target=lambda: results.append(what(model)))
    torch.manual_seed(0)
    wanted = torch.cat([torch.randn(1) for _ in range(200)])
    torch.manual_seed(0)
    thread.start()
    for i in range(200):
        drawn.append(torch.randn(1))
        if i < 150 and thread.is_alive():
            time.sleep(0.0005)
    thread.join(10)
    assert results, "it raised"
    assert torch.equal(torch.cat(drawn), wanted)


def test_loading_a_run_leaves_the_random_numbers_of_its_caller(tmp_path):
    run = train(MLPVAE((1, 4, 4), hidden=(8,)), make_data(), epochs=1, batch_size=16).wait()
    run.save(tmp_path / "run.safetensors")
    state = torch.get_rng_state()
    load_run(tmp_path / "run.safetensors")
    assert torch.equal(torch.get_rng_state(), state)
