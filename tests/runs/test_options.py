"""Every refusal before training, with its message."""

import pytest
import torch
from torch import nn

from tests.runs.conftest import make_data, make_model, our_threads, start
from vaewidgets.errors import DataError, OptionError, ProtocolError
from vaewidgets.runs import train
from vaewidgets.runs.api import pick_device


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs is 0; expected a whole number of at least 1, or None"),
        ({"epochs": 2.5}, "epochs is 2.5"),
        ({"epochs": True}, "epochs is True"),
        ({"batch_size": 0}, "batch_size is 0; expected a whole number of at least 1"),
        ({"batch_size": 97}, "batch_size is 97, but 'noise' has 96 training images; expected at most 96"),
        ({"lr": 0}, "lr is 0; expected a finite number above 0, such as 1e-3"),
        ({"lr": -1e-3}, "lr is -0.001"),
        ({"lr": float("nan")}, "lr is nan"),
        ({"lr": "0.1"}, "lr is '0.1'"),
        ({"beta": -1}, "beta is -1; expected a finite number of at least 0"),
        ({"beta": float("nan")}, "beta is nan"),
        ({"beta": "high"}, "beta is 'high'; expected a finite number of at least 0 .*LinearWarmup"),
        (
            {"optimizer": "adm"},
            "optimizer is 'adm'; expected one of 'adam', 'adamw', 'sgd', 'adagrad'. Did you mean 'adam'",
        ),
        ({"optimizer": torch.optim.Adam}, "expected one of 'adam', 'adamw', 'sgd', 'adagrad'"),
        ({"seed": -1}, "seed is -1; expected a whole number from 0 to 9223372036854775807"),
        ({"seed": 2**70}, "seed is 1180591620717411303424; expected a whole number from 0 to"),
        ({"seed": 1.5}, "seed is 1.5"),
        ({"eval_every": -1}, "eval_every is -1"),
        ({"speed": -2}, r"speed is -2; expected a finite number above 0 \(epochs a second\), or None"),
        ({"autosave_seconds": 0}, "autosave_seconds is 0; expected a finite number above 0"),
        ({"learning_rate": 1e-3}, "train has no option 'learning_rate'"),
        ({"epoch": 3}, "train has no option 'epoch'. Did you mean 'epochs'"),
        ({"optimiser": "adam"}, "train has no option 'optimiser'. Did you mean 'optimizer'"),
        ({"device": "cuda:99"}, "device 'cuda:99' cannot be used here"),
        ({"device": "gpu"}, "device 'gpu' cannot be used here"),
    ],
)
def test_bad_options_are_refused_before_training(options, message):
    with pytest.raises(OptionError, match=message):
        start(**options)
    assert not our_threads()


def test_optimizers_are_known_in_any_case():
    assert start(optimizer="AdamW", start=False).options["optimizer"] == "adamw"


def test_images_beyond_the_unit_range_under_bernoulli():
    data = make_data(value_range=(-1.0, 1.0))
    with pytest.raises(DataError, match=r"the Bernoulli likelihood wants images in \[0, 1\]"):
        start(data)
    start(data, make_model(data, likelihood="squared_error"), epochs=1).wait()


def test_a_model_for_other_images():
    with pytest.raises(ProtocolError, match="Was the model built for this image shape"):
        start(make_data(), make_model(make_data(shape=(1, 5, 5))))


def test_data_that_are_no_data_set():
    with pytest.raises(
        OptionError, match=r"data is of type Tensor; expected an ImageDataset.*vw\.ImageDataset"
    ):
        train(make_model(), torch.zeros(10, 1, 4, 4))


def test_a_model_that_is_no_module():
    with pytest.raises(ProtocolError, match=r"expected a torch\.nn\.Module"):
        start(model="mlp")


class Broken(nn.Module):
    latent_dim, likelihood, image_shape = 2, "bernoulli", (1, 4, 4)

    def __init__(self, returns="pair", wide=16):
        super().__init__()
        self.down, self.up, self.returns = nn.Linear(16, 4), nn.Linear(2, wide), returns

    def encode(self, x):
        both = self.down(x.flatten(1))
        return both.chunk(2, 1) if self.returns == "pair" else both

    def decode(self, z):
        return torch.sigmoid(self.up(z))

    decode_raw = decode


def test_an_encoder_that_returns_one_tensor():
    with pytest.raises(
        ProtocolError, match=r"Broken\.encode\(x\) returned .*Tensor.*expected \(mu, logvar\)"
    ):
        start(model=Broken("one"))


def test_a_decoder_that_returns_another_shape():
    with pytest.raises(
        ProtocolError, match=r"Broken\.decode\(z\) returned shape \(2, 15\); expected \(2, 1, 4, 4\)"
    ):
        start(model=Broken(wide=15))


def test_a_model_with_nothing_to_train():
    model = make_model().requires_grad_(False)
    with pytest.raises(OptionError, match="MLPVAE has no parameter that requires a gradient"):
        start(model=model)


def test_a_model_that_cannot_be_copied():
    model = make_model()
    model.generator = (i for i in range(3))
    with pytest.raises(ProtocolError, match="cannot be copied"):
        start(model=model)


def test_a_foreign_model_is_adapted():
    class Chapter(nn.Module):
        latent_dim, image_shape = 2, (1, 4, 4)

        def __init__(self):
            super().__init__()
            self.down, self.up = nn.Linear(16, 4), nn.Linear(2, 16)

        def encode(self, x):
            return self.down(x.flatten(1)).chunk(2, 1)

        def decode(self, z):
            return torch.sigmoid(self.up(z)).view(-1, 1, 4, 4)

    torch.manual_seed(0)
    model = Chapter()
    run = start(model=model, epochs=40, lr=1e-2).wait()
    assert run.model.module is model
    assert run.name == "Chapter on noise"
    assert run.history["train_loss"][-1] < 0.97 * run.history["train_loss"][0]


def test_the_device_is_the_accelerator_or_the_cpu():
    wanted = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    assert pick_device(None).type == (wanted.type if wanted else "cpu")
    assert pick_device("cpu") == torch.device("cpu")
