"""Hours of a notebook's life in one process: runs made and dropped, widgets, logged loops, sweeps, files.

    python -m tests.faults.soak                   an hour
    python -m tests.faults.soak --minutes 20
    python -m tests.faults.soak --rounds 4        so many rounds, without a look at the clock

A round has ten runs. After each few rounds the garbage is collected, the allocator gives back what is free,
and a line is printed: memory in use, resident memory, threads, open files, messages. Growth is the slope of
a line through what is in use after the first quarter of the rounds: half of the slopes between two of these
points are smaller, and half are larger. All of Python's memory is counted, too: the soak runs in a process
of its own, where Python takes it from the C library (PYTHONMALLOC=malloc).
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.faults.table import Row, broken, print_table

__all__ = ["RUNS_A_ROUND", "Life", "Pages", "Sample", "growth", "rows", "samples", "settled"]

ROOT = Path(__file__).parents[2]
RUNS_A_ROUND = 10
SCALE_1_MINUTES = 60.0
MOST_MB_PER_1000_RUNS = 1.0
MOST_MESSAGE_MB = 2.0
MOST_MESSAGES_A_SECOND = 20.0  # of one widget: ten frames, four acknowledgements, what answers a question
LOG_STEPS = 60
MB = 1e6


@dataclass(frozen=True)
class Sample:
    """The process after so many runs.

    Attributes
    ----------
    runs : int
        Made and dropped so far.
    in_use, resident : float
        MB that are allocated, and that the process has of the machine's memory.
    threads, files, widgets, objects : int
        Threads, open files, open widgets, objects that the garbage collector knows.
    messages : int
        To pages, since the sample before.
    largest_mb : float
        The largest of them.
    most_a_second : float
        Messages of one widget in the second in which it sent most.
    """

    runs: int
    in_use: float
    resident: float
    threads: int
    files: int
    widgets: int
    objects: int
    messages: int
    largest_mb: float
    most_a_second: float


class Pages:
    """Stands where a kernel sends its messages: counts them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, list[tuple[float, int]]] = {}

    def kind(self) -> type[Any]:
        """A kind of comm that counts what is sent by it."""
        from comm.base_comm import BaseComm

        pages = self

        class Counted(BaseComm):
            def publish_msg(
                self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any
            ) -> None:
                if msg_type == "comm_msg":
                    size = len(json.dumps(data)) + sum(memoryview(one).nbytes for one in buffers or ())
                    pages.note(self.comm_id, size)

        return Counted

    def note(self, name: str, size: int) -> None:
        with self._lock:
            self._seen.setdefault(name, []).append((time.monotonic(), size))

    def take(self) -> tuple[int, float, float]:
        """Messages since the last call, MB of the largest, and most of one widget within a second."""
        with self._lock:
            seen, self._seen = self._seen, {}
        sizes = [size for messages in seen.values() for _, size in messages]
        most = 0
        for messages in seen.values():
            times = [at for at, _ in messages]
            first = 0
            for last, at in enumerate(times):
                while at - times[first] > 1.0:
                    first += 1
                most = max(most, last - first + 1)
        return len(sizes), max(sizes, default=0) / MB, float(most)


class _Heap(ctypes.Structure):
    """`mallinfo2` of glibc."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]  # fmt: skip


def _in_use() -> float:
    """MB that are allocated and not freed, once free pages are given back."""
    libc = ctypes.CDLL(None)
    libc.malloc_trim(0)
    libc.mallinfo2.restype = _Heap
    heap = libc.mallinfo2()
    return (heap.uordblks + heap.hblkhd) / MB


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MB


def settled() -> int:
    """Wait until no thread of ours is left, collect the garbage, and count what is left of objects.

    An idle feed ends after two seconds.
    """
    end = time.monotonic() + 30
    while any(one.name.startswith("vaewidgets") for one in threading.enumerate()) and time.monotonic() < end:
        time.sleep(0.02)
    for _ in range(2):
        gc.collect()
    return len(gc.get_objects())


class Life:
    """What happens in a notebook, a run at a time; `widgets` are opened in turn, by default every kind."""

    def __init__(self, folder: Path, widgets: Iterable[Any] | None = None) -> None:
        import torch

        import vaewidgets as vw
        from vaewidgets import widgets as room
        from vaewidgets.live.run_widget import RunWidget

        self.vw, self.torch, self._folder = vw, torch, folder
        self._data = vw.load_dataset("digits", n_train=128)
        every = [getattr(room, name) for name in room.__all__]
        of_a_run = [one for one in every if isinstance(one, type) and issubclass(one, RunWidget)]
        special = (vw.CodebookUsage, vw.BetaAxis)  # for models of their own
        self._widgets = itertools.cycle(widgets or [one for one in of_a_run if one not in special])
        self._seeds = itertools.count()
        self.runs = 0

    def _model(self) -> Any:
        self.torch.manual_seed(next(self._seeds))
        return self.vw.MLPVAE(self._data.image_shape, 2, hidden=(32,))

    def _shown(self, run: Any) -> Any:
        """A widget that a page has opened, and that is turned in it."""
        widget = next(self._widgets)(run)
        widget._handle_custom_msg({"type": "hello", "view": "one"}, [])
        widget._handle_custom_msg({"type": "command", "seq": 1, "name": "view:selected", "value": [1, 2]}, [])
        widget._handle_custom_msg({"type": "decode", "seq": 1, "z": [0.0, 0.0]}, [])
        return widget

    def trained(self) -> None:
        run = self.vw.train(self._model(), self._data, epochs=2, batch_size=32, autosave=False)
        widgets = [self._shown(run) for _ in range(2)]
        run.wait(progress=False)
        for widget in widgets:
            widget.close()

    def autosaved(self) -> None:
        run = self.vw.train(self._model(), self._data, epochs=1, batch_size=32, autosave_seconds=0.01)
        run.wait(progress=False)

    def stopped(self) -> None:
        """Pressed in a widget, in the middle of an epoch."""
        run = self.vw.train(self._model(), self._data, epochs=None, batch_size=32, autosave=False)
        widget = self._shown(run)
        for seq, (name, value) in enumerate(
            (("beta", 0.5), ("pause", None), ("advance", 3), ("stop", None)), 2
        ):
            widget._handle_custom_msg({"type": "command", "seq": seq, "name": name, "value": value}, [])
        run.wait(progress=False)
        widget.close()

    def logged(self) -> None:
        model = self._model()
        run = self.vw.attach(model, self._data)
        widget = self._shown(run)
        for step in range(LOG_STEPS):
            run.log(recon=1.0 / (1 + step), kl=0.1 * step)
        run.finish()
        widget.close()

    def saved(self) -> None:
        run = self.vw.train(self._model(), self._data, epochs=1, batch_size=32, autosave=False)
        run.wait(progress=False)
        path = self._folder / "run.safetensors"
        run.save(path)
        widget = self._shown(self.vw.load_run(path, data=self._data))
        widget.save_html(self._folder / "page.html")
        widget.close()

    def swept(self) -> None:
        """Three runs."""
        sweep = self.vw.sweep(self._model, self._data, beta=[0.5, 1.0, 4.0], epochs=1, batch_size=32)
        widget = self.vw.BetaCompare(sweep)
        sweep.wait(progress=False)
        widget.close()

    def round(self) -> None:
        """Ten runs."""
        kinds: tuple[tuple[Callable[[], None], int], ...] = (
            *((self.trained, 1), (self.logged, 1), (self.stopped, 1), (self.autosaved, 1)),
            *((self.swept, 3), (self.saved, 1), (self.trained, 1), (self.logged, 1)),
        )  # fmt: skip
        for kind, runs in kinds:
            kind()
            self.runs += runs


def samples(*, minutes: float = 0.0, rounds: int = 0, every: int = 1, folder: Path) -> Iterator[Sample]:
    """Live for so long, or for so many rounds; a sample after each `every` rounds.  In this process."""
    import comm
    from ipywidgets.widgets.widget import _instances

    pages = Pages()
    comm.create_comm = pages.kind()
    life = Life(folder)
    end = time.monotonic() + 60 * minutes
    for number in itertools.count(1):
        life.round()
        if number % every == 0:
            objects = settled()
            in_use = _in_use()
            messages, largest, most = pages.take()
            yield Sample(
                life.runs,
                in_use,
                _resident(),
                threading.active_count(),
                len(os.listdir("/proc/self/fd")),
                len(_instances),
                objects,
                messages,
                largest,
                most,
            )
        if number >= rounds and time.monotonic() >= end:
            return


def growth(found: list[Sample], of: str = "in_use") -> float:
    """MB (or whatever `of` is in) per thousand runs, after the first quarter: the median of all slopes."""
    kept = found[len(found) // 4 :]
    slopes = [
        (getattr(b, of) - getattr(a, of)) / (b.runs - a.runs) for a, b in itertools.combinations(kept, 2)
    ]
    return 1000 * statistics.median(slopes)


def _in_another_process(arguments: list[str], out: Any) -> list[Sample]:
    """The samples of a soak whose process has all its memory from the C library."""
    with tempfile.TemporaryDirectory() as folder:
        env = {
            **os.environ,
            "PYTHONMALLOC": "malloc",
            "MALLOC_ARENA_MAX": "1",
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(ROOT),
            "VAEWIDGETS_CACHE": f"{folder}/cache",
        }
        found: list[Sample] = []
        command = [sys.executable, "-m", "tests.faults.soak", "--here", folder, *arguments]
        with subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                found.append(Sample(**json.loads(line)))
                print(_line(found[-1]), file=out, flush=True)
    if process.returncode:
        raise RuntimeError(f"the soak ended with exit code {process.returncode} after {len(found)} samples")
    return found


_HEAD = (
    f"{'runs':>7}{'in use MB':>11}{'resident MB':>13}{'threads':>9}{'files':>7}{'widgets':>9}{'objects':>9}"
    f"{'messages':>10}{'largest MB':>12}{'most /s':>9}"
)


def _line(one: Sample) -> str:
    return (
        f"{one.runs:>7}{one.in_use:>11.2f}{one.resident:>13.1f}{one.threads:>9}{one.files:>7}{one.widgets:>9}"
        f"{one.objects:>9}{one.messages:>10}{one.largest_mb:>12.3f}{one.most_a_second:>9.0f}"
    )


def judged(found: list[Sample]) -> list[Row]:
    """What was promised, from the samples."""
    kept = found[len(found) // 4 :]
    runs = found[-1].runs
    memory, resident = growth(found), growth(found, "resident")
    messages = sum(one.messages for one in found)
    largest, most = max(one.largest_mb for one in found), max(one.most_a_second for one in found)

    def more(of: str) -> int:
        return max(0, getattr(kept[-1], of) - getattr(kept[0], of))

    threads, files, widgets = more("threads"), more("files"), more("widgets")
    return [
        Row(
            f"memory grows by at most {MOST_MB_PER_1000_RUNS:g} MB per thousand runs made and dropped",
            runs,
            int(memory > MOST_MB_PER_1000_RUNS),
            f"{memory:+.2f} MB in use, {resident:+.2f} MB resident per thousand",
        ),
        Row(
            "a run that is gone leaves no thread", runs, min(runs, threads), f"{kept[-1].threads} at the end"
        ),
        Row("a run that is gone leaves no open file", runs, min(runs, files), f"{kept[-1].files} at the end"),
        Row("a closed widget is let go", runs, min(runs, widgets), f"{kept[-1].widgets} at the end"),
        Row(
            f"a message to a page has at most {MOST_MESSAGE_MB:g} MB",
            messages,
            int(largest > MOST_MESSAGE_MB),
            f"the largest {largest:.2f} MB",
        ),
        Row(
            f"a widget sends at most {MOST_MESSAGES_A_SECOND:g} messages a second",
            messages,
            int(most > MOST_MESSAGES_A_SECOND),
            f"at most {most:.0f}",
        ),
    ]


def rows(scale: float, seed: int) -> list[Row]:
    """Live for `scale` of an hour; the seed is not used, nothing is at random."""
    del seed
    minutes = SCALE_1_MINUTES * scale
    print(_HEAD, file=sys.stderr, flush=True)
    found = _in_another_process(
        ["--minutes", str(minutes), "--every", str(max(1, round(minutes / 2)))], sys.stderr
    )
    return judged(found)


def main() -> int:
    """Print the samples and the table; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=None, help="default 60, or 0 with --rounds")
    parser.add_argument("--rounds", type=int, default=0, help="at least so many rounds of ten runs")
    parser.add_argument("--every", type=int, default=None, help="rounds between two samples")
    parser.add_argument("--here", type=Path, help=argparse.SUPPRESS)  # in this process, with this folder
    given = parser.parse_args()
    minutes = given.minutes if given.minutes is not None else 0.0 if given.rounds else SCALE_1_MINUTES
    every = given.every or (1 if given.rounds else max(1, round(minutes / 2)))
    if given.here is not None:
        for one in samples(minutes=minutes, rounds=given.rounds, every=every, folder=given.here):
            print(json.dumps(asdict(one)), flush=True)
        return 0
    print(_HEAD)
    found = _in_another_process(
        ["--minutes", str(minutes), "--rounds", str(given.rounds), "--every", str(every)], sys.stdout
    )
    result = judged(found)
    print()
    print_table(result)
    return int(bool(broken(result)))


if __name__ == "__main__":
    sys.exit(main())
