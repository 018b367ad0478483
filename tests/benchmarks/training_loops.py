"""The loops that are compared, all for experiment B: 784-256-32 MLP on MNIST, batch 256, Adam 1e-3.

Each contender is a function of nothing that trains an epoch, or as many as its attribute `epochs` says;
`alternate` takes them in turn, in one process.
"""

from __future__ import annotations

import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

import vaewidgets as vw

BATCH = 256
EPOCHS_A_TURN = 5


class ChapterVAE(nn.Module):
    """The chapter's model as a reader types it."""

    def __init__(self, latent_dim: int = 32) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.body = nn.Linear(784, 256)
        self.to_mu = nn.Linear(256, latent_dim)
        self.to_logvar = nn.Linear(256, latent_dim)
        self.up = nn.Linear(latent_dim, 256)
        self.out = nn.Linear(256, 784)

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        h = torch.relu(self.body(x.flatten(1)))
        return self.to_mu(h), self.to_logvar(h)

    def logits(self, z: torch.Tensor) -> torch.Tensor:
        return self.out(torch.relu(self.up(z)))

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.logits(z)).view(-1, 1, 28, 28)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        mu, logvar = self.encode(x)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.decode(z), mu, logvar


def as_usually_written(root: Path) -> Callable[[], float]:
    """Torchvision transforms, a DataLoader, three `.item()` a step."""
    scratch = Path(tempfile.mkdtemp())
    shutil.copytree(root / "MNIST", scratch / "MNIST")
    for path in scratch.rglob("*"):
        path.chmod(0o755)
    train_set = datasets.MNIST(scratch, download=True, transform=transforms.ToTensor())
    torch.manual_seed(0)
    loader = DataLoader(train_set, batch_size=BATCH, shuffle=True, drop_last=True)
    model = ChapterVAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def epoch() -> float:
        losses, recons, kls = [], [], []
        for x, _ in loader:
            x_hat, mu, logvar = model(x)
            recon = F.binary_cross_entropy(x_hat, x, reduction="sum") / len(x)
            kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / len(x)
            loss = recon + kl
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            recons.append(recon.item())
            kls.append(kl.item())
        return statistics.fmean(losses)

    return epoch


def barest(data: vw.ImageDataset) -> Callable[[], float]:
    """A device-resident uint8 tensor, logits in the loss, fused Adam; nothing recorded but the mean loss."""
    images = data.train.images_u8(slice(None)).flatten(1)
    torch.manual_seed(0)
    model = ChapterVAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

    def epoch() -> float:
        order = torch.randperm(len(images))
        total = torch.zeros(())
        steps = len(images) // BATCH
        for step in range(steps):
            x = images[order[step * BATCH : (step + 1) * BATCH]].float().div_(255)
            mu, logvar = model.encode(x)
            z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
            recon = F.binary_cross_entropy_with_logits(model.logits(z), x, reduction="sum") / len(x)
            kl = 0.5 * (mu.square() + logvar.exp() - logvar - 1).sum() / len(x)
            loss = recon + kl
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.detach()
        return float(total / steps)

    return epoch


def ours(data: vw.ImageDataset, with_explorer: bool) -> Callable[[], float]:
    """`vw.train` of the same network, without and with an explorer attached.

    Trains `EPOCHS_A_TURN` epochs, since what a run's end costs (a last picture) comes once a run.
    """
    torch.manual_seed(0)
    model = vw.MLPVAE(data.image_shape, latent_dim=32, hidden=(256,))
    options = {"batch_size": BATCH, "drop_last": True, "eval_every": 0, "autosave": False}
    run = vw.train(model, data, epochs=EPOCHS_A_TURN, start=False, **options)
    widget = vw.LatentExplorer(run) if with_explorer else None

    def turn() -> float:
        run.resume()
        run.wait(progress=False)
        run.epochs += EPOCHS_A_TURN
        return float(run.history["train_loss"][-1])

    turn.widget = widget  # type: ignore[attr-defined]
    turn.epochs = EPOCHS_A_TURN  # type: ignore[attr-defined]
    return turn


def alternate(contenders: dict[str, Callable[[], float]], rounds: int) -> dict[str, dict[str, float]]:
    """Train each in turn. Returns medians of wall and processor seconds an epoch."""
    wall: dict[str, list[float]] = {name: [] for name in contenders}
    processor: dict[str, list[float]] = {name: [] for name in contenders}
    loss = {}
    for _ in range(rounds):
        for name, epoch in contenders.items():
            used, started = _processor_seconds(), time.perf_counter()
            loss[name] = epoch()
            epochs = getattr(epoch, "epochs", 1)
            wall[name].append((time.perf_counter() - started) / epochs)
            processor[name].append((_processor_seconds() - used) / epochs)
    return {
        name: {
            "wall_s": statistics.median(wall[name]),
            "processor_s": statistics.median(processor[name]),
            "loss": loss[name],
        }
        for name in contenders
    }


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
