"""`python -m vaewidgets revive`: a notebook whose widgets are alive in every HTML made from it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from vaewidgets.errors import OptionError
from vaewidgets.publish.notebook import count_without_state, revive_notebook


def add_revive(commands: Any) -> None:
    """Add the command to an argument parser's commands."""
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
    command.set_defaults(run=revive)


def revive(options: argparse.Namespace) -> int:
    """Write the copy; returns the exit status."""
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
    sys.stdout.write(f"wrote {target}\n")
    if lost:
        sys.stdout.write(f"{lost} views had no state in it and are pictures now. Run it again: --execute\n")
    return 0
