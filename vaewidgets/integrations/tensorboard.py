"""A mirror of a run in TensorBoard."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from vaewidgets.integrations.mirror import mirror, new_points, page_of
from vaewidgets.live.widget import LiveWidget
from vaewidgets.runs import Run

__all__ = ["write"]


def write(run: Run, writer: Any, *, widget: LiveWidget | None = None) -> None:
    """Write what a run has recorded since the last call: its curves, and a widget's picture and page.

    Call it as often as you like, such as once an epoch. What fails is one warning and ends no training.

    Parameters
    ----------
    run : Run
        Values are scalars under ``vaewidgets/``; of more than 1,000 new steps, means over equal stretches.
    writer : torch.utils.tensorboard.SummaryWriter
    widget : LiveWidget, optional
        Its picture is an image, ``vaewidgets/LatentScatter``. Its page, which works offline, is a file of the
        writer's folder, ``vaewidgets/LatentScatter.html``, since TensorBoard shows no HTML.

    Examples
    --------
    >>> from vaewidgets.integrations import tensorboard                # doctest: +SKIP
    >>> tensorboard.write(run, SummaryWriter("logs"))                  # doctest: +SKIP
    >>> tensorboard.write(run, writer, widget=vw.LatentScatter(run))   # doctest: +SKIP
    """

    def do() -> None:
        for points in new_points(run, writer):
            for step, values in points:
                for name, value in values.items():
                    writer.add_scalar(f"vaewidgets/{name}", value, step)
        if widget is not None:
            name = f"vaewidgets/{type(widget).__name__}"
            writer.add_figure(name, widget.figure(), run.step)
            target = Path(writer.log_dir) / f"{name}.html"
            target.parent.mkdir(parents=True, exist_ok=True)
            with page_of(widget) as page:
                shutil.copyfile(page, target)
        writer.flush()

    mirror("tensorboard.write", run, widget, do)
