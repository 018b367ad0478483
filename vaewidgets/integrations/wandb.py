"""A mirror of a run in Weights & Biases."""

from __future__ import annotations

import io
from typing import Any

from vaewidgets.figures import figure_png
from vaewidgets.integrations.mirror import mirror, new_points, page_of
from vaewidgets.live.widget import LiveWidget
from vaewidgets.runs import Run

__all__ = ["write"]

MOST_BYTES = 4_000_000  # of a picture


def write(run: Run, logger: Any, *, widget: LiveWidget | None = None) -> None:
    """Log what a run has recorded since the last call: its curves, and a widget's picture and page.

    Call it as often as you like, such as once an epoch. What fails is one warning and ends no training.

    Parameters
    ----------
    run : Run
        Values are logged as ``vaewidgets/loss`` and so on, over ``vaewidgets/step``, which leaves the steps
        of your own ``logger.log`` alone; of more than 1,000 new steps, means over equal stretches.
    logger : wandb.Run
        ``wandb.init(...)``.
    widget : LiveWidget, optional
        Its picture is logged as an image, ``vaewidgets/LatentScatter``, and its page, which works offline, as
        an artifact of type "page".

    Examples
    --------
    >>> from vaewidgets.integrations import wandb as mirror      # doctest: +SKIP
    >>> mirror.write(run, wandb.init())                          # doctest: +SKIP
    >>> mirror.write(run, logger, widget=vw.LatentScatter(run))  # doctest: +SKIP
    """

    def do() -> None:
        import wandb

        logger.define_metric("vaewidgets/step", hidden=True)
        logger.define_metric("vaewidgets/*", step_metric="vaewidgets/step")
        for points in new_points(run, logger):
            for step, values in points:
                named = {f"vaewidgets/{name}": value for name, value in values.items()}
                logger.log({**named, "vaewidgets/step": step})
        if widget is not None:
            name = type(widget).__name__
            logger.log({f"vaewidgets/{name}": wandb.Image(_drawn(widget)), "vaewidgets/step": run.step})
            artifact = wandb.Artifact(f"{name}-{run.id}", type="page", metadata={"step": run.step})
            with page_of(widget) as page:
                artifact.add_file(str(page))
            logger.log_artifact(artifact)

    mirror("wandb.write", run, widget, do)


def _drawn(widget: LiveWidget) -> Any:
    """Draw a widget as an image of Pillow: wandb takes a figure only where pyplot was imported."""
    from PIL import Image

    return Image.open(io.BytesIO(figure_png(widget.figure(), MOST_BYTES, dpi=100)))
