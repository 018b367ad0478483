"""The command."""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import platformdirs

from tests.experiments.foreign_models.measure import NotAtHand, Row, measure
from tests.experiments.foreign_models.sources import clone
from tests.experiments.foreign_models.table import TABLE

COLUMNS = ("attach", "read", "page", "evaluate", "history", "audit", "html")


def main() -> None:
    parser = argparse.ArgumentParser(prog="foreign_models", description=__doc__)
    default = Path(platformdirs.user_cache_dir("vaewidgets")) / "foreign"
    parser.add_argument("--folder", type=Path, default=default, help="where the repositories lie")
    parser.add_argument("--clone", action="store_true", help="fetch what is missing from GitHub")
    parser.add_argument("--only", nargs="*", default=[""], help="repositories by a part of their name")
    parser.add_argument("--verbose", action="store_true", help="what was said about each model")
    parser.add_argument("--no-html", action="store_true", help="leave out the last column")
    parser.add_argument("--keep", type=Path, help="file of rows: those in it are not measured again")
    options = parser.parse_args()
    kept = read(options.keep)
    print("| model | " + " | ".join(COLUMNS) + " | s |\n|" + "---|" * (len(COLUMNS) + 2))
    rows, missing = [], []
    with tempfile.TemporaryDirectory() as scratch:
        for number, entry in enumerate(TABLE):
            if not any(part in entry.repo for part in options.only):
                continue
            if number in kept:
                rows.append(kept[number])
                show(rows[-1], verbose=options.verbose)
                continue
            if options.clone and "/" in entry.repo:
                clone(options.folder, entry.repo)
            try:
                page = None if options.no_html else Path(scratch) / "page.html"
                rows.append(measure(entry, options.folder, page))
            except NotAtHand:
                missing.append(entry.repo)
                continue
            except Exception as error:
                rows.append(Row(entry.repo, attach="not made", notes=[f"{type(error).__name__}: {error}"]))
            if options.keep is not None:
                with options.keep.open("a") as file:
                    print(json.dumps([number, asdict(rows[-1])]), file=file)
            show(rows[-1], verbose=options.verbose)
    total(rows, missing)


def read(path: Path | None) -> dict[int, Row]:
    """Rows of a run that was cut off, or of a part of the table, by their place in it."""
    lines = path.read_text().splitlines() if path is not None and path.exists() else []
    return {number: Row(**row) for number, row in map(json.loads, lines)}


def show(row: Row, *, verbose: bool) -> None:
    cells = [row.name, *(getattr(row, name).replace("|", "/") for name in COLUMNS), f"{row.seconds:.1f}"]
    print("| " + " | ".join(cells) + " |", flush=True)
    if verbose or row.attach in ("NO", "not made"):
        print("\n".join(f"    > {line}" for note in row.notes for line in note.splitlines()), flush=True)


def total(rows: list[Row], missing: list[str]) -> None:
    first = sum(row.at_first_try for row in rows)
    line = sum(row.by_the_line for row in rows)
    print(f"\n{len(rows)} models: {first} at first try, {line} by the line, {len(rows) - first - line} not.")
    for name in COLUMNS[2:]:
        good = sum(getattr(row, name) in ("yes", "said", "silent", "right") for row in rows)
        print(f"{name}: {good} of {len(rows)}")
    if missing:
        print(f"Not at hand, so left out (--clone fetches them): {', '.join(sorted(set(missing)))}")


if __name__ == "__main__":
    main()
