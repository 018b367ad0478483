"""From recorded torch calls to the operations of the page."""

from __future__ import annotations

from vaewidgets.graphs.builder import Builder, Unsupported
from vaewidgets.graphs.handlers import ALIASES, HANDLERS
from vaewidgets.graphs.record import Call, Environment, Register, map_leaves
from vaewidgets.graphs.reindexing import REINDEXING, reindexed


def dead_calls_dropped(calls: list[Call], outputs: list[Register]) -> list[Call]:
    """Keep the calls that the outputs depend on, in order."""
    needed = {register.index for register in outputs}
    kept = []
    for call in reversed(calls):
        if any(register.index in needed for register in call.outputs):
            kept.append(call)
            map_leaves(
                (call.args, dict(call.kwargs)),
                lambda leaf: needed.add(leaf.index) if isinstance(leaf, Register) else None,
            )
    return kept[::-1]


def lower(builder: Builder, call: Call, environment: Environment) -> None:
    """Translate one call, or raise `Unsupported`; `environment` has the constants as they are just now."""
    if call.problem is not None:
        raise Unsupported(call.problem)
    name = ALIASES.get(call.name, call.name)
    if name in REINDEXING:
        ids = reindexed(builder, call, environment)
    elif name in HANDLERS:
        try:
            ids = [HANDLERS[name](builder, *call.args, **call.kwargs)]
        except TypeError as error:
            raise Unsupported(f"these arguments of {call.name} are not known here ({error})") from error
    else:
        raise Unsupported(f"{call.name} has no counterpart there")
    if len(ids) != len(call.outputs):
        raise Unsupported(f"{call.name} returned {len(call.outputs)} tensors")
    builder.bind(call.outputs, ids)
