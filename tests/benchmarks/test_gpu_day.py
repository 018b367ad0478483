"""The day on a GPU in its small form on a CPU: every step runs, or says why not; what is done stays done."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks import gpu_day
from tests.benchmarks.gpu_steps import STEPS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
]  # its processes are short where the machine is not busy

# What only a CUDA device has fails here, each with its reason.
GRAPHED, TF32 = r"cuda_graph .*expected a CUDA device", "TF32 is a CUDA device's"
ONLY_ON_CUDA = {"b-graph": GRAPHED, "c-graph": GRAPHED, "mlp-tf32": TF32, "conv-tf32": TF32}
NO_BFLOAT16 = "no bfloat16 matrix products"  # nor have all processors that


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, data_root: Path) -> Path:
    folder = tmp_path_factory.mktemp("day")
    gpu_day.run(folder, "cpu", small=True)
    return folder


def read(day: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((day / f"{name}.json").read_text())
    return found


def test_every_step_runs_or_is_a_row_that_says_why(day: Path) -> None:
    for step in STEPS:
        found = read(day, step.name)
        if step.name in ONLY_ON_CUDA:
            assert re.search(ONLY_ON_CUDA[step.name], found["why"]), step.name
        elif step.name.endswith("bf16") and found["status"] == "failed":
            assert NO_BFLOAT16 in found["why"]
        else:
            assert found["status"] == "done", (step.name, found["why"])
            assert found["text"] in (day / "tables.md").read_text()
    assert read(day, "tests")["counts"]["passed"] == 0
    assert len(read(day, "usual-loop")["rows"]) == 3
    assert read(day, "explorer")["messages"]["comm_msg"] > 0
    assert "addmm" in read(day, "profile")["text"]
    tables = (day / "tables.md").read_text()
    assert read(day, "day")["machine"] in tables
    rows = [line for line in tables.splitlines() if line.startswith("|")]
    assert sum("| small form |" in row for row in rows) == 5, "what a CPU measures of the targets"
    assert sum("| not measured |" in row for row in rows) == 4


def test_called_again_it_does_what_is_missing(day: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = {"batches": {"64": {"text": "of before"}}}
    (day / "mlp-float32.json").unlink()
    (day / "mlp-float32.part").write_text(json.dumps(kept))
    gpu_day.run(day, "cpu", small=True, only=["b", "b-graph", "mlp-float32"])
    said = capsys.readouterr().out
    assert "b: done before" in said
    assert "b-graph: failed" in said
    assert read(day, "mlp-float32")["text"] == "of before", "a batch size that was done is not done again"


def test_what_takes_too_long_is_ended_and_the_rest_goes_on(
    day: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("b", "c"):
        (day / f"{name}.json").unlink()
    gpu_day.run(day, "cpu", small=True, only=["b"], minutes=0.1)
    assert "b: not begun, the time is up" in capsys.readouterr().out
    monkeypatch.setattr(gpu_day, "SHORTEST_SECONDS", -60.0)
    gpu_day.run(day, "cpu", small=True, only=["b", "c"], minutes=1e-6)
    assert [read(day, name)["why"] for name in ("b", "c")] == ["ended after 0 s"] * 2
    assert "| Experiment B's programme | failed | 0 | ended after 0 s |" in (day / "tables.md").read_text()


def test_figures_of_two_forms_do_not_meet_in_one_table(day: Path) -> None:
    with pytest.raises(SystemExit, match=r"Give another folder: --out"):
        gpu_day.run(day, "cpu", small=False)
