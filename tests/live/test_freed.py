"""A widget that is closed is freed, and with it the run and the model that nobody else holds."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from typing import Any

import pytest
import torch
from ipywidgets import Layout

import vaewidgets as vw
from tests.widgets.model_for import model_for
from tests.widgets.test_concept_contract import CONCEPTS, STARTED
from tests.widgets.test_contract import WIDGETS, wait_until
from vaewidgets.live import feed
from vaewidgets.live.view import View


def freed(references: list[weakref.ref[Any]]) -> bool:
    gc.collect()
    return all(reference() is None for reference in references)


def shown_and_closed(widget_class: Any) -> list[weakref.ref[Any]]:
    data = vw.load_dataset("digits", n_train=256)
    torch.manual_seed(0)
    model = model_for(widget_class, data.image_shape)
    run = vw.train(model, data, epochs=1, batch_size=64, autosave=False).wait(progress=False)
    widget = widget_class(run)
    widget._handle_custom_msg({"type": "hello", "view": "one"}, [])
    widget._handle_custom_msg({"type": "command", "seq": 1, "name": "view:time", "value": 0}, [])
    widget.close()
    return [weakref.ref(one) for one in (widget, widget.layout, run, model)]


@pytest.mark.parametrize("widget_class", WIDGETS, ids=lambda widget: widget.__name__)
def test_a_closed_widget_its_run_and_its_model_are_freed(widget_class: Any) -> None:
    references = shown_and_closed(widget_class)
    wait_until(lambda: freed(references), "the threads end, which hold them for a moment")


@pytest.mark.parametrize("widget_class", CONCEPTS, ids=lambda widget: widget.__name__)
def test_a_closed_picture_of_an_idea_is_freed(widget_class: Any) -> None:
    widget = STARTED.get(widget_class.__name__, widget_class)()
    references = [weakref.ref(widget), weakref.ref(widget.layout)]
    widget.close()
    del widget
    assert freed(references)


def test_a_layout_of_the_users_own_stays() -> None:
    layout = Layout(width="300px")
    widget = vw.KLPlayground()
    widget.layout = layout
    reference = weakref.ref(widget)
    widget.close()
    del widget
    assert freed([reference])
    assert layout.comm is not None
    layout.close()


def test_a_closed_widget_can_be_collected_at_any_allocation(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is finalized wherever the collector happens to run, also where the thread has locked the feeds."""
    data = vw.load_dataset("digits", n_train=256)
    run, other = (vw.attach(vw.MLPVAE(data.image_shape, 2, hidden=(8,)), data) for _ in range(2))
    closed: Any = vw.TrainingCurves(run)
    closed.close()
    closed.itself = closed  # only the collector frees it
    reference = weakref.ref(closed)
    del closed

    def view_after_collection(shared: Any) -> View:
        end = time.monotonic() + 10  # a thread of the other run may hold it for a moment
        while not freed([reference]) and time.monotonic() < end:
            time.sleep(0.01)
        return View(shared)

    monkeypatch.setattr(feed, "View", view_after_collection)
    shown: list[vw.TrainingCurves] = []
    thread = threading.Thread(target=lambda: shown.append(vw.TrainingCurves(other)), daemon=True)
    thread.start()
    thread.join(30)
    assert not thread.is_alive(), "the collector's call and the thread wait for one lock"
    assert reference() is None
    shown[0].close()
