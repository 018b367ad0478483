"""Seconds of training that a published experiment takes, and what it comes to beside what was published.

    VAEWIDGETS_DATA=... python -m tests.benchmarks.bench_programme [B C] [--device cuda] [--cuda-graph]
        [--scale small] [--json FILE]

B: the chapter's run of 10 epochs and beta 0.1, 1, 4 of 5 each; on a CUDA GPU under 3 s are wanted. C: both
networks, 50 epochs each; under 40 s each are wanted, the test total within 3 % of its table. Seconds are
those from a run's start to its end, evaluations included, data sets loaded and the model built before; one
run after the other. Where there is no GPU, C trains two epochs on 5,000 images and says so.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.setting import headline, machine
from vaewidgets.experiments import Experiment, Recipe

PROGRAMMES = {"B": ("chapter", "beta=0.1", "beta=1", "beta=4"), "C": ("z=128", "z=256")}
WANTED = {"B": "under 3 s for all on a CUDA GPU", "C": "under 40 s each on a CUDA GPU"}


def measure(
    recipe: str | Recipe, scale: str, device: str | None, cuda_graph: bool, epochs: int | None = None
) -> dict[str, Any]:
    """Train one experiment's programme; a row a run, and the report's rows that have a published number."""
    experiment = Experiment(recipe, scale, device=device, epochs=epochs)
    programme = PROGRAMMES[experiment.recipe.name]
    rows = []
    for name in programme:
        run = experiment.train(name, start=False, cuda_graph=cuda_graph)
        started = time.perf_counter()
        run.resume()
        run.wait(progress=False)
        seconds = time.perf_counter() - started
        total = float(run.history["test_loss"][-1])
        rows.append({"run": name, "steps": run.step, "epochs": run.epoch, "seconds": seconds, "total": total})
        rows[-1]["engine"] = run.engine
    judged = [
        (row.what, row.published, row.obtained, row.verdict)
        for row in experiment.numbers()
        if row.tolerance is not None and any(row.what.startswith(name) for name in programme)
    ]
    about = machine(str(run.device))
    return {"machine": about, "rows": rows, "judged": judged, "remarks": experiment.remarks}


def table(letter: str, result: dict[str, Any]) -> str:
    """A line a run, then what was published beside what was obtained."""
    lines = [
        f"experiment {letter}: {WANTED[letter]}",
        headline(result["machine"]),
        *result["remarks"],
        f"{'':12}{'epochs':>8}{'steps':>8}{'seconds':>9}{'test total':>12}  how",
    ]
    for row in result["rows"]:
        lines.append(
            f"{row['run']:12}{row['epochs']:8}{row['steps']:8}{row['seconds']:9.2f}{row['total']:12.2f}"
            f"  {row['engine']}"
        )
    lines.append(f"{'all':28}{sum(row['seconds'] for row in result['rows']):9.2f}")
    verdicts = [verdict for *_, verdict in result["judged"]]
    lines.append(", ".join(f"{verdicts.count(v)} {v}" for v in dict.fromkeys(verdicts)))
    lines += [
        f"  {text}: {want} published, {got}" for text, want, got, v in result["judged"] if v == "missed"
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", nargs="*", default=list(PROGRAMMES), help="B, C (default both)")
    parser.add_argument("--device", help="where to train; the best there is by default")
    parser.add_argument("--cuda-graph", action="store_true", help="replay each step")
    parser.add_argument("--scale", choices=("small", "published"), default="published")
    parser.add_argument("--epochs", type=int, help="another number of epochs than the experiment's")
    parser.add_argument("--json", type=Path, help="also write the result there")
    arguments = parser.parse_args()
    results = {}
    for name in arguments.name:
        results[name] = measure(
            name, arguments.scale, arguments.device, arguments.cuda_graph, arguments.epochs
        )
        print(table(name, results[name]))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
