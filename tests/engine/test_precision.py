"""Precision on request: the same curves within its bounds, refused where it does not pay, kept in files.

Bfloat16 is computed on any processor, only slower without its units: that it pays is what is pretended here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import vaewidgets as vw
from vaewidgets.engine import precision
from vaewidgets.engine.precision import HalfModel, why_not_bf16
from vaewidgets.errors import OptionError
from vaewidgets.widgets.latent_explorer.new_run import code_of

CPU = torch.device("cpu")


@pytest.fixture
def with_bf16(monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True, raising=False)


@pytest.fixture
def without_bf16(monkeypatch):
    for flag in precision._CPU_FLAGS:
        monkeypatch.setattr(torch.cpu, flag, lambda: False, raising=False)


@pytest.fixture(scope="module")
def data() -> vw.ImageDataset:
    return vw.load_dataset("digits").subset(768)


def trained(data: vw.ImageDataset, hook: bool = False, **options: Any) -> Any:
    torch.manual_seed(0)
    model = vw.MLPVAE(data.image_shape, 4, hidden=(64,))
    if hook:  # sends the run through autograd
        model.to_mu.register_forward_hook(lambda *_: None)
    given = {"epochs": 20, "batch_size": 64, "device": "cpu", "eval_every": 0, "autosave": False, **options}
    return vw.train(model, data, **given).wait(progress=False)


def test_float32_is_written_out_or_by_autograd_with_the_same_curve_over_200_steps(data):
    fused, plain = trained(data), trained(data, hook=True)
    assert fused.engine == "written-out step on cpu, float32"
    assert plain.engine == "autograd on cpu, float32"
    assert fused.step >= 200
    np.testing.assert_allclose(fused.history["loss"], plain.history["loss"], rtol=1e-4)


@pytest.mark.usefixtures("with_bf16")
def test_bf16_reaches_the_loss_of_float32_within_half_a_percent(data):
    full, half = trained(data), trained(data, precision="bf16")
    assert half.engine == "autograd on cpu, bf16 by autocast, weights in float32"
    assert all(p.dtype == torch.float32 for p in half.model.parameters())
    losses = full.history["loss"], half.history["loss"]
    assert np.abs(losses[0] / losses[1] - 1).max() > 1e-5  # another arithmetic, or nothing was tested
    ends = [run.history["train_loss"][-1] for run in (full, half)]
    assert ends[1] == pytest.approx(ends[0], rel=5e-3)


@pytest.mark.usefixtures("with_bf16")
@pytest.mark.parametrize("kind", [vw.ConvVAE, vw.VQVAE, vw.Autoencoder, vw.ConditionalVAE])
def test_every_family_trains_in_bf16(data, kind):
    torch.manual_seed(0)
    sizes = {"channels": (4, 8), "likelihood": "bernoulli"} if kind is vw.ConvVAE else {}
    if kind is vw.ConditionalVAE:
        sizes = {"n_classes": 10}
    run = vw.train(
        kind(data.image_shape, **sizes), data, epochs=1, precision="bf16", device="cpu", autosave=False
    )
    run.wait(progress=False)
    assert np.isfinite(run.history["loss"]).all()


def test_the_model_computes_in_bf16_and_answers_in_float32(data):
    model = vw.MLPVAE(data.image_shape, 4, hidden=(64,))
    seen = []
    model.to_mu.register_forward_hook(lambda _, inputs, out: seen.append(out.dtype))
    half = HalfModel(model, CPU)
    mu, logvar = half.encode(data.train.images(slice(0, 8)))
    raw = half.decode_raw(mu)
    assert seen == [torch.bfloat16]
    assert mu.dtype == logvar.dtype == raw.dtype == torch.float32
    assert half.latent_dim == 4


@pytest.mark.usefixtures("without_bf16")
def test_bf16_is_refused_where_it_does_not_pay(data):
    with pytest.raises(OptionError, match=r"no bfloat16 matrix products .* Leave it out for float32"):
        trained(data, precision="bf16")
    assert "not on 'meta'" in (why_not_bf16(torch.device("meta")) or "")


def test_an_unknown_precision_is_refused_with_the_nearest_one(data):
    with pytest.raises(OptionError, match=r"expected one of 'float32', 'bf16'\. Did you mean 'bf16'"):
        trained(data, precision="bf61")
    with pytest.raises(OptionError, match="precision is 16"):
        trained(data, precision=16)


@pytest.mark.usefixtures("with_bf16")
def test_a_run_file_keeps_it_and_goes_on_in_float32_where_it_must(data, tmp_path, monkeypatch):
    run = trained(data, precision="bf16", epochs=1)
    run.save(tmp_path / "run.safetensors")
    assert vw.load_run(tmp_path / "run.safetensors", data=data).engine == run.engine
    for flag in precision._CPU_FLAGS:
        monkeypatch.setattr(torch.cpu, flag, lambda: False, raising=False)
    elsewhere = vw.load_run(tmp_path / "run.safetensors", data=data, device="cpu")
    assert elsewhere.options["precision"] == "bf16"
    assert elsewhere.engine.startswith("written-out step on cpu, float32 (bf16 was asked for, but")
    elsewhere.epochs = 2
    elsewhere.resume()
    assert elsewhere.wait(progress=False).epoch == 2


@pytest.mark.usefixtures("with_bf16")
def test_its_code_names_it_only_where_it_is_not_the_default(data):
    assert "precision='bf16'" in code_of(trained(data, precision="bf16", epochs=1))
    assert "precision" not in code_of(trained(data, epochs=1))
