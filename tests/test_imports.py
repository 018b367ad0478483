"""What an import brings along, and that every public name is there."""

from __future__ import annotations

import subprocess
import sys

import pytest

import vaewidgets as vw


def modules_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_package_alone_imports_nothing_heavy() -> None:
    assert not {"torch", "anywidget", "ipywidgets", "matplotlib", "sklearn"} & modules_after(
        "import vaewidgets"
    )


def test_training_needs_no_widget_package() -> None:
    loaded = modules_after("import vaewidgets.runs, vaewidgets.sweeps")
    assert "torch" in loaded
    assert not {"anywidget", "ipywidgets", "traitlets", "matplotlib", "sklearn"} & loaded


@pytest.mark.parametrize("name", vw.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(vw, name) is not None
    assert name in dir(vw)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="LatentExplore"):
        _ = vw.LatentExplore


def test_the_first_picture_waits_for_no_compiler_and_no_plotting_library() -> None:
    loaded = modules_after(
        """
import time
import vaewidgets as vw
explorer = vw.LatentExplorer(autosave=False)
while explorer.run.step < 2:
    time.sleep(0.01)
explorer.run.stop()
explorer.run.wait(progress=False)
assert explorer.run.step and explorer.frame
"""
    )
    assert not {"torch._dynamo", "sympy", "matplotlib", "sklearn", "scipy"} & loaded
