"""The class colors: told apart by all eyes, seen on both backgrounds, the same in the page and in print."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

import vaewidgets
from vaewidgets.contract.palette import CLASSES, CLASSES_DARK

STYLES = Path(vaewidgets.__file__).parent / "js" / "styles" / "index.css"
LIGHT, DARK = ["#ffffff"], ["#111315", "#111111"]  # ours, and JupyterLab's in its dark theme
PALETTES = {"light": (CLASSES, LIGHT), "dark": (CLASSES_DARK, DARK)}
# Machado, Oliveira & Fernandes 2009, table of severity 1, on linear RGB
EYES = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900],
    ],
}  # fmt: skip
TO_XYZ = [
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
]


def linear(color: str) -> np.ndarray:
    """Red, green and blue of "#rrggbb", 0...1, proportional to light."""
    rgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(light: np.ndarray) -> np.ndarray:
    """CIELAB of linear RGB, under D65."""
    xyz = TO_XYZ @ np.clip(light, 0, 1) / (TO_XYZ @ np.ones(3))
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def ciede2000(first: np.ndarray, second: np.ndarray) -> float:
    """Sharma, Wu & Dalal 2005, equations 2 to 22."""
    (l1, a1, b1), (l2, a2, b2) = first, second
    c = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(c**7 / (c**7 + 25**7)))
    (c1, h1), (c2, h2) = (
        (np.hypot((1 + g) * a, b), np.degrees(np.arctan2(b, (1 + g) * a)) % 360)
        for a, b in ((a1, b1), (a2, b2))
    )
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    if c1 * c2 and abs(h2 - h1) == 180:
        turn = h2 - h1
    d_h = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn) / 2)
    l_mean, c_mean = (l1 + l2) / 2, (c1 + c2) / 2
    h_mean = h1 + h2 if not c1 * c2 else (h1 + h2) / 2
    if c1 * c2 and abs(h1 - h2) > 180:
        h_mean += 180 if h1 + h2 < 360 else -180
    cos = {n: np.cos(np.radians(n * h_mean - shift)) for n, shift in ((1, 30), (2, 0), (3, -6), (4, 63))}
    t = 1 - 0.17 * cos[1] + 0.24 * cos[2] + 0.32 * cos[3] - 0.20 * cos[4]
    s_l = 1 + 0.015 * (l_mean - 50) ** 2 / np.sqrt(20 + (l_mean - 50) ** 2)
    x, y, z = (l2 - l1) / s_l, (c2 - c1) / (1 + 0.045 * c_mean), d_h / (1 + 0.015 * c_mean * t)
    bent = np.radians(60 * np.exp(-(((h_mean - 275) / 25) ** 2)))
    r_t = -2 * np.sqrt(c_mean**7 / (c_mean**7 + 25**7)) * np.sin(bent)
    return float(np.sqrt(x**2 + y**2 + z**2 + r_t * y * z))


def contrast(first: str, second: str) -> float:
    """WCAG 2.2."""
    low, high = sorted(float(np.dot([0.2126, 0.7152, 0.0722], linear(color))) for color in (first, second))
    return (high + 0.05) / (low + 0.05)


def closest(colors: tuple[str, ...], eyes: str) -> tuple[float, int, int]:
    seen = [lab(np.array(EYES[eyes]) @ linear(color)) for color in colors]
    return min((ciede2000(seen[i], seen[j]), i, j) for i, j in itertools.combinations(range(len(seen)), 2))


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [  # of the 34 pairs of Sharma, Wu & Dalal 2005, table 1: those that tell wrong programs from right ones
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, -1.0, 2.0), (50, 0, 0), 2.3669),
        ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
        ((50, 2.5, 0), (56, -27, -3), 31.9030),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_measure_is_that_of_its_authors(first: tuple, second: tuple, wanted: float) -> None:
    assert ciede2000(np.array(first), np.array(second)) == pytest.approx(wanted, abs=1e-4)
    assert ciede2000(np.array(second), np.array(first)) == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("theme", PALETTES)
@pytest.mark.parametrize("eyes", EYES)
def test_any_two_classes_are_told_apart(theme: str, eyes: str) -> None:
    colors, _ = PALETTES[theme]
    distance, i, j = closest(colors, eyes)
    assert distance >= (18 if eyes == "normal" else 9.7), (i, j, distance)


@pytest.mark.parametrize("theme", PALETTES)
def test_every_class_is_seen_on_its_background(theme: str) -> None:
    colors, backgrounds = PALETTES[theme]
    for color, background in itertools.product(colors, backgrounds):
        assert contrast(color, background) >= 3, (color, background)


def test_a_class_keeps_its_hue_from_theme_to_theme() -> None:
    for label, (light, dark) in enumerate(zip(CLASSES, CLASSES_DARK, strict=True)):
        (_, *first), (_, *second) = lab(linear(light)), lab(linear(dark))
        if min(np.hypot(*first), np.hypot(*second)) < 12:
            continue  # a grey has none
        turned = np.degrees(np.arctan2(first[1], first[0]) - np.arctan2(second[1], second[0]))
        assert abs((turned + 180) % 360 - 180) < 20, label


@pytest.mark.parametrize(
    ("theme", "start"), [("light", ".vw-root {"), ("dark", '.vw-root[data-theme="dark"] {')]
)
def test_the_page_has_the_same(theme: str, start: str) -> None:
    css = STYLES.read_text()
    block = css[css.index(start) : css.index("}", css.index(start))]
    page = dict(re.findall(r"--vw-class-(\d+): (#[0-9a-f]{6});", block))
    assert tuple(page[str(i)] for i in range(10)) == PALETTES[theme][0]
    assert len(page) == 10
