"""The playground: one page on which a reader trains a VAE, with nothing installed and no server.

    python -m docs.playground [--data mnist] OUT

It is what `save_html(..., train=...)` writes of a run that has been trained; the site links to it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

import vaewidgets as vw

CHOICES = {
    "latent_dim": [2, 3, 8, 20],
    "kind": ["VAE", "AE"],
    "likelihood": ["bernoulli", "squared_error"],
    "batch_size": [32, 64, 128],
}


def write(path: Path, *, data: str = "strokes") -> Path:
    """Train a model on a data set and write the page.

    Parameters
    ----------
    path : Path
        The file.
    data : str
        Name of the data set: "strokes", or one of those that are fetched, of which 5,000 images travel.
    """
    fewer = {"n_train": 5000, "n_test": 1000} if data in ("mnist", "fashion-mnist") else {}
    images = vw.load_dataset(data, **fewer)
    torch.manual_seed(0)
    model = vw.MLPVAE(images.image_shape, latent_dim=2, hidden=(48, 48))
    run = vw.train(model, images, epochs=40, batch_size=64, lr=1e-2, autosave=False)
    run.wait(progress=False)
    widget = vw.LatentExplorer(run, points=1200)  # fewer points, a smaller page
    try:
        return vw.save_html(widget, path, title="Train a variational autoencoder", train=CHOICES)
    finally:
        widget.close()


def main() -> None:
    """Parse and write."""
    parser = argparse.ArgumentParser(prog="python -m docs.playground", description="Write the playground.")
    parser.add_argument("out", type=Path, metavar="OUT", help="the HTML file")
    parser.add_argument("--data", default="strokes", metavar="NAME", help="data set; default: digits")
    options = parser.parse_args()
    print(write(options.out, data=options.data))


if __name__ == "__main__":
    main()
