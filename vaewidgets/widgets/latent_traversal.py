"""One row of decoded images for each latent dimension; the others are fixed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from vaewidgets.checks import one_of, whole
from vaewidgets.contract.packing import unpack
from vaewidgets.contract.texts import subscript
from vaewidgets.data import SAMPLE_POINTS
from vaewidgets.errors import OptionError
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.latent import LatentWidget, decode_u8
from vaewidgets.live.view import is_list
from vaewidgets.runs import Run
from vaewidgets.sections.state import items_state

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLES = ("quantiles", "gaussian", "range", "sigma", "minmax")
_NEED_PRIOR = ("quantiles", "range")
_MOST_ROWS = 32


class LatentTraversal(LatentWidget):
    """What each latent dimension does: its row runs over a range while the others are fixed.

    Rows stand by falling KL (by standard deviation where there is none); a slider each moves the point that
    all rows start from, which is the middle of the latent space or the code of an image.

    Parameters
    ----------
    run : Run
    style : {"quantiles", "gaussian", "range", "sigma", "minmax"}, optional
        The range of a row: quantiles of the prior, quantiles of a Gaussian fitted to the codes with the
        variance of the posteriors, −2 to 2, mean ± 2 of those deviations, or least to greatest code. By
        default "quantiles", or "gaussian" for a model without prior, which has no "quantiles" and "range".
    axes : {"dimensions", "principal"}
        Latent dimensions, or principal directions of the codes.
    base : int, optional
        Number of the image to start from; by default the middle.
    images : int, default 11
        In a row, 2 to 41.
    rows : int, default 10
        How many at most, 1 to 32.

    Notes
    -----
    View keys: ``style``, ``axes``, ``base``, ``rows``, ``z`` (where the sliders stand; null: at the start),
    ``label`` (the class given to a conditional decoder); ``hover`` and ``time`` are shared.

    References
    ----------
    The five ranges are those of Locatello et al. 2019, arXiv:1811.12359, in their library.
    """

    _esm = STATIC / "latent_traversal.js"
    _view_keys: ClassVar[tuple[str, ...]] = ("style", "axes", "rows", "base", "z", "label")
    _sends_points = True
    _time_options: ClassVar = {"points": False, "weights": True, "posteriors": True}

    def __init__(
        self,
        run: Run,
        *,
        style: Literal["quantiles", "gaussian", "range", "sigma", "minmax"] | None = None,
        axes: Literal["dimensions", "principal"] = "dimensions",
        base: int | None = None,
        images: int = 11,
        rows: int = 10,
    ) -> None:
        images = whole("images", images, 2, 41)
        super().__init__(run, SAMPLE_POINTS, options={"images": images})
        self.view = {"style": style, "axes": axes, "base": base, "rows": rows}

    def _check_view(self, key: str, value: Any) -> None:
        latent = (self.frame or {}).get("latent")
        match key:
            case "style":
                prior = latent is None or latent["prior"]
                known = STYLES if prior else tuple(one for one in STYLES if one not in _NEED_PRIOR)
                one_of(key, value, (*known, None))
            case "axes":
                one_of(key, value, ("dimensions", "principal"))
            case "rows":
                whole(key, value, 1, _MOST_ROWS)
            case "base" if value is not None:
                n = len(self.sample) if latent is None else latent["points"]["shape"][0]
                whole(key, value, 0, n - 1, also=", the index of an image")
            case "z" if value is not None:
                d = self.run.model.latent_dim
                if not is_list(value, int | float) or len(value) != d:
                    raise OptionError(f"z is {value!r}; expected a list of {d} numbers.")

    def traversals(self) -> dict[str, NDArray[np.float32]]:
        """The z of each image that the page shows, by the row's name; each of shape (images, latent_dim)."""
        latent, view = (self.frame or {})["latent"], self.view
        mean, n = unpack(latent["mean"]).astype(float), int(self.options["images"])
        d, style = len(mean), view["style"] or ("quantiles" if latent["prior"] else "gaussian")
        rest = np.zeros(d) if latent["prior"] else mean
        base = rest if view["base"] is None else unpack(latent["points"])[view["base"]]
        z = np.asarray(view.get("z") or base, float)
        principal = view["axes"] == "principal" and d > 1
        if principal:
            vectors, worth = unpack(latent["directions"]).astype(float), unpack(latent["scales"])
            (total, low, high), middle = unpack(latent["along"]), np.zeros(len(vectors))
            origin = -vectors @ mean  # of the prior, along each direction
        else:
            vectors, middle, origin = np.eye(d), mean, np.zeros(d)
            total, low, high = (unpack(latent[name]) for name in ("total_std", "low", "high"))
            worth = unpack(latent["std"] if latent["kl"] is None else latent["kl"])
        found = {}
        for k in np.argsort(-worth, kind="stable")[: view["rows"]]:
            to = _values(style, n, (origin[k], middle[k], total[k], low[k], high[k]))
            now = vectors[k] @ (z - mean) if principal else z[k]
            name = f"direction {k + 1}" if principal else f"z{k + 1}"
            found[name] = (z + (to - now)[:, None] * vectors[k]).astype(np.float32)
        return found

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """The rows that the page shows, for print; see `LiveWidget.figure`."""
        from vaewidgets.figures import rows_figure

        snapshot, label = self.run.snapshot(), self.view.get("label")
        rows = {subscript(name): decode_u8(snapshot, z, label) for name, z in self.traversals().items()}
        caption, items = "One dimension per row, other dimensions fixed", items_state(self.run.data)
        return rows_figure(rows, caption=caption, items=items, size=size)


def _values(style: str, n: int, axis: tuple[float, float, float, float, float]) -> np.ndarray:
    """Coordinates along one axis; as `values` of js/widgets/latent_traversal/traverse.js.

    `axis` holds the prior's mean on it, and the mean, total deviation, least and greatest of the codes.
    """
    origin, mean, total, low, high = axis
    quantiles = torch.special.ndtri((torch.arange(n, dtype=torch.float64) + 0.5) / n).numpy()
    match style:
        case "quantiles":
            return np.asarray(origin + quantiles)
        case "gaussian":
            return np.asarray(mean + total * quantiles)
        case "range":
            return np.linspace(origin - 2, origin + 2, n)
        case "sigma":
            return np.linspace(mean - 2 * total, mean + 2 * total, n)
        case _:
            return np.linspace(low, high, n)
