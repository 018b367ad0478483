"""What `gpu_day` does on a device, a step each; a step runs in a process of its own.

A step is given the device, whether its small form is wanted, what it kept when it was cut off, and a function
that keeps what it has so far. It returns plain values, among them "text": its table.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.benchmarks import bench_programme, bench_training
from tests.benchmarks.bench_training import BAREST, EXPLORED, GRAPHED, GRAPHED_EXPLORED, OURS, REPLAY, USUAL
from vaewidgets.experiments import Recipe, get_recipe, reproduce

Result = dict[str, Any]
ROOT = Path(__file__).parents[2]
BATCHES = (64, 256, 1_024, 4_096)
SMALL_IMAGES, SMALL_BATCH = 16, 8  # of MNIST, where the small form is wanted


@dataclass(frozen=True)
class Place:
    """Where a step runs, and what it may keep.

    Attributes
    ----------
    device : str
    small : bool
        The small form, which takes seconds on a CPU.
    folder : Path
        For what is to outlive the step.
    kept : dict
        What `keep` was last given; empty at first.
    keep : callable
        Writes what there is so far.
    """

    device: str
    small: bool
    folder: Path
    kept: Result
    keep: Callable[[Result], None]


@dataclass(frozen=True)
class Step:
    """One row of the day.

    Attributes
    ----------
    name : str
        Also that of its files.
    what : str
        In the tables' headings.
    seconds : float
        How long it may take; its process is ended after that.
    do : callable
    """

    name: str
    what: str
    seconds: float
    do: Callable[[Place], Result]


def marked_tests(place: Place) -> Result:
    """Run all tests that need a CUDA device: those that are marked "cuda"."""
    import pytest

    paths = [path for path in (ROOT / "tests").rglob("test_*.py") if "mark.cuda" in path.read_text("utf-8")]
    outcomes: dict[str, str] = {}

    class Told:
        def pytest_runtest_logreport(self, report: Any) -> None:
            if report.when == "call" or report.outcome != "passed":
                outcomes[report.nodeid] = report.outcome

    # nothing of the session that may run this is to be read or written
    options = ["-q", "-m", "cuda", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", str(ROOT)]
    code = pytest.main([*options, *map(str, paths)], plugins=[Told()])
    counts = {kind: list(outcomes.values()).count(kind) for kind in ("passed", "failed", "skipped")}
    text = "\n".join(
        [", ".join(f"{n} {kind}" for kind, n in counts.items())]
        + [f"failed: {name}" for name, outcome in outcomes.items() if outcome == "failed"]
    )
    if code not in (0, 1) or not outcomes:
        raise RuntimeError(f"pytest ended with {code}; {text}")
    return {"counts": counts, "text": text}


def programme(letter: str, cuda_graph: bool, epochs: int | None = None) -> Callable[[Place], Result]:
    """Return the step that times an experiment's programme."""

    def do(place: Place) -> Result:
        scale, length = ("small", 1) if place.small else ("published", epochs)
        recipe = _recipe(letter, place)
        result = bench_programme.measure(recipe, scale, place.device, cuda_graph, length)
        return {**result, "text": bench_programme.table(letter, result)}

    return do


def usual_loop(place: Place) -> Result:
    """Chapter 13.4's loop as usually written, the barest loop, and ours, plain and replayed."""
    return _training(place, 3, [USUAL, BAREST, OURS, *_graphed(place, GRAPHED, REPLAY)])


def explorer(place: Place) -> Result:
    """The same with an explorer attached, in a kernel whose messages are read."""
    contenders = [OURS, EXPLORED, *_graphed(place, GRAPHED, GRAPHED_EXPLORED)]
    # so long a turn that frames, ten a second, are many
    rounds, epochs = (1, 1) if place.small else (3, 40)
    result = bench_training.measure(_options(place, rounds, contenders, epochs_a_turn=epochs))
    # the warm-up's messages are counted, too, and not its time
    watched = [
        result["rows"][name]["wall"] for name in (EXPLORED, GRAPHED_EXPLORED) if name in result["rows"]
    ]
    seconds = epochs * sum(sum(wall) for wall in watched) * (rounds + 1) / rounds
    result["messages_a_second"] = result["messages"]["comm_msg"] / seconds
    text = f"{bench_training.table(result)}\n{result['messages_a_second']:.1f} messages a second"
    return {**result, "text": text}


def grid(model: str, precision: str) -> Callable[[Place], Result]:
    """Return the step that trains a model at each batch size; those that are done are kept."""

    def do(place: Place) -> Result:
        done: Result = place.kept.get("batches", {})
        # a convolutional epoch takes as long as fifty of the small network
        images = 60_000 if model == "mlp" else 16_384
        for batch in BATCHES[:1] if place.small else BATCHES:
            if str(batch) not in done:
                contenders = [OURS, *_graphed(place, GRAPHED, REPLAY)]
                if not place.small:  # torch's own Adam takes two seconds to be imported
                    contenders.insert(0, BAREST)
                done[str(batch)] = _training(
                    place, 1, contenders, model=model, batch=batch, precision=precision, images=images
                )
                place.keep({"batches": done})
        return {"batches": done, "text": "\n\n".join(one["text"] for one in done.values())}

    return do


def reproduced(place: Place) -> Result:
    """Experiment C as it was published, its table and its figures; goes on where it was cut off."""
    report = reproduce(
        _recipe("C", place),
        scale="small" if place.small else "published",
        epochs=1 if place.small else None,
        device=place.device,
        folder=place.folder / "reproduced",
        figures=not place.small,
        progress=False,
    )
    rows = [
        {"what": row.what, "tolerance": row.tolerance, "verdict": row.verdict}
        for row in report.rows
        if row.tolerance
    ]
    return {"rows": rows, "remarks": list(report.remarks), "text": report.text()}


def options(place: Place) -> Result:
    """Experiment C's network as it is, channels last, and with deterministic operations only."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when CUDA starts
    import torch

    from tests.benchmarks import training_loops as loops
    from tests.benchmarks.setting import machine

    bench_training.choose_tf32(False, place.device)
    n, batch = (SMALL_IMAGES, SMALL_BATCH) if place.small else (16_384, 128)
    epochs = 1 if place.small else 5
    problem = loops.Problem(_data(), "conv", batch, n, "float32", place.device, epochs)
    data = problem.data()
    fixed = loops.ours(problem, data)

    def deterministic() -> list[float]:
        with _deterministic():
            return fixed.turn()

    contenders = {
        OURS: loops.ours(problem, data),
        f"{OURS}, channels last": loops.ours(problem, data, channels_last=True),
        f"{OURS}, deterministic": loops.Contender(deterministic, fixed.epochs),
    }
    if not place.small:
        loops.alternate(contenders, 1)  # warm-up
    rounds = 1 if place.small else 2
    rows = loops.alternate(contenders, rounds)
    what = {"model": "conv", "batch": batch, "images": n, "precision": "float32", "rounds": rounds}
    result: Result = {"machine": machine(place.device), "what": what, "rows": rows, "missing": []}
    result["messages"] = {"comm_msg": 0, "bytes": 0}
    assert not torch.are_deterministic_algorithms_enabled()
    return {**result, "text": bench_training.table(result)}


def profile(place: Place) -> Result:
    """What an epoch of each network spends its time on, by torch's profiler."""
    from torch.profiler import ProfilerActivity, _ExperimentalConfig
    from torch.profiler import profile as profiler

    from tests.benchmarks import training_loops as loops

    on_cuda = place.device.startswith("cuda")
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_cuda else [])]
    every_thread = _ExperimentalConfig(profile_all_threads=True)  # a run has its own
    parts = []
    for model in ("mlp",) if place.small else ("mlp", "conv"):
        n, batch = (SMALL_IMAGES, SMALL_BATCH) if place.small else (10_240, 256)
        problem = loops.Problem(_data(), model, batch, n, "float32", place.device)
        run = loops.our_run(problem, problem.data())
        run.epochs = 1
        with profiler(activities=activities, experimental_config=every_thread) as seen:
            run.resume()
            run.wait(progress=False)
        order = "self_cuda_time_total" if on_cuda else "self_cpu_time_total"
        parts.append(f"{model}\n{seen.key_averages().table(sort_by=order, row_limit=14)}")
    return {"text": "\n".join(parts)}


@contextlib.contextmanager
def _deterministic() -> Iterator[None]:
    import torch

    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


def _training(place: Place, rounds: int, only: list[str], **what: Any) -> Result:
    result = bench_training.compare(**_options(place, rounds, only, **what))
    result["messages"] = {"comm_msg": 0, "bytes": 0}
    return {**result, "text": bench_training.table(result)}


def _options(place: Place, rounds: int, only: list[str], **what: Any) -> Result:
    """Arguments of `bench_training.compare`: chapter 13.4's training, but for what is given."""
    usual = {"model": "mlp", "batch": 256, "images": 60_000, "precision": "float32"}
    out = {**usual, **what, "rounds": rounds, "only": only, "device": place.device}
    small = {"batch": SMALL_BATCH, "images": SMALL_IMAGES, "rounds": 1, "epochs_a_turn": 1}
    return {**out, **small} if place.small else out


def _recipe(letter: str, place: Place) -> Recipe:
    """An experiment; in the small form on few images."""
    recipe = get_recipe(letter)
    if not place.small:
        return recipe
    scale = recipe.at("small")
    few = replace(scale, data={**scale.data, "n_train": 64, "n_test": 64})
    return replace(recipe, scales={**recipe.scales, "small": few})


def _graphed(place: Place, *names: str) -> list[str]:
    """Contenders that there are on a CUDA device only."""
    return list(names) if place.device.startswith("cuda") else []


def _data() -> Path:
    return Path(os.environ["VAEWIDGETS_DATA"])


# In the order of what is worth most, should the time be up.
STEPS = (
    Step("tests", "Tests that need a CUDA device", 240, marked_tests),
    Step("usual-loop", "Chapter 13.4's loop as usually written, and ours", 240, usual_loop),
    Step("b", "Experiment B's programme", 120, programme("B", False)),
    Step("b-graph", "Experiment B's programme, replayed", 120, programme("B", True)),
    Step("explorer", "A live explorer beside it", 150, explorer),
    Step("c-graph", "Experiment C's programme, replayed", 420, programme("C", True)),
    Step("mlp-float32", "784-256-32, float32", 150, grid("mlp", "float32")),
    Step("conv-float32", "Experiment C's network, float32", 180, grid("conv", "float32")),
    Step("reproduce-c", "Experiment C as published", 480, reproduced),
    Step("mlp-tf32", "784-256-32, TF32", 120, grid("mlp", "tf32")),
    Step("mlp-bf16", "784-256-32, bf16", 120, grid("mlp", "bf16")),
    Step("conv-tf32", "Experiment C's network, TF32", 150, grid("conv", "tf32")),
    Step("conv-bf16", "Experiment C's network, bf16", 150, grid("conv", "bf16")),
    Step("options", "Channels last, deterministic operations", 120, options),
    Step("profile", "Profile", 90, profile),
    Step("c", "Experiment C's programme, ten of its epochs, step by step", 240, programme("C", False, 10)),
)


def main(name: str, device: str, small: bool, part: str) -> None:
    """Do a step in this process; its result goes to the file `part`, also as far as it got."""
    import json

    path = Path(part)
    began = time.process_time()

    def keep(result: Result) -> None:
        half = path.with_suffix(".new")
        half.write_text(json.dumps(result))
        half.replace(path)

    kept = json.loads(path.read_text()) if path.is_file() else {}
    step = next(one for one in STEPS if one.name == name)
    result = step.do(Place(device, small, path.parent, kept, keep))
    print(result["text"], file=sys.stderr)
    keep({**result, "processor_s": time.process_time() - began, "whole": True})
