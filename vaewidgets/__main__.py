"""`python -m vaewidgets`: the lecture's notebooks, notebooks for the web, and the published experiments."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from vaewidgets.errors import OptionError, VAEWidgetsError

_HERE = Path(__file__).parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns 0, 1 where a row was missed, 2 where it could not run."""
    parser = argparse.ArgumentParser(prog="python -m vaewidgets", description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser(
        "notebooks",
        help="copy the lecture's notebooks here",
        description="Copy the lecture's notebooks. A file that differs from its notebook is kept.",
    )
    command.add_argument("folder", nargs="?", type=Path, default=Path(), help="where; here by default")
    command.add_argument("--overwrite", action="store_true", help="replace files that differ")
    command.set_defaults(run=_copy_notebooks)
    command = commands.add_parser(
        "revive",
        help="keep the widgets of an executed notebook alive in HTML, books and slides",
        description="Write a copy of an executed notebook in which each widget is an HTML output that needs "
        "no kernel and no network. A widget whose state is not in the notebook becomes its picture.",
    )
    command.add_argument("notebook", type=Path)
    command.add_argument("--out", type=Path, help="the copy; NAME.alive.ipynb by default")
    command.add_argument("--execute", action="store_true", help="run the notebook first, and keep the states")
    command.add_argument("--alone", action="store_true", help="each output holds all it needs (MyST, slides)")
    command.set_defaults(run=_revive)
    command = commands.add_parser(
        "reproduce",
        help="train a published experiment and compare",
        description="Train published experiments and compare with their numbers.",
    )
    command.add_argument("name", nargs="*", help="letters, A to E; all by default")
    command.add_argument("--scale", choices=("small", "published"), default="small")
    command.add_argument("--dataset", help="another data set than the recipe's")
    command.add_argument("--epochs", type=int, help="another number of epochs")
    command.add_argument("--root", type=Path, help="folder that holds the data (see load_dataset)")
    command.add_argument("--device", help="where to train; the best there is by default")
    command.add_argument("--out", type=Path, default=Path("reproduced"), help="for table and figures")
    command.add_argument("--no-figures", action="store_true")
    command.set_defaults(run=_reproduce)
    options = parser.parse_args(arguments)
    try:
        return options.run(options)
    except (VAEWidgetsError, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2


def _copy_notebooks(options: argparse.Namespace) -> int:
    source = next(folder for folder in (_HERE, _HERE.parent) if (folder / "notebooks").is_dir()) / "notebooks"
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    copied, kept = [], []
    for path in sorted(source.glob("*.ipynb")):
        target = folder / path.name
        differs = target.exists() and target.read_bytes() != path.read_bytes()
        if differs and not options.overwrite:
            kept.append(target)
        else:
            shutil.copyfile(path, target)
            copied.append(target)
    print(f"{len(copied)} notebooks are in {folder.resolve()}.")
    if kept:
        names = ", ".join(path.name for path in kept)
        print(f"Kept, since they were changed or are of another version: {names}. --overwrite replaces them.")
    first = min(copied + kept)
    print("Next:\n")
    if find_spec("jupyterlab") is None:
        print("    pip install jupyterlab")
    print(f"    jupyter lab {shlex.quote(str(first))}\n")
    return 0


def _revive(options: argparse.Namespace) -> int:
    from vaewidgets.publish.notebook import count_without_state, revive_notebook

    try:
        import nbformat
    except ImportError as error:
        raise OptionError("revive needs nbformat; install it: pip install nbformat nbclient.") from error
    path: Path = options.notebook
    notebook = nbformat.read(path, as_version=4)
    if options.execute:
        from nbclient import NotebookClient

        folder = {"metadata": {"path": str(path.parent)}}
        NotebookClient(notebook, store_widget_state=True, resources=folder).execute()
    lost = count_without_state(notebook)
    result = revive_notebook(notebook, alone=options.alone, pictures=True)
    target = options.out or path.with_suffix(".alive.ipynb")
    target.write_text(json.dumps(result, indent=1), encoding="utf-8")
    print(f"wrote {target}")
    if lost:
        print(f"{lost} views had no state in it and are pictures now. Run it again: --execute")
    return 0


def _reproduce(options: argparse.Namespace) -> int:
    from vaewidgets.experiments import RECIPES, get_recipe, reproduce

    recipes = [get_recipe(name) for name in options.name] or list(RECIPES.values())
    options.out.mkdir(parents=True, exist_ok=True)
    missed = False
    for recipe in recipes:
        report = reproduce(
            recipe,
            scale=options.scale,
            dataset=options.dataset,
            epochs=options.epochs,
            root=options.root,
            device=options.device,
            folder=options.out,
            figures=not options.no_figures,
        )
        print(f"\n{report.text()}\n")
        missed |= not report.ok
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
