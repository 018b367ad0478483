"""`python -m vaewidgets reproduce`: the published experiments, from a terminal."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from vaewidgets.errors import VAEWidgetsError
from vaewidgets.experiments import RECIPES, get_recipe, reproduce


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns 0, 1 where a row was missed, 2 where it could not run."""
    parser = argparse.ArgumentParser(prog="python -m vaewidgets", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    known = "; ".join(f"{letter}: {recipe.title}" for letter, recipe in RECIPES.items())
    command = commands.add_parser(
        "reproduce",
        help="train a published experiment and compare",
        description=f"Train published experiments and compare with their numbers. {known}.",
    )
    command.add_argument("name", nargs="*", help="letters; all by default")
    command.add_argument("--scale", choices=("small", "published"), default="small")
    command.add_argument("--dataset", help="another data set than the recipe's")
    command.add_argument("--epochs", type=int, help="another number of epochs")
    command.add_argument("--root", type=Path, help="folder that holds the data (see load_dataset)")
    command.add_argument("--device", help="where to train; the best there is by default")
    command.add_argument("--out", type=Path, default=Path("reproduced"), help="for table and figures")
    command.add_argument("--no-figures", action="store_true")
    options = parser.parse_args(arguments)
    missed = False
    try:
        recipes = [get_recipe(name) for name in options.name] or list(RECIPES.values())
        options.out.mkdir(parents=True, exist_ok=True)
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
    except VAEWidgetsError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
