"""The colors of the page (its light theme), for print: each quantity and each class keeps its hue."""

from __future__ import annotations

import colorsys

__all__ = ["CLASSES", "COLORS", "MISSING", "class_color"]

COLORS = {
    "fg": "#1f2328",
    "fg2": "#59636e",
    "fg3": "#8c959f",
    "edge": "#d8dde2",
    "accent": "#1976d2",
    "loss": "#6e40aa",
    "recon": "#0a77b5",
    "kl": "#c25209",
    "beta": "#0f8554",
    "var": "#1b4f5c",
    "off": "#b9c0c7",
}

MISSING = "#c23e7a"  # of points without a value: a hue that cividis does not have; as in js/lib/ramp.js

# Petroff's ten (arXiv:2107.02270), chosen for color-vision deficiencies
CLASSES = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59",
    "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip

_GOLDEN_ANGLE = 137.508


def class_color(label: int) -> str:
    """Color of a class as "#rrggbb"; grey for negative labels (no class); later ones go round the hues."""
    if label < 0:
        return COLORS["fg3"]
    if label < len(CLASSES):
        return CLASSES[label]
    hue = ((label - len(CLASSES)) * _GOLDEN_ANGLE + 20) % 360
    rgb = colorsys.hls_to_rgb(round(hue) / 360, 0.42 if label % 2 else 0.64, 0.52)
    return "#" + "".join(f"{round(255 * part):02x}" for part in rgb)
