"""What else was done to a foreign model so that it can be shown, or was seen of it: a line each."""

from __future__ import annotations

import math

from torch import nn

from vaewidgets.adapters.adapted import Wiring


def notes_on(given: nn.Module, module: nn.Module, wiring: Wiring, uncalled: list[str]) -> tuple[str, ...]:
    """Lines for `Convention.describe`."""
    lines = []
    if given is not module:
        lines.append(f"{type(given).__name__} was unwrapped: pictures are drawn from the model within")
    if wiring.z_shape is not None:
        shape = " × ".join(map(str, wiring.z_shape))
        lines.append(f"latents are {shape}, shown flattened: {_place(wiring.z_shape)}")
    forms = (("encode", wiring.encode_labels), ("decode", wiring.decode_labels))
    lines += [f"{half} takes {form.describe()}" for half, form in forms if form is not None]
    if wiring.is_random:
        lines.append("the encoder draws a sample, too, which is left aside")
    if uncalled:
        lines.append(f"never called by either: {', '.join(uncalled)}")
    return tuple(lines)


def _place(shape: tuple[int, ...]) -> str:
    """Where the last latent is, as an example of the order."""
    axes = {3: ("channel", "row", "column"), 2: ("row", "column")}.get(len(shape))
    number, last = math.prod(shape), [n - 1 for n in shape]
    if axes is None:
        return f"z{number} is at {tuple(last)}, counted from 0"
    where = ", ".join(f"{axis} {i}" for axis, i in zip(axes, last, strict=True))
    return f"z{number} is {where}, counted from 0"
