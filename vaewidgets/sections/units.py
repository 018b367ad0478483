"""The keys of the view that say which latent dimensions are active, and which are switched off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vaewidgets.errors import OptionError

__all__ = ["check_units_view", "thresholds"]


def check_units_view(key: str, value: Any, latent_dim: int) -> None:
    """Raise an `OptionError` if `value` cannot be `delta`, `var_threshold` or `off`."""
    if value is None:
        return
    if key in ("delta", "var_threshold") and (
        isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0
    ):
        raise OptionError(f"{key} is {value!r}; expected a number of at least 0.")
    if key == "off" and (
        not isinstance(value, list)
        or not all(isinstance(j, int) and not isinstance(j, bool) and 0 <= j < latent_dim for j in value)
    ):
        raise OptionError(f"off is {value!r}; expected numbers of units from 0 to {latent_dim - 1}.")


def thresholds(
    view: Mapping[str, Any], delta: float = 0.01, var_threshold: float = 0.01
) -> tuple[float, float]:
    """Both thresholds, as turned in the view, or as they were at first."""
    first, second = view.get("delta"), view.get("var_threshold")
    return delta if first is None else first, var_threshold if second is None else second
