"""Waiting: the interrupt, the bar."""

import signal
import threading
import time

import numpy as np
import pytest

from tests.runs.conftest import start, wait_until
from vaewidgets.runs import progress


def test_an_interrupt_ends_the_waiting_and_not_the_training():
    run = start(epochs=None, eval_every=0)
    main = threading.main_thread().ident
    timer = threading.Timer(0.1, lambda: signal.pthread_kill(main, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run.wait()
    timer.join()
    step = run.step
    assert wait_until(lambda: run.step > step + 10)
    assert run.status == "running"
    run.close()


def test_start_pause_and_stop_answer_within_a_second():
    begin = time.perf_counter()
    run = start(epochs=None, eval_every=0)
    run.pause()
    assert wait_until(lambda: run.is_halted)
    run.resume()
    run.stop()
    run.wait()
    assert time.perf_counter() - begin < 3.0


class FakeBar:
    def __init__(self, **options):
        self.options = options
        self.n, self.total, self.postfix, self.closed = 0, options["total"], {}, False

    def set_postfix(self, values, refresh):
        self.postfix = values

    def refresh(self):
        pass

    def close(self):
        self.closed = True


def test_the_bar_follows_the_run(monkeypatch):
    bars = []

    def make(total, unit, description):
        bars.append(FakeBar(total=total))
        return bars[-1]

    monkeypatch.setattr(progress, "open_bar", make)
    start(epochs=2).wait()
    start(epochs=1).wait(progress=False)
    (bar,) = bars
    assert (bar.n, bar.total, bar.closed) == (12, 12, True)
    assert set(bar.postfix) == {"loss", "recon", "kl"}


@pytest.mark.parametrize(
    ("tty", "kernel", "kind"), [(False, False, None), (True, False, "std"), (True, True, "notebook")]
)
def test_where_there_is_a_bar(monkeypatch, tty, kernel, kind):
    class Shell:
        pass

    shell = Shell()
    if kernel:
        shell.kernel = object()
    monkeypatch.setattr(progress, "ipython_shell", lambda: shell)
    monkeypatch.setattr("sys.stderr.isatty", lambda: tty, raising=False)
    monkeypatch.setattr("tqdm.tqdm", lambda **options: "std")
    monkeypatch.setattr("tqdm.notebook.tqdm", lambda **options: "notebook")
    assert progress.open_bar(12, "step", "a run") == kind


def test_nothing_is_written_where_there_is_no_terminal(capfd):
    start(epochs=1).wait()
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_a_bar_is_refreshed_as_often_as_a_person_looks(monkeypatch):
    now, seen = [100.0], []
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    paced = progress.paced(lambda: seen.append(now[0]))
    for _ in range(1000):  # a hundred seconds, asked ten times a second
        paced()
        now[0] += 0.1
    gaps = np.diff(seen)
    assert seen[0] == 100.0
    assert 30 <= sum(at < 110 for at in seen) <= 40
    assert gaps.max() < 1.11
    assert len(seen) < 140
