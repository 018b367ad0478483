"""A small part of what `tests.faults.run_files` tries: 2,000 damaged and forged run files."""

from __future__ import annotations

from tests.faults.run_files import COUNT, rows
from tests.faults.table import broken


def test_damaged_and_forged_run_files() -> None:
    found = rows(2000 / COUNT, seed=1)
    assert broken(found) == ""
    assert min(row.tried for row in found) == 2000
