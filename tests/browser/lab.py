"""Drive JupyterLab as a person would: open a notebook, run its cells, look at the widgets."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.forked import python
from vaewidgets.contract.few_colors import few_color_png

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_SECONDS = 120
VIEWPORT = {"width": 1400, "height": 1000}

# One picture for all widgets: drawing each takes up to a second of the processor, and again at a run's end.
PLAIN_PNG = few_color_png(np.full((300, 450, 3), 200, np.uint8), 100)
PLAIN_PICTURES = """from vaewidgets.live import still_image as _still_image
_still_image.Picture.png = lambda self, note="", plain=PLAIN: plain
del _still_image
""".replace("PLAIN", repr(PLAIN_PNG))


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """Poll until `condition()` is truthy; the error says what was waited for and the last value."""
    deadline = time.monotonic() + seconds
    pause = 0.02
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds:g} s; last value {value!r}")
        time.sleep(pause)
        pause = min(1.5 * pause, 0.2)  # to ask a page costs more than it takes to sleep on


def kernel_names() -> list[str]:
    """Name the installed kernel and one for each folder of VAEWIDGETS_IPYKERNELS (`pip install --target`)."""
    folders = filter(None, os.environ.get("VAEWIDGETS_IPYKERNELS", "").split(os.pathsep))
    return ["python3", *(Path(folder).name for folder in folders)]


class Lab:
    """One JupyterLab server in a folder of its own, and one page at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = secrets.token_hex(16)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.page: Any = None
        self._shared: Any = None
        self._count = 0
        self._ipython = folder / "ipython"

    def __enter__(self) -> Lab:
        self._write_kernels()
        environment = {
            **os.environ,
            "JUPYTER_CONFIG_DIR": str(self.folder / "config"),
            "JUPYTER_DATA_DIR": str(self.folder / "data"),
            "VAEWIDGETS_CACHE": str(self.folder / "cache"),
            "JUPYTERLAB_SETTINGS_DIR": str(self.folder / "settings"),
            "IPYTHONDIR": str(self._ipython),
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]),
        }
        settings = self.folder / "settings" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True)
        (settings / "notification.jupyterlab-settings").write_text(
            '{"fetchNews": "false", "checkForUpdates": false}'
        )
        self.notebooks = self.folder / "notebooks"
        self.notebooks.mkdir()
        arguments = ["jupyter-lab", "--no-browser", "--allow-root"]
        arguments += [f"--ServerApp.port={self.port}", f"--IdentityProvider.token={self.token}"]
        arguments += [f"--{app}.expose_app_in_browser=True" for app in ("LabApp", "JupyterNotebookApp")]
        arguments += [f"--ServerApp.root_dir={self.notebooks}"]
        command = python(f"import sys, jupyterlab.labapp\nsys.argv = {arguments}\njupyterlab.labapp.main()")
        self._log = (self.folder / "server.log").open("w")
        self._server = subprocess.Popen(command, env=environment, stdout=self._log, stderr=subprocess.STDOUT)
        wait_for(self._answers, "JupyterLab answers", START_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._server.wait(20)
        if self._server.poll() is None:
            self._server.kill()
            self._server.wait()
        self._log.close()

    def _write_kernels(self) -> None:
        """Write a kernel specification for each other ipykernel."""
        for folder in filter(None, os.environ.get("VAEWIDGETS_IPYKERNELS", "").split(os.pathsep)):
            name = Path(folder).name
            spec = self.folder / "data" / "kernels" / name
            spec.mkdir(parents=True)
            root = Path(__file__).parents[2]
            (spec / "kernel.json").write_text(
                json.dumps(
                    {
                        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                        "display_name": name,
                        "language": "python",
                        "env": {"PYTHONPATH": os.pathsep.join([folder, str(root)])},
                    }
                )
            )

    def draw_pictures(self, drawn: bool) -> None:
        """Whether kernels that start from now on draw the still pictures that a notebook keeps."""
        script = self._ipython / "profile_default" / "startup" / "plain_pictures.py"
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text("" if drawn else PLAIN_PICTURES)

    def _answers(self) -> bool:
        if self._server.poll() is not None:
            raise AssertionError(f"JupyterLab ended: {(self.folder / 'server.log').read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(f"{self.url}/api/status?token={self.token}", timeout=2):
                return True
        except OSError:
            return False

    @contextlib.contextmanager
    def session(self, browser: Any, **options: Any) -> Iterator[None]:
        """Show notebooks in a browser page; kernels are shut down afterwards.

        JupyterLab takes longer to load than most tests to run, so that sessions without options share a page.
        There points do not travel from frame to frame: drawing that sixty times a second, without a graphics
        card, takes most of the processor.
        """
        if options or self._shared is None:
            context = browser.new_context(**{"viewport": VIEWPORT, "reduced_motion": "reduce"} | options)
            self.page = context.new_page()
            self.page.on("console", lambda m: self.console.append(m.text) if m.type == "error" else None)
            self.page.on("pageerror", lambda error: self.console.append(str(error)))
            if not options:
                self._shared = self.page
        else:
            self.page = self._shared
            self.page.set_viewport_size(VIEWPORT)
        self.console: list[str] = []
        try:
            yield
        finally:
            if options:
                self.page.context.close()
            elif self._is_lab():
                self.page.evaluate("() => [...jupyterapp.shell.widgets('main')].forEach(w => w.dispose())")
            self._stop_kernels()

    def _is_lab(self) -> bool:
        """Whether the page shows JupyterLab, and not Notebook 7 or nothing."""
        return self.page.evaluate("window.jupyterapp?.name === 'JupyterLab'")

    def _request(self, path: str, method: str = "GET") -> Any:
        request = urllib.request.Request(
            f"{self.url}/api/{path}", method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def _stop_kernels(self) -> None:
        for session in self._request("sessions"):
            self._request(f"sessions/{session['id']}", "DELETE")

    def console_of_widgets(self) -> list[str]:
        """Errors that the page's console shows and that name our code."""
        return [text for text in self.console if "vaewidgets" in text or "anywidget" in text]

    # a notebook -------------------------------------------------------------------------------

    def open(
        self,
        cells: Sequence[str],
        kernel: str = "python3",
        theme: str | None = None,
        place: str = "lab/tree",
    ) -> str:
        """Write a notebook of these cells and open it, in Notebook 7 where `place` is "notebooks".

        Returns its file name.
        """
        self._count += 1
        name = f"test_{self._count}.ipynb"
        notebook = {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}},
            "cells": [
                {"id": f"cell{i}", "cell_type": "code", "source": source, "metadata": {}}
                | {"outputs": [], "execution_count": None}
                for i, source in enumerate(cells)
            ],
        }
        (self.notebooks / name).write_text(json.dumps(notebook))
        if place == "lab/tree" and self._is_lab():
            self.page.evaluate(
                """name => {
                    jupyterapp.shell.expandLeft();
                    jupyterapp.commands.execute('docmanager:open', { path: name });
                }""",
                name,
            )
            self._wait_for_notebook()
        else:
            self.go_to(name, place)
        if theme:
            self.change_theme(f"JupyterLab {theme}")
        return name

    def change_theme(self, theme: str) -> None:
        """Change to a theme by its name, such as "JupyterLab Dark"."""
        self.page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)

    def go_to(self, name: str, place: str = "lab/tree") -> None:
        self.page.goto(f"{self.url}/{place}/{name}?token={self.token}&reset")
        self.page.wait_for_function("window.jupyterapp !== undefined", timeout=90_000)
        self._wait_for_notebook()

    def _wait_for_notebook(self) -> None:
        self.page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=90_000)
        self.page.wait_for_function(
            "() => ['idle', 'busy'].includes("
            "jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status)",
            timeout=90_000,
        )

    def run_all(self) -> None:
        """Start all cells; returns at once."""
        self.page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")

    def run_cell(self, index: int) -> None:
        """Start one cell; returns at once."""
        self.page.evaluate(
            """index => {
                const panel = jupyterapp.shell.currentWidget;
                panel.content.activeCellIndex = index;
                panel.content.deselectAll();
                jupyterapp.commands.execute('notebook:run-cell');
            }""",
            index,
        )

    def is_running(self, index: int) -> bool:
        """Whether a cell runs or is queued. (The kernel's status says idle after each comm message.)"""
        return self.page.evaluate(
            """index => jupyterapp.shell.currentWidget.content.widgets[index]
                .promptNode.textContent.includes('[*]')""",
            index,
        )

    def interrupt(self) -> None:
        self.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()")

    def wait_idle(self, seconds: float = 120.0) -> None:
        """Wait until no cell is running or queued."""
        wait_for(
            lambda: self.page.evaluate(
                """() => {
                    const panel = jupyterapp.shell.currentWidget;
                    const cells = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')];
                    return panel.sessionContext.session.kernel.status === 'idle'
                        && !cells.some(cell => cell.textContent.includes('[*]'));
                }"""
            ),
            "all cells done",
            seconds,
        )

    def text(self, index: int) -> str:
        """Text output of a cell."""
        return self.page.evaluate(
            """index => {
                const cells = jupyterapp.shell.currentWidget.model.cells;
                const outputs = cells.get(index).sharedModel.getOutputs();
                const textOf = o => o.text ?? o.data?.['text/plain'] ?? o.traceback ?? '';
                return outputs.map(o => [].concat(textOf(o)).join('')).join('\\n');
            }""",
            index,
        )

    def execute(self, code: str, seconds: float = 60.0) -> str:
        """Run code in the kernel outside the notebook (waits its turn behind a busy cell); returns stdout.

        A mark printed last says that all of it is there: the kernel's "idle", by which JupyterLab's own
        future ends, can get lost where several threads of a kernel answer at once.
        """
        return self.page.evaluate(
            """async ([code, mark, seconds]) => {
                const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
                const marked = `${code}\\nprint('${mark}')`;
                const future = kernel.requestExecute({code: marked, store_history: false});
                let text = '';
                const ended = new Promise(resolve => {
                    future.onIOPub = message => {
                        if (message.header.msg_type === 'stream') text += message.content.text;
                        const failed = message.header.msg_type === 'error';
                        if (failed) text += message.content.traceback.join('\\n');
                        if (failed || text.includes(mark)) resolve('ended');
                    };
                });
                const limit = new Promise(resolve => setTimeout(resolve, seconds * 1000, 'late'));
                if (await Promise.race([ended, limit]) === 'late') throw new Error(`time out: ${text}`);
                return text.replace(`${mark}\\n`, '');
            }""",
            [code, f"end-{secrets.token_hex(4)}", seconds],
        )
