"""Moved to `vaewidgets.runs`, `.sweeps` and `.engine`; this path works for one more release."""

from vaewidgets._moved import moved

__getattr__, __dir__ = moved(__name__, "runs", "sweeps", "engine")
