"""What is said of a training that went wrong."""

from __future__ import annotations

import numpy as np

from vaewidgets.errors import DivergedError

__all__ = ["CAUSES", "diverged"]

CAUSES = {
    "kl": "logvar running away: pixels not scaled to value_range, or a learning rate that is too high",
    "recon": "a decoder running away, by a learning rate that is too high",
    "gradient": "a learning rate that is too high, or sqrt, log or a division at 0 in the model",
}


def diverged(step: int, terms: np.ndarray, beta: float = 1.0) -> DivergedError:
    """Say which term went first, and what usually causes it.

    Parameters
    ----------
    step : int
    terms : ndarray, shape (4,)
        recon, kl, loss and gradient.
    beta : float
        In force at that step.
    """
    recon, kl, loss, _ = (bool(np.isfinite(term)) for term in terms)
    # The KL first: where mu or logvar run away, so does what is decoded from them.
    term = "kl" if not kl else "recon" if not recon else "loss" if not loss else "gradient"
    cause = CAUSES.get(term) or _cause_in_loss(beta, float(terms[1]))
    return DivergedError(
        f"training diverged: the {term} was NaN or infinite at step {step}. The usual cause is {cause}. "
        "The weights are those before that step; the history is kept. Start again with a smaller lr.",
        step=step,
        term=term,
    )


def _cause_in_loss(beta: float, kl: float) -> str:
    """Why a loss is not finite whose recon and KL are."""
    if not abs(beta * kl) < float(np.finfo(np.float32).max):
        return f"beta: {beta:g} times a KL of {kl:g} is beyond float32"
    return "a term of the objective beside recon and the KL, which were both finite"
