"""Writing a safetensors file, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

from vaewidgets.files import write_whole


def save_file(tensors: Mapping[str, Tensor], target: Path, metadata: Mapping[str, str]) -> None:
    """Write tensors and texts to a file, which is replaced as a whole, or not at all.

    Not by safetensors' function of this name: that one writes through a file of its own, under a name that is
    not known when leftovers are to be cleared away, and for its owner only to read.
    """
    content = save(dict(tensors), dict(metadata))
    with write_whole(target) as file:
        file.write(content)
