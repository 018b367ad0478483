"""Press the kernel's stop button at random moments of cells that call a run, in a real kernel.

python -m tests.faults.kernel --count 40
"""

from __future__ import annotations

import argparse
import os
import random
import time
from queue import Empty
from typing import Any

from jupyter_client.manager import start_new_kernel

PREPARE = """
import time
from tests.faults.interrupts import Answers, calls_of, make
import random
run, kept = make("widget")
calls = calls_of(run, random.Random(0), "widget")
"""
ASK = """
answers = Answers().asked(run)
print(max(answers.values()))
run.resume()
"""


def output(client: Any, code: str, seconds: float, interrupt: Any = None) -> tuple[str, str]:
    """What a cell printed, and the name of its error; `interrupt` is called while it runs."""
    message = client.execute(code)
    text, error = "", ""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            got = client.get_iopub_msg(timeout=0.5)
        except Empty:
            continue
        if got["parent_header"].get("msg_id") != message:
            continue
        kind, body = got["msg_type"], got["content"]
        if kind == "execute_input" and interrupt is not None:
            interrupt()
        elif kind == "stream":
            text += body["text"]
        elif kind == "error":
            error = body["ename"]
        elif kind == "status" and body["execution_state"] == "idle":
            return text, error
    return text, "silence"


def press(count: int) -> tuple[int, int, float]:
    """Interrupt so many cells; returns interrupts that came, runs that hung, the slowest answer's seconds."""
    rng = random.Random(0)
    manager, client = start_new_kernel(kernel_name="python3", env={**os.environ, "PYTHONPATH": os.getcwd()})
    interrupts = hung = 0
    slowest = 0.0
    try:
        output(client, PREPARE, 90)
        names = ("snapshot", "pause", "resume", "evaluate", "wait", "beta", "advance", "stop")
        for i in range(count):
            name = names[i % len(names)]

            def interrupt() -> None:
                time.sleep(rng.uniform(0.0, 0.05))
                manager.interrupt_kernel()

            _, error = output(client, f"while True: calls[{name!r}]()", 15, interrupt)
            interrupts += error == "KeyboardInterrupt"
            text, error = output(client, ASK, 40)
            seconds = float(text) if text and not error else 99.0
            hung += seconds > 1.0
            slowest = max(slowest, seconds)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return interrupts, hung, slowest


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=40)
    interrupts, hung, slowest = press(parser.parse_args().count)
    print(f"{interrupts} interrupts in a kernel, {hung} hung or late, slowest answer {slowest:.3f} s")
