"""The quick start for marimo: `marimo run` this file, or `marimo edit` it and press "run all"."""

import marimo

app = marimo.App(width="medium")


@app.cell
def _():
    import marimo as mo
    import torch

    import vaewidgets as vw

    data = vw.load_dataset("strokes")
    return data, mo, torch, vw


@app.cell
def _(mo):
    mo.md(
        """
        # Quick start

        A variational autoencoder learns to draw handwritten digits, and you watch its latent space while it
        does. Each point is an image, placed where the encoder puts it. **Hover** the plane: the decoder draws
        what lives there. **Drag** a lasso round some points, turn **β** in the widget, or choose another one
        to start with: the run before ends, and a new one begins.
        """
    )
    return


@app.cell
def _(mo):
    beta = mo.ui.slider(0.0, 10.0, 0.5, value=1.0, label="β of a new run", show_value=True, debounce=True)
    beta
    return (beta,)


@app.cell
def _(beta, data, mo, torch, vw):
    torch.manual_seed(0)
    model = vw.MLPVAE(data.image_shape, hidden=(128,))
    run = vw.train(model, data, epochs=100, batch_size=64, speed=5, beta=beta.value)
    explorer = mo.ui.anywidget(vw.LatentExplorer(run))
    explorer
    return explorer, run


@app.cell
def _(run, vw):
    vw.ActiveUnitsBar(run)
    return


@app.cell
def _(explorer, mo):
    # runs again whenever something is turned or chosen in the explorer
    mo.stop(not explorer.value["selected"], mo.md("*Drag round some points: they are shown here.*"))
    mo.hstack([mo.image(image[0].numpy(), width=56) for image in explorer.selected_images()[:10]])
    return


if __name__ == "__main__":
    app.run()
