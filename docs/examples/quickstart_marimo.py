"""The quick start for marimo: `marimo edit docs/examples/quickstart_marimo.py`."""

import marimo

app = marimo.App(width="medium")


@app.cell
def _():
    import marimo as mo
    import torch

    import vaewidgets as vw

    data = vw.load_dataset("digits")
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
def _(mo):
    take = mo.ui.run_button(label="show what I selected")
    take
    return (take,)


@app.cell
def _(explorer, mo, take):
    # a lasso alone runs no cell: training sends ten frames a second, and each would run it again
    mo.stop(not take.value or len(explorer.selected) == 0)
    mo.hstack([mo.image(image[0].numpy(), width=56) for image in explorer.selected_images()[:10]])
    return


if __name__ == "__main__":
    app.run()
