import gc
import threading
import time

import pytest
import torch

from tests.runs.conftest import advance, make_data, make_model, our_threads, start, wait_until
from vaewidgets.runs import attach, openmp
from vaewidgets.runs.openmp import TRY_SECONDS, Chooser, IdleThreads, can_choose, has_gnu_openmp


class Machine:
    """Steps that take `seconds[way]`, on a clock of its own; `ways` is how each step was run."""

    def __init__(self, spinning, sleeping):
        self.seconds = {False: spinning, True: sleeping}
        self.now, self.step, self.way, self.ways = 0.0, 0, False, []
        self.epoch = 0
        self.flushed = 0.0
        self.chooser = Chooser(self.switch, clock=lambda: self.now)

    def switch(self, way):
        assert way != self.way
        self.way = way

    def run(self, seconds, stretch=0, steps_an_epoch=None, evaluation=0.0):
        self.ways = []
        end = self.now + seconds
        while self.now < end:
            self.now += self.seconds[self.way]
            self.step += 1
            self.ways.append((self.seconds[self.way], self.way))
            if steps_an_epoch and self.step % steps_an_epoch == 0:
                self.now += evaluation
                self.epoch += 1
            if self.now - self.flushed >= 0.1:
                self.flushed = self.now
                self.chooser.tick(self.step, self.epoch, stretch)

    def share(self, way):
        """Of the time spent."""
        return sum(s for s, w in self.ways if w == way) / sum(s for s, _ in self.ways)


def test_on_an_idle_machine_it_spins():
    machine = Machine(spinning=0.006, sleeping=0.009)
    machine.run(5)
    assert machine.share(False) > 0.8
    machine.run(60)
    assert machine.share(False) > 0.985


@pytest.mark.parametrize("spinning", [0.03, 0.4, 1.1])
def test_on_a_busy_machine_it_sleeps(spinning):
    machine = Machine(spinning, sleeping=0.015)
    machine.run(20)
    machine.run(60)
    assert machine.share(True) > 0.9


def test_it_follows_when_the_machine_gets_busy_and_idle_again():
    machine = Machine(spinning=0.006, sleeping=0.009)
    machine.run(30)
    machine.seconds = {False: 0.5, True: 0.02}
    machine.run(2)
    assert machine.way is True, "within two seconds"
    machine.run(30)
    machine.seconds = {False: 0.006, True: 0.009}
    machine.run(22)
    assert machine.way is False, "after twenty times what the last trial took, at the latest"
    machine.run(20)
    assert machine.share(False) > 0.9


def test_where_it_makes_no_difference_it_stays():
    machine = Machine(spinning=0.01, sleeping=0.01)
    machine.run(60)
    assert machine.share(False) > 0.9


@pytest.mark.parametrize("what", ["an evaluation", "a pause"])
def test_what_is_no_training_is_not_measured(what):
    machine = Machine(spinning=0.006, sleeping=0.009)
    machine.run(4)
    way = machine.way
    for i in range(50):
        machine.now += 3.0
        machine.epoch += what == "an evaluation"
        machine.run(0.3, i if what == "a pause" else 0)
        assert machine.way == way or machine.now > TRY_SECONDS
    assert machine.chooser.usual < 0.01


def test_a_trial_with_nothing_to_be_held_against_ends():
    """That epochs are short is found out in mid-trial: what was measured at home does not compare."""
    machine = Machine(spinning=0.008, sleeping=0.015)
    machine.run(0.25)
    assert machine.way is True, "no trial: the test proves nothing"
    machine.epoch = 1
    machine.run(0.12)
    assert machine.way is False


@pytest.mark.parametrize(("spinning", "wanted"), [(0.03, True), (0.1, True), (0.003, False)])
def test_short_epochs_are_measured_whole(spinning, wanted):
    """Digits: 23 steps, then an evaluation; between two of them there is no room for a window."""
    machine = Machine(spinning, sleeping=0.006)
    machine.run(20, steps_an_epoch=23, evaluation=0.02)
    machine.run(60, steps_an_epoch=23, evaluation=0.02)
    assert machine.share(wanted) > 0.9


needs_gnu = pytest.mark.skipif(not has_gnu_openmp(), reason="torch came without GNU's OpenMP")


def test_idle_threads_come_and_go():
    idle = IdleThreads()
    idle.set(False)
    idle.set(True)
    idle.set(True)
    assert [thread.name for thread in our_threads()] == ["vaewidgets-idle-threads"]
    idle.set(False)
    assert not our_threads()
    idle.set(True)
    idle.set(False)
    assert not our_threads()


@needs_gnu
def test_it_is_for_as_many_threads_as_the_machine_has_cores(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    for cores, wanted in ((3, False), (4, True), (6, True), (7, False), (16, False)):
        monkeypatch.setattr("os.sched_getaffinity", lambda _, cores=cores: range(cores))
        assert can_choose() is wanted, cores
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(1))
    assert not can_choose()


class Eager(Chooser):
    """Switches at each tick; `seen` lists how many sets of idle threads there were then."""

    seen: list[int]

    def tick(self, step, epoch, stretch):
        self._go(not self.way)
        self.seen.append(len([t for t in threading.enumerate() if t.name == "vaewidgets-idle-threads"]))


@pytest.fixture
def eager(monkeypatch):
    """Every run's pace is looked at, on whatever machine, by an eager chooser."""
    monkeypatch.setattr(Eager, "seen", [], raising=False)
    monkeypatch.setattr("vaewidgets.runs.openmp.can_choose", lambda: True)
    monkeypatch.setattr("vaewidgets.runs.openmp.Chooser", Eager)
    return Eager


def test_a_run_ends_with_its_idle_threads(request):
    """Whichever way was chosen last; the numbers do not change."""
    plain = start(epochs=5).wait()
    seen = request.getfixturevalue("eager").seen
    run = start(epochs=5).wait()
    assert set(seen) == {0, 1}
    assert run.history["loss"].tolist() == plain.history["loss"].tolist()
    assert not our_threads()
    assert openmp.can_choose() in (True, False)


def given_back_in(monkeypatch):
    """The threads, by number, that released their OpenMP threads."""
    seen = []
    monkeypatch.setattr("vaewidgets.runs.openmp.release_cores", lambda: seen.append(threading.get_ident()))
    return seen


def test_a_run_that_pauses_keeps_no_idle_threads(monkeypatch):
    """It would slow down every other run of the process by half."""
    seen = given_back_in(monkeypatch)
    run = start(epochs=None, start=False)
    advance(run, 3)
    (thread,) = our_threads()
    assert wait_until(lambda: thread.ident in seen)
    run.stop()


def test_a_hand_written_loop_that_pauses_keeps_no_idle_threads(monkeypatch):
    seen = given_back_in(monkeypatch)
    run = attach(make_model(make_data(), latent_dim=2), make_data())
    run.log(loss=1.0, recon=1.0, kl=0.0)
    run.pause()
    looks = []

    def resume():
        assert wait_until(lambda: threading.main_thread().ident in seen)
        looks.append(run.status)
        run.resume()

    helper = threading.Thread(target=resume)
    helper.start()
    run.log(loss=1.0, recon=1.0, kl=0.0)
    helper.join()
    assert looks == ["paused"]
    run.finish()


def test_what_a_cell_computed_leaves_no_idle_threads_beside_a_run(monkeypatch):
    ended, released = [], []
    monkeypatch.setattr("vaewidgets.runs.background.at_cell_end", ended.append)
    run = start(epochs=None)
    monkeypatch.setattr("vaewidgets.runs.background.release_cores", lambda: released.append(1))
    ended[0]()
    assert released == [1]
    run.close()
    ended[0]()
    assert released == [1], "nobody trains"


def log_until(run, seen, n):
    """Steps of a hand-written loop until its pace was looked at n times."""
    while len(seen) < n:
        run.log(loss=1.0, recon=1.0, kl=0.0)
        time.sleep(0.002)


def test_a_hand_written_loop_has_one_too(eager):
    run = attach(make_model(make_data(), latent_dim=2), make_data())
    log_until(run, eager.seen, 5)
    assert set(eager.seen) == {0, 1}
    assert our_threads()
    run.finish()
    assert not our_threads()
    log_until(run, eager.seen, 9)  # taken up again
    assert our_threads()
    run.finish()


def test_a_loop_that_is_forgotten_takes_its_idle_threads_along(eager):
    run = attach(make_model(make_data(), latent_dim=2), make_data())
    log_until(run, eager.seen, 5)
    assert our_threads()
    del run
    gc.collect()
    assert wait_until(lambda: not our_threads())
