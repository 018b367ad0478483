"""A small run that has ended, for what is made of it."""

from __future__ import annotations

import pytest
import torch

import vaewidgets as vw


@pytest.fixture(scope="module")
def run() -> vw.Run:
    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=128)
    model = vw.MLPVAE(data.image_shape, hidden=(16,))
    return vw.train(model, data, epochs=1, autosave=False).wait(progress=False)
