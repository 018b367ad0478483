"""Still pictures: how large they are shown, and in how few bytes they are kept."""

from __future__ import annotations

import io
import struct
from typing import Any

DOTS_PER_PX = 100  # dots an inch at which a dot of a picture is a CSS pixel: a figure of 6 inches is 600 wide
_INCH = 0.0254  # metres


def css_size(png: bytes) -> tuple[int, int]:
    """Return (width, height) in CSS pixels of a PNG, by the dots per inch that it was drawn with."""
    width, height = struct.unpack(">II", png[16:24])
    at = png.find(b"pHYs")
    per_metre = struct.unpack(">I", png[at + 4 : at + 8])[0] if at >= 0 else 0
    scale = max(per_metre * _INCH / DOTS_PER_PX, 1.0)
    return round(width / scale), round(height / scale)


def size_metadata(png: bytes | None) -> dict[str, Any]:
    """Return metadata of a notebook's output that say how large its picture is shown."""
    if png is None:
        return {}
    width, height = css_size(png)
    return {"image/png": {"width": width, "height": height}}


def in_few_colors(png: bytes) -> bytes:
    """Return a PNG in 256 colors, a third of its size; as it is where that is less."""
    from PIL import Image  # comes with matplotlib

    from vaewidgets.contract.few_colors import few_color_png  # needs numpy, which a replay may lack

    with Image.open(io.BytesIO(png)) as picture:
        if picture.mode == "P":
            return png
        found = few_color_png(picture.convert("RGB"), picture.info.get("dpi", (0, 0))[0])
    return min(png, found, key=len)
