"""The page's numerics under node, for tests that compare them with ours."""

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


def in_node(body: str, cases: Any, **modules: str) -> Any:
    """Run `body`, an expression in `cases`, with names imported from files of js/lib.

    Parameters
    ----------
    body : str
        JavaScript expression; its value comes back as JSON.
    cases : JSON
    **modules : str
        A file of js/lib (without ".js") for each name: ``normals="normal"``.
    """
    imports = "".join(
        f'const {{ {name} }} = await import("{JS.as_uri()}/{file}.js");' for name, file in modules.items()
    )
    script = f"""{imports}
let text = ""; for await (const part of process.stdin) text += part;
const cases = JSON.parse(text);
process.stdout.write(JSON.stringify({body}));"""
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script],
        input=json.dumps(cases), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
