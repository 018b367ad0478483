import threading

import numpy as np

from vaewidgets.engine import Recorder


def test_append_and_read_by_cursor():
    recorder = Recorder()
    recorder.append(0, {"loss": 1.5})
    steps, values, cursor = recorder.read("loss")
    assert (steps.tolist(), values.tolist()) == ([0], [1.5])
    recorder.extend(np.array([1, 2]), {"loss": np.array([2.5, 3.5])})
    steps, values, cursor = recorder.read("loss", cursor)
    assert (steps.tolist(), values.tolist()) == ([1, 2], [2.5, 3.5])
    assert recorder.read("loss", cursor)[1].size == 0
    assert recorder.last("loss") == 3.5


def test_over_many_chunks():
    recorder = Recorder()
    n = 50_000
    for start in range(0, n, 7_001):
        steps = np.arange(start, min(start + 7_001, n))
        recorder.extend(steps, {"loss": steps / 8, "kl": -steps})
    for name, factor in (("loss", 1 / 8), ("kl", -1)):
        steps, values, _ = recorder.read(name)
        assert np.array_equal(steps, np.arange(n))
        assert np.array_equal(values, (np.arange(n) * factor).astype(np.float32))
    assert recorder.read("kl", 40_000)[0][0] == 40_000


def test_a_name_that_comes_late_or_not_always_reads_as_nan_elsewhere():
    recorder = Recorder()
    recorder.append(0, {"loss": 1.0})
    recorder.append(1, {"loss": 2.0, "kl": 3.0})
    recorder.append(2, {"loss": 4.0})
    np.testing.assert_array_equal(recorder.read("kl")[1], [np.nan, 3.0, np.nan])
    assert recorder.last("kl") is None
    assert recorder.read("nothing")[1].size == 0
    assert recorder.last("nothing") is None


def test_beta_and_lr_come_back_exactly():
    recorder = Recorder()
    recorder.append(0, {"beta": 0.1, "lr": 1e-3, "loss": 0.1})
    assert recorder.read("beta")[1][0] == 0.1
    assert recorder.read("lr")[1][0] == 1e-3


def test_epochs():
    recorder = Recorder()
    recorder.append_epoch(10, {"epoch": 1, "train_loss": 5.0})
    recorder.append_epoch(20, {"epoch": 2, "train_loss": 4.0, "test_loss": 4.5})
    steps, values = recorder.epochs()
    assert steps.tolist() == [10, 20]
    assert values["train_loss"].tolist() == [5.0, 4.0]
    np.testing.assert_array_equal(values["test_loss"], [np.nan, 4.5])


def test_at_most_eight_bytes_a_value():
    recorder = Recorder()
    n = 200_000
    names = ("loss", "recon", "kl", "beta", "lr")
    recorder.extend(np.arange(n), {name: np.zeros(n) for name in names})
    held = sum(chunk.nbytes for chunks in recorder._columns.values() for chunk in chunks)
    held += sum(chunk.nbytes for chunk in recorder._steps)
    assert held / (n * len(names)) <= 8


def test_a_test_series_of_many_epochs_is_thinned():
    """R12: 200,000 epochs were 4.7 MB a frame."""
    recorder = Recorder()
    n = 200_000
    recorder._epochs = [(step, {"test_kl": float(step)}) for step in range(n)]
    curve = recorder.held_out_curve("kl")
    assert 500 <= len(curve.step) <= 1000
    np.testing.assert_allclose(curve.mean, curve.step)
    assert curve.mean[0] < n / 500
    assert curve.mean[-1] > n - n / 500
    recorder._epochs = recorder._epochs[:700]
    assert recorder.held_out_curve("kl").mean.tolist() == list(range(700))


def test_a_curve_reads_only_what_is_new(monkeypatch):
    recorder = Recorder()
    recorder.extend(np.arange(1000), {"kl": np.arange(1000.0)})
    assert recorder.curve("kl", 100).mean[-1] > 990
    cursors = []
    read = recorder.read
    monkeypatch.setattr(recorder, "read", lambda name, cursor: cursors.append(cursor) or read(name, cursor))
    recorder.append(1000, {"kl": 5000.0})
    assert recorder.curve("kl", 100).high[-1] == 5000.0
    assert cursors == [1000]
    assert len(recorder.curve("unknown").step) == 0


def test_a_curve_of_a_name_that_comes_late():
    recorder = Recorder()
    recorder.append(0, {"loss": 1.0})
    assert len(recorder.curve("kl").step) == 0
    recorder.append(1, {"loss": 1.0, "kl": 7.0})
    assert recorder.curve("kl").step.tolist() == [1.0]


def test_state_restores_up_to_a_mark():
    recorder = Recorder()
    recorder.extend(np.arange(5), {"loss": np.arange(5.0), "beta": np.full(5, 0.1)})
    recorder.append_epoch(5, {"epoch": 1})
    mark = recorder.mark()
    recorder.append(5, {"loss": 9.0, "kl": 1.0})
    recorder.append_epoch(6, {"epoch": 2})
    other = Recorder.restore(recorder.state(mark))
    assert other.read("loss")[1].tolist() == [0, 1, 2, 3, 4]
    assert other.read("beta")[1].tolist() == [0.1] * 5
    assert other.epochs()[0].tolist() == [5]


def test_a_reader_sees_whole_rows_while_another_thread_writes():
    recorder = Recorder()
    n = 40_000
    faults = []

    def write():
        for start in range(0, n, 37):
            steps = np.arange(start, min(start + 37, n))
            recorder.extend(steps, {"loss": steps.astype(float), "kl": steps * 2.0})

    def read():
        cursor = seen = 0
        while seen < n:
            steps, loss, cursor = recorder.read("loss", cursor)
            kl = recorder.read("kl", seen)[1]
            if not np.array_equal(steps, np.arange(seen, seen + len(steps))):
                faults.append(("steps", seen))
            if not (np.array_equal(loss, steps) and np.array_equal(kl[: len(steps)], steps * 2)):
                faults.append(("values", seen))
            curve = recorder.curve("kl", 50)
            if len(curve.step) and not np.array_equal(curve.mean, curve.step * 2):
                faults.append(("curve", seen))
            seen += len(steps)

    threads = [threading.Thread(target=work) for work in (write, read, read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    assert faults == []
