"""A snapshot equals the model as it was, and stays so, however the model is put together."""

import re

import pytest
import torch

from tests.runs.conftest import make_data
from vaewidgets.adapters import as_vae, copy_model
from vaewidgets.errors import OptionError, ProtocolError
from vaewidgets.live.feed import Feed
from vaewidgets.runs import attach, load_run, train
from vaewidgets.sections.state import run_state

from . import odd_models as odd

Z = torch.linspace(-2, 2, 12).view(4, 3)
RIGHT = [
    odd.Small,
    odd.OwnDeepcopy,
    odd.OwnDeepcopyOfLock,
    odd.PlainList,
    odd.compiled,
    odd.whole_compiled,
    odd.closure,
    odd.wrapped,
    odd.partial,
    odd.bound,
]
IDS = [make.__name__ for make in RIGHT]


def data():
    return make_data(n=96, shape=(1, 8, 8))


def change(model, by=0.3):
    with torch.no_grad():
        for tensor in odd.tensors(model):
            tensor.add_(by)


@torch.no_grad()
def decoded(model):
    return getattr(model, "_orig_mod", model).decode(Z)


@pytest.mark.parametrize("make", RIGHT, ids=IDS)
def test_a_snapshot_is_the_model_of_then(make):
    model = make()
    run = attach(model, data())
    then = decoded(model)
    first = run.snapshot()
    torch.testing.assert_close(first.decode(Z), then)
    change(model)
    run.log(loss=1.0, recon=1.0, kl=1.0)
    now = decoded(model)
    assert (now - then).abs().max() > 0.01
    second = run.snapshot()
    torch.testing.assert_close(second.decode(Z), now)
    torch.testing.assert_close(first.decode(Z), then)
    assert run.warning is None
    run.finish()
    torch.testing.assert_close(run.snapshot_at(run.step).decode(Z), now, atol=2e-2, rtol=0)  # half precision


@pytest.mark.parametrize("make", RIGHT, ids=IDS)
def test_the_page_decodes_with_the_newest_weights(make):
    model = make()
    run = attach(model, data())
    feed = Feed.of(run)
    before = feed.networks.decoder(run.snapshot())
    assert before["reason"] is None
    change(model)
    run.log(loss=1.0)
    after = feed.networks.decoder(run.snapshot())
    assert bytes(before["network"]["weights"]["data"]) != bytes(after["network"]["weights"]["data"])


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # torch.compile's own
@pytest.mark.parametrize("make", [make for make in RIGHT if make is not odd.PlainList])
def test_training_by_us_shows_what_it_trains(make):
    run = train(make(), data(), epochs=3, batch_size=32, seed=0, autosave=False, device="cpu", lr=1e-2)
    first = run.snapshot()
    then = first.decode(Z)
    run.wait(progress=False)
    run.model.eval()
    with torch.no_grad():
        torch.testing.assert_close(run.snapshot().decode(Z), run.model.decode(Z))
    torch.testing.assert_close(first.decode(Z), then)
    assert run.warning is None


def test_parameters_that_torch_does_not_find_are_not_left_untrained():
    with pytest.raises(
        OptionError, match=r"2 trainable tensors in a plain list.*first is ws\.0.*ParameterList"
    ):
        train(odd.PlainList(), data(), batch_size=32, autosave=False)


def test_parameters_in_a_plain_list_are_saved_and_put_back(tmp_path):
    model = odd.PlainList()
    run = attach(model, data())
    run.log(loss=1.0)
    run.save(tmp_path / "run.safetensors")
    kept = decoded(model)
    change(model)
    other = odd.PlainList()
    change(other, 1.0)
    with pytest.raises(OptionError, match="plain list"):
        load_run(tmp_path / "run.safetensors", model=other, data=data())
    loaded = load_run(tmp_path / "run.safetensors", model=other_model(), data=None)
    torch.testing.assert_close(loaded.snapshot().decode(Z), kept)


def other_model():
    return as_vae(odd.PlainList(), image_shape=(1, 8, 8))


def test_a_function_that_names_the_model_by_a_variable_is_refused():
    with pytest.raises(
        ProtocolError,
        match=r"a copy of Small computes decode\(z\) with the weights of the live model.*decode=la",
    ):
        attach(odd.by_a_variable(), data())
    with pytest.raises(ProtocolError, match="with the weights of the live model"):
        train(odd.by_a_variable(), data(), batch_size=32, autosave=False)
    model = odd.Small()
    with pytest.raises(ProtocolError, match="with the weights of the live model"):
        attach(model, data(), decode=lambda _, z: model.decode(z))


@pytest.mark.parametrize(
    ("make", "change_more", "message"),
    [
        (odd.by_a_variable_without_gradients, None, "snapshots of Small change with the live model"),
        (odd.Tempered, ("temperature", 3.0), r"snapshots of Tempered do not follow it.*register_buffer"),
    ],
)
def test_what_shows_only_once_the_weights_change_is_said(make, change_more, message):
    model = make()
    run = attach(model, data())
    assert run.warning is None
    run.log(loss=1.0)
    change(model, 0.01)
    if change_more is not None:
        setattr(model, *change_more)
    run.log(loss=1.0)
    run.snapshot()
    assert re.search(message, run.warning or "")
    assert run_state(run)["error"] == run.warning
    run.log(loss=1.0)
    assert run.status == "running"


def test_a_copy_of_its_own_that_leaves_weights_out_is_refused():
    class Forgetful(odd.Small):
        def __init__(self):
            super().__init__()
            self.files = (i for i in range(3))

        def __deepcopy__(self, memo):
            return Forgetful()

    model = Forgetful()
    attach(model, data())  # the same by chance
    change(model)
    with pytest.raises(ProtocolError, match=r"a copy of Forgetful differs from it in .*__deepcopy__"):
        attach(model, data())


def test_copying_draws_no_random_numbers():
    model = odd.OwnDeepcopyOfLock()
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    copy_model(model)
    assert torch.equal(torch.rand(3), wanted)
