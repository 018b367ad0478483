"""One's own drawing, encoded in the page, and where it lands among the codes of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from vaewidgets.checks import flag, number
from vaewidgets.contract.frame import LiveState, Sections
from vaewidgets.contract.sections import Framing
from vaewidgets.data import SAMPLE_POINTS
from vaewidgets.engine import Snapshot
from vaewidgets.errors import OptionError
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.feed import Feed
from vaewidgets.live.latent import LatentWidget, decode_u8
from vaewidgets.live.view import is_list
from vaewidgets.runs import Run
from vaewidgets.sections.state import Sample, items_state

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_INK = 0.1  # of the greatest; the same share stands in js/widgets/sketch_encoder/raster.js
_EXAMPLES = 6  # images in the picture of a widget that nothing was drawn in


class SketchEncoder(LatentWidget):
    """Draw an image: the page encodes it, shows its place among the codes, and decodes it.

    The drawing is scaled and moved so that it is framed as the data are (its longer side and its centre of
    mass those of the data, as the digits of MNIST were made), or taken as drawn.

    Parameters
    ----------
    run : Run
        Of a model of images whose encoder the page can run; else the widget says why nothing can be encoded.
        A run on vectors or series is refused: they cannot be sketched.

    Attributes
    ----------
    image : ndarray of uint8, shape (C, H, W), or None
        What the encoder got.
    z : ndarray of float32, shape (latent_dim,), or None
        The point that is decoded: the drawing's posterior mean, or where its point was dragged.

    Notes
    -----
    View keys: ``strokes`` (each with its points on a square from 0 to 1, its width, and whether it erases),
    ``image`` (bytes of what the encoder got), ``z`` (where the point was dragged, null: at the mean),
    ``framed`` (whether the drawing is framed as the data are), ``pen`` (width, 0.03 to 0.2); ``hover`` is
    shared.
    """

    _esm = STATIC / "sketch_encoder.js"
    _view_keys: ClassVar[tuple[str, ...]] = ("strokes", "image", "z", "framed", "pen")
    _sends_points = True
    _figure_size = (4.0, 2.4)

    def __init__(self, run: Run) -> None:
        self._framing: Framing | None = None
        (run,) = self._checked_runs(run)
        items = run.data.items
        if not run.data.holds_images:
            raise OptionError(
                f"SketchEncoder(run) got a run on items of shape {items.shape}, drawn as {items.draw}: a "
                "sketch is an image. vw.LatentExplorer(run) decodes any point of the latent space."
            )
        super().__init__(run, SAMPLE_POINTS)

    def _history_state(self, run: Run) -> Sections:
        if self._framing is None:
            self._framing = framing_state(self._sample_of(run))
        return {"framing": self._framing}

    def _weights_state(self, run: Run, snapshot: Snapshot) -> LiveState:
        feed = Feed.of(run)
        return {"decoder": feed.networks.decoder(snapshot), "encoder": feed.networks.encoder(snapshot)}

    def _check_view(self, key: str, value: Any) -> None:
        shape, d = self.run.data.image_shape, self.run.model.latent_dim
        match key:
            case "strokes":
                _check_strokes(value)
            case "image" if value is not None:
                size = int(np.prod(shape))
                is_bytes = is_list(value, int) and all(0 <= one <= 255 for one in value)
                if not is_bytes or len(value) != size:
                    raise OptionError(
                        f"image wants {size} bytes of an image of shape {tuple(shape)}, or None."
                    )
            case "z" if value is not None:
                if not is_list(value, int | float) or len(value) != d:
                    raise OptionError(f"z is {value!r}; expected a list of {d} numbers, or None.")
            case "framed":
                flag(key, value)
            case "pen":
                number(key, value, 0.03, 0.2)

    @property
    def image(self) -> NDArray[np.uint8] | None:
        """What the encoder got, uint8, shape (C, H, W); None with nothing drawn."""
        sent = self.view.get("image")
        return None if sent is None else np.asarray(sent, np.uint8).reshape(self.run.data.image_shape)

    @property
    def z(self) -> NDArray[np.float32] | None:
        """The point that is decoded, shape (latent_dim,); None with nothing drawn and nothing dragged."""
        dragged, image = self.view.get("z"), self.image
        if dragged is not None:
            return np.asarray(dragged, np.float32)
        if image is None:
            return None
        low, high = self.run.data.value_range
        x = low + torch.from_numpy(image.copy()).float() / 255 * (high - low)
        return np.asarray(self.run.snapshot().encode(x[None])[0][0], np.float32)

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """The drawing over what its point decodes to, for print; see `LiveWidget.figure`."""
        from vaewidgets.figures import rows_figure

        snapshot, z, image = self.run.snapshot(), self.z, self.image
        items = items_state(self.run.data)
        if z is None:  # what the widget does, shown with images of the data
            sample, first = self._sample_of(self.run), slice(0, _EXAMPLES)
            labels = None if sample.labels is None else sample.labels[first]
            codes, _ = snapshot.encode(sample.images[first], snapshot.labels_needed(labels))
            rows = {"image": sample.images_u8[first].numpy(), "decoded": decode_u8(snapshot, codes)}
            caption = "SketchEncoder: run the cell to draw an image of your own"
            return rows_figure(rows, caption=caption, items=items, size=size or (4.0, 1.9))
        rows = {"decoded": decode_u8(snapshot, z[None])}
        caption = "What the chosen code decodes to"
        if image is not None:
            rows = {"drawn": image[None], **rows}
            caption = "A drawing, and what its code decodes to"
        return rows_figure(rows, caption=caption, items=items, size=size or self._figure_size)


def framing_state(sample: Sample) -> Framing:
    """How the images of a sample are framed: what a drawing is fitted to.

    Returns
    -------
    dict
        ``background``: 1 where the images are dark on light, else 0. ``extent``: the longer side of what is
        on it, as a share of the image, and ``center``: its centre of mass (x, y), 0 to 1; medians.
    """
    ink = sample.images_u8.float().mean(dim=1) / 255
    border = torch.cat([ink[:, 0], ink[:, -1], ink[:, :, 0], ink[:, :, -1]], dim=1)
    background = int(border.median() > 0.5)
    ink = 1 - ink if background else ink
    _, height, width = ink.shape
    there = ink >= _INK
    rows, columns = there.any(dim=2).float(), there.any(dim=1).float()
    known = rows.any(dim=1)
    if not bool(known.any()):
        return {"background": background, "extent": 1.0, "center": [0.5, 0.5]}
    sides = torch.stack([_span(rows[known]) / height, _span(columns[known]) / width]).amax(dim=0)
    mass = ink[known].sum(dim=(1, 2))
    x = (ink[known].sum(dim=1) @ (torch.arange(width) + 0.5)) / mass / width
    y = (ink[known].sum(dim=2) @ (torch.arange(height) + 0.5)) / mass / height
    return {
        "background": background,
        "extent": float(sides.median()),
        "center": [float(x.median()), float(y.median())],
    }


def _span(there: torch.Tensor) -> torch.Tensor:
    """From the first to the last 1 of each row, both counted."""
    first = there.argmax(dim=1)
    last = there.shape[1] - 1 - there.flip(1).argmax(dim=1)
    return (last - first + 1).float()


def _check_strokes(value: Any) -> None:
    wanted = 'a list of {"width": 0.09, "points": [x0, y0, x1, y1, …]}, all numbers from 0 to 1'
    if not isinstance(value, list):
        raise OptionError(f"strokes is {type(value).__name__}; expected {wanted}.")
    for stroke in value:
        points = stroke.get("points") if isinstance(stroke, dict) else None
        numbers = [stroke.get("width"), *points] if isinstance(points, list) else []
        whole = all(isinstance(x, int | float) and -1 <= x <= 2 for x in numbers)
        if len(numbers) < 3 or len(numbers) % 2 == 0 or not whole:
            raise OptionError(f"strokes holds {str(stroke)[:80]}; expected {wanted}.")
