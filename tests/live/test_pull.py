"""Where nothing that a thread sends reaches the page: it asks, and gets what it lacks; how that is found."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import vaewidgets as vw
from vaewidgets import cells
from vaewidgets.live import hosts, live_keys
from vaewidgets.live import widget as module


class Sent(list[tuple[dict[str, Any], bool]]):
    """Messages of a widget, and whether the main thread sent them."""

    def of(self, widget: Any) -> Sent:
        widget._send = self.take
        return self

    def take(self, message: dict[str, Any], buffers: Any = None) -> None:
        self.append((message, threading.current_thread() is threading.main_thread()))

    def states(self) -> list[dict[str, Any]]:
        """What was sent of live keys since the last call, which the main thread must have done."""
        assert all(is_main for message, is_main in self if message["method"] == "update")
        found = [message["state"] for message, _ in self if message["method"] == "update"]
        self.clear()
        return found


def in_thread(call: Callable[[], object]) -> None:
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()


@pytest.fixture
def pulled(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(live_keys, "threads_reach_page", lambda: False)
    widget = vw.KLPlayground()
    yield widget
    widget.close()


def test_what_a_thread_publishes_waits_for_the_page(pulled: Any) -> None:
    sent, have = Sent().of(pulled), pulled.news
    in_thread(pulled._show)
    assert sent == []
    for _ in range(2):  # each of two pages asks for itself
        pulled._handle_custom_msg({"type": "pull", "have": have}, [])
        assert sent[-1][0]["content"] == {"type": "pulled"}
        (state,) = sent.states()
        assert set(state) == {"frame", "ack", "news"}
        assert state["frame"]["seq"] == pulled.frame["seq"]
    pulled._handle_custom_msg({"type": "pull", "have": state["news"]}, [])
    assert sent.states() == []
    pulled._handle_custom_msg({"type": "pull", "have": 10**6}, [])  # of a kernel before this one
    assert "view_state" in sent.states()[0]


def test_a_cell_that_keeps_the_kernel_gives_it_moments(pulled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "MOMENT_SECONDS", 0.0)
    monkeypatch.setattr(cells, "_next_moment", 0.0)
    sent = Sent().of(pulled)
    in_thread(pulled._show)
    in_thread(cells.give_moment)
    assert sent == []
    cells.give_moment()
    assert len(sent.states()) == 1
    cells.give_moment()
    assert sent == []


def test_what_one_page_turns_is_sent_to_the_others(pulled: Any) -> None:
    sent = Sent().of(pulled)
    message = {"type": "command", "seq": 1, "name": "view:mu", "value": 1.5, "page": "one"}
    before = pulled._view_state()["set"]
    pulled._handle_custom_msg(message, [])
    turned = next(state["view_state"] for state in sent.states() if "view_state" in state)
    assert (turned["values"]["mu"], turned["pages"], turned["set"]) == (1.5, {"mu": "one"}, before + 1)
    pulled.view = {"mu": 2.0}  # Python's word counts everywhere
    assert pulled._view_state()["pages"] == {}


@pytest.mark.parametrize("reached", [True, False])
def test_two_messages_find_out_whether_threads_reach_the_page(
    reached: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PROBE_SECONDS", 0.0)
    place = hosts.Place("a stand-in", lambda: True, threads_reach_page=None)
    monkeypatch.setattr(hosts, "PLACES", (place,))
    monkeypatch.setattr(hosts, "found", hosts._Found())
    widget = vw.KLPlayground()
    sent = Sent().of(widget)
    widget._handle_custom_msg({"type": "hello", "workers": False, "wasm": True}, [])
    end = time.monotonic() + 10
    while len(sent) < 2 and time.monotonic() < end:
        time.sleep(0.001)
    probes = [(message["content"], is_main) for message, is_main in sent]
    assert probes == [({"type": "probe", "thread": thread}, not thread) for thread in (False, True)]
    assert vw.host().threads_reach_page is None
    assert dict(vw.host().page) == {"workers": False, "wasm": True}
    widget._handle_custom_msg({"type": "reached", "thread": reached}, [])
    assert vw.host().threads_reach_page is reached
    assert widget.is_pulled is not reached
    assert ("news" in widget.get_state()) is not reached
    sent.clear()
    widget._handle_custom_msg({"type": "hello"}, [])
    assert dict(vw.host().page) == {"workers": False, "wasm": True}
    assert all(message.get("content", {}).get("type") != "probe" for message, _ in sent)
    widget.close()
