"""Notebooks executed with their widgets' state kept, and the gallery's widgets made."""

from __future__ import annotations

import os
import pickle
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TIMEOUT_S = 600

__all__ = ["executed", "gallery_states"]


def executed(notebook: Path, kept: Path) -> Path:
    """Execute a notebook at small scale, in a folder of its own; returns the file with outputs and states."""
    import nbformat
    from nbclient import NotebookClient

    target = kept / notebook.name
    if target.exists() and target.stat().st_mtime > notebook.stat().st_mtime:
        return target
    print(f"executing {notebook.stem}", flush=True)
    content = nbformat.read(notebook, as_version=4)
    before = {name: os.environ.get(name) for name in ("VAEWIDGETS_SCALE", "PYTHONPATH")}
    path = os.pathsep.join(filter(None, [str(ROOT), before["PYTHONPATH"]]))
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(VAEWIDGETS_SCALE="small", PYTHONPATH=path)
        try:
            NotebookClient(
                content,
                timeout=TIMEOUT_S,
                kernel_name="python3",
                store_widget_state=True,
                resources={"metadata": {"path": folder}},
            ).execute()
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
    nbformat.write(content, target)
    return target


def gallery_states(kept: Path) -> dict[str, dict[str, Any]]:
    """Return the state of each widget of the gallery, by name."""
    from docs.showcase import WIDGETS

    target = kept / "gallery.pickle"
    if target.exists() and target.stat().st_mtime > (ROOT / "docs" / "showcase.py").stat().st_mtime:
        return pickle.loads(target.read_bytes())
    states = {}
    for name, make in WIDGETS.items():
        print(f"making {name}", flush=True)
        widget = make()
        widget._refresh()
        states[name] = _plain(widget.get_state())
    target.write_bytes(pickle.dumps(states))
    return states


def _plain(value: Any) -> Any:
    """Return the value with views of memory copied: those cannot be written."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return bytes(value) if isinstance(value, memoryview | bytearray) else value
