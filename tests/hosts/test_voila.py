"""Voila, by a stand-in: a kernel for each reader, and a page that opens when the cells have run.

Voila executes a notebook's cells with no ids. The page's manager then asks the kernel for the states of all
widgets at once, and draws those that the outputs name; no cell is run after that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from tests.hosts.colab import VIEW

REGISTER = "import ipywidgets; ipywidgets.register_comm_target()"  # a forked kernel has it imported before
CELLS = [
    "import vaewidgets as vw\n"
    "data = vw.load_dataset('digits', n_train=256)\n"
    "run = vw.train(vw.MLPVAE(data.image_shape, hidden=(16,)), data, epochs=None, autosave=False)\n"
    "vw.LatentExplorer(run)",
    "vw.TrainingCurves(run)",
]


@pytest.fixture
def kernel() -> Iterator[BlockingKernelClient]:
    manager, client = start_new_kernel(kernel_name="python3")
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def send(client: BlockingKernelClient, kind: str, content: dict[str, Any]) -> None:
    client.shell_channel.send(client.session.msg(kind, content, metadata={"version": "1.0.0"}))


def until(client: BlockingKernelClient, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first message to the page that is so."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        message = client.get_iopub_msg(timeout=60)
        if holds(message):
            return message
    raise AssertionError("it did not come in 60 s")


def run_of(message: dict[str, Any], name: str) -> dict[str, Any]:
    """What a message says of the run to this widget."""
    content = message["content"]
    state = content["data"].get("state", {}) if content.get("comm_id") == name else {}
    return dict(state.get("frame", {}).get("run", {}))


def test_a_page_that_opens_when_the_cells_have_run_is_live_and_obeyed(kernel: BlockingKernelClient) -> None:
    named: list[str] = []

    def output(message: dict[str, Any]) -> None:
        assert message["msg_type"] != "error", message["content"]
        if message["msg_type"] == "display_data":
            named.append(message["content"]["data"][VIEW]["model_id"])

    for cell in [REGISTER, *CELLS]:
        kernel.execute_interactive(cell, output_hook=output, timeout=60)
    assert len(named) == len(CELLS)

    control = {"comm_id": "control", "target_name": "jupyter.widget.control"}
    send(kernel, "comm_open", {**control, "data": {}})
    send(kernel, "comm_msg", {**control, "data": {"method": "request_states"}})
    answer = until(kernel, lambda one: one["content"].get("data", {}).get("method") == "update_states")
    states = answer["content"]["data"]["states"]
    explorer, curves = (states[name]["state"] for name in named)
    assert explorer["_esm"].startswith("/* vaewidgets")
    assert explorer["frame"]["run"]["status"] == curves["frame"]["run"]["status"] == "running"
    assert any(path[0] == named[0] for path in answer["content"]["data"]["buffer_paths"])
    assert "news" not in explorer, "the page would have to ask"

    for name in named:
        step = states[name]["state"]["frame"]["run"]["step"]
        until(kernel, lambda one, name=name, step=step: run_of(one, name).get("step", 0) > step)
    command = {"type": "command", "seq": explorer["ack"] + 1, "name": "pause", "value": None, "page": "1"}
    send(kernel, "comm_msg", {"comm_id": named[0], "data": {"method": "custom", "content": command}})
    for name in named:
        until(kernel, lambda one, name=name: run_of(one, name).get("status") == "paused")
