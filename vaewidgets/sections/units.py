"""The keys of the view that say which latent dimensions are active, and which are switched off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vaewidgets.checks import number, wholes


def check_units_view(key: str, value: Any, latent_dim: int) -> None:
    """Raise an `OptionError` if `value` cannot be `delta`, `var_threshold` or `off`."""
    if value is None:
        return
    if key in ("delta", "var_threshold"):
        number(key, value, 0)
    if key == "off":
        wholes(key, value, 0, latent_dim - 1, also=", the indices of units")


def thresholds(
    view: Mapping[str, Any], delta: float = 0.01, var_threshold: float = 0.01
) -> tuple[float, float]:
    """Both thresholds, as turned in the view, or as they were at first."""
    first, second = view.get("delta"), view.get("var_threshold")
    return delta if first is None else first, var_threshold if second is None else second
