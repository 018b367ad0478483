"""Random sequences of everything a person can press, from several threads at once."""

import random
import threading
import time

import pytest

from tests.runs.conftest import make_data, make_model, our_threads, start, wait_until
from vaewidgets.errors import OptionError
from vaewidgets.runs import attach

SEQUENCES = 10_000


def press(run, rng):
    """One random request; each must answer at once."""
    action = rng.randrange(8)
    before = time.perf_counter()
    try:
        if action == 0:
            run.pause()
        elif action == 1:
            run.resume()
        elif action == 2:
            run.advance(rng.randrange(1, 4))
        elif action == 3:
            run.stop()
        elif action == 4:
            run.request_snapshot()
        elif action == 5:
            run.beta = rng.random()
        elif action == 6:
            run.speed = rng.choice([None, None, 1e4])
        else:
            run.epochs = rng.choice([None, run.epoch + 1])
    except OptionError as error:
        assert "has trained its" in str(error)  # noqa: PT017
    return time.perf_counter() - before


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_ten_thousand_random_sequences_neither_hang_nor_leak():
    data = make_data(n=48)
    rng = random.Random(0)
    slowest = 0.0
    done = 0
    while done < SEQUENCES:
        run = start(data, make_model(data), epochs=None, eval_every=3, start=False)
        for _ in range(200):
            for _ in range(rng.randrange(1, 6)):
                slowest = max(slowest, press(run, rng))
            done += 1
            if rng.random() < 0.3:  # let the loop get somewhere else
                time.sleep(rng.random() * 0.002)
        run.epochs = None
        run.speed = None
        step = run.step
        run.resume()
        assert wait_until(lambda run=run, step=step: run.step > step), "it still trains"
        assert run.snapshot(timeout=5).step >= step
        run.close()
        assert run.status == "stopped"
        assert run.history["step"].tolist() == list(range(run.step))
        assert not our_threads()
    assert slowest < 1.0


def test_requests_from_many_threads():
    data = make_data(n=48)
    run = start(data, epochs=None, eval_every=3)
    faults = []

    def work(seed):
        rng = random.Random(seed)
        try:
            for _ in range(300):
                press(run, rng)
                if rng.random() < 0.05:
                    run.status, run.step, run.latest_snapshot, run.history["kl"], run.steps_per_second
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert faults == []
    run.close()
    assert run.history["step"].tolist() == list(range(run.step))


def test_a_loop_of_one_s_own_under_requests_from_many_threads():
    data = make_data()
    run = attach(make_model(data), data)
    stop = threading.Event()

    def work(seed):
        rng = random.Random(seed)
        while not stop.is_set():
            action = rng.randrange(4)
            if action == 0:
                run.pause()
            elif action == 1:
                run.advance(rng.randrange(1, 9))
            elif action == 2:
                run.request_snapshot()
            else:
                run.resume()
        run.resume()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(2)]
    for thread in threads:
        thread.start()
    for i in range(3000):
        run.log(loss=float(i))
        if i == 2000:
            stop.set()
    for thread in threads:
        thread.join(10)
    run.finish()
    assert run.history["loss"].tolist() == [float(i) for i in range(3000)]
