"""Idle OpenMP threads are given back, so that the thread that trains has the cores to itself."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from vaewidgets.runs.openmp import has_gnu_openmp, release_cores

needs_gomp = pytest.mark.skipif(not has_gnu_openmp(), reason="torch came without GNU's OpenMP")


@pytest.fixture
def two_threads() -> Iterator[None]:
    """At least two threads, however many this process was given."""
    before = torch.get_num_threads()
    torch.set_num_threads(max(before, 2))
    yield
    torch.set_num_threads(before)


def thread_count() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


@needs_gomp
def test_the_calling_thread_gives_its_threads_back_and_gets_new_ones_when_it_wants_them(
    two_threads: None,
) -> None:
    counts = []

    def work() -> None:
        big = torch.randn(1024, 1024)
        before = float((big @ big).exp().sum())
        counts.append(thread_count())
        release_cores()
        # The threads leave by themselves, a moment later.
        gone = threading.Event()
        for _ in range(500):
            if thread_count() < counts[0]:
                break
            gone.wait(0.01)
        counts.append(thread_count())
        counts.append(before == pytest.approx(float((big @ big).exp().sum()), rel=1e-5, nan_ok=True))
        counts.append(thread_count())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    with_threads, without, same, again = counts
    assert without < with_threads
    assert same
    assert again >= with_threads


def test_it_does_no_harm_where_there_are_none() -> None:
    release_cores()
    release_cores()
    assert (not has_gnu_openmp()) or sys.platform.startswith("linux")
