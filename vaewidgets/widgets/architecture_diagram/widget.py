"""A model as a picture, with one training step going through it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, final

import torch
from torch import Tensor, nn

from vaewidgets.adapters.seeded import seeded
from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.checks import instance, number, one_of, random_seed, whole
from vaewidgets.data import ImageDataset, load_dataset
from vaewidgets.errors import OptionError
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.concept import ConceptWidget
from vaewidgets.models import MLPVAE, Autoencoder
from vaewidgets.objectives import encode, get_likelihood, traits
from vaewidgets.runs import Run
from vaewidgets.widgets.architecture_diagram.network import KINDS, training_step

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_STEPS = 13  # of the picture; the page knows how many a kind has


@final
class ArchitectureDiagram(ConceptWidget):
    """An autoencoder or a VAE with real shapes, and one training step to walk through, forward and back.

    Parameters
    ----------
    source : str, nn.Module or Run, default "reparameterised"
        "ae", "vae" (z is drawn inside, where the gradient stops) or "reparameterised": small models on one of
        the drawn digits ("strokes"), fresh, and all three can be chosen in the page. Or a model, or a run:
        its own layers, and one real step on a copy of its newest weights.
    data : ImageDataset, optional
        Where the image comes from; needed for a model that does not take 28 by 28 digits, and not for a run.
    image : int, default 0
        Which image, of the test set if there is one.
    beta : float, optional
        Weight of the KL; by default 1, or what the run has.
    seed : int, default 0
        Of eps.

    Raises
    ------
    OptionError
        If there is no image to show the model, or it is no autoencoder or VAE.

    Notes
    -----
    Keys of `view`: `kind`, as above; `step`, of the walk, from 0.
    """

    _esm = STATIC / "architecture_diagram.js"
    _keys: ClassVar = {
        "kind": partial(one_of, known=KINDS),
        "step": partial(whole, least=0, most=_MOST_STEPS),
    }

    def __init__(
        self,
        source: str | nn.Module | Run = "reparameterised",
        *,
        data: ImageDataset | None = None,
        image: int = 0,
        beta: float | None = None,
        seed: int = 0,
    ) -> None:
        seed = random_seed(seed)
        if beta is not None:
            beta = number("beta", beta, 0)
        if data is not None:
            instance("data", data, ImageDataset, "an ImageDataset")
        if isinstance(source, str):
            one_of("source", source, KINDS, also=", a model or a run")
            self._name, kind = "fresh", source
            self._steps = _examples(image, 1.0 if beta is None else beta, seed)
        else:
            self._name, self._steps = _of(source, data, image, beta, seed)
            kind = list(self._steps)[-1]
        super().__init__({"kind": kind, "step": 0})

    def _check_view(self, key: str, value: Any) -> None:
        super()._check_view(key, value)
        if key == "kind":
            one_of(key, value, self._steps)

    def _content(self) -> dict[str, Any]:
        return {"name": self._name, "kinds": self._steps}

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """The picture with shapes, values and gradient norms, for print; see `LiveWidget.figure`."""
        from vaewidgets.figures import architecture_figure

        return architecture_figure(self._steps[self.view["kind"]], size=size or (7.6, 3.4))

    def __repr__(self) -> str:
        return f"ArchitectureDiagram({self._start['kind']!r}, {self._name})"


def _examples(image: int, beta: float, seed: int) -> dict[str, dict[str, Any]]:
    """Fresh small models on a digit, without touching torch's global generator."""
    data = load_dataset("strokes")
    with restored_modes(), seeded(seed):
        plain = Autoencoder(data.image_shape, latent_dim=2, hidden=(32, 16))
        model = MLPVAE(data.image_shape, latent_dim=2, hidden=(32, 16))
    options: dict[str, Any] = {"beta": beta, "lr": 1e-2, "seed": seed}
    return _steps(plain, data, image, **options) | _steps(model, data, image, **options)


def _of(
    source: Any, data: ImageDataset | None, image: int, beta: float | None, seed: int
) -> tuple[str, dict[str, dict[str, Any]]]:
    if isinstance(source, Run):
        if data is not None:
            raise OptionError("ArchitectureDiagram(run) got data too; a run has its own.")
        weight = source.current_beta if beta is None else beta
        model = source.snapshot().model
        options: dict[str, Any] = {"beta": weight, "lr": source.lr or 1e-3, "likelihood": source.likelihood}
        steps = _steps(model, source.data, image, seed=seed, **options)
        return source.name, steps
    if not isinstance(source, nn.Module) or not callable(getattr(source, "decode_raw", None)):
        raise OptionError(
            f"ArchitectureDiagram got {type(source).__name__}; expected one of "
            f"{', '.join(map(repr, KINDS))}, a run, or a model: one of ours, or yours by vw.as_vae(model)."
        )
    if data is None:
        data = load_dataset("strokes")
        shape = tuple(getattr(source, "image_shape", ()) or ())
        if shape and shape != tuple(data.image_shape):
            raise OptionError(
                f"ArchitectureDiagram(model) has no image of shape {shape} to show it; "
                "give it data=..., or a run."
            )
    return type(source).__name__, _steps(
        source, data, image, beta=1.0 if beta is None else beta, lr=1e-3, seed=seed
    )


def _steps(
    model: Any, data: ImageDataset, image: int, *, beta: float, lr: float, seed: int, likelihood: Any = None
) -> dict[str, dict[str, Any]]:
    """One training step for each kind that a model can be drawn as, the truest last."""
    own = traits(model)
    if own.default_objective == "vq":
        raise OptionError(
            "ArchitectureDiagram draws autoencoders and VAEs; this model looks its z up in a codebook."
        )
    likelihood = likelihood or get_likelihood(model.likelihood, **own.likelihood_options)
    likelihood.check_computed("a training step")
    x, label = _one(data, image)
    label = label if own.takes_labels else None
    with restored_modes(), torch.no_grad():
        _, logvar = encode(model, x, label)
    kinds = ("ae",) if logvar is None else ("vae", "reparameterised")
    options: dict[str, Any] = {"beta": beta, "lr": lr, "seed": seed}
    return {kind: training_step(model, likelihood, data, x, label, kind=kind, **options) for kind in kinds}


def _one(data: ImageDataset, image: int) -> tuple[Tensor, Tensor | None]:
    split = data.test if data.test is not None else data.train
    image = whole("image", image, 0, len(split) - 1)
    return split.images([image]), None if split.labels is None else split.labels[[image]]
