"""Chapter 13.4's training on MNIST, against its published table (shared experiment B)."""

import numpy as np
import pytest
import torch

from vaewidgets.data import load_dataset
from vaewidgets.models import MLPVAE
from vaewidgets.runs import train

# epochs 1 to 10, mean over the epoch's batches while training
PUBLISHED = {
    "loss": [202.47, 142.67, 128.31, 121.24, 117.39, 115.01, 113.28, 112.10, 111.10, 110.24],
    "recon": [189.44, 123.28, 106.13, 97.86, 93.26, 90.38, 88.34, 86.88, 85.75, 84.75],
    "kl": [13.03, 19.39, 22.18, 23.38, 24.13, 24.63, 24.94, 25.21, 25.35, 25.49],
}
TOLERANCE = {"loss": 0.015, "recon": 0.015, "kl": 0.03}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ten_epochs_of_mnist_meet_the_published_table(data_root):
    torch.manual_seed(42)
    data = load_dataset("mnist", root=data_root, download=False)
    assert len(data.train) == 60_000
    model = MLPVAE(data.image_shape, latent_dim=32, hidden=(256,), activation="relu", likelihood="bernoulli")
    run = train(model, data, epochs=10, batch_size=256, lr=1e-3, drop_last=True, seed=42, autosave=False)
    run.wait(progress=False)
    assert run.step == 10 * 234
    rows = {name: run.history[f"train_{name}"] for name in PUBLISHED}
    deviation = {name: rows[name] / np.array(PUBLISHED[name]) - 1 for name in PUBLISHED}
    for name in PUBLISHED:
        print(
            name,
            " ".join(
                f"{value:.2f} ({100 * off:+.1f} %)"
                for value, off in zip(rows[name], deviation[name], strict=True)
            ),
        )
    print("test", " ".join(f"{value:.2f}" for value in run.history["test_loss"]))
    for name, off in deviation.items():
        assert np.abs(off).max() <= TOLERANCE[name], name
