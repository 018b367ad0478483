"""Distillation: a smaller encoder that is taught to say what a larger one says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, final

import torch
from torch import Tensor, nn

from vaewidgets.adapters.seeded import seeded
from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.checks import instance, number, random_seed, whole, wholes
from vaewidgets.contract.texts import percent
from vaewidgets.errors import DataError, OptionError, ShapeError
from vaewidgets.inference import Inference
from vaewidgets.objectives import Likelihood, traits


@final
class SmallEncoder(nn.Module):
    """Fully connected encoder: image → hidden → (mu, logvar).

    Parameters
    ----------
    image_shape : (C, H, W)
    latent_dim : int
    hidden : sequence of int
        Widths of the hidden layers; empty for a linear encoder.

    Notes
    -----
    Weights are drawn from torch's global generator.
    """

    def __init__(self, image_shape: Sequence[int], latent_dim: int, hidden: Sequence[int] = (64,)) -> None:
        super().__init__()
        self.image_shape = tuple(image_shape)
        self.latent_dim = latent_dim
        layers: list[nn.Module] = []
        widths = (math.prod(self.image_shape), *hidden)
        for n_in, n_out in pairwise(widths):
            layers += [nn.Linear(n_in, n_out), nn.ReLU()]
        self.encoder = nn.Sequential(*layers)
        self.heads = nn.Linear(widths[-1], 2 * latent_dim)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior of each image: mu and logvar, each of shape (B, latent_dim)."""
        mu, logvar = self.heads(self.encoder(x.flatten(1))).chunk(2, dim=1)
        return mu, logvar

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The same as `encode`."""
        return self.encode(x)


@dataclass(frozen=True, repr=False, eq=False)
class Distilled:
    """A student beside its teacher, on images that neither was shown in the distillation.

    Attributes
    ----------
    student : nn.Module
        In eval mode.
    losses : Tensor, float64, shape (epochs,)
        Mean loss of each epoch an image: KL(teacher || student) in nats, or ‖mu − mu'‖² for a teacher
        without a posterior variance.
    kl : float
        Mean KL(teacher || student) of the posteriors, in nats; NaN for a teacher without a variance.
    mean_explained : float
        Share of the variance of the teacher's means that the student's reproduce, at most 1.
    teacher_recon, student_recon : float
        Reconstruction term of the teacher's decoder fed with the one's and with the other's means.
    teacher_size, student_size : int
        Parameters of both encoders; the teacher's are those that its means and variances depend on.
    unit : str
        Unit of the reconstruction terms.
    """

    student: nn.Module
    losses: Tensor
    kl: float
    mean_explained: float
    teacher_recon: float
    student_recon: float
    teacher_size: int
    student_size: int
    unit: str

    def __repr__(self) -> str:
        share = self.student_size / max(self.teacher_size, 1)
        kl = "" if math.isnan(self.kl) else f"\n  KL(teacher || student) {self.kl:.2f} nats"
        return (
            f"Distilled({self.student_size:,} parameters, {percent(share, 1)} of the teacher's "
            f"{self.teacher_size:,})"
            f"{kl}\n  {percent(self.mean_explained, 1)} of the variance of the teacher's means"
            f"\n  recon with the teacher's decoder: {self.teacher_recon:.2f} its own encoder, "
            f"{self.student_recon:.2f} the student, {self.unit}"
        )


def posterior_kl(mu0: Tensor, logvar0: Tensor, mu1: Tensor, logvar1: Tensor) -> Tensor:
    """KL(N(mu0, sigma0²) || N(mu1, sigma1²)) summed over dimensions, in nats.

    ½ Σ [ (sigma0² + (mu0 − mu1)²) / sigma1² − 1 + ln sigma1² − ln sigma0² ], shape (B,), at least 0.
    """
    ratio = logvar0 - logvar1
    return 0.5 * (torch.expm1(ratio) - ratio + (mu0 - mu1).square() * torch.exp(-logvar1)).sum(1)


def distil(
    teacher: Any,
    train: Tensor,
    test: Tensor,
    *,
    student: nn.Module | None = None,
    hidden: Sequence[int] = (64,),
    likelihood: Likelihood | None = None,
    epochs: int = 20,
    batch_size: int = 128,
    lr: float = 2e-3,
    seed: int = 0,
) -> Distilled:
    """Teach a smaller encoder to give the teacher's posteriors; the teacher stays as it is.

    Minimises KL(teacher || student), in which a missed mean counts the more the surer the teacher is.

    Parameters
    ----------
    teacher : VAE with `decode_raw`
    train, test : Tensor, shapes (n, C, H, W) and (m, C, H, W)
        Images to learn from (no labels are needed) and to judge on.
    student : nn.Module, optional
        With ``encode(x) -> (mu, logvar)`` of the teacher's latent_dim; trained in place. By default a
        `SmallEncoder` with `hidden`, drawn with `seed`.
    hidden : sequence of int
        Of the default student.
    likelihood : Likelihood, optional
        The teacher's own by default.
    epochs, batch_size, lr : int, int, float
        Of Adam; the learning rate falls to 0 along a half cosine.
    seed : int
        Of the order, and of the default student's weights. Torch's global generator is left alone.

    Raises
    ------
    OptionError
        If a count is below 1, or the learning rate is not above 0.
    ShapeError
        If the student has another latent_dim.
    DataError
        If the loss is not finite.
    """
    epochs, batch_size = whole("epochs", epochs, 1), whole("batch_size", batch_size, 1)
    lr, seed = number("lr", lr, above=0), random_seed(seed)
    hidden = wholes("hidden", hidden, 1, also=", the widths of the layers")
    if student is not None:
        instance("student", student, nn.Module, "an nn.Module")
    inference = Inference(teacher, likelihood)
    inference.likelihood.check_computed("distillation")
    if traits(teacher).takes_labels:
        raise OptionError("distil() has no labels to give; expected a teacher that encodes without classes.")
    mu, logvar = inference.encode(train)
    if student is None:
        with restored_modes(), seeded(seed):
            student = SmallEncoder(tuple(train.shape[1:]), mu.shape[1], hidden)
    student = student.to(inference.device).train()
    _check_student(student, train, mu)
    lesson = _Lesson(epochs, batch_size, lr, seed)
    losses = _teach(student, lesson, train.to(inference.device), mu, logvar)
    return _judge(inference, student.eval(), test, losses)


@dataclass(frozen=True)
class _Lesson:
    epochs: int
    batch_size: int
    lr: float
    seed: int


def _teach(student: Any, lesson: _Lesson, x: Tensor, mu: Tensor, logvar: Tensor | None) -> Tensor:
    mu, logvar = mu.to(x.device), None if logvar is None else logvar.to(x.device)
    generator = torch.Generator().manual_seed(lesson.seed)
    optimizer = torch.optim.Adam(student.parameters(), lr=lesson.lr)
    steps = lesson.epochs * math.ceil(len(x) / lesson.batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    losses = []
    for _ in range(lesson.epochs):
        total = torch.zeros((), dtype=torch.float64)
        for index in torch.randperm(len(x), generator=generator).to(x.device).split(lesson.batch_size):
            student_mu, student_logvar = student.encode(x[index])
            if logvar is None:
                per_image = (student_mu - mu[index]).square().sum(1)
            else:
                per_image = posterior_kl(mu[index], logvar[index], student_mu, student_logvar)
            optimizer.zero_grad()
            per_image.mean().backward()
            optimizer.step()
            schedule.step()
            total += per_image.detach().double().sum().cpu()
        losses.append(float(total) / len(x))
        if not math.isfinite(losses[-1]):
            raise DataError(
                f"the distillation's loss became {losses[-1]} in epoch {len(losses)}; expected a finite one. "
                f"Use a smaller lr than {lesson.lr:g}."
            )
    return torch.tensor(losses, dtype=torch.float64)


def _judge(inference: Inference, student: Any, test: Tensor, losses: Tensor) -> Distilled:
    mu, logvar = inference.encode(test)
    student_mu, student_logvar = Inference(student, inference.likelihood).encode(test)
    kl = float("nan")
    if logvar is not None and student_logvar is not None:
        parts = (mu.double(), logvar.double(), student_mu.double(), student_logvar.double())
        kl = float(posterior_kl(*parts).mean())
    missed = float((mu - student_mu).double().square().sum())
    total = float((mu - mu.mean(0)).double().square().sum())
    return Distilled(
        student=student,
        losses=losses,
        kl=kl,
        mean_explained=1.0 - missed / max(total, torch.finfo(torch.float32).tiny),
        teacher_recon=float(inference.score(mu, test)[0].mean()),
        student_recon=float(inference.score(student_mu, test)[0].mean()),
        teacher_size=_encoder_size(inference, test),
        student_size=sum(p.numel() for p in student.parameters()),
        unit=inference.likelihood.unit,
    )


def _encoder_size(inference: Inference, x: Tensor) -> int:
    """Parameters that the posterior depends on: those that get a gradient from it."""
    model = inference.model
    params = list(model.parameters())
    needed = [p.requires_grad for p in params]
    try:
        for p in params:
            p.requires_grad_(True)
        mu, logvar = model.encode(x[:2].to(inference.device))
        out = mu.sum() if logvar is None else mu.sum() + logvar.sum()
        grads = torch.autograd.grad(out, params, allow_unused=True)
    finally:
        for p, was in zip(params, needed, strict=True):
            p.requires_grad_(was)
    return sum(p.numel() for p, grad in zip(params, grads, strict=True) if grad is not None)


def _check_student(student: Any, x: Tensor, mu: Tensor) -> None:
    codes, _ = Inference(student).encode(x[:2])
    if codes.shape[1] != mu.shape[1]:
        raise ShapeError(
            f"the student encodes to {codes.shape[1]} dimensions, the teacher to {mu.shape[1]}; expected the "
            f"same. Build it with latent_dim={mu.shape[1]}."
        )
