"""The wheel that is published: what is in it, and what a type checker sees of it once it is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
USE = """import vaewidgets as vw

run = vw.train(vw.MLPVAE((1, 8, 8), latent_dim=2), vw.load_dataset("digits"), epochs=1)
widget: vw.LatentScatter = vw.LatentScatter(run)
"""
WRONG = {
    "an option of another type": ('vw.LatentScatter(run, points="all")', "arg-type"),
    "an option that there is not": ("vw.TrainingCurves(run, color=1)", "call-arg"),
    "a name that there is not": ("vw.LatentExplorre()", "attr-defined"),
    "an attribute that there is not": ("run.betta", "attr-defined"),
}
# what torch, traitlets and the like say of their own types is not asked here
CONFIGURATION = """[mypy]
follow_imports_for_stubs = False
[mypy-torch.*,numpy.*,traitlets.*,anywidget.*,ipywidgets.*,matplotlib.*,IPython.*,sklearn.*]
follow_imports = skip
ignore_missing_imports = True
"""


def python(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a module in a folder, out of sight of the sources."""
    command = [sys.executable, "-m", *map(str, arguments)]
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "MYPYPATH")}
    return subprocess.run(
        command, cwd=folder, env=environment, check=False, capture_output=True, text=True, timeout=280
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = python(
        "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", ".", ROOT, folder=folder
    )
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel installed, which finds all other packages where this one does."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    installed = python(
        "pip", "install", "--no-deps", "--no-index", "--target", packages, wheel, folder=folder
    )
    assert installed.returncode == 0, installed.stderr
    (packages / "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    (folder / "mypy.ini").write_text(CONFIGURATION)
    return folder


def checked(environment: Path, script: str) -> str:
    path = environment / "script.py"
    path.write_text(script)
    ended = python(
        *("mypy", "--python-executable", environment / "bin" / "python"),
        *("--config-file", "mypy.ini", "--cache-dir", "cache", path.name),
        folder=environment,
    )
    assert ended.stderr == ""
    return ended.stdout


def test_it_has_the_bundles_and_no_sources_of_them(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {"vaewidgets/py.typed", "vaewidgets/__init__.pyi"} <= set(names)
    bundles = {path.name for path in (ROOT / "vaewidgets" / "static").iterdir()}
    assert {name.removeprefix("vaewidgets/static/") for name in names if "/static/" in name} == bundles
    folders = {name.split("/")[0] for name in names}
    assert len(folders) == 2, f"the package and its metadata, got {folders}"
    assert [name for name in names if name.startswith("vaewidgets/js/")] == []


@pytest.mark.slow
def test_mypy_sees_the_types_of_an_installed_wheel(environment: Path) -> None:
    assert checked(environment, USE) == "Success: no issues found in 1 source file\n"
    script = USE + "".join(f"{line}\n" for line, _ in WRONG.values())
    lines = checked(environment, script).splitlines()
    first = USE.count("\n") + 1
    for number, (what, (_, code)) in enumerate(WRONG.items(), first):
        assert any(f"script.py:{number}: error" in line and f"[{code}]" in line for line in lines), what
