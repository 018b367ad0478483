"""All that is to be measured on a CUDA GPU, in one command that can be cut off and called again.

    VAEWIDGETS_DATA=... python -m tests.benchmarks.gpu_day [--out gpu_day] [--minutes 25]
        [--device cuda] [--small] [--only STEP]

The tests that need such a device; experiments B and C, and C's table; chapter 13.4's loop beside ours; both
networks at batch 64 to 4,096 in float32, TF32 and bf16; a live explorer beside a training; channels last and
deterministic operations; a profile. Each step is a process with a time of its own, and leaves its result in
the folder when it ends; `tables.md` there is written anew after each. A step that fails is a row that says
why. Called again, it goes on with what is missing, what failed included.

`--device cpu --small` does all of it in a small form, to see that it runs; its figures say nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from tests.benchmarks import gpu_steps
from tests.benchmarks.bench_training import EXPLORED, GRAPHED, GRAPHED_EXPLORED, OURS, USUAL, ratio
from tests.benchmarks.gpu_steps import ROOT, STEPS, Step
from tests.forked import python

Found = Mapping[str, dict[str, Any]]
SHORTEST_SECONDS = 20.0  # no step is begun with less time left
WHY_CHARACTERS = 300


def run(
    folder: Path, device: str, *, small: bool, minutes: float = 25.0, only: Collection[str] = ()
) -> dict[str, dict[str, Any]]:
    """Do what is missing in `folder`, or those steps of it; returns what there is of each step."""
    folder.mkdir(parents=True, exist_ok=True)
    _same_day(folder, {"device": device, "small": small, "machine": _machine(device)})
    end = time.monotonic() + 60 * minutes
    for step in STEPS:
        if only and step.name not in only:
            continue
        if (_read(folder / f"{step.name}.json") or {}).get("status") == "done":
            print(f"{step.name}: done before")
            continue
        left = end - time.monotonic()
        if left < SHORTEST_SECONDS:
            print(f"{step.name}: not begun, the time is up; call it again")
            continue
        result = _do(step, folder, device, small, max(0.0, min(step.seconds, left)))
        _write(folder / f"{step.name}.json", json.dumps(result, indent=1))
        _write(folder / "tables.md", tables(folder))
        used = f"{result['seconds']:.0f} s, {result.get('processor_s', 0):.1f} s of the processor"
        print(f"{step.name}: {result['status']} ({used}) {result.get('why', '')}")
    found = _found(folder)
    _write(folder / "tables.md", tables(folder))
    return found


def _do(step: Step, folder: Path, device: str, small: bool, seconds: float) -> dict[str, Any]:
    """Do a step in a process; what it printed is kept beside its result."""
    part = folder / f"{step.name}.part"
    code = f"from tests.benchmarks.gpu_steps import main; main{(step.name, device, small, str(part))!r}"
    environment = {**os.environ, "PYTHONPATH": _path()}
    started = time.monotonic()
    with (folder / f"{step.name}.txt").open("w") as said:
        process = subprocess.Popen(
            python(code), cwd=ROOT, env=environment, stdout=said, stderr=subprocess.STDOUT
        )
        try:
            code = process.wait(seconds)
            why = "" if code == 0 else _last_words(folder / f"{step.name}.txt") or f"exit status {code}"
        except subprocess.TimeoutExpired:
            why = f"ended after {seconds:.0f} s"
        finally:
            process.kill()
            process.wait()
    result = _read(part) or {}
    took = {"what": step.what, "seconds": time.monotonic() - started}
    if not why and result.pop("whole", False):
        part.unlink()
        return {**took, "status": "done", **result}
    # what it kept so far stays in its part, and is shown
    return {**took, **result, "status": "failed", "why": why or "it left no result"}


def _last_words(path: Path) -> str:
    """The last line that a failed step printed: what it raised."""
    lines = path.read_text(errors="replace").strip().splitlines()
    return lines[-1][:WHY_CHARACTERS] if lines else ""


def _path() -> str:
    return os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))


def _machine(device: str) -> str:
    """Name the machine. In a process of its own: this one never opens the device."""
    code = f"from tests.benchmarks.setting import *; print('IS', headline(machine({device!r})))"
    environment = {**os.environ, "PYTHONPATH": _path()}
    done = subprocess.run(
        python(code), cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    found = re.search(r"^IS (.*)$", done.stdout, re.M)
    if found is None:
        raise SystemExit(f"device {device!r} cannot be used here: {done.stderr.strip()[-WHY_CHARACTERS:]}")
    return found[1]


def _same_day(folder: Path, day: dict[str, Any]) -> None:
    """Refuse a folder of another machine, device or form; their figures would stand in one table."""
    path = folder / "day.json"
    before = _read(path)
    plain = {**day, "machine": re.sub(r", load .*", "", day["machine"])}
    if before is None:
        _write(path, json.dumps(plain, indent=1))
    elif before != plain:
        raise SystemExit(f"{folder} holds figures of {before}; this is {plain}. Give another folder: --out.")


def _found(folder: Path) -> dict[str, dict[str, Any]]:
    read = {step.name: _read(folder / f"{step.name}.json") for step in STEPS}
    return {name: one for name, one in read.items() if one is not None}


def _read(path: Path) -> dict[str, Any] | None:
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


def _write(path: Path, text: str) -> None:
    half = path.with_name(f".{path.name}.new")
    half.write_text(text, encoding="utf-8")
    half.replace(path)


def tables(folder: Path) -> str:
    """The targets, how each step ended, and each step's own table, as Markdown."""
    day, found = _read(folder / "day.json") or {}, _found(folder)
    small = day["small"]
    lines = [
        "# A day on a GPU",
        "",
        f"Measured on: {day['machine']}; device {day['device']}.",
        "",
        *(["**The small form: these figures say nothing of any machine.**", ""] if small else []),
        "| target | wanted | obtained | verdict |",
        "| --- | --- | --- | --- |",
    ]
    for text, wanted, obtained, met in targets(found):
        verdict = (
            "not measured" if obtained is None else "small form" if small else "met" if met else "missed"
        )
        lines.append(f"| {text} | {wanted} | {obtained or ''} | {verdict} |")
    lines += ["", "| step | ended | s | |", "| --- | --- | --- | --- |"]
    for step in STEPS:
        one = found.get(step.name, {"status": "missing"})
        why = one.get("why", "").replace("|", "\\|")
        seconds = f"{one['seconds']:.0f}" if "seconds" in one else ""
        lines.append(f"| {step.what} | {one['status']} | {seconds} | {why} |")
    for step in STEPS:
        text = _text(found.get(step.name, {}))
        if text:
            lines += ["", f"## {step.what}", "", "```", text, "```"]
    lines += ["", "Several steps a replay is no option of the package: what it could gain is the difference"]
    lines += [f'between "{GRAPHED}" and "{gpu_steps.REPLAY}".', ""]
    return "\n".join(lines)


def _text(one: Mapping[str, Any]) -> str:
    parts = one.get("batches", {}).values()  # of a step that was cut off
    return one.get("text") or "\n\n".join(part["text"] for part in parts)


def targets(found: Found) -> list[tuple[str, str, str | None, bool]]:
    """(what, wanted, obtained, whether it is met); obtained is None where nothing was measured."""
    done = {name: one for name, one in found.items() if one["status"] == "done"}
    rows: list[tuple[str, str, str | None, bool]] = []

    def row(what: str, wanted: str, value: float | None, met: bool, form: str = "{:.2f}") -> None:
        rows.append((what, wanted, None if value is None else form.format(value), met))

    usual = done.get("usual-loop")
    for name in (OURS, GRAPHED):
        times = None if usual is None else ratio(usual, USUAL, name)
        row(f"13.4's loop as usually written / `{name}`", "at least 40", times, (times or 0) >= 40)
    for name, what in (("b", "step by step"), ("b-graph", "replayed")):
        seconds = _seconds(done.get(name), sum)
        row(f"experiment B's programme, {what}", "under 3 s", seconds, (seconds or 9) < 3, "{:.2f} s")
    seconds = _seconds(done.get("c-graph"), max)
    row("experiment C's 50 epochs, the slower one", "under 40 s", seconds, (seconds or 99) < 40, "{:.1f} s")
    table = done.get("reproduce-c")
    verdicts = [one["verdict"] for one in table["rows"]] if table else []
    share = verdicts.count("met") / len(verdicts) if verdicts else None
    row("rows of its table within 3 %", "all", share, share == 1, "{:.0%}")
    beside = done.get("explorer")
    rate = None if beside is None else beside["messages_a_second"]
    row("live explorer, frames a second", "at least 10", rate, (rate or 0) >= 10, "{:.1f}")
    for over, under in ((EXPLORED, OURS), (GRAPHED_EXPLORED, GRAPHED)):
        cost = None if beside is None else ratio(beside, over, under)
        row(f"a step with it / without, `{under}`", "at most 1.05", cost, (cost or 9) <= 1.05)
    return rows


def _seconds(result: Mapping[str, Any] | None, together: Any) -> float | None:
    return None if result is None else float(together(row["seconds"] for row in result["rows"]))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("gpu_day"), help="folder of results and tables")
    parser.add_argument("--device", default="cuda", help="where all runs (default cuda)")
    parser.add_argument("--minutes", type=float, default=25.0, help="no step begins later (default 25)")
    parser.add_argument("--small", action="store_true", help="seconds in place of minutes; also on a CPU")
    names = [step.name for step in STEPS]
    parser.add_argument("--only", action="append", default=[], choices=names, help="this step; repeat")
    arguments = parser.parse_args()
    if not os.environ.get("VAEWIDGETS_DATA"):
        parser.error("set VAEWIDGETS_DATA to the folder that holds MNIST/raw")
    out = arguments.out.absolute()
    found = run(out, arguments.device, small=arguments.small, minutes=arguments.minutes, only=arguments.only)
    print(f"{out / 'tables.md'} has the tables")
    done = sum(one["status"] == "done" for one in found.values())
    if done < len(STEPS):
        print(f"{done} of {len(STEPS)} steps are done; call it again for the others")
        sys.exit(1)


if __name__ == "__main__":
    main()
