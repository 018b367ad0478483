"""Claims of experiment E: met by runs that learned, missed by runs that did not or are something else."""

from __future__ import annotations

import copy

import pytest
import torch

from vaewidgets.data import ImageDataset
from vaewidgets.experiments import Experiment, Row
from vaewidgets.experiments.base import Runs
from vaewidgets.experiments.e_claims import CLAIMS, DELTA, strange_images, used_units
from vaewidgets.runs import Run

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


def with_runs(experiment: Experiment, **runs: Run) -> Experiment:
    """The experiment with other runs in the places of some."""
    other = copy.copy(experiment)
    other.runs = Runs(experiment.runs)
    other.runs.update({name.replace("_", " k="): run for name, run in runs.items()})
    return other


def test_a_model_does_no_better_than_itself(untrained: Experiment) -> None:
    same = {f"AE_{k}": untrained.runs[f"VAE k={k}"] for k in (2, 8, 32)}
    experiment = with_runs(untrained, **same)
    for text in (
        "AE against VAE: which reproduces the training images better",
        "decoded draws from N(0, I), AE against VAE",
    ):
        found = row(experiment, text)
        assert found.verdict == "missed", found.obtained


def test_paths_between_codes_of_one_direction_do_not_cross_the_middle(untrained: Experiment) -> None:
    run = Experiment("E", "small").train("VAE k=16", start=False)
    with torch.no_grad():
        run.model.to_mu.weight.zero_()
        run.model.to_mu.bias.fill_(1.0)
    found = row(with_runs(untrained, VAE_16=run), "interpolation: lerp crosses the middle")
    assert found.verdict == "missed", found.obtained


def test_features_of_shuffled_labels_are_no_features(untrained: Experiment) -> None:
    experiment = with_runs(untrained)
    data = experiment.data
    order = torch.randperm(len(data.train), generator=torch.Generator().manual_seed(0))
    experiment.data = ImageDataset(
        data.train.images(slice(None)),
        data.train.labels[order],
        test=(data.test.images(slice(None)), data.test.labels),
    )
    found = row(experiment, "the encoder as a feature extractor")
    assert found.verdict == "missed", found.obtained


def test_strange_images_are_of_the_shape_of_the_data_and_in_its_range() -> None:
    data = Experiment("E", "small").data
    for name, images in strange_images(data, n=20).items():
        assert tuple(images.shape[1:]) == data.image_shape, name
        assert 0 <= float(images.min()) <= float(images.max()) <= 1


def test_units_in_use_are_counted_at_the_lectures_threshold(untrained: Experiment) -> None:
    assert DELTA == 0.1
    assert used_units(untrained.runs["VAE k=32"]) == 0
