"""Interrupt the main thread at random instants of its calls; a run must step, pause and stop all the same.

    python -m tests.faults.interrupts --count 5000 --seed 0

A fifth of them are the stop button of two kernels, the installed ipykernel and the first of the folders that
VAEWIDGETS_IPYKERNELS names (`pip install --target`); the others are in plain Python, a quarter for each kind
of run. A process that says nothing for `SILENCE` seconds is hung, and is replaced. Seconds in which a busy
machine kept a thread waiting for a processor do not count.
"""

from __future__ import annotations

import collections
import math
import os
import random
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty

from jupyter_client.manager import KernelManager

from tests.faults.interrupted import HUNG, LATE, SILENCE
from tests.faults.table import Row, run_machine
from tests.forked import python

__all__ = ["KINDS", "Tally", "hammer", "kernels", "press", "row", "rows"]

ROOT = Path(__file__).parents[2]
KINDS = {
    "train": "a run",
    "widget": "a run with a widget",
    "sweep": "a run of a sweep",
    "attach": "a loop of one's own",
}
LONG = 5000
MOST_HUNG = 20  # given up after so many


class Tally(collections.Counter[str]):
    """Of one call: interrupts, how many of them inside the package, runs that hung or were late."""

    slowest = 0.0

    def note(self, seconds: float, *, inside: bool = True) -> None:
        """One more interrupt, after which the run answered within so many seconds."""
        self["interrupts"] += 1
        self["inside"] += inside
        self["hung"] += seconds >= HUNG
        self["late"] += LATE < seconds < HUNG
        self.slowest = max(self.slowest, seconds)


def row(where: str, tallies: dict[str, Tally]) -> Row:
    """What came of it, by call, as one promise."""
    total = Tally()
    for tally in tallies.values():
        total.update(tally)
        total.slowest = max(total.slowest, tally.slowest)
    bad = {name: tally["hung"] + tally["late"] for name, tally in tallies.items()}
    calls = ", ".join(f"{name} {n}" for name, n in bad.items() if n)
    note = f"{len(tallies)} calls, {total['inside']:,} within the package, slowest {total.slowest:.2f} s"
    return Row(
        f"{where} that was interrupted steps, pauses and stops within {LATE:g} s",
        total["interrupts"],
        sum(bad.values()),
        f"{note}; failed: {calls}" if calls else note,
    )


# plain Python -------------------------------------------------------------------------------------


def lines_of(process: subprocess.Popen[str]) -> Iterator[str]:
    """What a child prints, as long as it is not silent for too long."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while selector.select(SILENCE):
            line = process.stdout.readline()
            if not line:
                return
            yield line.strip()


def hammer(kind: str, count: int, seed: int = 0) -> dict[str, Tally]:
    """Interrupt so many calls in children; returns what came of it, by call."""
    tallies: dict[str, Tally] = collections.defaultdict(Tally)
    done = hung = 0
    while done < count and hung < MOST_HUNG:
        code = f"from tests.faults.interrupted import child; child({kind!r}, {seed}, {count - done})"
        process = subprocess.Popen(python(code), cwd=ROOT, stdout=subprocess.PIPE, text=True, bufsize=1)
        assert process.stdout is not None
        name, said_bye = "", False
        for line in lines_of(process):
            kind_of_line, _, rest = line.partition(" ")
            if kind_of_line == "begins":
                name = rest
            elif kind_of_line == "ends":
                seconds, inside, _ = rest.split(" ", 2)
                tallies[name].note(float(seconds), inside=bool(int(inside)))
                done += 1
                hung += float(seconds) >= HUNG
                name = ""
            said_bye |= line == "bye"
        process.kill()
        process.wait()
        process.stdout.close()
        if not said_bye:
            tallies[name or "start"].note(HUNG, inside=False)
            done, hung = done + 1, hung + 1
        seed += 1000
    return tallies


# kernels ------------------------------------------------------------------------------------------

PREPARE = """
import random
from tests.faults.interrupted import Answers, calls_of, make
run, kept = make("widget")
calls = calls_of(run, kept, random.Random(0), "widget")
print(*calls, sep=";")
"""
ASK = """
print(max(Answers().asked(run).values()))
run.resume()
"""


def kernels() -> dict[str, str]:
    """Folder of each ipykernel, by its version: the installed one has none; one more where there is one."""
    import ipykernel

    found = {f"ipykernel {ipykernel.__version__}": ""}
    folders = filter(None, os.environ.get("VAEWIDGETS_IPYKERNELS", "").split(os.pathsep))
    for folder in list(folders)[:1]:
        (info,) = Path(folder).glob("ipykernel-*.dist-info")
        found[info.stem.replace("-", " ")] = folder
    return found


class Kernel:
    """A kernel of its own process."""

    def __init__(self, folder: str) -> None:
        paths = [folder, *os.environ.get("PYTHONPATH", "").split(os.pathsep), str(ROOT)]
        self._manager = KernelManager()
        if folder:
            launch = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            self._manager.kernel_spec.argv = launch
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        self._manager.start_kernel(env=environment, cwd=str(ROOT))
        self._client = self._manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=SILENCE)

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)

    def run(self, code: str, seconds: float, interrupt_after: float | None = None) -> tuple[str, str]:
        """What a cell printed, and the name of its error, "silence" if it does not end.

        It may be stopped, so long after it printed something, and again each second: what an interrupt raises
        in a callback of a weak reference is swallowed.
        """
        message = self._client.execute(code)
        text, error = "", ""
        end, press_at = time.monotonic() + seconds, math.inf
        while (now := time.monotonic()) < end:
            if now >= press_at:
                self._manager.interrupt_kernel()
                press_at = now + 1.0
            try:
                got = self._client.get_iopub_msg(timeout=min(0.5, max(0.001, press_at - now)))
            except Empty:
                continue
            if got["parent_header"].get("msg_id") != message:
                continue
            kind, body = got["msg_type"], got["content"]
            if kind == "stream" and body["name"] == "stdout":
                text += body["text"]
                if interrupt_after is not None and press_at == math.inf:
                    press_at = time.monotonic() + interrupt_after
            elif kind == "error":
                error = body["ename"]
            elif kind == "status" and body["execution_state"] == "idle":
                return text, error
        return text, "silence"


def press(folder: str, count: int, seed: int = 0) -> dict[str, Tally]:
    """Press the stop button of a kernel so often while a cell calls a run; returns what came of it."""
    dice = random.Random(seed)
    tallies: dict[str, Tally] = collections.defaultdict(Tally)
    done = hung = 0
    while done < count and hung < MOST_HUNG:
        with Kernel(folder) as kernel:
            text, error = kernel.run(PREPARE, 2 * SILENCE)
            if error:
                raise RuntimeError(f"the kernel was not prepared: {error}")
            names = text.strip().split(";")
            while done < count:
                name = names[(seed + done) % len(names)]
                cell = f"print('begins')\nwhile True: calls[{name!r}]()"
                _, error = kernel.run(cell, SILENCE, dice.uniform(0.0, 0.05))
                text, error = ("", error) if error == "silence" else kernel.run(ASK, 2 * SILENCE)
                is_hung = bool(error) or not text.strip()
                tallies[name].note(HUNG if is_hung else float(text.split()[-1]))
                done, hung = done + 1, hung + is_hung
                if is_hung:
                    break
    return tallies


# all ----------------------------------------------------------------------------------------------


def rows(scale: float, seed: int) -> list[Row]:
    """`LONG` interrupts times `scale`: a fifth in kernels, the rest in plain Python."""
    places = kernels()
    plain = max(4, round(0.8 * scale * LONG / len(KINDS)))
    buttons = max(2, round(0.2 * scale * LONG / len(places)))
    found = [row(f"{words} in plain Python", hammer(kind, plain, seed)) for kind, words in KINDS.items()]
    found += [row(f"a run in {name}", press(folder, buttons, seed)) for name, folder in places.items()]
    return found


if __name__ == "__main__":
    sys.exit(run_machine(__doc__, rows, LONG, "interrupts"))
