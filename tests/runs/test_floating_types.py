"""Models whose weights are in double, half, bfloat16, or several of these."""

import copy

import pytest
import torch

import vaewidgets as vw
from tests.runs.conftest import make_data, make_model
from tests.runs.odd_models import Small
from vaewidgets.errors import ProtocolError
from vaewidgets.live.feed import Feed
from vaewidgets.runs import attach, train


def mixed_decoder(model):
    model.g.double()
    return model


def mixed_encoder(model):
    for part in (model.e, model.a, model.b):
        part.half()
    return model


KINDS = {
    "double": (lambda m: m.double(), 1e-6),
    "half": (lambda m: m.half(), 2e-3),
    "bfloat16": (lambda m: m.bfloat16(), 2e-2),
    "mixed decoder": (mixed_decoder, 1e-6),
    "mixed encoder": (mixed_encoder, 2e-3),
}
WIDGETS = (
    "LatentExplorer",
    "LatentScatter",
    "ReconstructionGrid",
    "ActiveUnitsBar",
    "PriorSamples",
    "LatentTraversal",
    "InterpolationStrip",
    "LatentManifold",
    "Diagnosis",
    "SketchEncoder",
    "ArchitectureDiagram",
)


def data():
    return make_data(n=96, shape=(1, 8, 8))


@pytest.mark.parametrize("kind", KINDS)
def test_all_is_as_in_float32_within_its_rounding(kind):
    cast, tolerance = KINDS[kind]
    reference = attach(Small(), data(), likelihood="bernoulli")
    model = cast(Small())
    kept = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    run = attach(model, data(), likelihood="bernoulli")
    run.log(loss=46.0, recon=45.0, kl=1.0)
    x = run.data.test.images(slice(None))
    for mine, wanted in zip(run.snapshot().encode(x), reference.snapshot().encode(x), strict=True):
        assert mine.dtype == torch.float32
        torch.testing.assert_close(mine, wanted, atol=tolerance, rtol=tolerance)
    z = torch.linspace(-2, 2, 12).view(4, 3)
    image = run.snapshot().decode(z)
    assert image.dtype == torch.float32
    torch.testing.assert_close(image, reference.snapshot().decode(z), atol=tolerance, rtol=tolerance)
    for name, value in reference.evaluate("test").items():
        assert run.evaluate("test")[name] == pytest.approx(value, rel=2 * tolerance, abs=tolerance)
    assert run.diagnose().verdict
    state = Feed.of(run).networks.decoder(run.snapshot())
    assert (state["reason"], state["network"] is None) == (None, False)
    for name, tensor in model.state_dict().items():
        assert tensor.dtype == kept[name].dtype
        assert torch.equal(tensor, kept[name])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", WIDGETS)
def test_every_picture(kind, name):
    run = attach(KINDS[kind][0](Small()), data())
    run.log(loss=1.0, recon=1.0, kl=1.0)
    widget = getattr(vw, name)(run)
    frame = widget.frame or {}
    assert not frame.get("error")
    assert not frame.get("run", {}).get("error")
    widget.close()


@pytest.mark.parametrize("kind", ["double", "mixed decoder", "bfloat16"])
def test_it_is_trained_in_its_type(kind):
    model = KINDS[kind][0](Small())
    kept = copy.deepcopy(model.state_dict())
    run = train(model, data(), epochs=3, batch_size=32, seed=0, autosave=False, device="cpu", lr=1e-2)
    run.wait(progress=False)
    assert run.history["train_loss"][-1] < run.history["train_loss"][0]
    assert all(tensor.dtype == kept[name].dtype for name, tensor in model.state_dict().items())


def test_a_type_that_changes_after_attaching():
    model = Small()
    run = attach(model, data())
    model.double()
    run.log(loss=1.0)
    z = torch.zeros(1, 3)
    torch.testing.assert_close(run.snapshot().decode(z), model.decode(z.double()).float().detach())


def test_our_own_models_too_as_far_as_an_adapter_goes():
    model = make_model()
    x = make_data().test.images(slice(None))
    wanted = model.eval().encode(x)[0].detach()
    run = attach(copy.deepcopy(model).double(), make_data())
    torch.testing.assert_close(run.snapshot().encode(x)[0], wanted)
    conditional = vw.ConditionalVAE((1, 8, 8), latent_dim=2, n_classes=3).double()
    with pytest.raises(ProtocolError, match=r"weights in float64; expected float32.*model\.float\(\)"):
        attach(conditional, data())
