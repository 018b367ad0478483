"""The colors of the page, in its light theme for print: each quantity and each class keeps its hue."""

from __future__ import annotations

import colorsys

COLORS = {
    "fg": "#1f2328",
    "fg2": "#59636e",
    "fg3": "#8c959f",
    "edge": "#d8dde2",
    "bg2": "#eef0f2",
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

# Ten colors for classes on white and ten on near black, in the order of matplotlib's "tab10": blue, orange,
# green, red, purple, brown, pink, grey, olive (yellow on black), cyan. Found by simulated annealing: as near
# to those as a contrast of 3 to the background allows, with CIEDE2000 of 18 between any two to all eyes, and
# of 9.7 to those without one of the three cones (Machado et al. 2009, severity 1).
# tests/figures/test_palette.py measures it.
CLASSES = (
    "#477ce8", "#ea6702", "#2e8f66", "#da120d", "#7945be",
    "#845944", "#d464a5", "#7c7d80", "#929852", "#02a1bb",
)  # fmt: skip
CLASSES_DARK = (
    "#6ea4ff", "#f58f02", "#4cc37a", "#ed4336", "#9867e3",
    "#a67e66", "#fe96ca", "#9f9f9f", "#dfdc41", "#4bdcee",
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
