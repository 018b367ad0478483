"""A widget in an Output that is cleared does not live on in the kernel; one that is elsewhere, too, does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import ipywidgets
import pytest

import vaewidgets as vw
from vaewidgets.live import cleared


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> Any:
    """An Output that captures what is displayed, as inside ``with output:``."""
    shell = SimpleNamespace(parent_header={"header": {"msg_id": "1"}})
    monkeypatch.setattr(cleared, "ipython_shell", lambda: shell)
    monkeypatch.setattr("vaewidgets.live.still_image.Picture.display", lambda _: None)
    made = ipywidgets.Output(msg_id="1")
    yield made
    made.close()


def entry(widget: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "data": {cleared.VIEW: {"model_id": widget.model_id}}}


def is_open(widget: Any) -> bool:
    return widget.comm is not None


def test_of_twenty_shown_one_after_another_the_newest_lives(output: Any) -> None:
    widgets = []
    for i in range(20):
        widgets.append(vw.KLPlayground())
        widgets[-1]._ipython_display_()
        if i % 3 == 0:  # the page tells less often than it changes
            output.outputs = (entry(widgets[-1]),)
    output.outputs = (entry(widgets[-1]),)
    assert [is_open(widget) for widget in widgets] == [False] * 19 + [True]
    output.outputs = ()
    assert not is_open(widgets[-1])


def test_what_stands_below_each_other_lives(output: Any) -> None:
    first, second = vw.KLPlayground(), vw.KLPlayground()
    for widget, shown in ((first, [first]), (second, [first, second])):
        widget._ipython_display_()
        output.outputs = tuple(map(entry, shown))
    assert is_open(first)
    assert is_open(second)
    first.close()
    second.close()


def test_what_is_shown_elsewhere_too_lives_and_what_is_shown_again_wakes(output: Any) -> None:
    widget, other = vw.KLPlayground(), vw.KLPlayground()
    other._ipython_display_()
    output.msg_id = ""
    other._ipython_display_()
    output.msg_id = "1"
    widget._ipython_display_()
    output.outputs = tuple(map(entry, (other, widget)))
    output.outputs = ()
    assert is_open(other)
    assert not is_open(widget)
    widget._ipython_display_()
    assert is_open(widget)
    widget.close()
    other.close()
