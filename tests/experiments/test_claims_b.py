"""What experiment B claims is measured from its runs: each claim holds where it should, and can fail."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from vaewidgets.data import ImageDataset, load_dataset
from vaewidgets.experiments import Results, get_recipe
from vaewidgets.experiments.base import Runs

STEPS = np.arange(1000)
RISE = 1 - np.exp(-STEPS / 100)


@pytest.fixture(scope="module")
def data() -> ImageDataset:
    return load_dataset("digits", size=8)


def claim(text: str) -> Any:
    return next(one for one in get_recipe("B").claims if one.text.startswith(text))


def verdict(text: str, data: Any = None, **runs: Any) -> str:
    named = Runs({name.replace("_", " "): run for name, run in runs.items()})
    return str(claim(text).row(Results(named, data, as_published=False)).verdict)


def stepped(**columns: np.ndarray) -> Any:
    return SimpleNamespace(history=columns)


def ended(**terms: float) -> Any:
    """Return a run of which only the test terms are known, as of a loop that evaluates nothing."""
    return SimpleNamespace(history={f"test_{t}": [] for t in terms}, evaluate=lambda split: terms)


def drawing(decode: Any, encode: Any = None, latent_dim: int = 2, **more: Any) -> Any:
    snapshot = SimpleNamespace(decode=decode, encode=encode, model=SimpleNamespace(latent_dim=latent_dim))
    return SimpleNamespace(snapshot=lambda: snapshot, **more)


def test_a_kl_that_swings_and_one_that_only_rises() -> None:
    swing = 20 * RISE + 40 * np.exp(-(((STEPS - 15) / 8) ** 2))
    assert verdict("kl swings", chapter=stepped(kl=swing)) == "met"
    assert verdict("kl swings", chapter=stepped(kl=20 * RISE)) == "missed"
    assert verdict("kl swings", chapter=stepped(kl=swing * np.exp(-STEPS / 200))) == "missed"


def test_a_kl_that_rises_and_one_that_falls() -> None:
    assert verdict("kl rises", chapter=stepped(kl=RISE)) == "met"
    assert verdict("kl rises", chapter=stepped(kl=1 - RISE)) == "missed"


def test_curves_that_level_off_and_one_that_does_not() -> None:
    level = {"loss": 200 - 90 * RISE, "recon": 200 - 110 * RISE, "kl": 20 * RISE}
    assert verdict("loss, recon and kl level off", chapter=stepped(**level)) == "met"
    level["kl"] = STEPS / 50
    assert verdict("loss, recon and kl level off", chapter=stepped(**level)) == "missed"


def test_beta_trades_or_does_not() -> None:
    runs = {"beta=0.1": ended(kl=50, recon=70), "beta=1": ended(kl=20, recon=90)}
    assert verdict("beta 0.1, 1, 4", **runs, **{"beta=4": ended(kl=8, recon=120)}) == "met"
    assert verdict("beta 0.1, 1, 4", **runs, **{"beta=4": ended(kl=8, recon=80)}) == "missed"
    assert verdict("beta 0.1, 1, 4", **runs) == "not run"


def test_recon_is_the_last_one_evaluated() -> None:
    later = SimpleNamespace(history={"test_recon": np.array([120.0, 60.0])})
    assert verdict("recon, autoencoder", autoencoder=later, **{"beta=1": ended(recon=90)}) == "met"
    assert (
        verdict("recon, autoencoder", autoencoder=ended(recon=95), **{"beta=1": ended(recon=90)}) == "missed"
    )


def test_smooth_pictures_have_fewer_edges(data: ImageDataset) -> None:
    sharp = drawing(lambda z: z, lambda x: (x, None))
    blurred = drawing(lambda z: torch.nn.functional.avg_pool2d(z, 3, 1, 1), lambda x: (x, None))
    assert verdict("the VAE's reconstructions", data, autoencoder=sharp, **{"beta=1": blurred}) == "met"
    assert verdict("the VAE's reconstructions", data, autoencoder=blurred, **{"beta=1": sharp}) == "missed"


def test_draws_that_are_digits_and_draws_that_are_noise(data: ImageDataset) -> None:
    digits = drawing(lambda z: data.split("test").images(slice(0, 200)))
    noise = drawing(lambda z: torch.rand(200, 1, 8, 8, generator=torch.Generator().manual_seed(0)))
    assert verdict("draws from the prior", data, autoencoder=noise, **{"beta=1": digits}) == "met"
    assert verdict("draws from the prior", data, autoencoder=digits, **{"beta=1": noise}) == "missed"


def test_codes_by_class_and_codes_by_chance(data: ImageDataset) -> None:
    noise = torch.randn(len(data.test), 4, generator=torch.Generator().manual_seed(0))
    labels = data.split("test").labels
    assert labels is not None
    by_class = 20 * torch.nn.functional.one_hot(labels, 10).float()[:, :4] + labels[:, None] + noise
    assert verdict("t-SNE", data, chapter=drawing(None, lambda x: (by_class, None))) == "met"
    assert verdict("t-SNE", data, chapter=drawing(None, lambda x: (noise, None))) == "missed"


def test_smooth_paths_are_counted(data: ImageDataset) -> None:
    def of(word: str) -> Any:
        return SimpleNamespace(path=lambda a, b, n: SimpleNamespace(verdict=word))

    assert verdict("interpolation", data, autoencoder=of("detour"), **{"beta=1": of("smooth")}) == "met"
    assert verdict("interpolation", data, autoencoder=of("smooth"), **{"beta=1": of("jump")}) == "missed"


def test_a_collapse_is_both_or_none() -> None:
    dead, alive = ended(kl=0.01), ended(kl=3.0)
    assert verdict("posterior", collapse_by_beta=dead, collapse_by_decoder=dead) == "met"
    assert verdict("posterior", collapse_by_beta=dead, collapse_by_decoder=alive) == "missed"
    cures = {"cure: free bits": alive, "cure: annealing": dead, "cure: InfoVAE": dead}
    assert verdict("... and its cures", **cures) == "met"
    assert verdict("... and its cures", **{**cures, "cure: free bits": dead}) == "missed"


def test_one_image_for_all(data: ImageDataset) -> None:
    for decode, wanted in ((lambda z: 0 * z + 0.3, "met"), (lambda z: z, "missed")):
        run = drawing(decode, lambda x: (x, None), data=data)
        assert verdict("... then every image", data, collapse_by_beta=run) == wanted
