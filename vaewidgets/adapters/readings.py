"""What a foreign decoder may be returning, and what recon may be, as far as its outputs tell."""

from __future__ import annotations

from torch import Tensor

FAR_OUT = 1000.0  # times a point of the prior: there a sigmoid is 0 or 1, and what is linear is large
_SATURATED = 0.3  # share of pixels at -1 or 1 out there that makes a tanh


def squash_of(image: Tensor, far: Tensor) -> str | None:
    """Function that a decoder ends in, as its outputs tell: "sigmoid", "tanh", or None.

    Parameters
    ----------
    image, far : Tensor
        What points of the prior decode to, and `FAR_OUT` times those (finite values).
    """
    if not len(far):
        return None
    if bool(((image >= 0) & (image <= 1)).all()) and bool(((far >= 0) & (far <= 1)).all()):
        return "sigmoid"
    if bool((far.abs() <= 1).all()) and float((far.abs() > 0.99).float().mean()) > _SATURATED:
        return "tanh"
    return None


def possible_readings(
    image: Tensor,
    far: Tensor,
    *,
    known: str | None,
    likelihood: str | None,
    value_range: tuple[float, float],
) -> tuple[list[tuple[str, str]], str]:
    """Pairs of output and likelihood that a decoder may be trained with, the likeliest first, and why these.

    A sigmoid shows by its range, also far out in the latent space; a linear output may be logits, or pixels
    that are trained by squared error, and the loss of either may be taken outside of the model.

    Parameters
    ----------
    image, far : Tensor
        What points of the prior decode to, and `FAR_OUT` times those (finite values).
    known : str or None
        The output, where it is known.
    likelihood : str or None
        Where it is known.
    value_range : tuple of float
        Of the data.
    """
    if known is not None:
        evidence = "it is said, or known of such models"
        found = [(known, "squared_error" if known == "mean" else "bernoulli")]
        if known == "probabilities":
            found.append((known, "squared_error"))
    elif tuple(value_range) != (0.0, 1.0):
        evidence = "the data are not in [0, 1]"
        found = [("mean", "squared_error")]
    else:
        lo, hi = float(image.min()), float(image.max())
        squash = squash_of(image, far)
        evidence = f"points of the prior decode to {lo:.3g} ... {hi:.3g}"
        if squash == "sigmoid":
            evidence += ", and points far out to [0, 1], too"
            found = [("probabilities", "bernoulli"), ("probabilities", "squared_error")]
        elif squash == "tanh":
            evidence += ", and points far out to -1 or 1: a tanh"
            found = [("mean", "squared_error")]
        elif lo >= 0 and bool((far >= 0).all()):
            evidence += ", and points far out never below 0: no logits"
            found = [("mean", "squared_error")]
        else:
            found = [("logits", "bernoulli"), ("mean", "squared_error"), ("logits", "squared_error")]
            if likelihood == "squared_error":
                found = [("mean", "squared_error")]
    if likelihood is not None:
        found = [pair for pair in found if pair[1] == likelihood] or [(found[0][0], likelihood)]
    return found, evidence
