"""Whether the recon that is computed from a foreign model is of a reading that is settled."""

from __future__ import annotations

from vaewidgets.adapters import Convention, undecided
from vaewidgets.engine.recorder import Recorder
from vaewidgets.runs.auditor import Auditor

_NEAR = 2.0  # test images may have another recon than the last batch, by less than this


def unsettled(
    convention: Convention | None, auditor: Auditor | None, recon: float, recorder: Recorder
) -> str | None:
    """Say what is not settled of how a model is read, and the line that settles it; None if all is.

    `recon` is as it was computed. What a loop logs may have settled it, confirm it, or show another;
    where nothing is logged, a reading that is open is a guess.
    """
    if convention is None:
        return None
    audit = None if auditor is None else auditor.latest
    if audit is not None and audit.is_of_model:
        return audit.sentence
    logged = recorder.last("recon")
    is_confirmed = logged is not None and recon / _NEAR <= logged <= recon * _NEAR
    return None if is_confirmed else undecided(convention)
