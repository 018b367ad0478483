"""The wheel that is published: what is in it, and what a type checker sees of it once it is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
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
LARGEST_BYTES = 8_000_000  # the bundles, and the notebooks with their pictures
FIRST = """import vaewidgets as vw

data = vw.load_dataset("digits", n_train=256)
run = vw.train(vw.MLPVAE(data.image_shape, hidden=(16,)), data, epochs=1, autosave=False)
run.wait(progress=False)
explorer = vw.LatentExplorer(run)
explorer.figure().savefig("picture.png")
explorer.save_html("page.html")
print(vw.__file__)
"""
# what torch, traitlets and the like say of their own types is not asked here
CONFIGURATION = """[mypy]
follow_imports_for_stubs = False
[mypy-torch.*,numpy.*,traitlets.*,anywidget.*,ipywidgets.*,matplotlib.*,IPython.*,sklearn.*]
follow_imports = skip
ignore_missing_imports = True
"""


def python(
    *arguments: object, folder: Path, by: str | Path = sys.executable
) -> subprocess.CompletedProcess[str]:
    """Run a module in a folder, out of sight of the sources."""
    command = [str(by), "-m", *map(str, arguments)]
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


def checked(environment: Path, **scripts: str) -> list[str]:
    """What mypy says of scripts, by line."""
    for name, script in scripts.items():
        (environment / f"{name}.py").write_text(script)
    ended = python(
        *("mypy", "--python-executable", environment / "bin" / "python"),
        *("--config-file", "mypy.ini", "--cache-dir", "cache", *(f"{name}.py" for name in scripts)),
        folder=environment,
    )
    assert ended.stderr == ""
    return ended.stdout.splitlines()


def test_it_has_the_bundles_and_no_sources_of_them(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {"vaewidgets/py.typed", "vaewidgets/__init__.pyi"} <= set(names)
    (licence,) = (name for name in names if name.endswith(".dist-info/licenses/LICENSE"))
    assert zipfile.ZipFile(wheel).read(licence) == (ROOT / "LICENSE").read_bytes()
    bundles = {path.name for path in (ROOT / "vaewidgets" / "static").iterdir()}
    assert {name.removeprefix("vaewidgets/static/") for name in names if "/static/" in name} == bundles
    folders = {name.split("/")[0] for name in names}
    assert len(folders) == 2, f"the package and its metadata, got {folders}"
    assert [name for name in names if name.startswith("vaewidgets/js/")] == []
    notebooks = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert {
        name.removeprefix("vaewidgets/notebooks/") for name in names if "/notebooks/" in name
    } == notebooks
    assert wheel.stat().st_size < LARGEST_BYTES


def test_the_source_distribution_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    made = python("hatchling", "build", "-t", "sdist", "-d", tmp_path, folder=ROOT)
    assert made.returncode == 0, made.stderr
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as sources:
        sources.extractall(tmp_path, filter="data")
    again = python(
        "hatchling",
        "build",
        "-t",
        "wheel",
        "-d",
        tmp_path,
        folder=tmp_path / archive.name.removesuffix(".tar.gz"),
    )
    assert again.returncode == 0, again.stderr
    files, same = (
        {entry.filename: entry.CRC for entry in zipfile.ZipFile(path).infolist()}
        for path in (wheel, tmp_path / wheel.name)
    )
    assert same == files


@pytest.mark.slow
def test_an_empty_folder_gets_a_picture_a_page_and_the_notebooks(environment: Path, tmp_path: Path) -> None:
    """With nothing but the wheel: no checkout, and nothing there before."""
    ended = python("vaewidgets", "notebooks", folder=tmp_path, by=environment / "bin" / "python")
    assert ended.returncode == 0, ended.stderr
    notebooks = list((ROOT / "notebooks").glob("*.ipynb"))
    assert ended.stdout.startswith(f"{len(notebooks)} notebooks are in {tmp_path}.\n")
    assert ended.stdout.endswith("    jupyter lab 00_quickstart.ipynb\n\n")
    for path in notebooks:
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
    (tmp_path / "first.py").write_text(FIRST)
    ended = python("first", folder=tmp_path, by=environment / "bin" / "python")
    assert ended.returncode == 0, ended.stderr
    assert Path(ended.stdout.strip()).is_relative_to(environment)
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    assert "vw-root" in (tmp_path / "page.html").read_text("utf-8")


@pytest.mark.slow
def test_mypy_sees_the_types_of_an_installed_wheel(environment: Path) -> None:
    wrong = USE + "".join(f"{line}\n" for line, _ in WRONG.values())
    *lines, summary = checked(environment, right=USE, wrong=wrong)
    assert summary.endswith("in 1 file (checked 2 source files)"), summary
    assert all(line.startswith("wrong.py:") for line in lines), lines
    first = USE.count("\n") + 1
    for number, (what, (_, code)) in enumerate(WRONG.items(), first):
        assert any(f"wrong.py:{number}: error" in line and f"[{code}]" in line for line in lines), what
