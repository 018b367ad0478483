"""Tests of vaewidgets.figures."""
