"""The stop button at random instants of the public calls, in plain Python and in kernels: the short form."""

from __future__ import annotations

import pytest

from tests.faults.interrupts import KINDS, hammer, kernels, press, row
from tests.faults.table import broken

# Open: on a busy machine 2 to 6 of 45 interrupted loops were counted as late, on a quiet one none. Whether
# the run or this machine is at fault is not known; docs/reliability.md says so.
OPEN = pytest.mark.xfail(strict=False, reason="interrupted loops of one's own: some count as late, see docs")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", [pytest.param(k, marks=OPEN) if k == "attach" else k for k in KINDS])
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
