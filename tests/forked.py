"""Processes that begin with the packages imported: forks of one process that has done nothing else.

A kernel, a script, or a worker of pytest-xdist spends seconds of processor time on imports before it runs a
line of a test. As a script, `forked.py FOLDER -f CONNECTION_FILE` is the process that Jupyter starts,
interrupts and kills, and `forked.py FOLDER -c CODE` stands for `python -c CODE`. It asks the server of FOLDER
for a fork (the first to ask starts that), hands its own streams, working directory and environment on, passes
signals on, and ends as the fork ends. It imports no package, so it starts quickly.

A fork waits for its threads and runs what is registered for its end. Then it leaves: an interpreter that
takes itself apart writes to all that was imported, which the system first has to copy, for half a second.
With `--to-its-end` before the code a fork does that, too.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import gc
import importlib.util
import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import types
from pathlib import Path
from typing import Any, NoReturn

__all__ = ["FOLDER_VARIABLE", "python", "write_kernel"]

FOLDER_VARIABLE = "VAEWIDGETS_FORKS"
TO_ITS_END = "--to-its-end"

PRELOADED = (
    "torch",
    "torch._dynamo",  # two seconds, which each process takes that makes one of torch's optimizers
    "numpy",
    "sklearn.datasets",
    "matplotlib.pyplot",
    "ipykernel.kernelapp",
    "ipykernel.zmqshell",
    "ipywidgets",
    "anywidget",
    "vaewidgets.widgets",
    "vaewidgets.experiments",
    "vaewidgets.figures",
    # What workers, when they collect the tests, and JupyterLab import. Not wandb: the first fork to exit
    # removes its folder of all. Not marimo: widgets look whether it is there.
    "distributed",
    "jupyterlab.labapp",
    "lightning.pytorch",
    "nbclient",
    "nbconvert",
    "playwright.sync_api",
    "pytorch_lightning",
    "sklearn.decomposition",
    "sphinx.application",
    "torchvision",
)


def write_kernel(folder: Path) -> Path:
    """Write a kernel "python3" that is forked, and return the folder to name in JUPYTER_PATH."""
    spec = folder / "kernels" / "python3"
    spec.mkdir(parents=True)
    argv = [sys.executable, "-I", "-S", __file__, str(folder), "-f", "{connection_file}"]
    kernel = {"argv": argv, "display_name": "Python 3", "language": "python", "interrupt_mode": "signal"}
    (spec / "kernel.json").write_text(json.dumps(kernel))
    (folder / "owner").write_text(str(os.getpid()))
    return folder


def python(code: str | None = None, *, to_its_end: bool = False) -> list[str]:
    """Return the command that runs `code` as `python -c` does: in a fork, where there is a server for it.

    Without `code` it stands for `python`, and "-c" and a code are to follow. `to_its_end`: the end of the
    interpreter is what is tested.
    """
    folder = os.environ.get(FOLDER_VARIABLE)
    command = [sys.executable, *(["-I", "-S", __file__, folder] if folder else [])]
    if folder and to_its_end:
        command.append(TO_ITS_END)
    return command if code is None else [*command, "-c", code]


# the process that Jupyter, or a test, knows -------------------------------------------------------


def connect(folder: Path) -> socket.socket:
    """Reach the server of a folder, which the first to ask starts."""
    place = folder / "socket"
    connection = socket.socket(socket.AF_UNIX)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with contextlib.suppress(OSError):
            connection.connect(str(place))
            return connection
        place.unlink(missing_ok=True)
        # it outlives who starts it, and would hold a pipe open that somebody reads to its end
        with (folder / "log").open("w") as log:
            server = subprocess.Popen(
                [sys.executable, __file__, str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=Path(__file__).parents[1],
            )
        while server.poll() is None:
            with contextlib.suppress(OSError):
                connection.connect(str(place))
                return connection
            time.sleep(0.02)
    said = (folder / "log").read_text()
    raise SystemExit(f"{__file__}: the server ended with exit code {server.returncode}: {said}")


def stand_in(folder: Path, arguments: list[str]) -> NoReturn:
    """Ask for a fork and be it to whoever started this process."""
    connection = connect(folder)
    request = {"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}
    text = json.dumps(request).encode()
    socket.send_fds(connection, [struct.pack("!i", len(text))], [0, 1, 2])
    connection.sendall(text)
    (fork,) = struct.unpack("!i", connection.recv(4, socket.MSG_WAITALL))

    def hand_on(number: int, _frame: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(fork, number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, hand_on)
    ended = connection.recv(4, socket.MSG_WAITALL)
    code = os.waitstatus_to_exitcode(struct.unpack("!i", ended)[0]) if ended else 1
    if code < 0:
        with contextlib.suppress(OSError):  # that of SIGKILL is not to be changed
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    raise SystemExit(code)


# the server ---------------------------------------------------------------------------------------


class Server:
    """Forks for each request, tells how it ended, and ends it when its stand-in is gone."""

    def __init__(self, folder: Path) -> None:
        gc.disable()  # what is imported stays
        for name in PRELOADED:
            if importlib.util.find_spec(name.partition(".")[0]):
                importlib.import_module(name)
        gc.enable()
        assert threading.active_count() == 1, "a fork of several threads has only one of them"
        gc.collect()
        gc.freeze()  # a collection in a fork would copy all pages of what was imported
        self.folder = folder
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(folder / "socket"))
        self.listener.listen()
        self.forks: dict[int, socket.socket] = {}
        self.ended, told = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(told)

    def serve(self) -> dict[str, Any]:
        """Run as long as the folder and its owner are there; returns in each fork, with the request."""
        owner = Path("/proc", (self.folder / "owner").read_text())
        while owner.exists() and self.folder.exists():
            ready = self.wait()
            for fork, connection in self.forks.items():
                if connection in ready:
                    os.kill(fork, signal.SIGKILL)
            self.tell()
            if self.listener in ready and (request := self.fork()) is not None:
                return request
        for fork in self.forks:
            os.kill(fork, signal.SIGKILL)
        raise SystemExit

    def wait(self) -> list[object]:
        """Wait for a request, for the end of a fork, or for that of its stand-in."""
        with selectors.DefaultSelector() as selector:
            for one in (self.listener, self.ended, *self.forks.values()):
                selector.register(one, selectors.EVENT_READ)
            ready = [key.fileobj for key, _ in selector.select(5.0)]
        with contextlib.suppress(BlockingIOError):
            os.read(self.ended, 4096)
        return ready

    def tell(self) -> None:
        """Tell the stand-ins of forks that have ended."""
        for fork in list(self.forks):
            ended, status = os.waitpid(fork, os.WNOHANG)
            if ended:
                with contextlib.suppress(OSError), self.forks.pop(fork) as connection:
                    connection.sendall(struct.pack("!i", status))

    def fork(self) -> dict[str, Any] | None:
        """Fork for the next request; returns that in the fork, and None in the server."""
        connection, _ = self.listener.accept()
        head, streams, _, _ = socket.recv_fds(connection, 4, 3)
        request = json.loads(connection.recv(struct.unpack("!i", head)[0], socket.MSG_WAITALL))
        fork = os.fork()
        if fork:
            for stream in streams:
                os.close(stream)
            connection.sendall(struct.pack("!i", fork))
            self.forks[fork] = connection
            return None
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for one in (self.listener, connection, *self.forks.values()):
            one.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        return request


def settle(request: dict[str, Any]) -> None:
    """Be what a process would be that was started with this request's folder and environment."""
    import random

    import numpy as np
    import torch

    os.setsid()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    os.environ.pop("JPY_PARENT_PID", None)  # its parent is the server, which watches for it
    if threads := os.environ.get("OMP_NUM_THREADS"):
        torch.set_num_threads(int(threads))
    random.seed()
    np.random.seed()  # noqa: NPY002  a process that is not forked begins with a seed of its own, too
    sys.path[:0] = [one for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if one]


def be_kernel(arguments: list[str]) -> None:
    """What `python -m ipykernel_launcher` does."""
    from ipykernel import kernelapp

    sys.argv = ["ipykernel_launcher", *arguments]
    kernelapp.launch_new_instance()


def be_script(code: str) -> None:
    """What `python -c` does; what follows the last line of this file is the end of that process."""
    sys.argv = ["-c"]
    sys.path.insert(0, "")
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    exec(compile(code, "<string>", "exec"), main.__dict__)


class Ending:
    """What ended a fork's code, and whether it leaves then."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.leaves = False


def end(ending: Ending) -> None:
    """End by the signal if an interrupt was the error that ended the script; else leave at once, if wanted.

    Python ends by the signal itself, but forgets to where a function that a package has registered for the
    end runs code from a text. This one was registered first and so is run last, when all is cleaned up.
    """
    is_interrupted = isinstance(ending.error, KeyboardInterrupt)
    if not (is_interrupted or ending.leaves):
        return
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    if is_interrupted:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    code = ending.error.code if isinstance(ending.error, SystemExit) else int(ending.error is not None)
    os._exit(code if isinstance(code, int) else int(code is not None))  # a text, said by now, stands for 1


if __name__ == "__main__":
    if len(sys.argv) > 2:
        stand_in(Path(sys.argv[1]), [one for one in sys.argv[2:] if one != "-u"])
    ending = Ending()
    atexit.register(end, ending)
    asked = Server(Path(sys.argv[1])).serve()
    sys.path.pop(0)  # the folder of this file
    settle(asked)
    *options, kind, last = asked["arguments"]
    ending.leaves = TO_ITS_END not in options
    try:
        if kind == "-c":
            be_script(last)
        else:
            be_kernel([*options, kind, last])
    except BaseException as error:
        ending.error = error
        raise
