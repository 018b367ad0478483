"""The loops that are compared: experiment B's network (784-256-32) or experiment C's, Adam 1e-3, on MNIST.

A contender trains some epochs each time it is called; `alternate` takes all in turn, in one process. Those of
other projects are in `training_peers`, the matrix products alone in `training_limit`.
"""

from __future__ import annotations

import contextlib
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

import vaewidgets as vw

LR = 1e-3
EPOCHS_A_TURN = 5


@dataclass(frozen=True)
class Problem:
    """What is trained, and on what.

    Attributes
    ----------
    root : Path
        Folder that holds MNIST/raw.
    model : {"mlp", "conv"}
    batch : int
    n_images : int
        The first so many training images.
    precision : {"float32", "bf16"}
        Of our loop, the barest one, Lightning's best and the limit; the others stay in float32.
    device : str
        Where all of them train.
    epochs_a_turn : int
        Of those for which a turn costs something by itself.
    """

    root: Path
    model: str = "mlp"
    batch: int = 256
    n_images: int = 60_000
    precision: str = "float32"
    device: str = "cpu"
    epochs_a_turn: int = EPOCHS_A_TURN

    @property
    def value_range(self) -> tuple[float, float]:
        """Of the images, as the two experiments have them."""
        return (0.0, 1.0) if self.model == "mlp" else (-1.0, 1.0)

    def data(self) -> vw.ImageDataset:
        """The images, in memory."""
        whole = vw.load_dataset("mnist", root=self.root, value_range=self.value_range)
        if self.n_images == len(whole.train):
            return whole
        first = slice(0, self.n_images)
        test = (whole.test.images_u8(first), whole.test.labels[first])  # as many, if there are
        cut = (whole.train.images_u8(first), whole.train.labels[first])
        return vw.ImageDataset(*cut, test=test, value_range=self.value_range, name="part of MNIST")

    def net(self) -> ChapterVAE | ConvolutionalVAE:
        """The model as a reader types it, its first weights drawn with seed 0; on the device."""
        torch.manual_seed(0)
        net = ChapterVAE() if self.model == "mlp" else ConvolutionalVAE()
        return net.to(self.device)

    def ours(self, image_shape: tuple[int, int, int]) -> nn.Module:
        """The same as a model of this package."""
        torch.manual_seed(0)
        if self.model == "mlp":
            return vw.MLPVAE(image_shape, latent_dim=32, hidden=(256,))
        return vw.ConvVAE(image_shape)

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """Bfloat16 where that is asked for."""
        if self.precision == "float32":
            return contextlib.nullcontext()
        return torch.autocast(self.device, dtype=torch.bfloat16)


class _PlainVAE(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.encode(x)
        return self.decode(draw(mu, logvar)), mu, logvar


class ChapterVAE(_PlainVAE):
    """The chapter's model as a reader types it."""

    def __init__(self, latent_dim: int = 32) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.body = nn.Linear(784, 256)
        self.to_mu = nn.Linear(256, latent_dim)
        self.to_logvar = nn.Linear(256, latent_dim)
        self.up = nn.Linear(latent_dim, 256)
        self.out = nn.Linear(256, 784)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.relu(self.body(x.flatten(1)))
        return self.to_mu(h), self.to_logvar(h)

    def raw(self, z: Tensor) -> Tensor:
        """Logits."""
        return self.out(torch.relu(self.up(z))).view(-1, 1, 28, 28)

    def decode(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.raw(z))

    @staticmethod
    def score(x_hat: Tensor, x: Tensor) -> Tensor:
        """Sum of the reconstruction term as usually written, on probabilities."""
        return F.binary_cross_entropy(x_hat, x, reduction="sum")

    @staticmethod
    def score_raw(raw: Tensor, x: Tensor) -> Tensor:
        """The same on logits."""
        return F.binary_cross_entropy_with_logits(raw, x, reduction="sum")


class ConvolutionalVAE(_PlainVAE):
    """Experiment C's layers, which are the package's own, as a plain module."""

    def __init__(self) -> None:
        super().__init__()
        self.vae = vw.ConvVAE((1, 28, 28))
        self.latent_dim = self.vae.latent_dim

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.vae.encode(x)

    def raw(self, z: Tensor) -> Tensor:
        """Pixels, after the tanh."""
        return self.vae.decode(z)

    decode = raw

    @staticmethod
    def score(x_hat: Tensor, x: Tensor) -> Tensor:
        """Sum of squares."""
        return F.mse_loss(x_hat, x, reduction="sum")

    score_raw = score


def draw(mu: Tensor, logvar: Tensor) -> Tensor:
    """z = mu + sigma eps."""
    return mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)


def to_pixels(images: Tensor, value_range: tuple[float, float]) -> Tensor:
    """Map uint8 to floats in 0 to 1 or −1 to 1."""
    x = images.float()
    return x.div_(255) if value_range[0] == 0 else x.div_(127.5).sub_(1)


@dataclass
class Contender:
    """Trains `epochs` epochs when called, and keeps each epoch's mean loss.

    Attributes
    ----------
    turn : callable
        Returns the mean losses of the epochs it has trained; none of what has no loss.
    epochs : int
        How many a turn.
    note : str
        What it stands for, where the name does not say it all.
    """

    turn: Callable[[], list[float]]
    epochs: int = 1
    note: str = ""
    losses: list[float] = field(default_factory=list)

    def __call__(self) -> None:
        self.losses += self.turn()


def as_usually_written(problem: Problem) -> Contender:
    """Torchvision transforms, a DataLoader, three `.item()` a step."""
    loader = usual_loader(problem)
    model = problem.net()
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)

    def epoch() -> list[float]:
        losses, recons, kls = [], [], []
        for batch, _ in loader:
            x = batch.to(problem.device)
            x_hat, mu, logvar = model(x)
            recon = model.score(x_hat, x) / len(x)
            kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / len(x)
            loss = recon + kl
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            recons.append(recon.item())
            kls.append(kl.item())
        return [statistics.fmean(losses)]

    return Contender(epoch)


def usual_loader(problem: Problem) -> DataLoader[Any]:
    """What reads MNIST in most code: an image at a time, through torchvision's transforms."""
    from torchvision import datasets, transforms  # slow to import, and used here alone

    scratch = Path(tempfile.mkdtemp())
    shutil.copytree(problem.root / "MNIST", scratch / "MNIST")
    for path in scratch.rglob("*"):
        path.chmod(0o755)
    steps: list[Any] = [transforms.ToTensor()]
    if problem.value_range[0] == -1:
        steps.append(transforms.Normalize(0.5, 0.5))
    train_set = datasets.MNIST(scratch, download=True, transform=transforms.Compose(steps))
    torch.manual_seed(0)
    images = Subset(train_set, range(problem.n_images))
    return DataLoader(images, batch_size=problem.batch, shuffle=True, drop_last=True)


def barest(problem: Problem, data: vw.ImageDataset) -> Contender:
    """A device-resident uint8 tensor, logits in the loss, fused Adam; nothing recorded but the mean loss."""
    images = data.train.images_u8(slice(None)).to(problem.device)
    model = problem.net()
    optimizer = torch.optim.Adam(model.parameters(), lr=LR, fused=True)

    def epoch() -> list[float]:
        order = torch.randperm(len(images), device=problem.device)
        total = torch.zeros((), device=problem.device)
        steps = len(images) // problem.batch
        for step in range(steps):
            x = to_pixels(
                images[order[step * problem.batch : (step + 1) * problem.batch]], problem.value_range
            )
            with problem.autocast():
                mu, logvar = model.encode(x)
                raw = model.raw(draw(mu, logvar))
            recon = model.score_raw(raw.float(), x) / len(x)
            mu, logvar = mu.float(), logvar.float()
            kl = 0.5 * (mu.square() + logvar.exp() - logvar - 1).sum() / len(x)
            loss = recon + kl
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.detach()
        return [float(total / steps)]

    return Contender(epoch)


def ours(
    problem: Problem,
    data: vw.ImageDataset,
    *,
    with_explorer: bool = False,
    cuda_graph: bool = False,
    channels_last: bool = False,
) -> Contender:
    """`vw.train` of the same network, without and with an explorer attached, or each step replayed.

    Trains several epochs a turn, since what a run's end costs (a last picture) comes once a run.
    """
    run = our_run(problem, data, cuda_graph, channels_last)
    widget = vw.LatentExplorer(run) if with_explorer else None

    def turn() -> list[float]:
        run.resume()
        run.wait(progress=False)
        run.epochs += problem.epochs_a_turn
        return run.history["train_loss"][-problem.epochs_a_turn :].tolist()

    turn.widget = widget  # type: ignore[attr-defined]
    return Contender(turn, problem.epochs_a_turn)


def replay_alone(problem: Problem, data: vw.ImageDataset) -> Contender:
    """The recorded step again and again, on one batch: what a device needs for it without us. CUDA only."""
    run = our_run(problem, data, True)
    run.resume()
    run.wait(progress=False)
    step: Any = run._engine.graphed  # type: ignore[union-attr]
    if not step.is_recorded:
        raise RuntimeError(run.engine)

    def epoch() -> list[float]:
        for _ in range(problem.n_images // problem.batch):
            step._graph.replay()
        torch.cuda.synchronize()
        return []

    return Contender(epoch)


def our_run(
    problem: Problem, data: vw.ImageDataset, cuda_graph: bool = False, channels_last: bool = False
) -> vw.TrainingRun:
    """A run of so many epochs as a turn has, not started."""
    model = problem.ours(data.image_shape)
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    options = {"batch_size": problem.batch, "drop_last": True, "eval_every": 0, "autosave": False}
    where = {"device": problem.device, "precision": problem.precision, "cuda_graph": cuda_graph}
    return vw.train(model, data, epochs=problem.epochs_a_turn, start=False, **options, **where)


def alternate(contenders: dict[str, Contender], rounds: int) -> dict[str, dict[str, Any]]:
    """Train each in turn. Returns wall and processor seconds an epoch of each round, and the losses."""
    times: dict[str, dict[str, list[float]]] = {name: {"wall": [], "processor": []} for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            used, started = _processor_seconds(), time.perf_counter()
            contender()
            wall = time.perf_counter() - started
            times[name]["wall"].append(wall / contender.epochs)
            times[name]["processor"].append((_processor_seconds() - used) / contender.epochs)
    return {
        name: {**times[name], "losses": contender.losses, "note": contender.note}
        for name, contender in contenders.items()
    }


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
