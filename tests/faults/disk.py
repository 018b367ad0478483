"""Disks that are full or not to be written to, clocks that jump, no home folder, two processes on one file.

`python -m tests.faults.disk --count 60` prints how often each was tried, and how often something was lost,
left lying about or not said. Where file systems may be mounted (as root, on Linux), disks are really full
and really read-only; elsewhere the system limits the size of files, and takes the right to write away.
"""

from __future__ import annotations

import contextlib
import os
import random
import resource
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import torch

import vaewidgets as vw
from tests.faults.table import Row, run_machine
from tests.forked import python
from vaewidgets.errors import VAEWidgetsError

__all__ = ["rows"]

ROOT = Path(__file__).parents[2]
DISK_BYTES = 2_000_000
PAGE = 4096
SCALE_1 = 3000  # tries of a write, at scale 1
Writer = Callable[[Path], object]


class Writers:
    """Everything that a person has written to a path: a run, a page, a table."""

    def __init__(self) -> None:
        self.data = vw.load_dataset("digits", n_train=64)
        self.run = self.trained(autosave=False)
        widget = vw.TrainingCurves(self.run)
        table = (
            vw.sweep(self.model, self.data, beta=[1.0, 2.0], epochs=1, batch_size=16)
            .wait(progress=False)
            .table()
        )
        self.by_name: dict[str, Writer] = {
            "a run.safetensors": self.run.save,
            "page.html": widget.save_html,
            "table.csv": table.to_csv,
        }

    def model(self) -> vw.MLPVAE:
        torch.manual_seed(0)
        return vw.MLPVAE(self.data.image_shape, 2, hidden=(8,))

    def trained(self, **options: object) -> vw.Run:
        run = vw.train(self.model(), self.data, **{"epochs": 1, "batch_size": 16, **options})
        return run.wait(progress=False)


@contextlib.contextmanager
def mounted(folder: Path) -> Iterator[bool]:
    """A small disk at this folder; False where none may be mounted."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    try:
        done = (
            sys.platform == "linux"
            and subprocess.run(command, check=False, capture_output=True).returncode == 0
        )
    except FileNotFoundError:
        done = False
    try:
        yield done
    finally:
        if done:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def full(folder: Path, free: int, *, is_mounted: bool) -> Iterator[None]:
    """So many bytes are left on the disk, or no file may have more."""
    if not is_mounted:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (free, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        return
    ballast = folder / ".ballast"
    ballast.write_bytes(bytes(max(0, os.statvfs(folder).f_bavail * PAGE - free // PAGE * PAGE)))
    try:
        yield
    finally:
        ballast.unlink()


@contextlib.contextmanager
def read_only(folder: Path, *, is_mounted: bool) -> Iterator[None]:
    """Nothing may be written there."""
    if is_mounted:
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    else:
        folder.chmod(0o555)
    try:
        yield
    finally:
        if is_mounted:
            subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
        folder.chmod(0o755)


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".ballast"}


def _refused(write: Writer, path: Path) -> str | None:
    """What was said when it was not written; None if it was."""
    try:
        write(path)
    except VAEWidgetsError as error:
        return str(error)
    return None


def _disk_rows(count: int, dice: random.Random, writers: Writers) -> list[Row]:
    tried = spoilt = unsaid = 0
    kinds = ("full", "read-only", "gone")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with mounted(folder) as is_mounted:
            can_forbid = is_mounted or os.geteuid() != 0  # root may write everywhere
            for number in range(count):
                what, write = list(writers.by_name.items())[number % 3]
                kind = kinds[number // 3 % 3]
                if kind == "read-only" and not can_forbid:
                    kind = "full"
                path = folder / ("none" if kind == "gone" else "") / what
                has_old = kind != "gone" and dice.random() < 0.5
                if has_old:
                    path.write_bytes(b"what was there before")
                before = _contents(folder)
                free = dice.randrange(60_000 if what.endswith("html") else 12_000)
                fault = {
                    "full": lambda free=free: full(folder, free, is_mounted=is_mounted),
                    "read-only": lambda: read_only(folder, is_mounted=is_mounted),
                    "gone": contextlib.nullcontext,
                }[kind]
                with fault():
                    said = _refused(write, path)
                after = _contents(folder)
                tried += 1
                if said is None:  # it did fit
                    spoilt += after.keys() != before.keys() | {what}
                else:
                    spoilt += after != before
                    named = str(path.parent if kind == "gone" else path)
                    unsaid += named not in said or ".part" in said
                for left in folder.iterdir():
                    left.unlink()
        how = "disks mounted for it" if is_mounted else "by a limit of the system: none may be mounted here"
    return [
        Row("a failed write leaves what was there, and nothing beside it", tried, spoilt, how),
        Row("a failed write names the file and what to do", tried, unsaid),
    ]


def _autosave_rows(count: int, dice: random.Random, writers: Writers) -> list[Row]:
    """Runs whose files cannot be written train on, say so in one line, and save when there is room again."""
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with mounted(folder) as is_mounted, mock.patch.dict(os.environ, {"VAEWIDGETS_CACHE": name}):
            for _ in range(count):
                with full(folder, dice.randrange(5000), is_mounted=is_mounted):
                    run = writers.trained(epochs=2, autosave_seconds=1e-3)
                    widget = vw.TrainingCurves(run)
                    shown = (widget.frame or {})["run"]["error"] or ""
                    widget.close()
                assert run.autosave_path is not None
                left = [path for path in folder.rglob("*.part") if path.is_file()]
                is_said = shown.count("could not be saved by itself") == 1 and str(run.autosave_path) in shown
                again = writers.trained(autosave_seconds=1e-3)
                is_good = again.warning is None and vw.load_run(again.autosave_path).step == again.step
                failed += not (run.status == "finished" and is_said and is_good and not left)
                again.autosave_path.unlink(missing_ok=True)  # the disk has room for few
    return [
        Row("a run that cannot be saved trains to its end, and its widgets say so in one line", count, failed)
    ]


_WRITER = """
    import sys
    from tests.faults.disk import Writers
    writers, path = Writers(), sys.stdin.readline().strip()
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(int(sys.stdin.readline())):
        writers.run.save(path)
    print("done", flush=True)
"""


def _writer_rows(count: int) -> list[Row]:
    """Two processes write the same run file again and again, while this one reads it."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "run.safetensors")
        env = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "VAEWIDGETS_CACHE": f"{name}/cache",
            "OMP_NUM_THREADS": "1",
        }
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": env, "cwd": ROOT}
        two = [subprocess.Popen(python(textwrap.dedent(_WRITER)), **pipes) for _ in range(2)]  # type: ignore[call-overload]
        try:
            for one in two:
                one.stdin.write(f"{path}\n")
                one.stdin.flush()
            for one in two:
                assert one.stdout.readline() == "ready\n"
            for one in two:
                one.stdin.write(f"\n{count}\n")
                one.stdin.flush()
            reads = bad = 0
            while any(one.poll() is None for one in two):
                if not path.is_file():
                    time.sleep(0.001)
                    continue
                reads += 1
                try:
                    vw.load_run(path)
                except VAEWidgetsError:
                    bad += 1
            codes = [one.wait() for one in two]
        finally:
            for one in two:
                one.kill()
                one.communicate()
        left = [found.name for found in Path(name).iterdir() if found.name not in (path.name, "cache")]
    note = f"read {reads:,} times meanwhile"
    return [
        Row("of two processes that write one run file, none fails", 2 * count, sum(map(bool, codes)), note),
        Row(
            "what they write is whole at any moment, and nothing is left beside it",
            max(1, reads),
            bad + len(left),
        ),
    ]


def _clock_rows(count: int, dice: random.Random, writers: Writers) -> list[Row]:
    """The clock of the machine jumps by years to and fro while runs train, are saved and shown."""
    real, failed = time.time, 0
    years = 365 * 86400.0

    def jumping() -> float:
        return max(0.0, real() + dice.uniform(-20 * years, 20 * years))

    def stamp(_: str) -> str:
        return time.asctime(time.gmtime(jumping())).replace(" ", "-")

    wanted = writers.run.history["loss"].tolist()
    for _ in range(count):
        with (
            tempfile.TemporaryDirectory() as name,
            mock.patch.dict(os.environ, {"VAEWIDGETS_CACHE": name}),
            mock.patch.object(time, "time", jumping),
            mock.patch.object(time, "strftime", stamp),
        ):
            run = writers.trained(autosave_seconds=1e-3)
            widget = vw.TrainingCurves(run)
            is_right = (widget.frame or {})["run"]["status"] == "finished" and run.warning is None
            widget.close()
            loaded = vw.load_run(run.autosave_path, data=writers.data)
            losses = [one.history["loss"].tolist() for one in (run, loaded)]
            failed += not (is_right and losses == [wanted, wanted])
    return [Row("a clock that jumps by years changes no run and no file", count, failed)]


def _home_rows(writers: Writers) -> list[Row]:
    """No home folder, one that is not there and cannot be made, one that is a file."""
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "file").touch()
        homes: tuple[dict[str, str], ...] = (
            {},
            {"HOME": f"{name}/file"},
            {"HOME": f"{name}/file/below"},
            {"HOME": "/proc/none"},
            {"VAEWIDGETS_CACHE": "~nobody-of-this-name/cache"},
        )
        here = os.getcwd()
        os.chdir(name)
        try:
            for home in homes:
                kept = {
                    k: v
                    for k, v in os.environ.items()
                    if k not in ("HOME", "VAEWIDGETS_CACHE", "XDG_CACHE_HOME")
                }
                nobody = mock.patch("pwd.getpwuid", side_effect=KeyError)
                with mock.patch.dict(os.environ, {**kept, **home}, clear=True), nobody:
                    run = writers.trained()
                    is_said = "saved by itself" in (run.warning or "")
                    failed += not (run.status == "finished" and is_said and os.listdir(name) == ["file"])
        finally:
            os.chdir(here)
    return [
        Row(
            "without a home folder a run trains, says that it is not saved, and writes nothing",
            len(homes),
            failed,
        )
    ]


def rows(scale: float, seed: int) -> list[Row]:
    """So many of each: `scale` of 3,000 writes, and of the others by what they take."""
    count = max(9, round(SCALE_1 * scale))
    dice = random.Random(seed)
    writers = Writers()
    return [
        *_disk_rows(count, dice, writers),
        *_autosave_rows(max(2, count // 30), dice, writers),
        *_writer_rows(max(20, count // 10)),
        *_clock_rows(max(2, count // 30), dice, writers),
        *_home_rows(writers),
    ]


if __name__ == "__main__":
    sys.exit(run_machine(__doc__, rows, SCALE_1, "writes"))
