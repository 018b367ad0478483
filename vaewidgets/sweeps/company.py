"""Which cells of a sweep take their steps together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from vaewidgets.engine.engine import Engine
from vaewidgets.runs.background import TrainingRun
from vaewidgets.runs.team import Team, form_teams
from vaewidgets.sweeps.cell import Cell

__all__ = ["Company", "team_up", "tell"]

Company: TypeAlias = "tuple[Team | None, str]"


def team_up(runs: Sequence[TrainingRun]) -> list[Company]:
    """For each run its team, if it has one, and in a few words why or why not."""
    companies: list[Company] = [(None, f"in turns: {run.engine}") for run in runs]
    live = [i for i, run in enumerate(runs) if isinstance(run._engine, Engine)]
    for i, (team, text) in zip(live, form_teams([runs[i]._engine for i in live]), strict=True):  # type: ignore[misc]
        companies[i] = (team, text if team is not None else f"in turns: {text}")
    return companies


def tell(cells: Sequence[Cell], companies: Sequence[Company]) -> str:
    """Say of the whole sweep which cells train how."""
    sizes: dict[int, int] = {}
    alone: dict[str, list[str]] = {}
    for cell, (team, text) in zip(cells, companies, strict=True):
        if team is not None:
            sizes[id(team)] = sizes.get(id(team), 0) + 1
        else:
            alone.setdefault(text, []).append(cell.name)
    parts = [f"{n} cells as one batched model" for n in sizes.values()]
    for text, names in alone.items():
        shown = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
        parts.append(f"{shown} {text}")
    return "; ".join(parts) or "nothing was left to train"
