"""The diagnostics take every built-in model as it is."""

from __future__ import annotations

import math

import pytest
import torch

from vaewidgets import models
from vaewidgets.data import ImageDataset
from vaewidgets.diagnostics import ablation, run_stats, tell_apart, unfamiliarity
from vaewidgets.inference import Inference
from vaewidgets.models import build
from vaewidgets.objectives import get_likelihood, traits

SHAPE = (1, 8, 8)
OPTIONS = {
    "ConditionalVAE": {"n_classes": 3},
}


def built(name):
    torch.manual_seed(0)
    return getattr(models, name)(SHAPE, **OPTIONS.get(name, {})).eval()


def families():
    return list(models.MODELS)


def test_all_families_are_here():
    assert {"MLPVAE", "ConvVAE", "Autoencoder", "LinearVAE", "LinearAutoencoder"} <= set(families())
    assert callable(build)


@pytest.mark.parametrize("name", families())
def test_measuring_ablation_and_outliers(name):
    model = built(name)
    lo, hi = getattr(model, "value_range", (0.0, 1.0))
    generator = torch.Generator().manual_seed(0)
    images = lo + (hi - lo) * torch.rand(40, *SHAPE, generator=generator)
    labels = torch.arange(40) % 3
    data = ImageDataset(images[:30], labels[:30], test=(images[30:], labels[30:]), value_range=(lo, hi))
    x, y = data.test.images(slice(None)), data.test.labels

    stats = run_stats(model, data)
    has_variance = traits(model).default_objective == "elbo"
    assert (stats.units is not None) == has_variance
    assert math.isnan(stats.kl) == (not has_variance)
    # the same number from the model's own calls
    inference = Inference(model)
    mu, _ = inference.encode(x, y)
    recon, _ = inference.score(mu, x, y)
    assert stats.test_recon == pytest.approx(float(recon.mean()), rel=1e-6)
    likelihood = get_likelihood(model.likelihood, **traits(model).likelihood_options)
    assert inference.likelihood == likelihood

    result = ablation(model, x, labels=y)
    assert len(result.cost) == mu.shape[1]
    scores = unfamiliarity(model, x, labels=y)
    report = tell_apart(scores, scores)
    assert all(value == 0.5 for value in report.auroc.values())
    assert ("kl" in report.auroc) == has_variance
