"""The documentation site, offline and with every widget alive.

    python -m docs.build [--notebooks NAME ...] [--no-gallery] [--keep FOLDER] OUT

Executes the notebooks at small scale with their widgets' state kept, makes the gallery's widgets and the
playground, gathers README, pages and API, and builds HTML with warnings as errors; then checks each link
within the site, and that nothing in it is fetched from elsewhere.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from docs import playground, sources
from docs.links import faults
from docs.run import executed

ROOT = Path(__file__).parents[1]
HERE = ROOT / "docs"
NOTEBOOKS = ROOT / "notebooks"


def notebooks(names: Sequence[str]) -> list[Path]:
    """Return the notebooks to show: all, or files, or those whose names begin with one of these."""
    if names and all(name.endswith(".ipynb") for name in names):
        return [Path(name) for name in names]
    found = sorted(NOTEBOOKS.glob("*.ipynb"))
    if not names:
        return found
    chosen = [path for path in found if path.stem.startswith(tuple(names))]
    unknown = [name for name in names if not any(path.stem.startswith(name) for path in chosen)]
    if unknown:
        raise SystemExit(f"no notebook begins with {unknown}; there are {[path.stem for path in found]}")
    return chosen


def build(out: Path, chosen: Iterable[Path], *, gallery: bool = True, keep: Path | None = None) -> int:
    """Build the site into `out`, which is replaced; returns an exit status.

    Parameters
    ----------
    out : Path
    chosen : iterable of Path
        Notebooks to execute and show.
    gallery : bool
        Make the gallery's widgets and the playground; else it shows the widgets' pictures.
    keep : Path, optional
        Folder of executed notebooks and of the gallery's states: what is there, and newer than its source, is
        not made again.
    """
    from sphinx.cmd.build import build_main

    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        kept = keep or work / "kept"
        kept.mkdir(parents=True, exist_ok=True)
        source = work / "source"
        sources.gather(source, [executed(path, kept) for path in chosen], gallery=kept if gallery else None)
        shutil.rmtree(out, ignore_errors=True)
        options = ["-b", "html", "-W", "--keep-going", "-n", "-q"]
        places = ["-c", str(HERE), "-d", str(work / "doctrees"), str(source), str(out)]
        status = build_main([*options, "-D", f"html_static_path={source / '_static'}", *places])
    if status:
        return status
    if gallery:
        playground.write(out / sources.PLAYGROUND)
    found = faults(out)
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


def main() -> int:
    """Parse and build."""
    parser = argparse.ArgumentParser(prog="python -m docs.build", description="Build the documentation site.")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for the site; replaced")
    parser.add_argument(
        "--notebooks", nargs="*", default=[], metavar="NAME", help="beginnings of names; default: all"
    )
    parser.add_argument("--no-gallery", action="store_true", help="pictures instead of the gallery's widgets")
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keeps executed notebooks for the next build"
    )
    options = parser.parse_args()
    status = build(
        options.out.resolve(),
        notebooks(options.notebooks),
        gallery=not options.no_gallery,
        keep=options.keep.resolve() if options.keep else None,
    )
    if status == 0:
        print(f"the site is in {options.out}: open {options.out / 'index.html'}")
    return status


if __name__ == "__main__":
    sys.exit(main())
