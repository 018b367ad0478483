"""Claims of experiment E: met by runs that learned, missed by runs that did not or are something else."""

from __future__ import annotations

import pytest

from vaewidgets.recipes import Experiment, Row
from vaewidgets.recipes.e_claims import CLAIMS, DELTA, strange_images, used_units

# What can be told without a training: a black image is strange in the same way to every encoder, an untrained
# decoder is as far from the data whatever it is given, and some claims are of the way in which a run differs.
_QUICK = (
    "AE against VAE: which lies near the origin",
    "bottleneck sweep",
    "elbow of the sweep",
    "start large: extra dimensions collapse",
    "ablation: idle dimensions can go",
    "retrained at the number of units in use",
    "annealing keeps the latents alive while training is young",
    "linear autoencoder meets the PCA curve",
    "linear autoencoder spans the PCA subspace, tied or not",
    "linear VAE is probabilistic PCA",
    "conditional VAE",
    "beta-VAE",
    "VQ-VAE uses its codebook",
    "distillation into a smaller encoder",
    "reconstruction error finds the unfamiliar",
    "where that fails",
    "diagnosis of the three cases",
)


@pytest.fixture(scope="module")
def untrained() -> Experiment:
    experiment = Experiment("E", "small", epochs=1)
    for name in experiment.settings:
        experiment.train(name, lr=1e-9, eval_every=1).wait(progress=False)
    return experiment


def row(experiment: Experiment, text: str) -> Row:
    return next(claim for claim in CLAIMS if claim.text == text).row(experiment.results)


@pytest.mark.parametrize("text", _QUICK)
def test_models_that_never_learned_miss_the_claim(untrained: Experiment, text: str) -> None:
    found = row(untrained, text)
    assert found.verdict == "missed", found.obtained


def test_a_claim_whose_runs_are_missing_is_not_run() -> None:
    experiment = Experiment("E", "small")
    assert {claim.row(experiment.results).verdict for claim in CLAIMS} == {"not run"}


def test_the_autoencoder_and_the_vae_are_not_taken_for_each_other() -> None:
    experiment = Experiment("E", "small")
    vae, ae = (experiment.train(name, epochs=6).wait(progress=False) for name in ("VAE k=2", "AE k=2"))
    assert row(experiment, CLAIMS[0].text).verdict == "met"
    experiment.runs["VAE k=2"], experiment.runs["AE k=2"] = ae, vae
    assert row(experiment, CLAIMS[0].text).verdict == "missed"


def test_strange_images_are_of_the_shape_of_the_data_and_in_its_range() -> None:
    data = Experiment("E", "small").data
    for name, images in strange_images(data, n=20).items():
        assert tuple(images.shape[1:]) == data.image_shape, name
        assert 0 <= float(images.min()) <= float(images.max()) <= 1


def test_units_in_use_are_counted_at_the_lectures_threshold(untrained: Experiment) -> None:
    assert DELTA == 0.1
    assert used_units(untrained.runs["VAE k=32"]) == 0
