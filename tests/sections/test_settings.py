"""How runs that are shown together are named."""

from __future__ import annotations

import threading

import pytest

from vaewidgets.data import ImageDataset, load_dataset
from vaewidgets.models import MLPVAE, Autoencoder
from vaewidgets.runs import Run, train
from vaewidgets.sections.settings import settings_states


@pytest.fixture(scope="module")
def data() -> ImageDataset:
    return load_dataset("digits", n_train=64, size=8)


def run(data: ImageDataset, model: type = MLPVAE, latent_dim: int = 2, **options: object) -> Run:
    built = model(data.image_shape, latent_dim=latent_dim, hidden=(8,))
    return train(built, data, start=False, autosave=False, batch_size=32, **options)  # type: ignore[arg-type]


def labels(*runs: Run) -> list[str]:
    states = settings_states(runs)
    return [states[one.id]["label"] for one in runs]


def test_numbers_that_differ_name_the_runs(data: ImageDataset) -> None:
    one, two = run(data, beta=0.5, name="a"), run(data, beta=4, name="b")
    assert labels(one, two) == ["β = 0.5", "β = 4"]
    wide = run(data, beta=4, latent_dim=3, name="c")
    assert labels(one, wide) == ["β = 0.5, latent_dim = 2", "β = 4, latent_dim = 3"]


def test_runs_of_other_kinds_are_named_by_their_names(data: ImageDataset) -> None:
    vae, plain = run(data, name="VAE"), run(data, Autoencoder, name="autoencoder")
    assert labels(vae, plain) == ["VAE", "autoencoder"]
    assert settings_states([vae, plain])[plain.id]["name"] is not None
    bits = run(data, objective="free_bits", beta=2, name="free bits")
    assert labels(vae, bits) == ["VAE", "free bits"]
    assert labels(vae, run(data, objective="free_bits", name="free bits")) == [
        "objective = elbo",
        "objective = free_bits",
    ]


def test_names_that_are_the_same_tell_nothing(data: ImageDataset) -> None:
    vae, plain = run(data, name="it"), run(data, Autoencoder, name="it")
    assert all("model = " in label for label in labels(vae, plain))


def test_what_all_names_have_in_common_is_left_out(data: ImageDataset) -> None:
    vae, plain = (
        run(data, name="digits, with prior, seed 0"),
        run(data, Autoencoder, name="digits, without, seed 0"),
    )
    assert labels(vae, plain) == ["with prior", "without"]
    bare = run(data, Autoencoder, name="digits, seed 0")
    assert labels(vae, bare) == ["digits, with prior, seed 0", "digits, seed 0"]


def test_a_setting_that_was_turned_names_the_values_in_force(data: ImageDataset) -> None:
    one, other = run(data, beta=1, epochs=2), run(data, beta=8, epochs=2)
    one.resume()
    one.pause()
    one.advance(1)
    deadline = threading.Event()
    while one.step < 1:
        deadline.wait(0.01)
    one.beta = 8.0
    one.resume()
    one.wait(progress=False)
    assert labels(one, other) == ["β 1 → 8", "β = 8"]
    assert settings_states([one, other])[one.id]["value"] is None
