"""What a trained model does on both splits, in a few numbers that `diagnose` can judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vaewidgets.checks import instance, text
from vaewidgets.contract.texts import percent
from vaewidgets.data import ImageDataset
from vaewidgets.data.sample import evenly
from vaewidgets.data.split import Split
from vaewidgets.diagnostics.units import ActiveUnits, active_units
from vaewidgets.inference import Inference
from vaewidgets.objectives import Likelihood


@dataclass(frozen=True, repr=False, eq=False)
class RunStats:
    """A model measured on both splits, its posterior means decoded.

    Attributes
    ----------
    n_train, n_test : int
        Images of each split that were measured; `n_test` is 0 where there is no test split.
    train_recon, test_recon : float
        Mean reconstruction term an image, in the likelihood's unit. NaN without a test split.
    train_explained, test_explained : float
        Share of the pixels' variance that is reproduced: 1 − ‖x − x_hat‖² / ‖x − mean image‖², at most 1. 0
        is no better than always showing the training images' mean. NaN without a test split.
    units : ActiveUnits or None
        On the test split (else on the training split); None for a model without a posterior variance.
    marginal_kl : float
        KL of each latent dimension's aggregate posterior from N(0, 1), summed, in nats, by its first two
        moments: 0 where encoded data fill the prior, large where they lie elsewhere. NaN without a variance.
    value_unit : str
        Unit of the two reconstruction terms.
    test_name : str
        What the test split is called, where it is perhaps none.
    """

    n_train: int
    n_test: int
    train_recon: float
    test_recon: float
    train_explained: float
    test_explained: float
    units: ActiveUnits | None
    marginal_kl: float
    value_unit: str
    test_name: str = "test"

    @property
    def kl(self) -> float:
        """Mean KL an image, in nats; NaN for a model without a posterior variance."""
        return float("nan") if self.units is None else float(self.units.kl.sum())

    @property
    def explained(self) -> float:
        """`test_explained`, or `train_explained` where there is no test split."""
        return self.test_explained if self.n_test else self.train_explained

    @property
    def gap(self) -> float:
        """How many times as much variance is left unexplained on test images as on training images."""
        return (1.0 - self.test_explained) / max(1.0 - self.train_explained, 1e-6)

    def __repr__(self) -> str:
        held_out = f"{self.n_test} {self.test_name}"
        lines = [f"RunStats({self.n_train} training and {held_out} images)"]
        lines.append(f"  recon: {self.train_recon:.2f} train, {self.test_recon:.2f} test, {self.value_unit}")
        lines.append(
            f"  pixel variance explained: {percent(self.train_explained, 1)} train, "
            f"{percent(self.test_explained, 1)} test"
        )
        if self.units is not None:
            lines.append(
                f"  KL: {self.kl:.2f} nats, {self.units.n_by_kl} of {self.units.latent_dim} units active; "
                f"KL(aggregate posterior, prior): {self.marginal_kl:.2f} nats"
            )
        return "\n".join(lines)


def run_stats(
    model: Any,
    data: ImageDataset,
    likelihood: Likelihood | None = None,
    *,
    n: int = 1000,
    test_name: str = "test",
) -> RunStats:
    """Measure a model on both splits of its data.

    Parameters
    ----------
    model : VAE with `decode_raw`
    data : ImageDataset
    likelihood : Likelihood, optional
        The model's own by default.
    n : int
        Images of each split at most, evenly spread over it.
    test_name : str
        What the test split is called, where the model may have been trained on it: `Run.test_name`.
    """
    instance("data", data, ImageDataset, "an ImageDataset")
    inference = Inference(model, likelihood)
    train, train_labels = _images(data.train, n)
    mean_image = train.mean(dim=0)
    mu, logvar = inference.encode(train, train_labels)
    train_recon, train_explained = _reproduced(inference, mu, train, train_labels, mean_image)
    test_recon, test_explained, n_test = float("nan"), float("nan"), 0
    if data.test is not None:
        test, labels = _images(data.test, n)
        mu, logvar = inference.encode(test, labels)
        test_recon, test_explained = _reproduced(inference, mu, test, labels, mean_image)
        n_test = len(test)
    return RunStats(
        n_train=len(train),
        n_test=n_test,
        train_recon=train_recon,
        test_recon=test_recon,
        train_explained=train_explained,
        test_explained=test_explained,
        units=None if logvar is None else active_units(mu, logvar),
        marginal_kl=float("nan") if logvar is None else _marginal_kl(mu.double(), logvar.double()),
        value_unit=inference.likelihood.unit,
        test_name=text("test_name", test_name),
    )


def _images(split: Split, n: int) -> tuple[Tensor, Tensor | None]:
    index = evenly(len(split), n)
    return split.images(index), None if split.labels is None else split.labels[index]


def _reproduced(
    inference: Inference, mu: Tensor, x: Tensor, labels: Tensor | None, mean_image: Tensor
) -> tuple[float, float]:
    """Mean reconstruction term, and the share of the pixels' variance that comes back."""
    recon, error = inference.score(mu, x, labels)
    # images that are all alike have no variance: then any error at all is "none explained"
    total = float((x - mean_image).double().square().sum())
    return float(recon.mean()), 1.0 - float(error.sum()) / max(total, torch.finfo(torch.float32).tiny)


def _marginal_kl(mu: Tensor, logvar: Tensor) -> float:
    """Sum over dimensions of KL(N(m, s²) || N(0, 1)), m and s² the aggregate posterior's moments."""
    mean = mu.mean(dim=0)
    variance = mu.var(dim=0, correction=0) + logvar.exp().mean(dim=0)
    return float(0.5 * (mean.square() + variance - 1.0 - variance.log()).sum())
