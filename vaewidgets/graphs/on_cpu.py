"""What a model puts on another device stays on the CPU, where its copy is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import torch

from vaewidgets.adapters.thread_mode import ThreadMode

_CPU = torch.device("cpu")


@final
class OnCpu(ThreadMode):
    """In this ``with`` block ``device="cuda"`` and ``.cuda()`` mean the CPU; of the calling thread alone."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        if given.get("device") not in (None, _CPU):
            given["device"] = _CPU
        return func(*args, **given)
