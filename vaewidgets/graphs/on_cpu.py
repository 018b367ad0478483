"""What a model puts on another device stays on the CPU, where its copy is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, final

import torch
from torch.utils._python_dispatch import TorchDispatchMode, _pop_mode, _push_mode

_CPU = torch.device("cpu")


@final
class OnCpu(TorchDispatchMode):
    """In this ``with`` block ``device="cuda"`` and ``.cuda()`` mean the CPU; of the calling thread alone."""

    # As `adapters.seeded`, and for its reasons: a mode of this thread alone, and no compiler is imported.

    def __enter__(self) -> Self:
        _push_mode(self)
        return self

    def __exit__(self, *_: object) -> None:
        _pop_mode(None)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        if given.get("device") not in (None, _CPU):
            given["device"] = _CPU
        return func(*args, **given)
