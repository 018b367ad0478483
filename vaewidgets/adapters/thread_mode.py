"""What torch keeps for each thread: a dispatch mode that imports no compiler, and modes that are put back."""

from __future__ import annotations

import contextlib
from typing import Self, final

import torch
from torch.utils._python_dispatch import TorchDispatchMode, _pop_mode, _push_mode


class ThreadMode(TorchDispatchMode):
    """In its ``with`` block operations of the calling thread go through ``__torch_dispatch__``.

    Torch's own modes also note, for all threads, that a mode is on; two threads in turn would leave the note
    behind, and what a loop has compiled would not run compiled any more.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """False: to be skipped by the compiler the whole of it would be imported, which takes seconds."""
        return False

    def __enter__(self) -> Self:
        _push_mode(self)
        return self

    def __exit__(self, *_: object) -> None:
        _pop_mode(None)


@final
class restored_modes(contextlib.ContextDecorator):
    """An exception that leaves this ``with`` block, or function, leaves the thread's modes as they were.

    Around ``torch.no_grad()`` and every `ThreadMode` on a thread of the caller's: an interrupt can come when
    such a block has set its mode and not begun, or when it is about to take it back. The caller's own
    training would then have no gradients, or draw our random numbers.
    """

    def _recreate_cm(self) -> Self:
        return type(self)()  # a function can call itself

    def __enter__(self) -> Self:
        self._has_gradients = torch.is_grad_enabled()
        self._depth = torch._C._len_torch_dispatch_stack()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            return
        while torch._C._len_torch_dispatch_stack() > self._depth:
            _pop_mode(None)
        torch.set_grad_enabled(self._has_gradients)
