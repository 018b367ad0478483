"""Where in the user's model an operation was called: the layer, the function and the line."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

_OURS = str(Path(__file__).parents[1])
_TORCH = str(Path(torch.__file__).parent)
_LINE = 80  # characters shown of it
_DEPTH = 200  # frames looked at


@dataclass(frozen=True)
class Place:
    """A layer such as ``decoder.2 (Conv2d)``, and the file and line that called it, if that is the user's."""

    layer: str
    file: str | None = None
    line: int = 0

    def __str__(self) -> str:
        if self.file is None:
            return self.layer
        text = linecache.getline(self.file, self.line).strip()
        text = text if len(text) <= _LINE else text[: _LINE - 1] + "…"
        return f"{self.layer}, line {self.line} of {Path(self.file).name}" + (f": `{text}`" if text else "")


@dataclass
class Places:
    """Which layer of `layers` is running; `root` names the recorded function where none is."""

    root: str
    layers: nn.Module | None = None
    function: str = ""  # the torch function that the user's code has called
    _stack: list[tuple[str, nn.Module]] = field(default_factory=list)
    _handles: list[Any] = field(default_factory=list)

    def __enter__(self) -> Places:
        for name, child in self.layers.named_modules() if self.layers is not None else ():
            if not isinstance(child, torch.jit.ScriptModule):  # takes no Python hooks
                self._handles.append(child.register_forward_pre_hook(self._entering(name)))
                self._handles.append(child.register_forward_hook(self._leave, always_call=True))
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _entering(self, name: str) -> Callable[..., None]:
        return lambda module, _args: self._stack.append((name, module))

    def _leave(self, *_: Any) -> None:
        if self._stack:
            self._stack.pop()

    def now(self, operation: str) -> Place:
        """Find the place of an operation that is being called."""
        return Place(self._layer(self.function or operation), *_line_of_the_user())

    def _layer(self, function: str) -> str:
        if not self._stack:
            return f"{self.root} ({function})" if function else self.root
        name, module = self._stack[-1]
        kind = type(module).__name__
        if function and not type(module).__module__.startswith("torch.nn"):
            kind = f"{kind}: {function}"
        return f"{name or self.root} ({kind})"


def _line_of_the_user() -> tuple[str | None, int]:
    """File and line of the innermost frame that is neither torch's nor ours; none outside the recording."""
    frame = sys._getframe(2)
    for _ in range(_DEPTH):
        code = frame.f_code
        if code.co_name == "call_recorded" and code.co_filename.startswith(_OURS):
            break
        if not code.co_filename.startswith((_OURS, _TORCH, "<")):
            return code.co_filename, frame.f_lineno
        if frame.f_back is None:
            break
        frame = frame.f_back
    return None, 0


class FunctionNames(TorchFunctionMode):
    """Notes which torch function the user's code calls; `leaving` is told of those in `watched`."""

    def __init__(
        self, places: Places, watched: frozenset[str], leaving: Callable[[str, list[Any]], None]
    ) -> None:
        super().__init__()
        self._places, self._watched, self._leaving = places, watched, leaving

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = getattr(func, "__name__", "")
        if name in ("__get__", "__set__"):
            name = getattr(getattr(func, "__self__", None), "__name__", name)
        self._places.function = name if name.startswith("__") else name.rstrip("_")
        if name in self._watched:
            self._leaving(name, [item for item in args if isinstance(item, torch.Tensor)])
        try:
            return func(*args, **(kwargs or {}))
        finally:
            self._places.function = ""
