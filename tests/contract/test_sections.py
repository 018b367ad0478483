"""What the page knows of the contract is written from Python's, and every widget keeps to it."""

from __future__ import annotations

import pytest

from vaewidgets import widgets as room
from vaewidgets.contract import frame, typescript
from vaewidgets.live.widget import LiveWidget

WIDGETS = [
    one
    for name in room.__all__
    if isinstance(one := getattr(room, name), type) and issubclass(one, LiveWidget)
]


@pytest.mark.parametrize("path", typescript.files(), ids=lambda path: path.name)
def test_the_page_has_what_the_generator_writes(path: typescript.Path) -> None:
    fix = "run python -m vaewidgets.contract.typescript, and commit what it writes"
    assert path.read_text("utf-8") == typescript.files()[path], fix


def test_the_list_of_view_keys_is_that_of_all_widgets() -> None:
    assert set(frame.VIEW_KEYS) == {key for widget in WIDGETS for key in widget._known_keys()}
    assert len(set(frame.VIEW_KEYS)) == len(frame.VIEW_KEYS)


def test_a_type_of_each_kind() -> None:
    text = next(text for path, text in typescript.files().items() if path.suffix == ".ts")
    for line in (
        'export type Dtype = "u8" | "u16" | "i32" | "f32" | "f16" | "q16";',
        "  lo?: number[];",
        "  image_shape: [number, number, number];",
        "  class_values: (number | string)[] | null;",
        "  likelihoods: Record<string, string>;",
        "  others?: Part[];",
    ):
        assert line in text.splitlines()
