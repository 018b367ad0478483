"""A sweep in a process that was forked off: it is the parent's, and so is its folder."""

from __future__ import annotations

import weakref
from concurrent.futures import ThreadPoolExecutor

from tests.runs.conftest import make_data, wait_until
from tests.runs.test_loop_place import in_fork
from vaewidgets.models import MLPVAE
from vaewidgets.sweeps import sweep


def test_a_sweep_in_a_forked_process_belongs_to_another() -> None:
    pool = ThreadPoolExecutor(1)
    out = sweep(MLPVAE, make_data(), beta=[1, 2], hidden=(8,), batch_size=16, epochs=None, executor=pool)
    folder = out[0].path.parent

    def child() -> list[object]:
        out.join(5)
        statuses = [cell.status for cell in out]
        weakref.finalize._exitfunc()  # type: ignore[attr-defined]  # as where the child ends
        return [out.has_ended, statuses, str(out[1].error)]

    try:
        assert wait_until(lambda: any(folder.glob(".begun-*")), 30)
        found = in_fork(child)
        assert folder.is_dir(), "the parent trains on in its folder"
        assert not out.has_ended
    finally:
        out.close()
        pool.shutdown()
    assert isinstance(found, list), found
    ended, statuses, error = found
    assert (ended, statuses) == (True, ["failed", "failed"])
    assert "belongs to another process" in error
