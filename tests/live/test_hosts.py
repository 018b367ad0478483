"""Where the notebook is open: each host by what it leaves in the process, and what can be done there."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import vaewidgets as vw
from vaewidgets.live import hosts


class ZMQInteractiveShell:
    user_ns: dict[str, Any] = {}  # noqa: RUF012
    parent_header: dict[str, Any] = {"metadata": {"cellId": "1"}}  # noqa: RUF012


class Terminal:
    parent_header = None


TerminalInteractiveShell = type("TerminalInteractiveShell", (Terminal,), {})
NO_IDS = type("ZMQInteractiveShell", (), {"parent_header": {"metadata": {}}})()
OF_VS_CODE = type("ZMQInteractiveShell", (), {"user_ns": {"__vsc_ipynb_file__": "a.ipynb"}})()
MARIMO = SimpleNamespace(running_in_notebook=lambda: True)
VARIABLES = ("COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE", "DEEPNOTE_PROJECT_ID", "VSCODE_PID")

# What it leaves in the process: its shell, a variable of the environment, a module.
CASES = [
    # name, threads reach the page, cells have ids, views, saved
    (ZMQInteractiveShell(), None, None, ("JupyterLab or Notebook 7", True, True, True, True)),
    (NO_IDS, None, None, ("a notebook", None, False, True, True)),
    (NO_IDS, None, "google.colab", ("Google Colab", False, False, True, True)),
    (NO_IDS, "COLAB_RELEASE_TAG", None, ("Google Colab", False, False, True, True)),
    (NO_IDS, "KAGGLE_KERNEL_RUN_TYPE", None, ("Kaggle", True, False, False, False)),
    (NO_IDS, "DEEPNOTE_PROJECT_ID", None, ("Deepnote", True, False, False, False)),
    (OF_VS_CODE, None, None, ("VS Code", True, False, True, False)),
    (None, None, "marimo", ("marimo", True, False, True, False)),
    (TerminalInteractiveShell(), None, None, ("IPython in a terminal", True, False, False, False)),
    (None, None, None, ("Python without IPython", True, False, False, False)),
]


@pytest.mark.parametrize(("shell", "variable", "module", "expected"), CASES)
def test_each_host(
    monkeypatch: pytest.MonkeyPatch, shell: Any, variable: str | None, module: str | None, expected: Any
) -> None:
    monkeypatch.setattr(hosts, "ipython_shell", lambda: shell)
    monkeypatch.setattr("vaewidgets.cells.ipython_shell", lambda: shell)
    for one in VARIABLES:
        monkeypatch.delenv(one, raising=False)
    for one in ("marimo", "google.colab"):
        monkeypatch.delitem(sys.modules, one, raising=False)
    if variable is not None:
        monkeypatch.setenv(variable, "1")
    if module is not None:
        monkeypatch.setitem(sys.modules, module, MARIMO if module == "marimo" else ModuleType(module))
    host = vw.host()
    can = (host.threads_reach_page, host.cell_ids, host.widget_views, host.saves_state)
    assert (host.name, *can) == expected
    first, *lines = repr(host).splitlines()
    assert first == host.name
    assert f"  shows widgets: {'yes' if host.widget_views else 'no'}" in lines
    assert (host.advice == "") == (host.name == hosts.LAB)
