"""Weights in half precision, which is how decoders and encoders travel."""

from __future__ import annotations

import torch
from torch import Tensor

_HALF_MAX = 65504.0
_UNSHARED = 32768  # torch's grain: elementwise work of this size stays in one thread


def halved(*parts: Tensor) -> Tensor:
    """All parts in one flat half-precision tensor on the CPU, clipped to what that holds.

    On the CPU it goes by fragments too small for torch to share out among threads: waking those takes
    milliseconds while a training thread keeps them busy, the conversion itself a fraction of one.
    """
    if any(part.device.type != "cpu" for part in parts):
        return torch.cat(
            [part.reshape(-1).float().clamp(-_HALF_MAX, _HALF_MAX).half() for part in parts]
        ).cpu()
    out = torch.empty(sum(part.numel() for part in parts), dtype=torch.float16)
    start = 0
    for part in parts:
        for fragment in part.reshape(-1).split(_UNSHARED):
            out[start : start + len(fragment)] = fragment.clamp(-_HALF_MAX, _HALF_MAX)
            start += len(fragment)
    return out
