"""Programs of the page's own modules under Node."""

from __future__ import annotations

import subprocess
from pathlib import Path

import vaewidgets

__all__ = ["JS", "run_module"]

JS = Path(vaewidgets.__file__).parent / "js"


def run_module(folder: Path, text: str, *arguments: object, seconds: float = 60) -> str:
    """Run a module and return what it prints.

    Parameters
    ----------
    folder : Path
        Where it is written, as ``run.mjs``.
    text : str
    *arguments
        Of the program, behind the address of the folder `JS`, which ends in a slash.
    seconds : float
        After which Node is ended.
    """
    (folder / "run.mjs").write_text(text)
    command = ["node", str(folder / "run.mjs"), f"{JS.as_uri()}/", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
