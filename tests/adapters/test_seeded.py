"""The random generator that all threads share, one thread at a time."""

import threading

import torch

from tests.runs.conftest import make_data
from vaewidgets.adapters.seeded import drawing, seeded
from vaewidgets.models import MLPVAE
from vaewidgets.runs import load_run, train


def numbers(seed: int) -> torch.Tensor:
    return torch.rand(4, generator=torch.Generator().manual_seed(seed))


def test_it_draws_what_the_seed_says_and_puts_back():
    state = torch.get_rng_state()
    with drawing, seeded(3):
        first = torch.rand(2)
        with drawing, seeded(5):
            assert torch.equal(torch.rand(4), numbers(5))
        second = torch.rand(2)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(3)
    assert torch.equal(torch.cat([first, second]), torch.cat([torch.rand(2), torch.rand(2)]))


def test_another_thread_waits_for_its_turn():
    entered, drawn = threading.Event(), []

    def other() -> None:
        with drawing, seeded(5):
            entered.set()
            drawn.append(torch.rand(4))

    thread = threading.Thread(target=other)
    state = torch.get_rng_state()
    with drawing, seeded(3):
        thread.start()
        assert not entered.wait(0.3)
        assert torch.equal(torch.rand(4), numbers(3))
    thread.join()
    assert torch.equal(drawn[0], numbers(5))
    assert torch.equal(torch.get_rng_state(), state)


def test_loading_a_run_leaves_the_random_numbers_of_its_caller(tmp_path):
    run = train(MLPVAE((1, 4, 4), hidden=(8,)), make_data(), epochs=1, batch_size=16).wait()
    run.save(tmp_path / "run.safetensors")
    state = torch.get_rng_state()
    load_run(tmp_path / "run.safetensors")
    assert torch.equal(torch.get_rng_state(), state)
