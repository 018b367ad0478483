"""Training time of experiment B's network on MNIST: our engine against hand-written loops.

    VAEWIDGETS_DATA=... python -m tests.benchmarks.bench_training [--rounds 5] [--json FILE]

All contenders run in one kernel process, an epoch (or five) of each in turn, so that noise meets them alike.
The explorer's messages really go out to a client, which reads them; a browser's own time is not in it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from jupyter_client.manager import start_new_kernel

CODE = """
import json, os
from pathlib import Path
import torch, vaewidgets as vw
from tests.benchmarks.training_loops import alternate, as_usually_written, barest, ours
root = Path(os.environ["VAEWIDGETS_DATA"])
data = vw.load_dataset("mnist", root=root)
contenders = {{
    "loop as usually written": as_usually_written(root),
    "barest device-resident loop": barest(data),
    "vw.train": ours(data, False),
    "vw.train, explorer attached": ours(data, True),
}}
alternate(contenders, 1)  # warm-up
result = alternate(contenders, {rounds})
result["machine"] = {{"threads": torch.get_num_threads(), "torch": torch.__version__}}
print("RESULT" + json.dumps(result))
"""


def measure(rounds: int) -> dict:
    """Run the contenders in a fresh kernel and return its table."""
    manager, client = start_new_kernel(env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})
    text: list[str] = []
    messages = {"comm_msg": 0, "bytes": 0}

    def hook(message: dict) -> None:
        if message["msg_type"] == "stream":
            text.append(message["content"]["text"])
            print(message["content"]["text"], end="", file=sys.stderr)
        elif message["msg_type"] == "error":
            text.append("\n".join(message["content"]["traceback"]))
        elif message["msg_type"] == "comm_msg":
            messages["comm_msg"] += 1
            messages["bytes"] += sum(len(part) for part in message.get("buffers", []))

    try:
        client.execute_interactive(CODE.format(rounds=rounds), output_hook=hook, timeout=3600)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    lines = [line for line in "".join(text).splitlines() if line.startswith("RESULT")]
    if not lines:
        raise RuntimeError("".join(text)[-4000:])
    return {**json.loads(lines[-1][len("RESULT") :]), "messages": messages}


def table(result: dict) -> str:
    """Epoch medians and the ratios that DESIGN section 8 sets targets for."""
    machine, messages = result.pop("machine"), result.pop("messages")
    usual, bare = result["loop as usually written"], result["barest device-resident loop"]
    plain, explored = result["vw.train"], result["vw.train, explorer attached"]
    lines = [
        f"MNIST, 784-256-32 MLP, batch 256, one epoch; {machine['threads']} threads, torch {machine['torch']}"
    ]
    lines.append(f"{'':30}{'wall s':>9}{'cpu s':>9}{'x usual':>9}{'loss':>9}")
    for name, row in result.items():
        speed = usual["wall_s"] / row["wall_s"]
        lines.append(f"{name:30}{row['wall_s']:9.3f}{row['processor_s']:9.3f}{speed:9.2f}{row['loss']:9.2f}")
    speed, share = usual["wall_s"] / plain["wall_s"], plain["wall_s"] / bare["wall_s"]
    cost = explored["processor_s"] / plain["processor_s"]
    lines.append(
        f"vw.train against the loop as usually written: {speed:.2f} times as fast (first target 5.5)"
    )
    lines.append(f"vw.train against the barest loop: {share:.2f} of its time (first target 1.05)")
    lines.append(f"explorer attached: {cost:.2f} of the kernel's processor seconds without (target 1.05)")
    lines.append(f"explorer's messages: {messages['comm_msg']}, {messages['bytes'] / 1e6:.1f} MB")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="epochs of each contender (default 5)")
    parser.add_argument("--json", type=Path, help="also write the result there")
    arguments = parser.parse_args()
    if not os.environ.get("VAEWIDGETS_DATA"):
        parser.error("set VAEWIDGETS_DATA to the folder that holds MNIST/raw")
    result = measure(arguments.rounds)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2))
    print(table(result))


if __name__ == "__main__":
    main()
