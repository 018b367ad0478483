import numpy as np
import pytest
import torch

from vaewidgets.engine.metrics import PAGE_ROWS, Metrics, _Page


def write(metrics, step):
    terms = tuple(torch.tensor(float(step + i)) for i in range(4))
    return metrics.write(step, terms, beta=step / 2, lr=1e-3, images=16)


def check(blocks, first, n):
    steps = np.concatenate([block.first_step + np.arange(len(block.terms)) for block in blocks])
    assert steps.tolist() == list(range(first, first + n))
    terms = np.concatenate([block.terms for block in blocks])
    assert np.array_equal(terms, steps[:, None] + np.arange(4))
    assert np.array_equal(np.concatenate([block.beta for block in blocks]), steps / 2)


def test_rows_come_back_in_order():
    metrics = Metrics(torch.device("cpu"))
    assert write(metrics, 0).tolist() == [0, 1, 2, 3]
    for step in range(1, 10):
        write(metrics, step)
    check(list(metrics.flush(wait=False)), 0, 10)
    assert list(metrics.flush(wait=True)) == []


def test_a_full_page_says_so():
    metrics = Metrics(torch.device("cpu"))
    for step in range(PAGE_ROWS):
        assert not metrics.is_full
        write(metrics, step)
    assert metrics.is_full
    check(list(metrics.flush(wait=False)), 0, PAGE_ROWS)
    assert not metrics.is_full


@pytest.fixture
def slow_device(monkeypatch):
    """Copies that arrive when the test says so, as from an accelerator."""
    arrived = []
    monkeypatch.setattr(_Page, "has_arrived", lambda page: bool(arrived))
    return arrived


def test_a_page_travels_while_the_other_is_written_to(slow_device):
    metrics = Metrics(torch.device("cpu"))
    for step in range(5):
        write(metrics, step)
    assert list(metrics.flush(wait=False)) == []
    for step in range(5, 8):
        write(metrics, step)
    assert list(metrics.flush(wait=False)) == []
    slow_device.append(True)
    check(list(metrics.flush(wait=False)), 0, 8)


def test_waiting_brings_everything(slow_device):
    metrics = Metrics(torch.device("cpu"))
    for step in range(5):
        write(metrics, step)
    assert list(metrics.flush(wait=False)) == []
    for step in range(5, 8):
        write(metrics, step)
    check(list(metrics.flush(wait=True)), 0, 8)


def test_two_full_pages_are_waited_for(slow_device):
    metrics = Metrics(torch.device("cpu"))
    blocks = []
    for step in range(3 * PAGE_ROWS):
        if metrics.is_full:
            blocks += metrics.flush(wait=False)
        write(metrics, step)
    assert len(blocks) == 1
    blocks += metrics.flush(wait=True)
    check(blocks, 0, 3 * PAGE_ROWS)


def test_extras_travel_behind_the_terms():
    metrics = Metrics(torch.device("cpu"), n_extras=2)
    for step in range(3):
        terms = tuple(torch.tensor(float(step + i)) for i in range(6))
        row = metrics.write(step, terms, beta=1.0, lr=1e-3, images=16)
        assert row.tolist() == [step + i for i in range(4)]
    (block,) = metrics.flush(wait=True)
    assert block.terms.tolist() == [[step + i for i in range(4)] for step in range(3)]
    assert block.extras.tolist() == [[step + 4, step + 5] for step in range(3)]
