"""Write the run files, the saved page and the executed notebook that the tests beside this file open.

Run by hand with the code of an older commit, which has to be the `vaewidgets` that Python finds:

    git worktree add /tmp/old d1773ed
    PYTHONPATH=/tmp/old python tests/data_of_before/make.py tests/data_of_before/d1773ed
"""

from __future__ import annotations

import json
import lzma
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import torch
from nbclient import NotebookClient
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F

import vaewidgets as vw

N_TRAIN, N_TEST, BATCH, EPOCHS = 96, 32, 32, 12
STOPPED_AT = 13  # steps
CELLS = (
    "import vaewidgets as vw\n"
    "from sklearn.datasets import load_digits\n"
    "data = vw.ImageDataset((load_digits().images[:96] / 16).astype('float32'), name='small digits')\n"
    "model = vw.MLPVAE(data.image_shape, hidden=(8,))\n"
    "run = vw.train(model, data, epochs=9, batch_size=32, seed=0, autosave=False).wait(progress=False)\n"
    "vw.LatentScatter(run)",
    "vw.TrainingCurves(run)",
    "vw.KLPlayground(1.0, 0.5)",
)


class Foreign(nn.Module):
    """A model of somebody else's, with 2 latents."""

    latent_dim = 2

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU())
        self.mu, self.logvar = nn.Linear(16, 2), nn.Linear(16, 2)
        self.head = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 64), nn.Sigmoid())

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.body(x)
        return self.mu(h), self.logvar(h)

    def decode(self, z: Tensor) -> Tensor:
        return self.head(z).view(-1, 1, 8, 8)


def dataset() -> Any:
    """Return the digits of scikit-learn, 8 × 8."""
    digits = load_digits()
    images = (digits.images[: N_TRAIN + N_TEST] / 16).astype("float32")
    labels = digits.target[: N_TRAIN + N_TEST]
    return vw.ImageDataset(
        images[:N_TRAIN], labels[:N_TRAIN], test=(images[N_TRAIN:], labels[N_TRAIN:]), name="small digits"
    )


def trained(model: nn.Module, data: Any, **options: Any) -> Any:
    options = {"epochs": EPOCHS, "batch_size": BATCH, "lr": 1e-2, "seed": 0, "autosave": False, **options}
    run = vw.train(model, data, **options)
    return run.wait(progress=False) if options.get("start", True) else run


def attached(data: Any) -> Any:
    """The loop of somebody else."""
    torch.manual_seed(0)
    model = Foreign()
    run = vw.attach(model, data, autosave=False)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    images = data.train.images(slice(None))[:N_TRAIN]
    for step in range(EPOCHS * N_TRAIN // BATCH):
        x = images[torch.arange(step * BATCH, (step + 1) * BATCH) % N_TRAIN]
        mu, logvar = model.encode(x)
        x_hat = model.decode(mu + torch.exp(logvar / 2) * torch.randn_like(mu))
        recon = F.binary_cross_entropy(x_hat, x, reduction="sum") / BATCH
        kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()
        loss = recon + kl
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        run.log(loss=loss, recon=recon, kl=kl)
    run.finish()
    return run


def facts(run: Any) -> dict[str, Any]:
    """Return what the loaded run has to say again."""
    z = torch.linspace(-1, 1, run.model.latent_dim)[None]
    snapshot = run.snapshot()
    with torch.no_grad():
        return {
            "step": run.step,
            "history": {name: values.tolist() for name, values in run.history.items()},
            "evaluate": dict(run.evaluate("test")),
            "decoded": snapshot.decode(z).flatten().tolist(),
        }


def main(folder: Path) -> None:
    """Write all files, and `expected.json` with what they hold."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    data = dataset()
    mlp = trained(
        vw.MLPVAE(data.image_shape, 2, hidden=(16,)), data, beta=vw.LinearWarmup(0, 2, 20), start=False
    )
    mlp.advance(STOPPED_AT)
    while mlp.step < STOPPED_AT or mlp.status != "paused":
        time.sleep(0.01)
    mlp.save(folder / "stopped.safetensors")  # `mlp`, in the middle of an epoch
    mlp.resume()
    mlp.wait(progress=False)
    vq = trained(
        vw.VQVAE(data.image_shape, n_codes=8, code_dim=2, channels=(4,)), data, objective="vq", epochs=3
    )
    known = vw.load_dataset("digits")  # a set that `load_run` finds by its name
    named = trained(vw.MLPVAE(known.image_shape, 2, hidden=(2,)), known, epochs=1)
    runs = {"mlp": mlp, "vq": vq, "attached": attached(data), "named": named}
    for name, run in runs.items():
        run.save(folder / f"{name}.safetensors")
    expected = {name: facts(run) for name, run in runs.items()}
    sweep = vw.sweep(
        vw.MLPVAE,
        data,
        beta=[1.0, 4.0],
        latent_dim=2,
        grid={"hidden": [(8,)]},
        epochs=3,
        batch_size=BATCH,
        folder=folder / "sweep",
    )
    expected["sweep"] = {f"{cell.settings['beta']:g}": facts(cell.run) for cell in sweep.wait(progress=False)}
    (folder / "expected.json").write_text(json.dumps(expected) + "\n", encoding="utf-8")
    page = folder / "page.html"
    vw.save_html([vw.LatentExplorer(mlp), vw.TrainingCurves(mlp)], page)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    for cell in notebook.cells:
        for output in cell.outputs:
            output.get("data", {}).pop("image/png", None)  # large, and nothing is revived from it
    nbformat.write(notebook, folder / "notebook.ipynb")
    for path in (page, folder / "notebook.ipynb"):
        path.with_name(f"{path.name}.xz").write_bytes(lzma.compress(path.read_bytes(), preset=9))
        path.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
