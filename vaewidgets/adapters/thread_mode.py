"""A dispatch mode of the calling thread alone, which imports no compiler."""

from __future__ import annotations

from typing import Self

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
