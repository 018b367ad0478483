"""What other projects offer for the same job, each at its defaults and at its best.

At its defaults: as its documentation shows, but for what makes it the same job (batch size, learning rate)
and for progress bars and console output, which are off. At its best: what its own options and extension
points allow without rewriting its loop: whole batches from memory, fused Adam, nothing logged by the step.
"""

from __future__ import annotations

import importlib.util
import logging
import tempfile
import warnings
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler

import vaewidgets as vw
from tests.benchmarks.training_loops import LR, Contender, Problem, to_pixels, usual_loader

__all__ = ["missing", "with_lightning", "with_pythae"]

PEERS = ("pythae", "lightning")


def missing() -> list[str]:
    """Names of the peers that are not installed."""
    return [name for name in PEERS if importlib.util.find_spec(name) is None]


def with_pythae(problem: Problem, data: vw.ImageDataset, at_best: bool) -> Contender:
    """`BaseTrainer.train_step`, which is an epoch; saving and the copy of the best model are not in it."""
    from pythae.data.datasets import BaseDataset
    from pythae.trainers import BaseTrainer, BaseTrainerConfig
    from pythae.trainers.training_callbacks import CallbackHandler, TrainingCallback

    for name in [name for name in logging.root.manager.loggerDict if name.startswith("pythae")]:
        logging.getLogger(name).setLevel(logging.ERROR)  # each has a level and a handler of its own

    class WholeBatches(BaseTrainer):
        def get_train_dataloader(self, train_dataset: Any) -> DataLoader[Any]:
            return batch_loader(train_dataset, problem.batch, drop_last=False)

    images = data.train.images_u8(slice(None))
    train_set = BaseDataset(to_pixels(images, problem.value_range), torch.zeros(len(images)))
    config = BaseTrainerConfig(
        output_dir=tempfile.mkdtemp(),
        per_device_train_batch_size=problem.batch,
        learning_rate=LR,
        no_cuda=problem.device == "cpu",
        seed=0,
        optimizer_params={"fused": True} if at_best else None,
    )
    trainer = (WholeBatches if at_best else BaseTrainer)(
        _pythae_model(problem), train_set, training_config=config
    )
    trainer.prepare_training()
    trainer.callback_handler = CallbackHandler([TrainingCallback()], trainer.model)  # no bar, no console
    return Contender(lambda: [float(trainer.train_step(1))], note="float32")


def _pythae_model(problem: Problem) -> Any:
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder

    net = problem.net()

    class Encoder(BaseEncoder):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: Tensor) -> Any:
            mu, logvar = self.net.encode(x)
            return ModelOutput(embedding=mu, log_covariance=logvar)

    class Decoder(BaseDecoder):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, z: Tensor) -> Any:
            return ModelOutput(reconstruction=self.net.decode(z))

    class SumOfSquares(VAE):
        """pythae's "mse" is half of ours, which would weigh the KL twice as much."""

        def loss_function(self, recon_x: Tensor, x: Tensor, mu: Tensor, log_var: Tensor, z: Tensor) -> Any:
            loss, recon, kl = super().loss_function(recon_x, x, mu, log_var, z)
            return loss + recon, 2 * recon, kl

    kind, loss = (VAE, "bce") if problem.model == "mlp" else (SumOfSquares, "mse")
    config = VAEConfig(input_dim=(1, 28, 28), latent_dim=net.latent_dim, reconstruction_loss=loss)
    return kind(config, Encoder(), Decoder())


def with_lightning(problem: Problem, data: vw.ImageDataset, at_best: bool) -> Contender:
    """`Trainer.fit`, some epochs a turn, since each call sets up its loops anew."""
    import lightning

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")  # advice on workers and on log intervals
    module = _lightning_module(problem, at_best)
    epochs = problem.epochs_a_turn if at_best else 1
    options: dict[str, Any] = {"enable_progress_bar": False, "accelerator": "cpu", "devices": 1}
    if problem.device != "cpu":
        options["accelerator"] = "gpu"
    if at_best:
        options |= {"logger": False, "enable_checkpointing": False, "enable_model_summary": False}
        options |= {"precision": "bf16-mixed"} if problem.precision == "bf16" else {"barebones": True}
        images = data.train.images_u8(slice(None))
        loader = batch_loader(InMemory(images, problem), problem.batch, drop_last=True)
    else:
        options["default_root_dir"] = tempfile.mkdtemp()
        loader = usual_loader(problem)
    trainer = lightning.Trainer(max_epochs=0, **options)

    def turn() -> list[float]:
        trainer.fit_loop.max_epochs += epochs
        trainer.fit(module, loader)
        losses, module.epoch_losses = module.epoch_losses, []
        return losses

    return Contender(turn, epochs, note="" if at_best else "float32")


def _lightning_module(problem: Problem, at_best: bool) -> Any:
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = problem.net()
            self.adam = torch.optim.Adam(self.net.parameters(), lr=LR, fused=at_best or None)
            self.epoch_losses: list[float] = []
            self.total, self.steps = torch.zeros((), device=problem.device), 0

        def training_step(self, batch: Any, _: int) -> Tensor:
            x = batch if at_best else batch[0]
            mu, logvar = self.net.encode(x)
            z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
            if at_best:
                recon = self.net.score_raw(self.net.raw(z).float(), x) / len(x)
            else:
                recon = self.net.score(self.net.decode(z), x) / len(x)
            mu, logvar = mu.float(), logvar.float()
            kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / len(x)
            loss = recon + kl
            if not at_best:
                self.log_dict({"loss": loss, "recon": recon, "kl": kl})
            self.total += loss.detach()
            self.steps += 1
            return loss

        def on_train_epoch_end(self) -> None:
            self.epoch_losses.append(float(self.total / self.steps))
            self.total, self.steps = torch.zeros((), device=problem.device), 0

        def configure_optimizers(self) -> Any:
            return self.adam  # the same at each call of fit: its moments go on

    return Module()


class InMemory(Dataset[Tensor]):
    """Images as uint8, asked for a whole batch at a time."""

    def __init__(self, images: Tensor, problem: Problem) -> None:
        self.images, self.value_range = images, problem.value_range

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: list[int]) -> Tensor:
        return to_pixels(self.images[index], self.value_range)


def batch_loader(train_set: Any, batch: int, *, drop_last: bool) -> DataLoader[Any]:
    """A loader that asks its data set for a whole batch at once."""
    batches = BatchSampler(RandomSampler(train_set), batch, drop_last)
    return DataLoader(train_set, batch_size=None, sampler=batches, collate_fn=_as_it_is)


def _as_it_is(batch: Any) -> Any:
    return batch
