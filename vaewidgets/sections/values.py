"""What points can be colored by: a number for each image of the sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaewidgets.contract.frame import Values
from vaewidgets.contract.packing import pack_quantised
from vaewidgets.data import Sample
from vaewidgets.engine import Snapshot
from vaewidgets.errors import OptionError
from vaewidgets.objectives.kl import kl_per_dim

BUILT_IN = ("recon", "kl", "|mu|")


def check_values(values: Mapping[str, Any] | None, sample: Sample) -> dict[str, np.ndarray]:
    """Return the user's values as float32 arrays of the sample's length.

    Raises
    ------
    OptionError
        If they are no mapping of names to as many numbers as there are points, or a name is taken.
    """
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise OptionError(f"values is {type(values).__name__}; expected a dict of names to arrays.")
    found = {}
    for name, given in values.items():
        if name == "label" or name in BUILT_IN:
            raise OptionError(f"values has the name {name!r}, which is taken; give it another.")
        try:
            array = np.asarray(given, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise OptionError(f"values[{name!r}] are no numbers ({error}).") from error
        if array.shape != (len(sample),):
            raise OptionError(
                f"values[{name!r}] has shape {array.shape}; expected ({len(sample)},), one number for each "
                "image of widget.sample, in its order."
            )
        found[str(name)] = array
    return found


def point_values(
    sample: Sample,
    snapshot: Snapshot,
    mu: Tensor,
    logvar: Tensor | None,
    given: Mapping[str, np.ndarray],
    *,
    recon: bool,
) -> Values:
    """The live key `values`: what points can be colored by.

    Parameters
    ----------
    given : mapping of str to ndarray, shape (n,)
        The user's own.
    recon : bool
        Decode every image, for its reconstruction term.
    """
    items = []
    if recon and snapshot.likelihood.is_computed:
        labels = None if sample.labels is None else torch.from_numpy(sample.labels)
        term, _ = snapshot.inference.score(mu, sample.images, labels)
        items.append(("recon", snapshot.likelihood.unit, term.numpy()))
    if logvar is not None:
        items.append(("kl", "nats", kl_per_dim(mu, logvar).sum(dim=1).numpy()))
    items.append(("|mu|", "", mu.norm(dim=1).numpy()))
    items += [(name, "", array) for name, array in given.items()]
    return {
        "step": snapshot.step,
        "items": [
            {"name": name, "unit": unit, "values": pack_quantised(np.asarray(array)[:, None])}
            for name, unit, array in items
        ],
    }
