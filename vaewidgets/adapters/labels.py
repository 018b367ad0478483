"""Classes as an input of foreign models that are conditioned on them: encode(x, y), decode(z, y)."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from vaewidgets.adapters.calls import Call, Forward, Head, Method, call_name
from vaewidgets.checks import is_whole
from vaewidgets.errors import ProtocolError

_ARGUMENT = re.compile(r"^(y|c|labels?|class(es)?|targets?|cond(ition(s|al)?)?|class_labels?|(y_)?one_?hot)$")
_N_CLASSES = (
    "n_classes", "num_classes", "n_labels", "num_labels", "n_class", "num_class", "n_cond", "cond_dim",
    "label_dim", "class_size", "y_dim", "c_dim", "condition_dim", "num_conditions",
)  # fmt: skip


@dataclass(frozen=True)
class LabelForm:
    """How a model takes classes.

    Attributes
    ----------
    form : {"index", "one_hot"}
        Whole numbers (B,), or rows of 0 and one 1, (B, n_classes).
    n_classes : int
    """

    form: Literal["index", "one_hot"]
    n_classes: int

    def given(self, labels: Tensor | int | None, n: int, like: Tensor) -> Tensor:
        """`n` classes as the model takes them; class 0 where there is none, since each image has one."""
        whole = torch.zeros((), dtype=torch.int64) if labels is None else torch.as_tensor(labels)
        classes = whole.to(like.device, torch.int64).clamp(0, self.n_classes - 1).expand(n)
        if self.form == "index":
            return classes
        return nn.functional.one_hot(classes, self.n_classes).to(like.dtype)

    def from_one_hot(self, one_hot: Tensor) -> Tensor:
        """Rows with one 1, or all 0 for no class, as rows with one 1."""
        n = self.n_classes
        first = torch.eye(n, dtype=one_hot.dtype, device=one_hot.device)[0]
        # as a linear layer, which the page has: one_hot + (1 - its sum) * first
        return nn.functional.linear(one_hot, torch.eye(n).to(one_hot) - first[:, None], first)

    def describe(self) -> str:
        words = {"index": "as whole numbers", "one_hot": f"as one-hot rows of {self.n_classes}"}
        return f"classes {words[self.form]}; where none is given, class 0"


def label_forms(model: nn.Module, call: Call, n_classes: int | None) -> Iterator[LabelForm | None]:
    """Forms of a class to try as a second argument of a call; None alone for a call that takes none.

    Raises
    ------
    ProtocolError
        If it needs one, and there are no classes.
    """
    wants = _second_argument(model, call)
    counts = [v for v in (getattr(model, name, None) for name in _N_CLASSES) if is_whole(v, 1)]
    counts += [] if n_classes is None else [n_classes]
    if wants == "needed" and not counts:
        where = call_name(type(model).__name__, call, "...")
        raise ProtocolError(
            f"{where} needs a second argument, such as a class, and there are no labels to give it. Give the "
            "data labels: vw.ImageDataset(images, labels). If it is something else, pass encode=lambda "
            "model, x: ... and decode=lambda model, z: ..."
        )
    if wants and counts:
        for count in dict.fromkeys(int(c) for c in counts):
            yield LabelForm("index", count)
            yield LabelForm("one_hot", count)
    if wants != "needed":
        yield None


def _second_argument(model: nn.Module, call: Call) -> Literal["needed", "named"] | None:
    """Whether a call needs a second argument, or takes one that has the name of a class."""
    if isinstance(call, Head):
        return None
    function: Any = call
    if isinstance(call, Method):
        function = getattr(model, call.name)
    elif isinstance(call, Forward):
        function = model
    function = function.forward if isinstance(function, nn.Module) else function
    skipped = 1 if function is call else 0  # a function of the user's own is given the model first
    try:
        parameters = [*inspect.signature(function).parameters.values()][skipped:]
    except (TypeError, ValueError):
        return None
    plain = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if len(plain) < 2:
        return None
    needed = sum(p.default is p.empty for p in plain)
    if needed == 2:
        return "needed"
    return "named" if needed == 1 and _ARGUMENT.match(plain[1].name.lower()) else None
