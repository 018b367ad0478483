"""What a loop logs against what its model gives: which of the usual reductions and readings it is.

Pure functions of numbers and of a model in hand; never imports a run.
"""

from __future__ import annotations

from vaewidgets.diagnostics.audit.estimate import Estimate
from vaewidgets.diagnostics.audit.grid import Facts
from vaewidgets.diagnostics.audit.look import FEWEST_VALUES, Images, Look, look_at
from vaewidgets.diagnostics.audit.report import Audit, Compared
from vaewidgets.diagnostics.audit.search import agrees_to_noise, audit

__all__ = [
    "FEWEST_VALUES",
    "Audit",
    "Compared",
    "Estimate",
    "Facts",
    "Images",
    "Look",
    "agrees_to_noise",
    "audit",
    "look_at",
]
