"""The keys of the view that say which latent dimensions are active, and which are switched off."""

from __future__ import annotations

from typing import Any

from vaewidgets.errors import OptionError

__all__ = ["check_units_view"]


def check_units_view(key: str, value: Any, latent_dim: int) -> None:
    """Raise an `OptionError` if `value` cannot be `delta`, `var_threshold` or `off`."""
    if value is None:
        return
    if key in ("delta", "var_threshold") and (
        isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0
    ):
        raise OptionError(f"{key} is {value!r}; wanted a number of at least 0.")
    if key == "off" and (
        not isinstance(value, list)
        or not all(isinstance(j, int) and not isinstance(j, bool) and 0 <= j < latent_dim for j in value)
    ):
        raise OptionError(f"off is {value!r}; wanted numbers of units from 0 to {latent_dim - 1}.")
