"""Loss, recon and kl against the step, of one run or of several."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from vaewidgets.checks import flag, number, one_of
from vaewidgets.contract.frame import Sections
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.run_widget import RunWidget
from vaewidgets.objectives import TERMS
from vaewidgets.runs import Run
from vaewidgets.sections.state import curves_state
from vaewidgets.sweeps import Sweep

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CURVE_KEYS = ("log", "smoothing", "quantity")  # of the view


class TrainingCurves(RunWidget):
    """Live curves of loss, recon and kl: every step in training, every epoch on the test set.

    A quantity has one hue everywhere; several runs differ in dash, lightness and the name at the line's end,
    which is the setting in which they differ.

    Parameters
    ----------
    run : Run, sequence of Run, or Sweep

    Notes
    -----
    A series is thinned to at most 1,000 buckets; each keeps its lowest, mean and highest value, so no
    peak is lost. The unit is that of the run's likelihood.

    Keys of the view: `log` (bool: logarithmic axes; a panel with a value below 0, as a Gaussian likelihood
    gives, stays linear and says so), `smoothing` (memory of an exponential mean in steps, 0
    for none; the raw curve stays, faint), `quantity` ("loss", "recon" or "kl" to show alone; None for all,
    which more than four runs do not fit: they show the loss).

    Examples
    --------
    >>> TrainingCurves(run)                                          # doctest: +SKIP
    >>> TrainingCurves(vw.sweep(vw.MLPVAE, data, beta=[0.1, 1, 4]))  # doctest: +SKIP
    """

    _esm = STATIC / "training_curves.js"
    _view_keys: ClassVar[tuple[str, ...]] = CURVE_KEYS
    _takes_several = True

    def __init__(self, run: Run | Iterable[Run] | Sweep) -> None:
        super().__init__(run)

    def _history_state(self, run: Run) -> Sections:
        return {"curves": curves_state(run)}

    def _check_view(self, key: str, value: Any) -> None:
        check_curves_view(key, value)

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """The curves as the view has them, for print; see `LiveWidget.figure`."""
        from vaewidgets.figures import runs_curves_figure

        frame, view = self.frame or {}, self.view
        return runs_curves_figure(
            [frame, *frame.get("others", ())],
            log=bool(view.get("log")),
            smoothing=float(view.get("smoothing") or 0),
            quantity=view.get("quantity"),
            size=size or self._figure_size,
        )


def check_curves_view(key: str, value: Any) -> None:
    """Raise an `OptionError` if `value` cannot be a key of the view that the curves obey."""
    if key == "log":
        flag(key, value)
    if key == "smoothing":
        number(key, value, 0, also=", in steps")
    if key == "quantity":
        one_of(key, value, (*TERMS, None))
