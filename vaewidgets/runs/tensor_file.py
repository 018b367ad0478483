"""Safetensors files with a checksum of each part: written whole or not at all, read part by part."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import torch
from safetensors.torch import save
from torch import Tensor

from vaewidgets.contract.run_file import (
    CHECKSUMS,
    KEY,
    Faults,
    Layout,
    checksum,
    read_bytes,
    read_layout,
    text_checksum,
)
from vaewidgets.errors import CheckpointError
from vaewidgets.files import write_whole

_DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint64: "U64",
    torch.uint32: "U32",
    torch.uint16: "U16",
    torch.uint8: "U8",
    torch.bool: "BOOL",
    torch.complex64: "C64",
}
_TYPES = {name: dtype for dtype, name in _DTYPES.items()}


def save_file(tensors: Mapping[str, Tensor], target: Path, metadata: Mapping[str, str]) -> None:
    """Write tensors and texts to a file, which is replaced as a whole, or not at all.

    Not by safetensors' function of this name: that one writes through a file of its own, under a name that is
    not known when leftovers are to be cleared away, and for its owner only to read.
    """
    sums = {name: _checksum(tensor) for name, tensor in tensors.items() if tensor.dtype in _DTYPES}
    kept = json.dumps({"": text_checksum(metadata.get(KEY, "")), **sums})
    content = save(dict(tensors), {**metadata, CHECKSUMS: kept})
    with write_whole(target) as file:
        file.write(content)


def open_layout(path: Path, faults: Faults) -> Layout:
    """Header of a file; CheckpointError where there is none."""
    with _opened(path) as file:
        return read_layout(file, os.fstat(file.fileno()).st_size, faults)


def read_tensors(
    path: Path, layout: Layout, faults: Faults, wanted: Callable[[str], bool]
) -> dict[str, Tensor]:
    """The tensors of these names; what was changed since it was written is noted in `faults`."""
    found = {}
    with _opened(path) as file:
        for name, entry in layout.entries.items():
            data = read_bytes(file, name, layout, faults) if wanted(name) else None
            if data is None:
                continue
            dtype = _TYPES[entry.dtype]
            flat = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)
            found[name] = flat.reshape(entry.shape)
    return found


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise CheckpointError(f"{str(path)!r} cannot be read ({error}).") from error


def _checksum(tensor: Tensor) -> int:
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    data = flat.view(torch.uint8).numpy().data if flat.numel() else b""
    return checksum(_DTYPES[tensor.dtype], tensor.shape, data)
