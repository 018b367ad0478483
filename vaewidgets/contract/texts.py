"""Numbers and names as text, in the form that the page gives them; see js/maths/format.js."""

from __future__ import annotations

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def percent(share: float, decimals: int = 0) -> str:
    """Return a share of 1 such as "39 %"."""
    return f"{share:.{decimals}%}".replace("%", " %")


def subscript(name: str) -> str:
    """Return a name with its digits lowered: "z₁₂" of "z12"."""
    return name.translate(_SUBSCRIPTS)


def dim_name(index: int) -> str:
    """Return the name of a latent dimension counted from 0: "z₁" of 0."""
    return subscript(f"z{index + 1}")
