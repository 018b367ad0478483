"""Drawn digits that look handwritten: pen strokes with known factors."""

from vaewidgets.data.strokes.drawing import (
    STROKE_FACTOR_COUNTS,
    STROKE_FACTOR_NAMES,
    draw_strokes,
    make_strokes,
)

__all__ = ["STROKE_FACTOR_COUNTS", "STROKE_FACTOR_NAMES", "draw_strokes", "make_strokes"]
