"""The thread that draws frames keeps no core busy between two rounds."""

from __future__ import annotations

from typing import Any

import torch

import vaewidgets as vw
from tests.widgets.test_contract import wait_until
from vaewidgets.live import feed as module


def test_each_round_gives_back_the_threads_that_it_took(monkeypatch: Any) -> None:
    """Idle OpenMP threads of another thread make those of the training sleep between two operations."""
    seen: list[str] = []
    real = module.Feed._round

    def round_(self: Any, run: Any, fresh: Any, weights_due: bool) -> None:
        real(self, run, fresh, weights_due)
        seen.append("with a snapshot" if fresh is not None else "without")

    monkeypatch.setattr(module.Feed, "_round", round_)
    monkeypatch.setattr(module, "release_cores", lambda: seen.append("released"))
    data = vw.load_dataset("digits", n_train=256)
    torch.manual_seed(0)
    model = vw.MLPVAE(data.image_shape, 2, hidden=(32,))
    run = vw.train(model, data, epochs=None, autosave=False, start=False)
    widget = vw.LatentScatter(run)
    run.resume()
    wait_until(
        lambda: "with a snapshot" in seen and seen.count("without") > 2,
        "both kinds of rounds, one after another",
    )
    run.stop()
    run.wait(progress=False)
    widget.close()
    rounds = [i for i, what in enumerate(seen[:-1]) if what != "released"]
    assert all(seen[i + 1] == "released" for i in rounds)
