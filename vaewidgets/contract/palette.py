"""The colors of the page, in its light theme for print: each quantity and each class keeps its hue."""

from __future__ import annotations

import colorsys

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

# Of points without a value: a hue that cividis does not have; js/panels/latent/ramp.js has the same.
MISSING = "#c23e7a"

# Ten colors for classes on white and ten on near black, of the same hues: Petroff's (arXiv:2107.02270),
# moved as little as it takes for a contrast of 3 to the background, and for CIEDE2000 between any two of 16
# to all eyes, and of 9.5 to those without one of the three cones (Machado et al. 2009, severity 1).
# tests/figures/test_palette.py measures it.
CLASSES = (
    "#3f90da", "#9c6500", "#a41800", "#4b5957", "#822cb5", "#5a281a",
    "#f16b0d", "#a09459", "#8a8e9a", "#2f7b7e",
)  # fmt: skip
CLASSES_DARK = (
    "#4191db", "#ffa90e", "#c02203", "#b7c8c6", "#8d37c0", "#a96b59",
    "#e86402", "#b9ac70", "#9499a8", "#3c8588",
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
