"""The stop button at random instants of the public calls, in plain Python and in kernels: the short form."""

from __future__ import annotations

import pytest

from tests.faults.interrupts import KINDS, hammer, kernels, press, row
from tests.faults.table import broken


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_answers_after_an_interrupt_at_any_instant(kind: str) -> None:
    tallies = hammer(kind, 45)
    assert not broken([row(kind, tallies)])
    total = sum(tally["interrupts"] for tally in tallies.values())
    assert sum(tally["inside"] for tally in tallies.values()) > total / 2
    assert len(tallies) > 18, "each public call"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_run_answers_after_the_stop_button_of_a_kernel() -> None:
    (name, folder), *_ = kernels().items()
    assert not broken([row(name, press(folder, 24))])
