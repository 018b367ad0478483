"""An app of marimo: a slider, a run that depends on it, two widgets of the run, and what a cell reads of one.

See test_hosts.py.
"""

import marimo

app = marimo.App()


@app.cell
def _():
    import marimo as mo
    import torch

    import vaewidgets as vw

    data = vw.load_dataset("digits", n_train=256)
    runs = []
    return data, mo, runs, torch, vw


@app.cell
def _(mo):
    beta = mo.ui.slider(1, 5, value=1)
    beta
    return (beta,)


@app.cell
def _(beta, data, mo, runs, torch, vw):
    torch.manual_seed(0)
    model = vw.MLPVAE(data.image_shape, hidden=(16,))
    run = vw.train(model, data, epochs=100_000, speed=20, beta=beta.value, autosave=False)
    runs.append(run)
    explorer = mo.ui.anywidget(vw.LatentExplorer(run))
    explorer
    return explorer, run


@app.cell
def _(run, vw):
    vw.TrainingCurves(run)


@app.cell
def _(explorer, mo, runs):
    value = explorer.value
    training = sum(one.status in ("running", "paused") for one in runs)
    mo.Html(f"<pre class=value>{len(value['selected'] or [])} {value['status']} {training}</pre>")


if __name__ == "__main__":
    app.run()
