"""An idle OpenMP team is given back, so that the thread that trains has the cores to itself."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from vaewidgets.runs.threads import _pause_function, release_idle_team

needs_gomp = pytest.mark.skipif(_pause_function() is None, reason="torch came without GNU's OpenMP")


@pytest.fixture
def a_team() -> Iterator[None]:
    """At least two threads, however many this process was given."""
    before = torch.get_num_threads()
    torch.set_num_threads(max(before, 2))
    yield
    torch.set_num_threads(before)


def thread_count() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


@needs_gomp
def test_the_calling_thread_gives_its_team_back_and_gets_one_when_it_wants_one(a_team: None) -> None:
    counts = []

    def work() -> None:
        big = torch.randn(1024, 1024)
        before = float((big @ big).exp().sum())
        counts.append(thread_count())
        release_idle_team()
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
    with_team, without, same, again = counts
    assert without < with_team
    assert same
    assert again >= with_team


def test_it_does_no_harm_where_there_is_no_team() -> None:
    release_idle_team()
    release_idle_team()
    assert (_pause_function() is None) or sys.platform.startswith("linux")
