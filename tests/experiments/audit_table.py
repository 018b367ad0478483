"""Does the auditor name what a loop logs? Rows of its grid by families; healthy loops.

    python -m tests.experiments.audit_table                 # the table: right, wrong, silent
    python -m tests.experiments.audit_table healthy         # 50 seeds a family: false alarms
    python -m tests.experiments.audit_table cost            # its share of a loop's time
    python -m tests.experiments.audit_table --keep FILE     # goes on where a run with this file was cut off

A loop of a few hundred steps is logged by each row, and attached as if it were a plain one. "right": the
line that the auditor tells to write holds what was planted, and no other reading. "wrong": another one is
named, or none of the usual ones is said to explain it. "unsure": it says that it cannot tell, and the right
one is among those that it names. "silent": nothing is said.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections import Counter
from pathlib import Path

from tests.experiments.audit_loops import FAMILIES, ROWS, Family, Row, looking_often, loop

OUTCOMES = ("right", "wrong", "unsure", "silent")


def outcome(row: Row, family: Family, seed: int, *, steps: int = 400) -> tuple[str, str]:
    """What the auditor makes of a loop, and its words."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with looking_often():
            run = loop(family, row, seed=seed, steps=steps)
        found = run.audit()
    if not row.wanted:
        return ("right" if not found.words else "wrong"), found.sentence
    if not found.words:  # or it was read right before there was a word to say
        return "right" if f'likelihood="{run.likelihood.name}"' in row.wanted else "silent", ""
    has_all = found.code is not None and all(part in found.code for part in row.wanted)
    if found.verdict == "ambiguous":
        return ("unsure" if has_all else "wrong"), found.sentence
    return ("right" if has_all and not _says_more(found.code or "", row) else "wrong"), found.sentence


def _says_more(code: str, row: Row) -> bool:
    """Whether the line holds an option that was not planted."""
    options = (
        'recon="',
        "recon_factor=",
        "recon_sign=",
        'kl="',
        "kl_weight=",
        "kl_sign=",
        "spread=",
        "prior=",
    )
    wanted = " ".join(row.wanted)
    said = {option for option in options if option in code}
    return row.terms and any(option not in wanted for option in said)


class Kept:
    """Outcomes by loop, in a file as they come: none is measured twice."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path is not None and path.exists() else []
        self._known = {tuple(key): tuple(found) for key, found in map(json.loads, lines)}

    def outcome(self, row: str, family: str, seed: int, *, steps: int = 400) -> tuple[str, str]:
        key = (row, family, seed, steps)
        if key not in self._known:
            self._known[key] = outcome(ROWS[row], FAMILIES[family], seed, steps=steps)
            if self._path is not None:
                with self._path.open("a") as file:
                    print(json.dumps([key, self._known[key]]), file=file)
        return self._known[key]


def table(seeds: list[int], rows: list[str], kept: Kept) -> None:
    total: Counter[str] = Counter()
    print(f"{'row':42s}" + "".join(f"{name:>22s}" for name in FAMILIES))
    for name in rows:
        row, cells = ROWS[name], []
        for family in FAMILIES:
            if row.only and family not in row.only:
                cells.append("-")
                continue
            results = [kept.outcome(name, family, seed) for seed in seeds]
            counts = Counter(one for one, _ in results)
            total += counts
            cells.append(" ".join(f"{one}:{counts[one]}" for one in OUTCOMES if counts[one]))
            for one, words in results:
                if one != "right":
                    print(f"    {one}: {family}: {words or 'nothing said'}", flush=True)
        print(f"{name:42s}" + "".join(f"{cell:>22s}" for cell in cells), flush=True)
    print("  ".join(f"{one} {total[one]}" for one in OUTCOMES), flush=True)


def healthy(seeds: int, kept: Kept) -> None:
    for name in FAMILIES:
        found = (kept.outcome("healthy", name, seed, steps=150)[1] for seed in range(seeds))
        said = [words for words in found if words]
        print(f"{name}: {len(said)} false alarms in {seeds} loops", *said, sep="\n    ", flush=True)


def cost() -> None:
    for name, family in FAMILIES.items():
        start = time.monotonic()
        run = loop(family, Row(), steps=6000)
        took = time.monotonic() - start
        auditor = run._auditor
        print(
            f"{name}: {len(auditor.looks)} looks, {1e3 * auditor.spent:.1f} ms of {took:.1f} s, "
            f"{auditor.spent / took:.2%}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", nargs="?", default="table", choices=("table", "healthy", "cost"))
    parser.add_argument("--seeds", type=int, default=None)
    parser.add_argument("--rows", nargs="+", default=list(ROWS))
    parser.add_argument("--keep", type=Path, default=None)
    options = parser.parse_args()
    if options.what == "healthy":
        healthy(options.seeds or 50, Kept(options.keep))
    elif options.what == "cost":
        cost()
    else:
        table(list(range(options.seeds or 1)), options.rows, Kept(options.keep))


if __name__ == "__main__":
    main()
