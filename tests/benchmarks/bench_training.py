"""Training time on MNIST: our engine, hand-written loops, other projects, and the matrix products alone.

    VAEWIDGETS_DATA=... python -m tests.benchmarks.bench_training [--rounds 3] [--batch 256] [--model conv]
        [--images 60000] [--precision tf32] [--device cuda] [--only vw.train] [--json FILE]

All contenders run in one kernel process, an epoch (or five) of each in turn, so that noise meets them alike;
ratios are medians over the rounds. The explorer's messages really go out to a client, which reads them; a
browser's own time is not in it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from pathlib import Path
from typing import Any

from jupyter_client.manager import start_new_kernel

from tests.benchmarks.setting import headline, machine, parse
from tests.benchmarks.setting import ratio as median_ratio

USUAL, BAREST, LIMIT = "loop as usually written", "barest device-resident loop", "arithmetic limit"
OURS, EXPLORED = "vw.train", "vw.train, explorer attached"
GRAPHED, REPLAY = "vw.train, cuda_graph=True", "replay of its step alone"
GRAPHED_EXPLORED = f"{GRAPHED}, explorer attached"
CODE = """
import json
from tests.benchmarks.bench_training import compare
print("RESULT" + json.dumps(compare(**json.loads({options!r}))))
"""


def compare(
    *,
    model: str,
    batch: int,
    images: int,
    precision: str,
    device: str,
    rounds: int,
    only: list[str],
    epochs_a_turn: int = 5,
) -> dict:
    """Train all contenders; in the kernel."""
    from tests.benchmarks import training_loops as loops
    from tests.benchmarks import training_peers as peers
    from tests.benchmarks.training_limit import matrix_products

    root = Path(os.environ["VAEWIDGETS_DATA"])
    choose_tf32(precision == "tf32", device)
    computed = "float32" if precision == "tf32" else precision
    problem = loops.Problem(root, model, batch, images, computed, device, epochs_a_turn)
    data = problem.data()
    lacking = peers.missing()
    makers: dict[str, Any] = {USUAL: lambda: loops.as_usually_written(problem)}
    for peer, make in (("pythae", peers.with_pythae), ("lightning", peers.with_lightning)):
        for at_best, how in ((False, "defaults"), (True, "best")):
            if peer not in lacking:
                makers[f"{peer}, {how}"] = lambda make=make, at_best=at_best: make(problem, data, at_best)
    makers |= {
        BAREST: lambda: loops.barest(problem, data),
        LIMIT: lambda: matrix_products(problem),
        OURS: lambda: loops.ours(problem, data),
        # last: its pictures are still drawn when the next one's time has begun, which is the longest
        EXPLORED: lambda: loops.ours(problem, data, with_explorer=True),
    }
    if device.startswith("cuda"):
        makers |= {
            GRAPHED: lambda: loops.ours(problem, data, cuda_graph=True),
            REPLAY: lambda: loops.replay_alone(problem, data),
            GRAPHED_EXPLORED: lambda: loops.ours(problem, data, with_explorer=True, cuda_graph=True),
        }
    chosen = {name: make() for name, make in makers.items() if not only or name in only}
    loops.alternate(chosen, 1)  # warm-up
    rows = loops.alternate(chosen, rounds)
    what = {"model": model, "batch": batch, "images": images, "precision": precision, "device": device}
    what["rounds"] = rounds
    return {"machine": machine(device), "what": what, "missing": lacking, "rows": rows}


def choose_tf32(wanted: bool, device: str) -> None:
    """Have float32 products computed in TF32, or in none; torch's own default differs by operation."""
    import torch

    if wanted and not device.startswith("cuda"):
        raise ValueError(f"TF32 is a CUDA device's; got device {device!r}.")
    torch.set_float32_matmul_precision("high" if wanted else "highest")
    torch.backends.cudnn.allow_tf32 = wanted


def measure(options: dict[str, Any]) -> dict:
    """Run the contenders in a fresh kernel and return its table."""
    manager, client = start_new_kernel(env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})
    text: list[str] = []
    messages = {"comm_msg": 0, "bytes": 0}

    def hook(message: dict) -> None:
        if message["msg_type"] == "stream":
            text.append(message["content"]["text"])
            if not message["content"]["text"].startswith("RESULT"):
                print(message["content"]["text"], end="", file=sys.stderr)
        elif message["msg_type"] == "error":
            text.append("\n".join(message["content"]["traceback"]))
        elif message["msg_type"] == "comm_msg":
            messages["comm_msg"] += 1
            messages["bytes"] += sum(len(part) for part in message.get("buffers", []))

    try:
        code = CODE.format(options=json.dumps(options))
        client.execute_interactive(code, output_hook=hook, timeout=3600)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    lines = [line for line in "".join(text).splitlines() if line.startswith("RESULT")]
    if not lines:
        raise RuntimeError("".join(text)[-4000:])
    return {**json.loads(lines[-1][len("RESULT") :]), "messages": messages}


def ratio(result: dict, over: str, under: str, what: str = "wall") -> float | None:
    """Median over the rounds of one contender's time by another's; None where one was not run."""
    rows = result["rows"]
    if over not in rows or under not in rows:
        return None
    return median_ratio(rows[over][what], rows[under][what])


def table(result: dict) -> str:
    """Epoch medians, and the ratios that DESIGN section 8 sets targets for."""
    what, rows = result["what"], result["rows"]
    epochs = min((len(row["losses"]) for row in rows.values() if row["losses"]), default=0)
    known = {name: row["losses"][epochs - 1] for name, row in rows.items() if row["losses"]}
    reference = next(iter(known.values()), None)
    name = {"mlp": "784-256-32 MLP", "conv": "experiment C's convolutional network"}[what["model"]]
    lines = [
        f"{what['images']:,} images of MNIST, {name}, batch {what['batch']}, {what['precision']}, an epoch",
        f"{headline(result['machine'])}, {what['rounds']} rounds",
        f"{'':30}{'wall s':>9}{'cpu s':>9}{'x usual':>9}{'/ barest':>9}{f'loss({epochs})':>10}{'differs':>9}",
    ]
    for name, row in rows.items():
        wall, cpu = statistics.median(row["wall"]), statistics.median(row["processor"])
        speed, share = ratio(result, USUAL, name), ratio(result, name, BAREST)
        loss = known.get(name)
        off = "" if loss is None or reference is None else f"{100 * (loss / reference - 1):+.2f} %"
        lines.append(
            f"{name:30}{wall:9.3f}{cpu:9.3f}{_number(speed):>9}{_number(share):>9}{_number(loss):>10}{off:>9}"
            + (f"  {row['note']}" if row["note"] else "")
        )
    lines += [f"{name}: not installed" for name in result["missing"]]
    for text, value in (
        ("vw.train against the loop as usually written, times as fast (8)", ratio(result, USUAL, OURS)),
        ("vw.train by the barest loop's time (0.77)", ratio(result, OURS, BAREST)),
        ("the same in processor seconds", ratio(result, OURS, BAREST, "processor")),
        ("vw.train by the limit's time", ratio(result, OURS, LIMIT)),
        ("with replayed steps against the loop as usually written (40)", ratio(result, USUAL, GRAPHED)),
        ("the same by the replay of its step alone", ratio(result, GRAPHED, REPLAY)),
        (
            "with the explorer by without, processor seconds (1.05)",
            ratio(result, EXPLORED, OURS, "processor"),
        ),
        ("with the explorer by without, by the clock", ratio(result, EXPLORED, OURS)),
        ("the same, replayed", ratio(result, GRAPHED_EXPLORED, GRAPHED)),
    ):
        if value is not None:
            lines.append(f"{text}: {value:.2f}")
    if EXPLORED in rows:
        messages = result["messages"]
        lines.append(f"explorer's messages: {messages['comm_msg']}, {messages['bytes'] / 1e6:.1f} MB")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=256, help="batch size (default 256)")
    parser.add_argument("--model", choices=("mlp", "conv"), default="mlp", help="experiment B's or C's")
    parser.add_argument("--images", type=int, default=60_000, help="of MNIST, an epoch (default all 60,000)")
    parser.add_argument("--precision", choices=("float32", "tf32", "bf16"), default="float32")
    parser.add_argument("--device", default="cpu", help="where all train (default cpu)")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this contender; repeat")
    arguments = parse(parser, 3, "turns of each contender")
    options = {k: v for k, v in vars(arguments).items() if k != "json"}
    result = measure(options)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2))
    print(table(result))


if __name__ == "__main__":
    main()
