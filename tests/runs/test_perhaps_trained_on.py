"""What was held out here may have been trained on by a loop of the user's own: it is not called test."""

import warnings

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import vaewidgets as vw
from vaewidgets.sections.state import run_state

WORDS = "held out here, perhaps trained on"
X = torch.rand(60, 1, 4, 4)


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = nn.Linear(16, 4), nn.Linear(2, 16)

    def encode(self, x):
        return self.encoder(x.flatten(1)).chunk(2, dim=1)

    def decode(self, z):
        return torch.sigmoid(self.decoder(z)).view(-1, 1, 4, 4)


@pytest.fixture
def attached():
    runs = []

    def make(data):
        run = vw.attach(Plain(), data)
        for loss in torch.linspace(9, 8, 60).tolist():
            run.log(loss=loss, recon=loss - 1, kl=1.0)
        run.finish()
        runs.append(run)
        return run

    return make


LOADER = DataLoader(TensorDataset(X), 10)


@pytest.mark.parametrize(
    "data",
    [
        lambda: vw.ImageDataset(LOADER),
        lambda: vw.ImageDataset(X),
        lambda: vw.ArrayDataset(X.flatten(1)),
        lambda: vw.ImageDataset(X).subset(20),
    ],
)
def test_a_split_that_was_drawn_here_is_not_called_test(attached, data):
    run = attached(data())
    assert run.test_name == WORDS
    with pytest.warns(
        UserWarning, match=r"perhaps trained on them.*vw\.ImageDataset\(train_set, test=test_set\)"
    ):
        run.evaluate()
    with pytest.warns(UserWarning, match="this is no test"):
        run.active_units("test")
    assert WORDS in repr(run.stats())
    found = run.diagnose()
    assert "test images" not in repr(found)
    assert WORDS in repr(found)
    assert any("test=test_set" in note for note in found.notes)


def test_so_say_the_widgets(attached):
    run = attached(vw.ImageDataset(X))
    assert run_state(run)["test_name"] == WORDS
    section = vw.Diagnosis(run, images=20).frame["diagnosis"]
    assert any(WORDS in sentence for sentence in section["evidence"])
    assert not any("test images" in sentence for sentence in section["evidence"])


def given():
    return vw.ImageDataset(X[:50], test=X[50:])


def fed():
    data = vw.ImageDataset(X)
    next(iter(data.train.batches(8, device="cpu")))
    return data


@pytest.mark.parametrize(
    "data", [given, fed, lambda: vw.load_dataset("digits", n_train=40, n_test=20, size=4)]
)
def test_a_test_set_is_called_so(attached, data):
    run = attached(data())
    assert run.test_name == "test"
    assert "test_name" not in run_state(run)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run.evaluate("test")
    assert "test images" in repr(run.diagnose())


def test_evaluation_is_no_training(attached):
    run = attached(vw.ImageDataset(X))
    run.evaluate("train")
    assert run.test_name == WORDS


def test_our_own_training_leaves_its_test_split_alone():
    run = vw.train(
        vw.MLPVAE((1, 4, 4), hidden=(4,)), vw.ImageDataset(X), epochs=1, batch_size=10, autosave=False
    )
    assert run.wait(progress=False).test_name == "test"
