"""The process whose main thread is interrupted: its run, its public calls, how the run answers after each.

Each interrupt is a real signal whose handler raises KeyboardInterrupt in the main thread, as the kernel's
stop button does; one in three is followed by a second, which meets what cleans up after the first.
`tests.faults.interrupts` starts it, in plain Python and in kernels.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import queue
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["HUNG", "LATE", "SILENCE", "Answers", "calls_of", "child", "make"]

SILENCE = 180.0  # seconds; the first word of a child takes as long as importing torch, on a busy machine too
HUNG = 20.0
LATE = 1.0


class Alarm:
    """Sends the main thread a signal after a delay, perhaps twice; its handler raises KeyboardInterrupt.

    The signal goes to the main thread itself: from a timer it may be delivered to one of torch's threads, and
    Python then notices it only when the main thread has given the interpreter away for once. It is sent again
    after a moment if nothing came of it: the ``except:`` in `copyreg` swallows whatever comes.
    """

    def __init__(self, package: str) -> None:
        self._package = package
        self._left = 0
        self._is_on = False
        self._orders: queue.SimpleQueue[tuple[float, float]] = queue.SimpleQueue()
        self.was_inside = self.was_raised = False
        signal.signal(signal.SIGUSR1, self._handle)
        threading.Thread(target=self._send, daemon=True).start()

    def set(self, delay: float, again: float) -> None:
        self._left = 2 if again else 1
        self._is_on = True
        self.was_inside = self.was_raised = False
        self._orders.put((delay, again))

    def off(self) -> None:
        self._left = 0
        self._is_on = False

    def _send(self) -> None:
        main = threading.main_thread().ident
        assert main is not None
        while True:
            delay, again = self._orders.get()
            time.sleep(delay)
            signal.pthread_kill(main, signal.SIGUSR1)
            if again:
                time.sleep(again)
                signal.pthread_kill(main, signal.SIGUSR1)
            time.sleep(0.001)
            while self._is_on and self._orders.empty():
                time.sleep(0.25)
                if self._is_on:
                    self._left = 1
                    signal.pthread_kill(main, signal.SIGUSR1)

    def _handle(self, _signal: int, frame: Any) -> None:
        if not self._left:
            return
        self._left -= 1
        while frame is not None:
            self.was_inside |= self._package in frame.f_code.co_filename
            frame = frame.f_back
        self.was_raised = True
        raise KeyboardInterrupt


def interrupted(alarm: Alarm, call: Callable[[], Any], delay: float, again: float) -> None:
    """Repeat `call` until it is interrupted, which a library may turn into an error of its own."""
    try:
        alarm.set(delay, again)
        try:
            while True:
                call()
        except Exception:
            if not alarm.was_raised:
                raise
        finally:
            alarm.off()
    except KeyboardInterrupt:
        try:
            alarm.off()
        except KeyboardInterrupt:  # the second
            alarm.off()


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Wait for it; False if it does not come true."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.0005)
    return True


def seconds_kept_waiting() -> dict[str, float]:
    """How long each thread of this process has been ready to run while others had the processors."""
    waited = {}
    for path in Path("/proc/self/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):  # it ends at this moment
            waited[path.parent.name] = int(path.read_text().split()[1]) / 1e9
    return waited


class Stopwatch:
    """Seconds since it was made, less those in which a busy machine kept a thread of this process waiting."""

    def __init__(self) -> None:
        self._before = seconds_kept_waiting()
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        whole = time.monotonic() - self._start
        waited = (one - self._before.get(name, 0.0) for name, one in seconds_kept_waiting().items())
        return max(0.0, whole - max(waited, default=0.0))


class Answers(dict[str, float]):
    """How long a run took to step, to pause and to stop."""

    is_stopping = False

    def ask(self, run: Any) -> None:
        """In a thread that is not the main one, as a widget's command."""
        step, watch = run.step, Stopwatch()
        run.resume()
        steps = within(HUNG, lambda: run.step > step and run.status == "running")
        self["steps"] = watch.seconds if steps else HUNG
        watch = Stopwatch()
        run.pause()
        paused_at = run.snapshot(timeout=HUNG).step
        self["pauses"] = watch.seconds
        time.sleep(0.002)
        if run.step != paused_at or run.status != "paused":
            self["pauses"] = HUNG
        watch = Stopwatch()
        self.is_stopping = True
        run.stop()
        self["stops"] = watch.seconds if within(HUNG, lambda: run.has_ended) else HUNG

    def asked(self, run: Any, loop: Callable[[], Iterator[None]] | None = None) -> Answers:
        """Ask in a thread while the main one runs a loop; what is not answered counts as `HUNG`.

        The loop starts again where a stop of before ended it, but not once it was asked for here: the run
        would be taken up again before the thread has seen it end.
        """
        from vaewidgets.errors import TrainingStopped

        thread = threading.Thread(target=self.ask, args=(run,), daemon=True)
        thread.start()
        while loop is not None and thread.is_alive() and not self.is_stopping:
            with contextlib.suppress(TrainingStopped):
                for _ in loop():
                    if not thread.is_alive():
                        break
        thread.join()
        for name in ("steps", "pauses", "stops"):
            self.setdefault(name, HUNG)
        return self


def make(kind: str) -> Any:
    """A run that trains for ever: a small model on noise."""
    import torch

    import vaewidgets as vw

    torch.manual_seed(0)
    images = torch.rand(512, 1, 8, 8)
    data = vw.ImageDataset(images[:480], test=images[480:], name="noise", test_fraction=0)
    options: dict[str, Any] = {"epochs": None, "eval_every": 50, "batch_size": 32}
    if kind == "sweep":
        sweep = vw.sweep(vw.MLPVAE, data, hidden=(16,), latent_dim=2, grid={"beta": [1.0, 2.0]}, **options)
        return sweep.runs[0], sweep
    model = vw.MLPVAE((1, 8, 8), latent_dim=2, hidden=(16,))
    if kind == "attach":
        run = vw.attach(model, data)
        return run, vw.TrainingCurves(run)
    run = vw.train(model, data, autosave=False, **options)
    return run, vw.TrainingCurves(run) if kind == "widget" else None


def own_loop(run: Any) -> Iterator[None]:
    """A loop of the user's own, in the main thread."""
    import torch

    optimizer = torch.optim.Adam(run.model.parameters(), 1e-3)
    images = run.data.train.images(torch.arange(480))
    while True:
        x = images[torch.randint(len(images), (32,))]
        raw = run.model.decode_raw(run.model.encode(x)[0])
        loss = torch.nn.functional.mse_loss(raw, torch.zeros_like(raw))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        run.log(loss=loss, recon=loss, kl=0.0, beta=run.beta, epoch=run.step // 20)
        yield


def calls_of(run: Any, kept: Any, rng: random.Random, kind: str) -> dict[str, Callable[[], Any]]:
    """The public calls that the main thread is interrupted in; `kept` is the widget, or the sweep."""
    import vaewidgets as vw

    folder = Path(tempfile.mkdtemp(prefix="vaewidgets-interrupts-"))
    numbers = iter(range(10**9))
    small = vw.ImageDataset(run.data.train.images(range(64)), name="noise", test_fraction=0)

    def turn_beta() -> None:
        run.beta = rng.random()

    def set_options() -> None:
        run.lr, run.speed, run.epochs = 1e-3 * rng.random(), rng.choice([None, 1e4]), None

    def train_another() -> None:
        model = vw.MLPVAE((1, 8, 8), latent_dim=2, hidden=(8,))
        vw.train(model, small, epochs=1, batch_size=32, autosave=False).close()

    def send(name: str) -> None:
        kept._handle_custom_msg({"type": "command", "seq": next(numbers), "name": name}, [])

    def listen() -> None:
        run.add_listener(lambda: None)()

    def turn_view() -> None:
        kept.view = {"smoothing": rng.random()}

    run.save(folder / "there.safetensors")
    calls: dict[str, Callable[[], Any]] = {
        "snapshot": lambda: run.snapshot(timeout=2.0),
        "pause": run.pause,
        "resume": run.resume,
        "evaluate": run.evaluate,
        "stats": lambda: run.stats(n=64),
        "diagnose": run.diagnose,
        "wait": lambda: run.wait(timeout=0.01, progress=False),
        "beta": turn_beta,
        "advance": lambda: run.advance(3),
        "stop": run.stop,
        "request": run.request_snapshot,
        "history": lambda: run.history["loss"],
        "save": lambda: run.save(folder / "saved.safetensors"),
        "load_run": lambda: vw.load_run(folder / "there.safetensors", data=run.data),
        "properties": lambda: (run.warning, run.progress, run.engine, run.adapted, run.latest_snapshot),
        "listener": listen,
        "new widget": lambda: vw.TrainingCurves(run).close(),
        "train": train_another,
    }
    if kind == "attach":
        for name in ("resume", "advance", "stop", "pause"):
            calls[name] = with_log(calls[name], run)
        calls |= {"log": with_log(lambda: None, run), "audit": run.audit}
    else:
        calls["options"] = set_options
    if kind == "widget":
        calls |= {
            "view": turn_view,
            "pause button": lambda: send("pause"),
            "step button": lambda: send("step"),
        }
    if kind == "sweep":
        calls |= {"sweep": lambda: (kept.pause(), kept.table(), kept.resume()), "sweep stop": kept.stop}
    return calls


def with_log(call: Callable[[], Any], run: Any) -> Callable[[], Any]:
    """The call, then a loop that does nothing but log; `Helper` goes on with one that was paused."""
    from vaewidgets.errors import TrainingStopped

    def both() -> None:
        call()
        try:
            for i in range(30):
                run.log(loss=1.0, recon=0.5, kl=0.5, beta=run.beta, epoch=i // 10)
        except TrainingStopped:
            pass

    return both


class Helper(threading.Thread):
    """Goes on with a loop in the main thread that was paused, while that is wanted."""

    def __init__(self, run: Any) -> None:
        super().__init__(daemon=True)
        self._run, self._is_wanted = run, False
        self._turn = threading.Lock()
        self.start()

    def run(self) -> None:
        while True:
            with self._turn:
                if self._is_wanted:
                    self._run.resume()
            time.sleep(0.005)

    def work(self) -> None:
        with self._turn:
            self._is_wanted = True

    def rest(self) -> None:
        """From here on it resumes nothing."""
        with self._turn:
            self._is_wanted = False


def child(kind: str, seed: int, count: int) -> None:
    """Interrupt `count` calls, and print after each how the run answers."""
    faulthandler.enable()
    rng = random.Random(seed)
    alarm = Alarm(os.sep + "vaewidgets" + os.sep)
    run, kept = make(kind)
    helper = Helper(run) if kind == "attach" else None
    if helper is not None:
        next(own_loop(run))  # torch imports for seconds when the first optimiser is made
    calls = calls_of(run, kept, rng, kind)
    names = sorted(calls)
    seconds: dict[str, float] = {}
    for i in range(count):
        name = names[(seed + i) % len(names)]
        faulthandler.dump_traceback_later(SILENCE - 5, file=sys.stderr)
        if kind != "attach" and rng.random() < 0.7:
            rng.choice([run.resume, run.pause, lambda: run.advance(2)])()
        if helper is not None:
            helper.work()
        if name not in seconds:
            for _ in range(2):  # the first one imports
                begin = time.monotonic()
                calls[name]()
                seconds[name] = time.monotonic() - begin
        print(f"begins {name}", flush=True)
        again = rng.choice([0.0, 0.0, rng.uniform(2e-5, 5e-4)])
        interrupted(alarm, calls[name], rng.uniform(1e-5, max(2e-3, 1.5 * seconds[name])), again)
        if helper is not None:
            helper.rest()
            if rng.random() < 0.5:
                run.finish()  # as at the end of a notebook's cell
            answers = Answers().asked(run, lambda: own_loop(run))
        else:
            answers = Answers().asked(run)
        slowest = max(answers.values())
        print(f"ends {slowest:.4f} {int(alarm.was_inside)} {answers}", flush=True)
        if slowest >= HUNG:
            break
    print("bye", flush=True)
    os._exit(0)
