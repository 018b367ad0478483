"""Run a function of the page's own modules under node, for comparison with Python."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import vaewidgets

JS = Path(vaewidgets.__file__).parent / "js"

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def in_node(module: str, body: str, value: Any = None) -> Any:
    """Return what `body` (of a JS function of `lib`, the module's exports, and `value`) returns, as JSON."""
    script = (
        f"const lib = await import({json.dumps((JS / module).as_uri())});\n"
        f"const value = {json.dumps(value)};\n"
        f"const run = () => {{ {body} }};\n"
        "process.stdout.write(JSON.stringify(run()));\n"
    )
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
