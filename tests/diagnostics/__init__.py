"""Tests of vaewidgets.diagnostics."""
