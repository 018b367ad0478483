"""What hovering over a finished run costs the kernel: processor seconds while a page sends commands to it.

    VAEWIDGETS_DATA=... python -m tests.benchmarks.bench_hover [--rounds 3] [--seconds 10] [--rate 60]
        [--json FILE]

Chapter 13.4's network (784-256-32) after one epoch of MNIST, a `LatentExplorer` and a `TrainingCurves` of
that run in one kernel. A client without a browser says hello as a page does, then sends what a page sends
while its pointer moves: `view:hover` commands, or, as a page that cannot decode by itself, `decode` questions
along with them. As many messages of no known type, which are dropped, tell what receiving them costs alone.
Processor seconds are the kernel's, all its threads; messages are those that the kernel sent back meanwhile.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from queue import Empty
from typing import Any

import psutil
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from tests.benchmarks.setting import headline, machine, parse

SETUP = """
import os
import torch, vaewidgets as vw
data = vw.load_dataset("mnist", root=os.environ["VAEWIDGETS_DATA"])
torch.manual_seed(0)
model = vw.MLPVAE(data.image_shape, latent_dim=32, hidden=(256,))
run = vw.train(model, data, device="cpu", epochs=1, batch_size=256, autosave=False).wait(progress=False)
explorer, curves = vw.LatentExplorer(run), vw.TrainingCurves(run)
"""
ASKED = "import json; print(json.dumps(explorer.model_id))"
IDLE_SECONDS = 8.0  # for what is measured after a run to be measured, and the feed's thread to end
KINDS = ("dropped", "hover", "hover and decode")


def measure(rounds: int, seconds: float, rate: float) -> dict[str, Any]:
    """Processor seconds and messages of each round, by kind."""
    manager, client = start_new_kernel()
    try:
        client.execute_interactive(SETUP, store_history=False, timeout=600)
        comm = json.loads(_printed(client, ASKED))
        kernel = psutil.Process(manager.provisioner.pid)
        for _ in range(2):  # as a page does
            _send(client, comm, {"type": "hello"})
        time.sleep(IDLE_SECONDS)
        rows: dict[str, dict[str, list[float]]] = {kind: {"kernel": [], "messages": []} for kind in KINDS}
        seq = 0
        for _ in range(rounds):
            for kind in KINDS:
                _heard(client)
                before = _seconds(kernel)
                seq = _hover(client, comm, seq, seconds=seconds, rate=rate, kind=kind)
                time.sleep(0.5)
                rows[kind]["kernel"].append(_seconds(kernel) - before)
                rows[kind]["messages"].append(_heard(client))
        return {"machine": machine(), "what": {"seconds": seconds, "rate": rate}, "rows": rows}
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _hover(
    client: BlockingKernelClient, comm: str, seq: int, *, seconds: float, rate: float, kind: str
) -> int:
    """Move along a circle; returns the number of the last command."""
    begin = time.perf_counter()
    for i in range(round(seconds * rate)):
        time.sleep(max(0.0, begin + i / rate - time.perf_counter()))
        z = [math.cos(i / 20), math.sin(i / 20), *([0.0] * 30)]
        seq += 1
        message = {"type": "command", "seq": seq, "name": "view:hover", "value": z}
        _send(client, comm, {**message, "type": "none"} if kind == "dropped" else message)
        if kind == "hover and decode":
            seq += 1
            _send(client, comm, {"type": "decode", "seq": seq, "z": z, "run": ""})
    return seq


def _send(client: BlockingKernelClient, comm: str, content: dict[str, Any]) -> None:
    data = {"method": "custom", "content": content}
    client.shell_channel.send(client.session.msg("comm_msg", {"comm_id": comm, "data": data}))


def _heard(client: BlockingKernelClient) -> int:
    """Messages of widgets that came since the last call."""
    count = 0
    while True:
        try:
            count += client.get_iopub_msg(timeout=0.05)["msg_type"] == "comm_msg"
        except Empty:
            return count


def _printed(client: BlockingKernelClient, code: str) -> str:
    texts: list[str] = []

    def keep(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            texts.append(message["content"]["text"])

    client.execute_interactive(code, store_history=False, output_hook=keep, timeout=60)
    return "".join(texts)


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def table(result: dict[str, Any]) -> str:
    """Medians over the rounds."""
    what = result["what"]
    lines = [
        f"{what['seconds']:g} s of hovering over a finished run at {what['rate']:g} messages a second",
        headline(result["machine"]),
        f"{'':20}{'kernel s':>10}{'messages':>10}",
    ]
    for kind, row in result["rows"].items():
        kernel, messages = (statistics.median(row[name]) for name in ("kernel", "messages"))
        lines.append(f"{kind:20}{kernel:10.2f}{messages:10.0f}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="of a round (default 10)")
    parser.add_argument("--rate", type=float, default=60.0, help="positions a second (default 60)")
    arguments = parse(parser, 3, "rounds of each kind")
    result = measure(arguments.rounds, arguments.seconds, arguments.rate)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2))
    print(table(result))


if __name__ == "__main__":
    main()
