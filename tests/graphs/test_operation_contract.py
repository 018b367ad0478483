"""What Python takes for known and what the page runs are the same list; CONTRIBUTING.md lists the places."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import vaewidgets
from vaewidgets.graphs.operations import GROUPS, LIMITS, TRAINING, is_known

JS = Path(vaewidgets.__file__).parent / "js" / "graphs" / "operations"
SCRIPT = """
const { operations } = await import(process.argv[1] + "/index.js");
const { backward } = await import(process.argv[1] + "/backward.js");
console.log(JSON.stringify([Object.keys(operations), Object.keys(backward)]));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_page_runs_what_python_takes_for_known() -> None:
    done = subprocess.run(
        ["node", "--input-type=module", "-e", SCRIPT, JS.as_uri()],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    inference, training = json.loads(done.stdout)
    names = [name for group, names in GROUPS.items() if group != TRAINING for name in names]
    assert sorted(inference) == sorted(names)
    faster = {name for name in training if name.removesuffix("_") in inference}
    assert sorted(set(training) - faster) == sorted(GROUPS[TRAINING])


def test_an_operation_stands_in_one_group_and_may_write_in_place() -> None:
    names = [name for group in GROUPS.values() for name in group]
    assert len(names) == len(set(names))
    assert set(LIMITS) <= set(names) | {f"{name}_" for name in names}
    assert is_known("add_", training=False)
    assert not is_known("tanh_backward", training=False)
    assert is_known("tanh_backward", training=True)
