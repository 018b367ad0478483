"""An app of marimo with two widgets of one run; see test_hosts.py."""

import marimo

app = marimo.App()


@app.cell
def _():
    import marimo as mo
    import torch

    import vaewidgets as vw

    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=256)
    model = vw.MLPVAE(data.image_shape, hidden=(16,))
    run = vw.train(model, data, epochs=100_000, speed=20, autosave=False)
    explorer = vw.LatentExplorer(run)
    return explorer, mo, run, vw


@app.cell
def _(explorer, mo):
    mo.ui.anywidget(explorer)


@app.cell
def _(run, vw):
    vw.TrainingCurves(run)


if __name__ == "__main__":
    app.run()
