"""What is written in several places of a release says the same: version, dependencies, addresses."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement

import vaewidgets
from docs import badges

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text("utf-8"))


def wanted(*extras: str) -> dict[str, str]:
    """What the package and these extras of it need, as conda names and bounds."""
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in optional(extra))]
    found = [Requirement(line) for line in lines]
    return {CONDA_NAMES.get(need.name, need.name): str(need.specifier) for need in found}


def optional(extra: str) -> list[str]:
    return PROJECT["optional-dependencies"][extra]


def named(lines: list[str]) -> dict[str, str]:
    """Names and bounds of a conda list."""
    return {name: bound for name, bound in (re.split(r"\s*(?=[>=]|$)", line, maxsplit=1) for line in lines)}


def test_the_version_is_the_same_everywhere() -> None:
    assert PROJECT["dynamic"] == ["version"]
    assert "version" not in PROJECT
    assert read("CITATION.cff")["version"] == vaewidgets.__version__
    assert read("packaging/recipe.yaml")["context"]["version"] == vaewidgets.__version__
    (cited,) = re.findall(r"version = \{(.*)\}", (ROOT / "README.md").read_text("utf-8"))
    assert cited == vaewidgets.__version__


def test_the_conda_recipe_needs_what_the_package_needs() -> None:
    recipe = read("packaging/recipe.yaml")
    needs = named(recipe["requirements"]["run"])
    assert needs.pop("python") == ">=${{ python_min }}"
    assert f">={recipe['context']['python_min']}" == PROJECT["requires-python"]
    assert needs == wanted()
    about = recipe["about"]
    assert (about["summary"], about["license"]) == (PROJECT["description"], PROJECT["license"])
    assert about["repository"] == badges.ADDRESS


def test_the_image_of_binder_has_what_the_notebooks_need() -> None:
    *lines, by_pip = read("binder/environment.yml")["dependencies"]
    has = named([*lines, *by_pip["pip"]])
    assert has.pop("python")
    assert has.pop("pip") == ""
    has["pytorch"] = has.pop("pytorch-cpu")
    assert has == wanted("lab", "notebooks")


def test_every_url_of_the_project_is_below_its_repository() -> None:
    assert all(url.startswith(badges.ADDRESS) for url in PROJECT["urls"].values())


def test_the_badges_of_the_readme_are_made_from_the_address() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert badges.in_readme(text) == text, "run: python -m docs.badges"
    assert badges.colab("00_quickstart") in text
    assert badges.binder() in text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_opens_in_colab_and_installs_what_it_needs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    assert badges.colab(path.stem) in notebook.cells[0].source
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert first.outputs == []
    assert "GPU" in first.source
    before = nbformat.writes(notebook)
    badges.in_notebook(notebook, path.stem)
    assert nbformat.writes(notebook) == before, "run: python -m docs.badges"


def test_the_day_on_a_gpu_opens_in_colab_and_clones_what_is_not_in_the_wheel() -> None:
    notebook = nbformat.read(ROOT / "docs" / "examples" / "gpu_day.ipynb", as_version=4)
    assert badges.colab("gpu_day", "docs/examples") in notebook.cells[0].source
    install, *others = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert "Change runtime type > GPU" in install.source
    assert f"git clone --quiet --depth 1 {badges.ADDRESS} " in install.source
    assert notebook.metadata["accelerator"] == "GPU"
    ((command, options),) = re.findall(
        r"!python -m (tests[\w.]+)(.*)", "".join(cell.source for cell in others)
    )
    assert (ROOT / command.replace(".", "/")).with_suffix(".py").is_file()
    text = (ROOT / "tests" / "benchmarks" / "gpu_day.py").read_text("utf-8")
    assert all(f'add_argument("{name}"' in text for name in re.findall(r"--\w+", options))


def host_rows() -> list[str]:
    text = (ROOT / "README.md").read_text("utf-8").split("## Where it lives")[1].split("\n## ")[0]
    return [line for line in text.splitlines() if line.startswith("|")][2:]


@pytest.mark.parametrize("row", host_rows(), ids=lambda row: row.split("|")[1].strip())
def test_every_host_names_a_test_that_is_there(row: str) -> None:
    tested = row.split("|")[-2]
    names = re.findall(r"`(tests/[\w/]+\.py)`", tested)
    assert names
    for name in names:
        assert "def test_" in (ROOT / name).read_text("utf-8"), name
    assert re.search(r"in a browser|on a notebook|not tried on the real ones?", tested), "on the real thing?"
