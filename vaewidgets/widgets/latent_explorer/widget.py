"""The whole thing on one page: train, watch, hover, turn beta."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from vaewidgets.contract.frame import LiveState, Sections
from vaewidgets.data import ImageDataset, load_dataset
from vaewidgets.engine import Snapshot
from vaewidgets.errors import OptionError
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.save import training_options
from vaewidgets.models import MLPVAE
from vaewidgets.publish.embed import training_state
from vaewidgets.publish.training import trainable
from vaewidgets.runs import Run, train
from vaewidgets.sections.state import curves_state, units_state
from vaewidgets.sections.units import check_units_view, thresholds
from vaewidgets.widgets.latent_explorer.restart import RestartWidget

# Small sets are over in seconds at full speed; at this pace a person sees the classes part.
_PACED = {
    "strokes": {"epochs": 60, "batch_size": 128, "speed": 6.0},
    "digits": {"epochs": 100, "batch_size": 64, "speed": 5.0},
}
_OTHERS = {"epochs": 30, "batch_size": 128, "speed": None}
# On the drawn digits a small model comes as far as the default one in half the time.
_MODEL_OF_STROKES: dict[str, Any] = {"hidden": (128, 128)}
_LR_OF_STROKES = 1e-2
# what the state of a widget may hold, which the page cannot list: all widgets of a run are trained along
_KEYS = sorted({*LiveState.__annotations__, "options"} - {"news"})
_MODEL_OPTIONS = ("latent_dim", "hidden", "activation", "likelihood")


class LatentExplorer(RestartWidget):
    """Scatter, decoded image, a path, curves and active units of one run, with the controls to train it.

    Parameters
    ----------
    source : Run, ImageDataset, str, default "strokes"
        A run, or the data to start one on: a set by name (see `load_dataset`) or your own.
    model : nn.Module, optional
        The model to train; by default an `MLPVAE` with two latent dimensions. Not with a run. On "strokes" it
        is a small one that learns in seconds: two hidden layers of 128, a learning rate of 0.01.
    points : int, default 2000
        How many images the scatter shows at most.
    train : bool or dict, default False
        Whether the widget can be trained in the page where no kernel answers: in a notebook that is opened
        again, in HTML made of one. Data and graphs then go into the widget's saved state, once, and the
        newest weights when the run rests; a dict says what may be chosen, as for `save_html`.
    **options
        `latent_dim`, `hidden`, `activation`, `likelihood` of the default model; any option of
        `vaewidgets.train` (`epochs`, `beta`, `lr`, `batch_size`, `seed`, ...). Not with a run.

    Attributes
    ----------
    run : Run
        The one that is shown; another one after "new run" in the page.
    run_id : str
        Its id, to be observed: ``explorer.observe(on_new_run, "run_id")``.
    previous : Run or None
        The run before, stopped, which stays as a ghost.
    selected : ndarray of int64, shape (k,)
        Numbers of the points inside the lasso; `selected_images()` gives the images.

    Notes
    -----
    Keys of `view`: those of `LatentScatter`, `ActiveUnitsBar` and `TrainingCurves`; `path` ([a, b], the ends
    of the strip on the plane that is drawn: [u, v], or None to follow a class; None: both follow) and `ghost`
    (False: the previous run is not shown).

    Raises
    ------
    OptionError
        On an unknown option, or options beside a run that has its own.

    Examples
    --------
    >>> LatentExplorer()                                # doctest: +SKIP
    >>> LatentExplorer("mnist", latent_dim=8, beta=4)   # doctest: +SKIP
    >>> LatentExplorer(run)                             # doctest: +SKIP
    >>> LatentExplorer(run, train=True)                 # doctest: +SKIP
    """

    _esm = STATIC / "latent_explorer.js"
    _view_keys: ClassVar[tuple[str, ...]] = ("path", "delta", "var_threshold", "off")
    _fresh_view: ClassVar = {"ghost": True, "path": None}
    _figure_size = (10.0, 7.4)

    def __init__(
        self,
        source: Run | ImageDataset | str = "strokes",
        *,
        model: nn.Module | None = None,
        points: int = 2000,
        train: bool | Mapping[str, Any] = False,
        **options: Any,
    ) -> None:
        self._trains = training_options(train)
        self._trains_from: tuple[str, int] | None = (
            None  # run and step of the weights in the live key `training`
        )
        if isinstance(source, Run):
            if model is not None or options:
                extra = ["model"] * (model is not None) + list(options)
                raise OptionError(
                    f"LatentExplorer(run) got {', '.join(extra)} too; "
                    "a run has its own: give them to vw.train."
                )
            run = source
        else:
            run = _start(source, model, options)
        super().__init__(run, points)

    def _before_open(self) -> None:
        super()._before_open()
        self._renew_training()

    def _renew_picture(self) -> None:
        super()._renew_picture()
        if not self._changes_by_itself():
            self._renew_training()

    def _renew_training(self) -> None:
        """Put into the state what the page needs to train the run by itself, if it is to."""
        moment = self.run.id, self.run.step
        if self._trains is not None and moment != self._trains_from:
            self._trains_from = moment
            state = training_state(self.run.id, trainable(self.run, **self._trains))
            self._publish({"training": {**state, "keys": _KEYS}})

    def _history_state(self, run: Run) -> Sections:
        return {"curves": curves_state(run)}

    def _snapshot_state(self, run: Run, snapshot: Snapshot) -> Sections:
        scatter, mu, logvar = self._points_state(run, snapshot)
        if logvar is None:  # an autoencoder has no KL
            return {"scatter": scatter}
        delta, var_threshold = thresholds(self.view)
        return {"scatter": scatter, "units": units_state(snapshot, mu, logvar, delta, var_threshold)}

    def _weights_state(self, run: Run, snapshot: Snapshot) -> LiveState:
        state = super()._weights_state(run, snapshot)
        return {**state, **self._slow_state(run, snapshot)}

    def _slow_state(self, run: Run, snapshot: Snapshot) -> LiveState:
        return self._unit_costs(run, snapshot, self.sample)

    def _check_view(self, key: str, value: Any) -> None:
        super()._check_view(key, value)
        check_units_view(key, value, self.run.model.latent_dim)
        if key == "path" and value is not None:
            ends = value if isinstance(value, list) else []
            if len(ends) != 2 or not all(end is None or _is_place(end) for end in ends):
                raise OptionError(
                    f"path is {value!r}; expected None or two ends, each [u, v] on the plane or None, which "
                    "follows a class."
                )

    def _view_changed(self, key: str, value: Any) -> None:
        super()._view_changed(key, value)
        if key == "off":
            self._feed.forget_weights()


def _is_place(value: Any) -> bool:
    try:
        place = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        return False
    return place.shape == (2,) and bool(np.isfinite(place).all())


def _start(source: ImageDataset | str, model: nn.Module | None, options: dict[str, Any]) -> Run:
    """Load the data, build the default model where none is given, and start training."""
    data = load_dataset(source) if isinstance(source, str) else source
    if not isinstance(data, ImageDataset):
        raise OptionError(
            f"LatentExplorer got {type(source).__name__}; "
            "expected a run, an ImageDataset or the name of a data set."
        )
    model_options = {name: options.pop(name) for name in _MODEL_OPTIONS if name in options}
    defaults: dict[str, Any] = dict(_PACED.get(data.name, _OTHERS))
    if model is None:
        if data.name == "strokes":
            model_options, defaults = _MODEL_OF_STROKES | model_options, defaults | {"lr": _LR_OF_STROKES}
        torch.manual_seed(int(options.get("seed", 0)))
        model = MLPVAE(data.image_shape, **model_options)
    elif model_options:
        raise OptionError(f"{', '.join(model_options)}: given beside a model that has its own.")
    return train(model, data, **{**defaults, **options})
