"""A new widget stands in all its places, or one of these fails; CONTRIBUTING.md lists them."""

from __future__ import annotations

import inspect
import json
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import vaewidgets as vw
from docs.showcase import WIDGETS as SHOWN
from vaewidgets import widgets as room
from vaewidgets.live.widget import LiveWidget

ROOT = Path(vw.__file__).parents[1]
PAGE = ROOT / "vaewidgets" / "js" / "widgets"


def classes() -> Iterator[type[LiveWidget]]:
    """Each class of the room that is no base of another, whether or not it is public."""
    for found in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
        for _, kind in inspect.getmembers(import_module(found.name), inspect.isclass):
            bases = any(other.__module__.startswith("vaewidgets.") for other in kind.__subclasses__())
            if kind.__module__ == found.name and issubclass(kind, LiveWidget) and not bases:
                yield kind


def snake(name: str) -> str:
    """ "KLPlayground" is kl_playground."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


WIDGETS = list(classes())
each = pytest.mark.parametrize("kind", WIDGETS, ids=lambda kind: kind.__name__)


@each
def test_it_is_public(kind: type[LiveWidget]) -> None:
    assert kind.__name__ in room.__all__
    assert getattr(vw, kind.__name__) is kind


@each
def test_its_page_has_a_folder_of_its_name_and_a_bundle(kind: type[LiveWidget]) -> None:
    name = snake(kind.__name__)
    assert (PAGE / name / "index.js").is_file()
    assert (ROOT / "vaewidgets" / "static" / f"{name}.js").is_file()
    assert kind.__module__.removeprefix(f"{room.__name__}.").split(".")[0] == name


@each
def test_its_help_is_three_short_lines(kind: type[LiveWidget]) -> None:
    folder = PAGE / snake(kind.__name__)
    lines = json.loads((folder / "help.json").read_text("utf-8"))
    assert len(lines) == 3, "what is seen, what can be done, what to try"
    assert all(20 < len(line) < 320 and line[-1] in ".?" for line in lines)
    assert 'from "./help.json"' in (folder / "index.js").read_text("utf-8")


@each
def test_it_is_in_the_documentation(kind: type[LiveWidget]) -> None:
    assert kind.__name__ in SHOWN
    text = (ROOT / "docs" / "widgets.md").read_text("utf-8")
    assert f"## {kind.__name__}\n" in text
    for theme in ("light", "dark"):
        assert (ROOT / "docs" / "images" / f"{kind.__name__}-{theme}.png").is_file()


def test_every_folder_of_the_page_has_its_class() -> None:
    assert {path.name for path in PAGE.iterdir()} == {snake(kind.__name__) for kind in WIDGETS}
