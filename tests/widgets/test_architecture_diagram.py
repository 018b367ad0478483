"""The walk through a training step: its numbers are those of torch, its picture has all that it names."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

import vaewidgets as vw
from tests.widgets.in_node import in_node, needs_node
from vaewidgets.contract.packing import unpack
from vaewidgets.errors import OptionError


@pytest.fixture(scope="module")
def data() -> vw.ImageDataset:
    return vw.load_dataset("digits", n_train=128)


def walked(widget: vw.ArchitectureDiagram, kind: str) -> dict:
    return widget.frame["kinds"][kind]


def by_hand(
    model: nn.Module, x: torch.Tensor, seed: int, beta: float, *, through: bool
) -> tuple[nn.Module, dict]:
    """The same step written out: binary cross-entropy, z with or without the gradient through it."""
    model = copy.deepcopy(model)
    mu, logvar = model.encode(x)
    eps = torch.randn(mu.shape, generator=torch.Generator().manual_seed(seed))
    z = mu + torch.exp(logvar / 2) * eps
    raw = model.decode_raw(z if through else z.detach())
    recon = nn.functional.binary_cross_entropy_with_logits(raw, x, reduction="sum")
    kl = 0.5 * (mu**2 + logvar.exp() - logvar - 1).sum()
    (recon + beta * kl).backward()
    return model, {"recon": recon.item(), "kl": kl.item(), "loss": (recon + beta * kl).item()}


@pytest.mark.parametrize("kind", ["vae", "reparameterised"])
def test_terms_and_gradients_are_torchs(kind: str, data: vw.ImageDataset) -> None:
    torch.manual_seed(3)
    model = vw.MLPVAE(data.image_shape, latent_dim=3, hidden=(12,))
    before = copy.deepcopy(model.state_dict())
    widget = vw.ArchitectureDiagram(model, data=data, image=2, beta=2.0, seed=5)
    step = walked(widget, kind)
    own, terms = by_hand(model, data.test.images([2]), 5, 2.0, through=kind == "reparameterised")
    for name, value in terms.items():
        assert step[name] == pytest.approx(value, rel=1e-5)
    halves = {"encoder": [own.encoder[0]], "decoder": [own.decoder[0], own.to_pixels]}
    for half, modules in halves.items():
        assert [row["params"] for row in step[half]] == [
            sum(p.numel() for p in m.parameters()) for m in modules
        ]
        norms = [float(sum(p.grad.square().sum() for p in m.parameters()) ** 0.5) for m in modules]
        assert [row["grad"] for row in step[half]] == pytest.approx(norms, rel=1e-4)
    assert step["encoder"][0]["in"] == [784]
    assert step["heads"]["mu"]["out"] == [3]
    assert step["params"] == sum(p.numel() for p in model.parameters())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    widget.close()


def test_without_the_reparameterisation_only_the_kl_teaches_the_encoder(data: vw.ImageDataset) -> None:
    torch.manual_seed(3)
    model = vw.MLPVAE(data.image_shape, hidden=(12,))
    widget = vw.ArchitectureDiagram(model, data=data, beta=0.0)
    drawn, through = walked(widget, "vae"), walked(widget, "reparameterised")
    assert drawn["encoder"][0]["grad"] == 0.0
    assert drawn["grads"]["mu"] == 0.0
    assert drawn["grads"]["z"] == through["grads"]["z"] > 0
    assert through["encoder"][0]["grad"] > 0
    assert drawn["decoder"] == through["decoder"]
    widget.close()


def test_the_step_is_a_step_of_adam(data: vw.ImageDataset) -> None:
    torch.manual_seed(3)
    model = vw.MLPVAE(data.image_shape, hidden=(12,))
    widget = vw.ArchitectureDiagram(model, data=data, seed=1)
    step = walked(widget, "reparameterised")
    own, _ = by_hand(model, data.test.images([0]), 1, 1.0, through=True)
    torch.optim.Adam(own.parameters(), lr=step["lr"]).step()
    _, after = by_hand(own, data.test.images([0]), 1, 1.0, through=True)
    assert step["after"] == pytest.approx(after["loss"], rel=1e-5)
    assert step["after"] < step["loss"]
    widget.close()


def test_a_run_shows_its_newest_weights_and_its_beta(data: vw.ImageDataset) -> None:
    torch.manual_seed(0)
    run = vw.train(
        vw.MLPVAE(data.image_shape, hidden=(12,)), data, epochs=1, batch_size=64, beta=0.5, autosave=False
    ).wait(progress=False)
    widget = vw.ArchitectureDiagram(run, image=4)
    step = walked(widget, "reparameterised")
    assert step["beta"] == 0.5
    assert list(widget.frame["kinds"]) == ["vae", "reparameterised"]
    np.testing.assert_array_equal(unpack(step["images"]["x"]), data.test.images_u8([4])[0].numpy())
    with torch.no_grad():
        mu, _ = run.snapshot().encode(data.test.images([4]))
    assert step["values"]["mu"] == pytest.approx(mu[0].tolist(), rel=1e-5)
    widget.close()


def test_an_autoencoder_has_no_kl_and_no_draw(data: vw.ImageDataset) -> None:
    widget = vw.ArchitectureDiagram(vw.Autoencoder(data.image_shape, hidden=(12,)), data=data)
    step = walked(widget, "ae")
    assert step["kl"] is None
    assert step["loss"] == step["recon"]
    assert list(step["values"]) == ["z"]
    with pytest.raises(OptionError, match="expected one of 'ae'"):
        widget.view |= {"kind": "vae"}
    widget.close()


def test_a_deep_model_is_bounded_and_a_conditional_one_gets_its_label(data: vw.ImageDataset) -> None:
    deep = vw.MLPVAE(data.image_shape, hidden=(16,) * 11)
    widget = vw.ArchitectureDiagram(deep, data=data)
    rows = walked(widget, "vae")["decoder"]
    assert len(rows) == 6
    assert sum(row["params"] for row in rows) == sum(
        p.numel() for part in (deep.decoder, deep.to_pixels) for p in part.parameters()
    )
    widget.close()
    conv = vw.ArchitectureDiagram(vw.ConvVAE(data.image_shape, latent_dim=3), data=data)
    assert len(walked(conv, "vae")["encoder"][0]["out"]) == 3
    conv.close()
    told = vw.ConditionalVAE(data.image_shape, n_classes=10)
    vw.ArchitectureDiagram(told, data=data).close()


def test_a_fresh_example_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(8)
    wanted = torch.rand(1)
    torch.manual_seed(8)
    vw.ArchitectureDiagram().close()
    assert torch.equal(torch.rand(1), wanted)


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("vea", {}, "Did you mean 'vae'"),
        (3, {}, "expected one of 'ae', 'vae', 'reparameterised'"),
        (nn.Linear(2, 2), {}, "vw.as_vae"),
        ("ae", {"image": -1}, "image is -1"),
    ],
)
def test_what_cannot_be_drawn_is_refused(source: object, options: dict, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        vw.ArchitectureDiagram(source, **options)


def test_a_model_without_images_and_one_with_a_codebook_are_refused(data: vw.ImageDataset) -> None:
    with pytest.raises(OptionError, match="no image of shape"):
        vw.ArchitectureDiagram(vw.MLPVAE((3, 5, 5)))
    with pytest.raises(OptionError, match="codebook"):
        vw.ArchitectureDiagram(vw.VQVAE(data.image_shape), data=data)


# what widgets/architecture_diagram/diagram.js draws of each kind
PARTS = {"x", "encoder", "z", "decoder", "x_hat", "recon", "loss"}
EDGES = {"x>encoder", "z>decoder", "decoder>x_hat", "x>recon", "x_hat>recon", "recon>loss"}
MORE_EDGES = {"encoder>mu", "encoder>sigma", "mu>z", "sigma>z", "mu>kl", "sigma>kl", "kl>loss"}


@needs_node
def test_each_step_lights_what_is_drawn() -> None:
    widget = vw.ArchitectureDiagram()
    for kind in ("ae", "vae", "reparameterised"):
        step = {name: value for name, value in walked(widget, kind).items() if name != "images"}
        steps = in_node("widgets/architecture_diagram/training_walk.js", "return lib.stepsOf(value)", step)
        parts = PARTS | ({"mu", "sigma", "kl"} if kind != "ae" else set())
        parts |= {"eps"} if kind == "reparameterised" else set()
        edges = EDGES | (MORE_EDGES if kind != "ae" else {"encoder>z"})
        edges |= {"eps>z"} if kind == "reparameterised" else set()
        assert {part for one in steps for part in one["parts"]} == parts
        for one in steps:
            turned = {">".join(reversed(edge.split(">"))) if one["back"] else edge for edge in one["edges"]}
            assert turned <= edges, one
        assert len(steps) - 1 <= 13
        crossing = {"z>mu", "z>sigma"} & {edge for one in steps if one["back"] for edge in one["edges"]}
        assert bool(crossing) == (kind == "reparameterised")
        assert any(one.get("stop") for one in steps) == (kind == "vae")
    widget.close()


def test_the_figure_has_a_bar_for_each_layer() -> None:
    widget = vw.ArchitectureDiagram()
    bars = [patch for patch in widget.figure().axes[0].patches if patch.get_gid() == "layer"]
    assert len(bars) == len(walked(widget, "vae")["encoder"]) + len(walked(widget, "vae")["decoder"])
    widget.close()
