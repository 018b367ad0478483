"""Moved to `vaewidgets.graphs`; this path works for one more release."""

from vaewidgets._moved import moved

__getattr__, __dir__ = moved(__name__, "graphs")
