"""What an import brings along, and that every public name is there."""

from __future__ import annotations

import subprocess
import sys

import pytest

import vaewidgets as vw

PACKAGE = "import vaewidgets"
TRAINING = "import vaewidgets.runs, vaewidgets.sweeps"
SEEDED = """
import torch
from vaewidgets.adapters.seeded import seeded
with seeded(0):
    torch.nn.Linear(2, 2)(torch.randn(2))
"""
FIRST_PICTURE = """
import time
import vaewidgets as vw
explorer = vw.LatentExplorer(autosave=False)
while explorer.run.step < 2:
    time.sleep(0.01)
explorer.run.stop()
explorer.run.wait(progress=False)
assert explorer.run.step and explorer.frame
"""
FIGURES = "import vaewidgets.figures"


@pytest.fixture(scope="module")
def loaded() -> dict[str, set[str]]:
    """Modules after each of these, one after the other in one new process: each needs more than the last."""
    steps = (PACKAGE, TRAINING, SEEDED, FIRST_PICTURE, FIGURES)
    script = "import sys\n" + "".join(f"{step}\nprint(*sorted(sys.modules))\n" for step in steps)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {step: set(line.split()) for step, line in zip(steps, done.stdout.splitlines(), strict=True)}


def test_the_package_alone_imports_nothing_heavy(loaded: dict[str, set[str]]) -> None:
    assert not {"torch", "anywidget", "ipywidgets", "matplotlib", "sklearn"} & loaded[PACKAGE]


def test_training_needs_no_widget_package(loaded: dict[str, set[str]]) -> None:
    assert "torch" in loaded[TRAINING]
    assert not {"anywidget", "ipywidgets", "traitlets", "matplotlib", "sklearn"} & loaded[TRAINING]


@pytest.mark.parametrize("name", vw.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(vw, name) is not None
    assert name in dir(vw)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="LatentExplore"):
        _ = vw.LatentExplore


def test_the_first_picture_waits_for_no_compiler_and_no_plotting_library(
    loaded: dict[str, set[str]],
) -> None:
    heavy = {"torch._dynamo", "sympy", "matplotlib", "sklearn", "scipy"}
    assert not heavy & loaded[FIRST_PICTURE]


def test_seeding_needs_no_compiler(loaded: dict[str, set[str]]) -> None:
    assert "torch._dynamo" not in loaded[SEEDED]


def test_figures_need_no_pyplot(loaded: dict[str, set[str]]) -> None:
    assert "matplotlib" in loaded[FIGURES]
    assert "matplotlib.pyplot" not in loaded[FIGURES]
