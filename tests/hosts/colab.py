"""A stand-in for Google Colab: a kernel of its versions, and a front end that shows what Colab shows.

It drops what a thread sends, and what does not belong to a request that the kernel still works on; an output
is a page of its own. The folder that `VAEWIDGETS_COLAB` names holds the versions; `.ci/run` makes it.
"""

from __future__ import annotations

import os
import queue
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from jupyter_client.manager import KernelManager

PULL_SECONDS = 0.2  # EVERY_MS of js/host/pull.js
VIEW = "application/vnd.jupyter.widget-view+json"

# What a thread sends looks like anything else to Colab's kernel: here it carries a mark.
MARK = """
import sys, threading, types
session = get_ipython().kernel.session
def marked(stream, message, *arguments, send=session.send, metadata=None, **options):
    if threading.current_thread() is not threading.main_thread():
        if isinstance(message, dict):
            message["metadata"]["of_thread"] = True
        else:
            metadata = {**(metadata or {}), "of_thread": True}
    return send(stream, message, *arguments, metadata=metadata, **options)
session.send = marked
output = types.ModuleType("google.colab.output")
output._widgets = types.SimpleNamespace(_installed_url=None)
def enable_custom_widget_manager(): output._widgets._installed_url = "https://manager"
output.enable_custom_widget_manager = enable_custom_widget_manager
sys.modules.update({"google.colab": types.ModuleType("google.colab"), "google.colab.output": output})
"""


class View:
    """A widget in a page of its own: its state, and when each of its frames came."""

    def __init__(self, comm: str, state: dict[str, Any], page: str) -> None:
        self.comm, self.state, self.page = comm, state, page
        self.frames: list[tuple[float, int]] = []
        self.messages: list[dict[str, Any]] = []
        self.waits, self.next_pull = False, 0.0

    def take(self, data: dict[str, Any]) -> None:
        if data["method"] == "custom":
            self.messages.append(data["content"])
            self.waits = self.waits and data["content"].get("type") != "pulled"
            return
        self.state.update(data["state"])
        if "frame" in data["state"]:
            self.frames.append((time.monotonic(), self.state["frame"]["seq"]))

    def rate(self, start: float, seconds: float) -> float:
        """Frames a second in the seconds from `start` on."""
        return sum(start <= at < start + seconds for at, _ in self.frames) / seconds


class Colab:
    """The kernel and the front end."""

    def __init__(self, folder: str) -> None:
        paths = [folder, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)), os.getcwd()]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "COLAB_RELEASE_TAG": "stand-in"}
        environment.pop("JUPYTER_PATH", None)
        self.manager = KernelManager()
        self.manager.kernel_spec.argv = [
            sys.executable,
            "-m",
            "ipykernel_launcher",
            "-f",
            "{connection_file}",
        ]
        self.manager.start_kernel(env=environment)
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        self.busy: set[str] = set()
        self.models: dict[str, dict[str, Any]] = {}
        self.views: dict[str, View] = {}
        self.displays: list[dict[str, Any]] = []
        self.text = ""
        self.dropped = 0
        self.cell(MARK)

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def start(self, code: str) -> str:
        return str(self.client.execute(code))

    def cell(self, code: str, seconds: float = 60) -> str:
        """Run a cell to its end; returns what it printed."""
        self.text = ""
        cell = self.start(code)
        self.busy.add(cell)
        self.show(lambda: cell not in self.busy, seconds)
        assert cell not in self.busy, f"the cell did not end in {seconds} s:\n{code}"
        return self.text

    def displayed(self, code: str) -> View:
        """Run a cell that shows a widget; returns its view."""
        before = set(self.views)
        self.cell(code)
        (comm,) = set(self.views) - before
        return self.views[comm]

    def pictures(self, view: View) -> int:
        """How often a picture of a widget was published."""
        datas = [one["data"] for one in self.displays]
        return sum("image/png" in one and one.get(VIEW, {}).get("model_id") == view.comm for one in datas)

    def show(self, until: Callable[[], bool] = lambda: False, seconds: float = 60) -> None:
        """Show what comes, and ask for news, until something holds or for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            with suppress(queue.Empty):
                self.take(self.client.get_iopub_msg(timeout=0.02))
            now = time.monotonic()
            for view in self.views.values():
                if "news" in view.state and not view.waits and now >= view.next_pull:
                    view.waits, view.next_pull = True, now + PULL_SECONDS
                    self.send(view, {"type": "pull", "have": view.state["news"]})

    def take(self, message: dict[str, Any]) -> None:
        kind, content, parent = (
            message["msg_type"],
            message["content"],
            message["parent_header"].get("msg_id"),
        )
        if kind == "status":
            (self.busy.discard if content["execution_state"] == "idle" else self.busy.add)(parent)
        elif kind == "stream":
            self.text += content["text"]
        elif kind == "error":
            raise AssertionError("\n".join(content["traceback"]))
        elif message["metadata"].get("of_thread") or parent not in self.busy:
            self.dropped += 1
        elif kind == "comm_open":
            self.models[content["comm_id"]] = content["data"]["state"]
        elif kind == "comm_msg" and content["comm_id"] in self.views:
            self.views[content["comm_id"]].take(content["data"])
        elif kind in ("display_data", "update_display_data"):
            self.displays.append(content)
            if kind == "display_data" and VIEW in content["data"]:
                self.open(content["data"][VIEW]["model_id"])

    def open(self, model: str) -> None:
        """Draw a widget in a page of its own, which says so."""
        view = self.views[model] = View(model, self.models[model], f"page {len(self.views)}")
        for _ in range(2):
            self.send(view, {"type": "hello", "workers": True, "wasm": True})

    def send(self, view: View, content: dict[str, Any]) -> None:
        data = {"method": "custom", "content": content}
        message = self.client.session.msg("comm_msg", {"comm_id": view.comm, "data": data})
        self.client.shell_channel.send(message)
