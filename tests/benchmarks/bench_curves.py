"""What an update of live curves costs the kernel: our frame, a matplotlib figure drawn anew, livelossplot.

    python -m tests.benchmarks.bench_curves [--rounds 15] [--steps 1000 10000] [--json FILE]

A run of so many steps and 20 epochs; before each update ten steps are added. Ours is the section of the
frame that `TrainingCurves` sends, made and packed; the page draws it by itself (`bench_page`). The others
draw loss, recon and kl and make the PNG that a notebook would show, in the same process, in turns. Medians of
milliseconds of processor time, and what is sent.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

import vaewidgets as vw
from vaewidgets.publish.embed import split_buffers
from vaewidgets.sections.state import curves_state

TERMS = ("loss", "recon", "kl")
EPOCHS = 20


class History:
    """Curves as a VAE has them, with noise, that grow by ten steps an update."""

    def __init__(self, steps: int) -> None:
        data = vw.load_dataset("digits", n_train=64)
        model = vw.MLPVAE(data.image_shape, 2, hidden=(8,))
        self.run = vw.train(model, data, batch_size=64, autosave=False, start=False)
        self._random = np.random.default_rng(0)
        self.step = 0
        self.add(steps)
        for epoch in range(1, EPOCHS + 1):
            values = {f"test_{name}": 100.0 + 100.0 / epoch for name in TERMS}
            self.run.recorder.append_epoch(epoch * steps // EPOCHS, {"epoch": epoch, **values})

    def add(self, n: int) -> None:
        steps = np.arange(self.step, self.step + n)
        fall = 100 + 400 / (1 + steps / 50)
        columns = {name: fall + self._random.normal(0, 5, n) for name in TERMS}
        self.run.recorder.extend(steps, {**columns, "beta": np.ones(n)})
        self.step += n


def ours(history: History) -> Callable[[], int]:
    def update() -> int:
        rest, buffers = split_buffers(curves_state(history.run))
        return len(json.dumps(rest)) + sum(memoryview(buffer).nbytes for _, buffer in buffers)

    return update


def redrawn(history: History) -> Callable[[], int]:
    from matplotlib import pyplot as plt

    def update() -> int:
        figure, axes = plt.subplots(1, 3, figsize=(12, 4))
        recorded = history.run.history
        for ax, name in zip(axes, TERMS, strict=True):
            ax.plot(recorded[name], label="train")
            ax.plot(np.linspace(0, history.step, EPOCHS), recorded[f"test_{name}"], label="test")
            ax.set_title(name)
            ax.legend()
        return _png(figure)

    return update


def livelossplot(history: History) -> Callable[[], int] | None:
    """Its own figure from its own log; None where it is not installed."""
    try:
        from livelossplot import PlotLosses
        from livelossplot.outputs import MatplotlibPlot
    except ImportError:
        return None
    from matplotlib import pyplot as plt

    plotter = PlotLosses(outputs=[MatplotlibPlot()], groups={name: [name] for name in TERMS})
    sent = 0

    def log() -> None:
        nonlocal sent
        recorded = history.run.history
        while sent < history.step:
            plotter.update({name: float(recorded[name][sent]) for name in TERMS})
            sent += 1

    log()
    plt.show = lambda *_, **__: None  # a notebook's backend would make the picture here, and close

    def update() -> int:
        log()
        with contextlib.redirect_stdout(io.StringIO()):  # it clears a screen
            plotter.send()
        return _png(plt.gcf())

    return update


def _png(figure: Any) -> int:
    from matplotlib import pyplot as plt

    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=72, bbox_inches="tight")
    plt.close(figure)
    return len(out.getvalue())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15, help="updates of each (default 15)")
    parser.add_argument("--steps", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--json", type=Path, help="also write the result there")
    arguments = parser.parse_args()
    mpl.use("Agg")
    result: dict[str, Any] = {}
    print(f"{'steps':>8}  {'':26}{'ms':>9}{'kB sent':>10}{'x ours':>9}")
    for steps in arguments.steps:
        history = History(steps)
        contenders = {"our frame": ours(history), "matplotlib, drawn anew": redrawn(history)}
        peer = livelossplot(history)
        if peer is None:
            print("livelossplot is not installed")
        else:
            contenders["livelossplot"] = peer
        rows: dict[str, list[tuple[float, int]]] = {name: [] for name in contenders}
        for update in contenders.values():
            update()  # the first one pays for imports and fonts
        for _ in range(arguments.rounds):
            history.add(10)
            for name, update in contenders.items():
                start = time.process_time()
                sent = update()
                rows[name].append((1e3 * (time.process_time() - start), sent))
        result[str(steps)] = rows
        unit = statistics.median(ms for ms, _ in rows["our frame"])
        for name, row in rows.items():
            ms, sent = (statistics.median(column) for column in zip(*row, strict=True))
            print(f"{steps:>8}  {name:26}{ms:>9.2f}{sent / 1e3:>10.1f}{ms / unit:>9.1f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
