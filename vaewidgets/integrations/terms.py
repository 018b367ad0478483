"""What a training step returned or logged, under the names that `run.log` takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

from torch import Tensor

from vaewidgets.errors import OptionError
from vaewidgets.objectives import TERMS

# Other names for a term, in lower case; anything else is told by `terms=`.
_KNOWN_AS = {
    "loss": ("total_loss",),
    "recon": ("recon_loss", "reconstruction_loss", "rec_loss"),
    "kl": ("kl_loss", "kld", "kld_loss", "kl_div"),
    "lr": ("learning_rate",),
}
_SPLITS = {"val": "val_", "valid": "val_", "validation": "val_", "eval": "val_", "test": "test_", "train": ""}


@final
class Names:
    """Translates names of values.

    Parameters
    ----------
    terms : mapping of str to str, optional
        "loss", "recon" or "kl" to the name that it has in the user's code.
    """

    def __init__(self, terms: Mapping[str, str] | None) -> None:
        for name in terms or {}:
            if name not in TERMS:
                raise OptionError(
                    f"terms got {name!r}; expected one of {', '.join(map(repr, TERMS))}, each with the name "
                    'that your code gives it, such as terms={"recon": "mse"}.'
                )
        self._ours = {also: ours for ours, names in _KNOWN_AS.items() for also in names}
        self._ours |= {theirs.lower(): ours for ours, theirs in (terms or {}).items()}

    def term(self, name: str) -> str:
        """The name that `run.log` knows it by: "recon" for "recon_loss"; else the name itself."""
        return self._ours.get(name.lower(), name)

    def read(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values under our names: "train/kld" is kl, "eval_loss" is val_loss."""
        found: dict[str, Any] = {}
        for name, value in values.items():
            head, _, tail = name.replace("/", "_").partition("_")
            split = _SPLITS.get(head) if tail and name.lower() not in self._ours else None
            found[self.term(name) if split is None else split + self.term(tail)] = value
        return found

    def of_step(self, outputs: Any) -> dict[str, Any]:
        """Loss, recon and kl of what a training step or a model returned; empty where it has none."""
        if isinstance(outputs, Tensor):
            return {"loss": outputs} if outputs.numel() == 1 else {}
        fields = outputs if isinstance(outputs, Mapping) else getattr(outputs, "__dict__", {})
        return {name: v for name, v in self.read(fields).items() if name in TERMS and v is not None}


@final
class MicroBatches:
    """Means of the terms over the batches of which one update accumulates the gradients."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []

    def add(self, values: Mapping[str, Any]) -> None:
        """Keep the values of a batch as they are now; the loop may write into its tensors."""
        row = {name: v.detach().clone() if isinstance(v, Tensor) else v for name, v in values.items()}
        if row:
            self._rows.append(row)

    def take(self) -> dict[str, Any]:
        """Means since the last call; empty if nothing came."""
        rows, self._rows = self._rows, []
        names = dict.fromkeys(name for row in rows for name in row)
        return {name: _mean([row[name] for row in rows if name in row]) for name in names}


def _mean(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else sum(values[1:], values[0]) / len(values)
