"""What experiment C claims is measured from its two runs: each claim holds where it should, and can fail."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from vaewidgets.data import ImageDataset, load_dataset
from vaewidgets.experiments import Results, get_recipe
from vaewidgets.experiments.base import Runs


@pytest.fixture(scope="module")
def data() -> ImageDataset:
    return load_dataset("digits", size=8)


def verdict(text: str, few: Any, many: Any, data: Any = None, as_published: bool = True) -> str:
    claim = next(one for one in get_recipe("C").claims if one.text.startswith(text))
    runs = Runs({"z=128": few, "z=256": many})
    return str(claim.row(Results(runs, data, as_published=as_published)).verdict)


def ended(**columns: float) -> Any:
    return SimpleNamespace(history={name: np.array([99.0, value]) for name, value in columns.items()})


def drawing(decode: Any) -> Any:
    snapshot = SimpleNamespace(decode=decode, encode=lambda x: (x, None))
    return SimpleNamespace(snapshot=lambda: snapshot)


def test_more_dimensions_worse_or_better() -> None:
    few = ended(train_loss=50.9, train_recon=24.6, train_kl=26.3)
    worse = ended(train_loss=52.2, train_recon=25.2, train_kl=27.0)
    better = ended(train_loss=50.2, train_recon=24.2, train_kl=26.0)
    for text in ("more dimensions", "the KL is higher"):
        assert verdict(text, few, worse) == "met"
        assert verdict(text, few, better) == "missed"
        assert verdict(text, few, better, as_published=False) == "told"


def test_a_test_loss_that_follows_and_one_that_does_not() -> None:
    close, far = ended(train_loss=50.0, test_loss=51.0), ended(train_loss=50.0, test_loss=70.0)
    assert verdict("the test loss", close, close) == "met"
    assert verdict("the test loss", close, far) == "missed"
    assert verdict("the test loss", close, far, as_published=False) == "told"


def test_pictures_alike_and_pictures_apart(data: ImageDataset) -> None:
    blurred = drawing(lambda z: torch.nn.functional.avg_pool2d(z, 3, 1, 1))
    dimmed = drawing(lambda z: 0.98 * torch.nn.functional.avg_pool2d(z, 3, 1, 1))
    assert verdict("reconstructions", blurred, dimmed, data) == "met"
    assert verdict("reconstructions", blurred, drawing(lambda z: 1 - z), data) == "missed"


def test_paths_that_jump_are_counted(data: ImageDataset) -> None:
    def of(word: str) -> Any:
        return SimpleNamespace(path=lambda a, b, n: SimpleNamespace(verdict=word))

    assert verdict("interpolation", of("smooth"), of("detour"), data) == "met"
    assert verdict("interpolation", of("smooth"), of("jump"), data) == "missed"


def test_a_latent_space_that_spreads_and_one_that_shrinks() -> None:
    def of(*variances: float) -> Any:
        frames = [SimpleNamespace(step=i, var_mu=np.array([v])) for i, v in enumerate(variances)]
        return SimpleNamespace(time_line=SimpleNamespace(frames=frames))

    assert verdict("the latent space", of(0.1, 2.0), of(0.1, 3.0)) == "met"
    assert verdict("the latent space", of(0.1, 2.0), of(3.0, 0.1)) == "missed"
    assert verdict("the latent space", of(0.1, 2.0), of(3.0)) == "missed"


def test_shares_of_the_variance(monkeypatch: pytest.MonkeyPatch) -> None:
    from vaewidgets.experiments import pictures

    few, many = object(), object()
    monkeypatch.setattr(pictures, "explained", lambda run: (0.09, 0.08 if run is few else 0.07))
    assert verdict("variance", few, many) == "met"
    assert verdict("variance", few, many, as_published=False) == "told"
    monkeypatch.setattr(pictures, "explained", lambda run: (0.3, 0.1))
    assert verdict("variance", few, many) == "missed"
