"""Samples of the fitted prior of a trained model look more like data; refusals and the figure."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

import vaewidgets as vw
from tests.widgets.decode import digits, made
from vaewidgets.contract.packing import unpack
from vaewidgets.diagnostics.learned_prior import PRIOR_DRAWS, log_aggregate, normal_draws
from vaewidgets.errors import OptionError


def test_samples_of_the_fitted_prior_are_nearer_to_the_data() -> None:
    data = vw.load_dataset("digits")
    torch.manual_seed(0)
    model = vw.MLPVAE(data.image_shape, latent_dim=8, hidden=(64,))
    run = vw.train(model, data, epochs=12, beta=0.3, batch_size=64, lr=3e-3, autosave=False)
    run.wait(progress=False)
    widget = vw.LearnedPrior(run)
    codes, holes, fitted = widget.codes(), widget.holes(), widget.fitted()
    assert holes.kl > 1
    assert fitted.gain > 1, "nats on codes that it was not fitted to"
    assert fitted.log_likelihood[-1] > fitted.log_likelihood[0] + 0.5
    read = LogisticRegression(max_iter=200).fit(
        data.train.images(np.arange(len(data.train))).flatten(1), data.train.labels
    )

    def confidence(z: np.ndarray) -> float:
        x_hat = run.snapshot().decode(torch.tensor(z, dtype=torch.float32)).flatten(1)
        return float(read.predict_proba(x_hat).max(1).mean())

    z = {"normal": normal_draws(PRIOR_DRAWS, 8, 1), "learned": fitted.draws(PRIOR_DRAWS, 1), "codes": codes.z}
    sure = {name: confidence(points) for name, points in z.items()}
    assert sure["normal"] + 0.5 * (sure["codes"] - sure["normal"]) < sure["learned"] < sure["codes"] + 0.02
    share = {name: (log_aggregate(codes, z[name], holes.smoothing) < holes.threshold).mean() for name in z}
    assert holes.are_found(share["normal"])
    assert share["learned"] < share["normal"] / 4
    widget.close()


def test_the_page_has_the_posteriors_and_the_figure_has_both_rows() -> None:
    widget = vw.LearnedPrior(made(latent_dim=3), samples=4, components=3)
    packed = widget._live["posteriors"]
    np.testing.assert_array_equal(widget.codes().mu, unpack(packed["mu"])[: len(widget.codes())])
    assert widget.view["components"] == 3
    assert len(widget.fitted().log_likelihood) == 41
    widget.view = {"steps": 5}
    assert len(widget.fitted().log_likelihood) == 6
    figure = widget.figure()
    assert [axes.get_title(loc="left")[:5] for axes in figure.axes] == ["Codes", "ln p ", "Decod"]
    assert len(figure.axes[2].get_yticklabels()) == 2
    for key, value in {"steps": 41, "components": 0, "seed": -1, "show": "both"}.items():
        with pytest.raises(OptionError, match=key):
            widget.view = {key: value}
    widget.close()


def test_one_dimension_and_a_conditional_model_have_a_figure() -> None:
    data = digits()
    conditional = vw.ConditionalVAE(data.image_shape, latent_dim=2, hidden=(16,))
    for run, view in ((made(latent_dim=1, data=data), {}), (made(conditional, data=data), {"label": 3})):
        widget = vw.LearnedPrior(run, samples=2)
        widget.view = view
        assert len(widget.figure().axes) == 3
        widget.close()


def test_models_without_a_posterior_are_told_why() -> None:
    data = digits()
    with pytest.raises(OptionError, match="VQVAE, whose codes are entries of a table"):
        vw.LearnedPrior(made(vw.VQVAE(data.image_shape, 16, code_dim=4, channels=(8, 8)), data=data))
    widget = vw.LearnedPrior(made(vw.Autoencoder(data.image_shape, latent_dim=2), data=data))
    assert "Autoencoder has no posterior variance" in widget.frame["run"]["error"]
    with pytest.raises(OptionError, match="no codes: OptionError: Autoencoder has no posterior"):
        widget.codes()
    widget.close()
