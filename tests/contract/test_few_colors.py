"""Pictures in 256 colors: those that there are few of stay as they are, the others come close."""

import io

import numpy as np
import pytest
from PIL import Image

from vaewidgets.contract.few_colors import few_color_png
from vaewidgets.contract.png import css_size, in_few_colors


def opened(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.mode == "P"
        return np.asarray(picture.convert("RGB"))


def test_up_to_256_colors_are_kept_exactly() -> None:
    grey = np.arange(256, dtype=np.uint8).repeat(30).reshape(60, 128)
    pixels = np.stack([grey, 255 - grey, grey // 2], axis=-1)
    np.testing.assert_array_equal(opened(few_color_png(pixels)), pixels)


@pytest.mark.parametrize("size", [200, 900], ids=["every pixel is looked at", "every other"])
def test_of_many_colors_white_and_small_areas_stay_and_the_rest_is_close(size: int) -> None:
    across = np.linspace(0, 255, size).astype(np.uint8)
    pixels = np.full((size, size, 3), 255, np.uint8)
    pixels[: size // 2, :, 0] = across
    pixels[: size // 2, :, 1] = across[: size // 2, None]
    pixels[-size // 8 :, : size // 8] = (200, 0, 200)
    found = opened(few_color_png(pixels))
    white = (pixels == 255).all(axis=2)
    assert (found[white] == 255).all()
    assert (found[-1, 0] == (200, 0, 200)).all()
    assert np.abs(found.astype(int) - pixels).max() < 40
    assert np.abs(found.astype(int) - pixels).mean() < 6


def test_the_size_in_css_pixels_stays_and_few_colors_are_left_alone() -> None:
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    Image.fromarray(noise).save(file, "PNG", dpi=(200, 200))
    few = in_few_colors(file.getvalue())
    assert len(few) < len(file.getvalue())
    assert css_size(few) == css_size(file.getvalue()) == (40, 30)
    assert in_few_colors(few) is few
