"""A part of what `tests.faults.disk` tries in its long form."""

from __future__ import annotations

import sys

import pytest

from tests.faults import disk
from tests.faults.table import broken

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits and mounts are POSIX")


def test_a_disk_a_clock_or_a_home_folder_that_fails_is_said_and_spoils_nothing() -> None:
    assert not broken(disk.rows(scale=18 / disk.SCALE_1, seed=0))
