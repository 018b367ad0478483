"""Messages about a training that went wrong."""

from __future__ import annotations

import numpy as np

from vaewidgets.errors import DivergedError

_CAUSES = {
    "kl": "logvar running away: pixels not scaled to value_range, or a learning rate that is too high",
    "recon": "a decoder running away, by a learning rate that is too high",
    "gradient": "a learning rate that is too high, or sqrt, log or a division at 0 in the model",
}


def divergence(step: int, term: str, after: str, *, otherwise: str) -> DivergedError:
    """Say which term went first, its usual cause (`otherwise` where none is known), and what follows."""
    cause = f"The usual cause is {_CAUSES[term]}." if term in _CAUSES else otherwise
    return DivergedError(
        f"training diverged: the {term} was NaN or infinite at step {step}. {cause} {after}",
        step=step,
        term=term,
    )


def diverged(step: int, terms: np.ndarray, beta: float = 1.0) -> DivergedError:
    """Divergence of a run of ours, whose weights were kept.

    Parameters
    ----------
    step : int
    terms : ndarray, shape (4,)
        loss, recon, kl and gradient.
    beta : float
        In force at that step.
    """
    loss, recon, kl, _ = (bool(np.isfinite(term)) for term in terms)
    # The KL first: where mu or logvar run away, so does what is decoded from them.
    term = "kl" if not kl else "recon" if not recon else "loss" if not loss else "gradient"
    return divergence(
        step,
        term,
        "The weights are those before that step; the history is kept. Start again with a smaller lr.",
        otherwise=f"The usual cause is {_cause_in_loss(beta, float(terms[2]))}.",
    )


def spoilt(step: int, copied_at: int) -> DivergedError:
    """Divergence of a run of ours whose weights were not finite themselves, and were put back."""
    return DivergedError(
        f"training diverged: weights of the model were NaN or infinite at step {step}, before its update: "
        "other code wrote to them, or an update went beyond the largest number. They are those of step "
        f"{copied_at} again, the newest copy that is finite; the history is kept.",
        step=step,
        term="weights",
    )


def _cause_in_loss(beta: float, kl: float) -> str:
    """Why a loss is not finite whose recon and KL are."""
    if not abs(beta * kl) < float(np.finfo(np.float32).max):
        return f"beta: {beta:g} times a KL of {kl:g} is beyond float32"
    return "a term of the objective beside recon and the KL, which were both finite"
