"""A batch of one image, on which some models cannot be trained, is found before training (CASES M16)."""

import pytest
import torch
from torch import nn

import vaewidgets as vw
from vaewidgets.errors import OptionError


class Normed(nn.Module):
    latent_dim = 2

    def __init__(self, norm, encoder_too=True):
        super().__init__()
        self.e = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), norm if encoder_too else nn.Identity())
        self.a, self.b = nn.Linear(8, 2), nn.Linear(8, 2)
        self.d = nn.Sequential(nn.Linear(2, 8), nn.Identity() if encoder_too else norm, nn.Linear(8, 16))

    def encode(self, x):
        h = self.e(x)
        return self.a(h), self.b(h)

    def decode(self, z):
        return torch.sigmoid(self.d(z)).view(-1, 1, 4, 4)


class Squeezing(Normed):
    def decode(self, z):
        return super().decode(z.squeeze()[:, :2])  # loses the batch axis of one image


def data(n):
    x = torch.rand(n, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    return vw.ImageDataset(x, test_fraction=0, name="mine")


def train(model, n, **options):
    run = vw.train(model, data(n), epochs=2, autosave=False, device="cpu", **options)
    run.wait()
    return run


@pytest.mark.parametrize("encoder_too", [True, False], ids=["encoder", "decoder"])
def test_the_line_that_leaves_it_out_is_named_before_training(encoder_too):
    model = Normed(nn.BatchNorm1d(8), encoder_too)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(
        OptionError, match=r"'mine' has 33 training images.*batch_size=16 .*Normed.*Pass drop_last=True"
    ):
        train(model, 33, batch_size=16)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert train(model, 33, batch_size=16, drop_last=True).status == "finished"
    assert train(model, 34, batch_size=16).status == "finished"
    with pytest.raises(OptionError, match=r"batch_size is 1, and Normed cannot.*Use batch_size=2 or more"):
        train(model, 34, batch_size=1)


def test_what_fails_on_one_image_for_another_reason_is_found_too():
    with pytest.raises(OptionError, match=r"Squeezing cannot be trained on one image.*drop_last=True"):
        train(Squeezing(nn.Identity()), 17, batch_size=8)


def test_models_that_bear_it_are_trained_on_it():
    assert train(Normed(nn.LayerNorm(8)), 17, batch_size=8).status == "finished"
    assert train(Normed(nn.BatchNorm1d(8)).eval(), 18, batch_size=8).status == "finished"
    assert train(vw.MLPVAE((1, 4, 4), hidden=(8,)), 17, batch_size=8).status == "finished"


def test_the_trial_leaves_the_random_numbers_alone():
    torch.manual_seed(3)
    wanted = torch.rand(3)
    torch.manual_seed(3)
    model = vw.MLPVAE((1, 4, 4), hidden=(8,))
    torch.manual_seed(3)
    vw.train(model, data(17), batch_size=8, epochs=1, autosave=False, device="cpu", start=False)
    assert torch.equal(torch.rand(3), wanted)
