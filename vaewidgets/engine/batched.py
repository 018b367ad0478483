"""One update of several engines at once, by one `FusedStep` of all their models.

For the cells of a sweep that differ in beta, seed or learning rate only. What a step costs beside its matrix
products (a call for each operation, the gathering of the images, waiting for threads) is paid once and not
once a cell.
"""

from __future__ import annotations

import contextlib
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vaewidgets.engine.fused import FusedStep, can_fuse
from vaewidgets.errors import DivergedError
from vaewidgets.models import MLPVAE

if TYPE_CHECKING:
    from vaewidgets.engine.engine import Engine


def why_alone(engine: Engine) -> str | None:
    """Say why an engine's updates cannot be made together with others'; None if they can."""
    if engine.device.type != "cpu":
        return f"batched updates are written for the CPU, and it trains on {engine.device}"
    if type(engine.model) is not MLPVAE:
        return f"batched updates are written for MLPVAE, and its model is a {type(engine.model).__name__}"
    if not can_fuse(engine.trained, engine.objective, engine.likelihood, engine.device):
        return (
            "batched updates are written for the plain ELBO in float32, with binary cross-entropy or squared "
            "error, of a model without hooks"
        )
    if not engine.batches.resident:
        return "its images are read piece by piece"
    return None


def likeness(engine: Engine) -> Hashable:
    """Equal for engines that can be updated together, of which `why_alone` finds nothing to say."""
    model = engine.model
    architecture = (model.image_shape, model.latent_dim, model.hidden, model.activation)
    return (*architecture, type(engine.likelihood), engine.batches.batch_size, id(engine.data))


class BatchedStep:
    """Terms, gradients and update of one batch for each of several engines that are alike; see `likeness`.

    Parameters
    ----------
    engines : sequence of Engine
        At least 2. Their models' weights are moved into stacks; `Engine.take_weights_back` undoes that.
    """

    def __init__(self, engines: Sequence[Engine]) -> None:
        self._engines = tuple(engines)
        self._step = FusedStep([engine.model for engine in engines], engines[0].likelihood)
        for engine in engines:
            engine.is_stacked = True

    def is_of(self, engines: Sequence[Engine]) -> bool:
        """Whether it is of just these engines, and their weights lie still where it has put them."""
        return self._engines == tuple(engines) and self._step.is_of([engine.model for engine in engines])

    @torch.no_grad()
    def __call__(self) -> None:
        """Make each engine's upcoming update, and have it noted.

        All engines are between two steps and have indices of equally many images in `upcoming`. Where
        terms or gradients are not finite, that engine's weights stay as they are, and its loop raises.
        """
        engines = self._engines
        beta = torch.tensor([engine.upcoming.beta for engine in engines])  # type: ignore[union-attr]
        loss, recon, kl, _ = self._step(self._images(), beta, [engine.noise for engine in engines])
        table = torch.stack((loss, recon, kl, self._step.probe()), 1)
        finite = table.isfinite().all(1).tolist()
        kept = [engine.note_step(row) for engine, row in zip(engines, table, strict=True)]
        for engine, terms, is_finite in zip(engines, kept, finite, strict=True):
            engine.update(terms)
            if not is_finite:
                with contextlib.suppress(DivergedError):  # its loop raises it, too
                    engine.flush(wait=True)

    def _images(self) -> Tensor:
        """Images, shape (engines, B, pixels): gathered once where all train on the same ones."""
        engines = self._engines
        indices = [engine.upcoming.batch for engine in engines]  # type: ignore[union-attr]
        if all(torch.equal(indices[0], index) for index in indices[1:]):
            x = engines[0].batches.gather(indices[0]).flatten(1)
            return x.expand(len(engines), *x.shape)
        return torch.stack(
            [engine.batches.gather(index).flatten(1) for engine, index in zip(engines, indices, strict=True)]
        )
