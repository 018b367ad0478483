from types import SimpleNamespace

import pytest

from tests.runs.conftest import make_data, make_model, start
from vaewidgets import cells
from vaewidgets.cells import Cell


@pytest.fixture
def notebook(monkeypatch):
    """Pretend to be in a cell: notebook("id", "execution")."""

    def enter(cell, execution):
        header = {"header": {"msg_id": execution}, "metadata": {"cellId": cell}}
        events = SimpleNamespace(register=lambda *_: None)
        shell = SimpleNamespace(parent_header=header, events=events)
        monkeypatch.setattr(cells, "ipython_shell", lambda: shell)

    return enter


@pytest.fixture
def nameless(monkeypatch):
    """Pretend to be in a cell of a host that says no ids: nameless("source", "execution", variables)."""

    def enter(source, execution, **variables):
        header = {"header": {"msg_id": execution}, "metadata": {}, "content": {"code": source}}
        events = SimpleNamespace(register=lambda *_: None)
        shell = SimpleNamespace(parent_header=header, events=events, user_ns=variables)
        shell.transform_cell = lambda text: text
        monkeypatch.setattr(cells, "ipython_shell", lambda: shell)

    return enter


def endless():
    return start(epochs=None, eval_every=0)


def test_running_a_cell_again_stops_its_run(notebook):
    notebook("a", "1")
    first = endless()
    notebook("a", "2")
    second = endless()
    assert first.status == "stopped"
    assert not first.trains_now
    assert second.status == "running"
    second.stop()


def test_running_a_cell_again_may_use_the_same_model(notebook):
    data = make_data()
    model = make_model(data)
    runs = []
    for execution in "123":
        notebook("a", execution)
        runs.append(start(data, model, epochs=None, eval_every=0))
    assert [run.trains_now for run in runs] == [False, False, True]
    runs[-1].close()


def test_two_cells_live_side_by_side(notebook):
    notebook("a", "1")
    first = endless()
    notebook("b", "2")
    second = endless()
    assert first.status == second.status == "running"
    first.stop()
    second.stop()


def test_one_execution_may_start_several(notebook):
    notebook("a", "1")
    runs = [endless() for _ in range(3)]
    assert [run.status for run in runs] == ["running"] * 3
    notebook("a", "2")
    last = endless()
    assert [run.status for run in runs] == ["stopped"] * 3
    last.stop()


TRAIN = "run = vw.train(model, data, beta={})"


@pytest.mark.parametrize(
    ("first", "second", "holders", "stopped"),
    [
        (TRAIN.format(1), TRAIN.format(1), ("kept",), True),  # the same text
        (TRAIN.format(1), TRAIN.format(4), ("run",), True),  # edited, and assigned again
        (TRAIN.format(1), TRAIN.format(4), ("run", "kept"), False),  # somebody else has it, too
        (TRAIN.format(1), TRAIN.format(4).replace("run", "other"), ("run",), False),
        (TRAIN.format(1), "from somewhere import another\nrun = another()", ("run",), False),
        (TRAIN.format(1), "run = vw.train(", ("run",), False),
    ],
)
def test_where_cells_have_no_ids(nameless, first, second, holders, stopped):
    nameless(first, "1")
    run = endless()
    nameless(second, "2", **{name: [run] if name == "kept" else run for name in holders})
    other = endless()
    assert (run.status == "stopped") is stopped
    run.close()
    other.close()


@pytest.mark.parametrize(
    "shell",
    [
        None,
        SimpleNamespace(),
        SimpleNamespace(parent_header={}),
        SimpleNamespace(parent_header=None),
        SimpleNamespace(parent_header={"header": {"msg_id": "1"}, "metadata": {}}),
    ],
)
def test_where_the_host_does_not_tell(monkeypatch, shell):
    monkeypatch.setattr(cells, "ipython_shell", lambda: shell)
    assert cells.current_cell() is None


def test_the_cell_is_read_from_the_message(notebook):
    notebook("a", "1")
    assert cells.current_cell() == Cell("a", "1")


def test_at_cell_end_calls_while_the_object_lives(monkeypatch):
    class Events:
        def __init__(self):
            self.calls = []

        def register(self, name, call):
            assert name == "post_run_cell"
            self.calls.append(call)

        def unregister(self, name, call):
            self.calls.remove(call)

        def trigger(self):
            for call in list(self.calls):
                call("result")

    class Counter:
        count = 0

        def tick(self):
            self.count += 1

    events = Events()
    monkeypatch.setattr(cells, "ipython_shell", lambda: SimpleNamespace(events=events))
    counter, other = Counter(), Counter()
    cells.at_cell_end(counter.tick)
    remove = cells.at_cell_end(other.tick)
    events.trigger()
    remove()
    remove()
    events.trigger()
    assert (counter.count, other.count) == (2, 1)
    del counter
    events.trigger()
    assert events.calls == []
