"""Runs for the widgets that decode in the page: small, seeded, trained a little or not at all."""

from __future__ import annotations

from typing import Any

import torch

import vaewidgets as vw


def digits(n_train: int = 256, **options: Any) -> vw.ImageDataset:
    return vw.load_dataset("digits", n_train=n_train, **options)


def made(model: Any = None, *, latent_dim: int = 2, epochs: int = 0, data: Any = None) -> vw.Run:
    """A run that rests: finished after `epochs`, or created and never started."""
    data = data or digits()
    torch.manual_seed(0)
    if model is None:
        model = vw.MLPVAE(data.image_shape, latent_dim=latent_dim, hidden=(32,))
    run = vw.train(model, data, epochs=epochs or 1, batch_size=64, autosave=False, start=epochs > 0)
    return run.wait(progress=False) if epochs else run
