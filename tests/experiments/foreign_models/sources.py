"""Where the repositories lie, and how a file of theirs is loaded."""

from __future__ import annotations

import ast
import contextlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np


def place(folder: Path, repo: str) -> Path:
    """Folder of a repository."""
    return folder / repo.replace("/", "+")


def clone(folder: Path, repo: str) -> None:
    """Fetch the newest commit of a repository of GitHub."""
    if not place(folder, repo).exists():
        folder.mkdir(parents=True, exist_ok=True)
        call = ["git", "clone", "--quiet", "--depth", "1", f"https://github.com/{repo}"]
        subprocess.run([*call, str(place(folder, repo))], check=False)


@contextlib.contextmanager
def importable(*roots: Path) -> Iterator[None]:
    """Let modules of these folders be imported, and forget them afterwards: many are called `utils`."""
    before = set(sys.modules)
    sys.path[:0] = [str(root) for root in roots]
    vars(np).setdefault("product", np.prod)  # numpy 2 has dropped the name
    try:
        yield
    finally:
        del sys.path[: len(roots)]
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None) or ""
            if any(file.startswith(str(root)) for root in roots):
                del sys.modules[name]


def load(path: Path, root: Path, given: Mapping[str, Any]) -> ModuleType:
    """What a file defines: imports, functions, classes and literal constants.

    Many models stand in scripts that parse arguments, download a data set and train when they are imported:
    nothing of that is run. `given` holds the names that such a script would have computed. What cannot be
    imported here is left out, and a class that needs it fails when it is made.
    """
    relative = path.relative_to(root).with_suffix("")
    module = ModuleType(".".join(relative.parts))
    module.__file__, module.__package__ = str(path), ".".join(relative.parts[:-1])
    names = module.__dict__
    names.update(given)
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if _defines(node):
            code = compile(ast.Module([node], []), str(path), "exec")
            with contextlib.suppress(ImportError, NameError, AttributeError):
                exec(code, names)
            names.update(given)
    return module


def _defines(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign):
        with contextlib.suppress(ValueError, TypeError):
            ast.literal_eval(node.value)
            return True
    return isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef)
