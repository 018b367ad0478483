"""`write` with a real `SummaryWriter`, read back as TensorBoard reads it."""

import warnings

import pytest
import torch

from tests.integrations.small import Small
from tests.runs.conftest import make_data
from vaewidgets.errors import OptionError
from vaewidgets.integrations import mirror, tensorboard
from vaewidgets.runs import attach
from vaewidgets.widgets import LatentScatter

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

NAN = float("nan")


@pytest.fixture
def run():
    return attach(Small(), make_data())


@pytest.fixture
def writer(tmp_path):
    with SummaryWriter(tmp_path / "logs") as writer:
        yield writer


def read(writer):
    found = EventAccumulator(str(writer.log_dir), size_guidance={"scalars": 0})
    found.Reload()
    return found


def scalars(writer, name):
    return [(one.step, one.value) for one in read(writer).Scalars(f"vaewidgets/{name}")]


def test_curves_are_written_once(run, writer):
    for epoch in range(2):
        for i in range(3):
            run.log(loss=float(i), kl=NAN if i == 1 else 1.0, epoch=epoch)
        run.log(val_loss=5.0 - epoch)
        tensorboard.write(run, writer)
    run.finish()
    tensorboard.write(run, writer)
    tensorboard.write(run, writer)
    assert scalars(writer, "loss") == [(0, 0), (1, 1), (2, 2), (3, 0), (4, 1), (5, 2)]
    assert scalars(writer, "kl") == [(0, 1), (2, 1), (3, 1), (5, 1)], "a gap stays one"
    assert scalars(writer, "val_loss") == [(3, 5), (6, 4)]
    assert scalars(writer, "train_loss") == [(3, 1), (6, 1)]


def test_another_writer_gets_all_of_it(run, writer, tmp_path):
    run.log(loss=1.0)
    tensorboard.write(run, writer)
    with SummaryWriter(tmp_path / "other") as other:
        tensorboard.write(run, other)
        assert scalars(other, "loss") == scalars(writer, "loss") == [(0, 1)]


def test_many_steps_are_means_over_stretches(run, writer, monkeypatch):
    monkeypatch.setattr(mirror, "MOST_POINTS", 4)
    for i in range(20):
        run.log(loss=float(i))
    tensorboard.write(run, writer)
    assert scalars(writer, "loss") == [(4, 2), (9, 7), (14, 12), (19, 17)]


def test_the_picture_and_the_page_of_a_widget(run, writer, tmp_path):
    run.log(loss=1.0)
    widget = LatentScatter(run)
    tensorboard.write(run, writer, widget=widget)
    image = read(writer).Images("vaewidgets/LatentScatter")[0]
    assert (image.step, image.encoded_image_string[:4]) == (1, b"\x89PNG")
    assert image.width > 100
    page = (tmp_path / "logs/vaewidgets/LatentScatter.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    widget.close()


def test_a_fault_is_one_warning(run, monkeypatch):
    monkeypatch.setattr(mirror, "_guards", {})
    run.log(loss=1.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            tensorboard.write(run, "no writer")
    assert ["tensorboard.write failed, and training goes on" in str(one.message) for one in caught] == [True]
    run.finish()


def test_what_is_no_run_is_said(run, writer):
    with pytest.raises(OptionError, match=r"run is .*; expected a run, of vw.attach"):
        tensorboard.write(torch.nn.Linear(1, 1), writer)
    with pytest.raises(OptionError, match=r"expected a widget, such as vw.LatentScatter"):
        tensorboard.write(run, writer, widget=run)
