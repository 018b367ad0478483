"""Half the bits where the processor multiplies them faster: bfloat16 inside the model, float32 around it.

Weights, gradients, the optimiser, mu, logvar, z's draw and the loss stay in float32; only what the model
computes between them is cast (`torch.autocast`). Bfloat16 has float32's range, so no loss needs scaling.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from vaewidgets.checks import one_of
from vaewidgets.errors import OptionError

PRECISIONS = ("float32", "bf16")
# what torch asks an x86 processor for; AMX has the tiles, AVX-512's extension the dot products
_CPU_FLAGS = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
_AMPERE = 8  # the first CUDA compute capability whose matrix units take bfloat16


def check_precision(precision: object, device: torch.device) -> str:
    """Return the name; OptionError if it is unknown, or if `device` is no faster for it.

    Without such units torch computes bfloat16 all the same, several times slower than float32: nobody who
    asks for it wants that.
    """
    precision = one_of("precision", precision, PRECISIONS)
    reason = why_not_bf16(device) if precision == "bf16" else None
    if reason is not None:
        raise OptionError(f"precision is 'bf16', but {reason}. Leave it out for float32.")
    return precision


def why_not_bf16(device: torch.device) -> str | None:
    """Say why bfloat16 does not pay on a device; None where it does."""
    if device.type == "cpu":
        if any(getattr(torch.cpu, flag, bool)() for flag in _CPU_FLAGS):
            return None
        return "this processor has no bfloat16 matrix products (AMX or AVX512-BF16)"
    if device.type == "cuda":
        major, minor = torch.cuda.get_device_capability(device)
        if major >= _AMPERE:
            return None
        return f"this GPU, of compute capability {major}.{minor}, has no bfloat16 (from {_AMPERE}.0 on)"
    return f"bfloat16 is known to pay on CPUs and CUDA devices only, not on {device.type!r}"


class HalfModel:
    """A model whose encoder and decoder compute in bfloat16 and return float32; all else is the model's own.

    For the objective's eyes, one training step at a time. What is neither `encode` nor `decode_raw`, such as
    the search in a codebook, stays in float32.
    """

    def __init__(self, model: Any, device: torch.device) -> None:
        self._model = model
        self._type = device.type

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def encode(self, *inputs: Any) -> tuple[Tensor, Tensor | None]:
        """As the model's, (B, latent_dim) each, in float32."""
        with torch.autocast(self._type, dtype=torch.bfloat16):
            mu, logvar = self._model.encode(*inputs)
        return mu.float(), None if logvar is None else logvar.float()

    def decode_raw(self, *inputs: Any) -> Tensor:
        """As the model's, in float32."""
        with torch.autocast(self._type, dtype=torch.bfloat16):
            raw: Tensor = self._model.decode_raw(*inputs)
        return raw.float()
