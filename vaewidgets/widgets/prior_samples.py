"""Decoded samples from the prior, the same samples for every run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vaewidgets.checks import number, whole
from vaewidgets.contract.frame import LiveState
from vaewidgets.contract.packing import unpack
from vaewidgets.contract.random import normals
from vaewidgets.data import SAMPLE_POINTS
from vaewidgets.errors import OptionError
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.latent import LatentWidget, decode_u8
from vaewidgets.runs import Run
from vaewidgets.sections.state import items_state
from vaewidgets.sweeps import Sweep

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_DRAWS = 200


class PriorSamples(LatentWidget):
    """Images decoded from z = T · eps, eps ~ N(0, I): what the model thinks the data look like.

    Every run is given the same eps; where latent dimensions differ, the first of them are the same. A model
    without prior (an autoencoder, a VQ-VAE) says so and is shown draws from a Gaussian fitted to its codes,
    one variance a dimension.

    Parameters
    ----------
    run : Run, or several, or a Sweep
    draws : int, default 20
        How many, 1 to 200.
    seed : int, default 0
        Of the draws, from 0 up.
    temperature : float, default 1
        T, the standard deviation that z is drawn with, 0 to 2.

    Notes
    -----
    View keys: ``seed``, ``temperature``, ``label`` (the class given to a conditional decoder, null: none);
    ``hover``, the z of the draw pointed at, and ``time`` are shared.
    """

    _esm = STATIC / "prior_samples.js"
    _view_keys: ClassVar[tuple[str, ...]] = ("seed", "temperature", "label")
    _takes_several = True
    _time_options: ClassVar = {"points": False, "weights": True}
    _figure_size = (6.4, 2.0)

    def __init__(
        self,
        run: Run | Iterable[Run] | Sweep,
        *,
        draws: int = 20,
        seed: int = 0,
        temperature: float = 1.0,
    ) -> None:
        draws = whole("draws", draws, 1, _MOST_DRAWS)
        super().__init__(run, SAMPLE_POINTS, options={"draws": draws})
        self.view = {"seed": seed, "temperature": temperature}

    def _time_state(self, run: Run) -> LiveState:
        # Eight sets of weights of each of several runs would be the larger part of a page.
        return super()._time_state(run) if len(self._runs) == 1 else {}

    def _check_view(self, key: str, value: Any) -> None:
        if key == "temperature":
            number(key, value, 0, 2)
        if key == "seed":
            whole(key, value, 0)

    def draws(self, run: Run | None = None) -> NDArray[np.float32]:
        """The z of each draw that the page shows, shape (draws, latent_dim).

        Parameters
        ----------
        run : Run, optional
            One of `runs`; the first by default.
        """
        wanted = self.run if run is None else run
        frame = self.frame or {}
        part = next(
            (part for part in [frame, *frame.get("others", [])] if part["run"]["id"] == wanted.id), None
        )
        if part is None:
            raise OptionError(f"{wanted!r} is none of the runs that this PriorSamples shows.")
        latent, view = part["latent"], self.view
        mean, std = unpack(latent["mean"]), unpack(latent["std"])
        seed, temperature = int(view["seed"]), float(view["temperature"])
        eps = np.stack([normals(len(mean), seed, i) for i in range(int(self.options["draws"]))])
        z = temperature * eps if latent["prior"] else mean + temperature * std * eps
        return z.astype(np.float32)

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """The draws that the page shows, for print; see `LiveWidget.figure`."""
        from vaewidgets.figures import rows_figure

        rows: dict[str, np.ndarray] = {}
        for run in self.runs:
            label = self._settings[run.id]["label"] if run.id in self._settings else run.name
            one = decode_u8(run.snapshot(), self.draws(run), self.view.get("label"))
            across = max(1, min(10, len(one)))
            for i in range(len(one) // across):  # rows after the first have no name, and one of their own
                name = label.replace(", ", "\n") if i == 0 and len(self.runs) > 1 else " " * (len(rows) + 1)
                rows[name] = one[i * across : (i + 1) * across]
        caption = f"Decoded draws, z = {self.view['temperature']:g} ε"
        return rows_figure(rows, caption=caption, items=items_state(self.run.data), size=size)
