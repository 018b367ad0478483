"""What the machines of this folder promise, how often each promise was tried and how often it was broken.

    python -m tests.faults.table                       all machines in their long form: hours
    python -m tests.faults.table --scale 0.02          a fiftieth of it
    python -m tests.faults.table --machines exits      one of them

Each machine is a module of this folder with a function ``rows(scale, seed)``: a list of rows, a promise each.
Scale 1 is the long form, whose counts stand in docs/reliability.md; its test in CI asks for a small part.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass

__all__ = ["MACHINES", "Row", "broken", "print_table", "run_machine", "table"]

# Modules of tests.faults with a function rows(scale: float, seed: int) -> list[Row].
MACHINES: tuple[str, ...] = ("interrupts", "exits", "run_files", "messages", "links", "disk", "soak", "load")


@dataclass(frozen=True)
class Row:
    """One promise: how often it was tried, and how often it was not kept.

    Attributes
    ----------
    promise : str
        In a reader's words: "an interrupted run steps, pauses and stops within a second".
    tried, failed : int
        At least one, and not more than that.
    note : str
        A figure or a condition that belongs to it: "slowest 0.3 s".
    """

    promise: str
    tried: int
    failed: int
    note: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.failed <= self.tried or self.tried < 1:
            raise ValueError(
                f"{self.promise!r}: tried {self.tried} times, failed {self.failed} times; a promise is tried "
                "at least once, and fails at most as often as it was tried"
            )


def table(rows: Iterable[Row]) -> str:
    """The rows in Markdown, as they stand in docs/reliability.md."""
    lines = ["| promise | tried | failed | note |", "|---|---:|---:|---|"]
    lines += [f"| {row.promise} | {row.tried:,} | {row.failed:,} | {row.note} |" for row in rows]
    return "\n".join(lines)


def print_table(rows: Iterable[Row]) -> None:
    """Print the rows in Markdown."""
    print(table(rows), flush=True)


def broken(rows: Iterable[Row]) -> str:
    """The rows that failed, in Markdown; empty if every promise was kept."""
    found = [row for row in rows if row.failed]
    return table(found) if found else ""


def run_machine(
    about: str | None, rows: Callable[[float, int], list[Row]], long_form: int, counted: str = "tries"
) -> int:
    """Be the command of one machine, `--count N --seed S`: print its rows; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=long_form, help=f"{counted}; default {long_form:,}")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    found = rows(given.count / long_form, given.seed)
    print_table(found)
    return int(bool(broken(found)))


def main() -> int:
    """Print the rows of all machines, or of some; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=float, default=1.0, help="1: the long form; 0.02: a fiftieth of it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--machines", nargs="+", default=MACHINES, choices=MACHINES)
    given = parser.parse_args()
    found: list[Row] = []
    for name in given.machines:
        print(f"{name} ...", file=sys.stderr, flush=True)
        found += importlib.import_module(f"tests.faults.{name}").rows(given.scale, given.seed)
    print_table(found)
    return int(bool(broken(found)))


if __name__ == "__main__":
    sys.exit(main())
