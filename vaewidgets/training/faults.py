"""What is said of a training that went wrong."""

from __future__ import annotations

import numpy as np

from vaewidgets.errors import DivergedError

__all__ = ["diverged"]


def diverged(step: int, terms: np.ndarray) -> DivergedError:
    """Say which term went first, and what usually causes it."""
    recon, kl, loss, _ = (bool(np.isfinite(term)) for term in terms)
    # The KL first: where mu or logvar run away, so does what is decoded from them.
    if not kl:
        term = "kl"
        cause = "logvar running away: pixels not scaled to value_range, or a learning rate that is too high"
    elif not recon:
        term, cause = "recon", "a decoder running away, by a learning rate that is too high"
    elif not loss:
        term, cause = "loss", "a beta that is too large"
    else:
        term, cause = (
            "gradient",
            "a learning rate that is too high, or sqrt, log or a division at 0 in the model",
        )
    return DivergedError(
        f"training diverged: the {term} was NaN or infinite at step {step}. The usual cause is {cause}. "
        "The weights are those before that step; the history is kept. Start again with a smaller lr.",
        step=step,
        term=term,
    )
