"""Loss of a model on a split, without touching its training."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import torch
from torch import nn

from vaewidgets.data.split import Split
from vaewidgets.objectives import TERMS, Likelihood, Objective, traits

_BATCH = 512


Evaluation = Generator[None, None, dict[str, float]]


def evaluate(model: nn.Module, split: Split, *args: Any, **options: Any) -> dict[str, float]:
    """Mean loss, recon and kl over all images of a split, at one go; see `evaluating`."""
    values = drive(evaluating(model, split, *args, **options), lambda: True)
    assert values is not None
    return values


def drive(evaluation: Evaluation, go_on: Callable[[], bool]) -> dict[str, float] | None:
    """Go on with an evaluation to its end, or as long as `go_on()`, asked before each batch, says so.

    Returns
    -------
    dict or None
        None if it is not at its end: it can be driven on later.
    """
    while go_on():
        try:
            next(evaluation)
        except StopIteration as end:
            values: dict[str, float] = end.value
            return values
    return None


def evaluating(
    model: nn.Module,
    split: Split,
    likelihood: Likelihood,
    objective: Objective,
    *,
    beta: float,
    step: int,
    device: torch.device,
    seed: int,
) -> Evaluation:
    """Mean loss, recon and kl over all images of a split; yields after each batch, returns an `Evaluation`.

    `model` is in eval mode, on `device`, of weights that require no gradients (a snapshot's): they are not
    turned off here, since an interrupt could leave them off in the notebook's thread. z is drawn once per
    image, from `seed`: the same at every call, so that two calls differ by the model alone. The KL is the
    closed form; terms that are estimated from a batch (InfoVAE, beta-TC) are means over batches of 512.
    """
    generator = torch.Generator(device).manual_seed(seed)
    rows: list[torch.Tensor] = []
    images: list[int] = []
    # Images without labels are encoded without.
    with_labels = traits(model).takes_labels and split.labels is not None
    for batch in split.batches(
        _BATCH, device=device, shuffle=False, generator=torch.Generator(), with_labels=with_labels
    ):
        x, labels = batch if with_labels else (batch, None)
        loss, recon, kl, extras = objective(
            model, likelihood, x, beta, labels=labels, step=step, generator=generator, n_data=len(split)
        )
        rows.append(torch.stack((loss, recon, kl, *(extras[name] for name in objective.extras))).detach())
        images.append(len(x))
        yield
    weights = torch.tensor(images, dtype=torch.float64)
    means = weights @ torch.stack(rows).cpu().double() / weights.sum()
    return dict(zip((*TERMS, *objective.extras), means.tolist(), strict=True))
