"""The draws: those of the page, of N(0, I), the same for every run."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.widgets.decode import digits, made
from tests.widgets.node import in_node, needs_node
from vaewidgets.contract.packing import unpack
from vaewidgets.contract.random import normals
from vaewidgets.errors import OptionError


@needs_node
def test_the_page_draws_the_same_numbers() -> None:
    cases = [[7, 0, 0], [1, 3, 2], [128, 2**31 - 1, 199], [4, 12345, 6]]
    drawn = in_node(
        "cases.map(([n, seed, k]) => Array.from(normals(n, seed, k)))", cases, normals="contract/random"
    )
    for (n, seed, stream), got in zip(cases, drawn, strict=True):
        np.testing.assert_array_equal(got, normals(n, seed, stream))


def test_draws_of_many_streams_are_standard_normal() -> None:
    eps = np.concatenate([normals(2, 5, stream) for stream in range(4000)])
    assert abs(eps.mean()) < 4 / np.sqrt(len(eps))
    assert abs(eps.var() - 1) < 4 * np.sqrt(2 / len(eps))
    assert abs(np.corrcoef(eps[::2], eps[1::2])[0, 1]) < 4 / np.sqrt(4000)


def test_every_run_gets_the_same_draws_as_far_as_its_dimensions_go() -> None:
    data = digits()
    two, five = made(data=data), made(latent_dim=5, data=data)
    widget = vw.PriorSamples([two, five], draws=6, seed=4)
    assert widget.draws().shape == (6, 2)
    np.testing.assert_array_equal(widget.draws(five)[:, :2], widget.draws(two))
    assert set(widget._live) >= {"decoder", f"decoder:{five.id}"}
    before = widget.draws()
    widget.view = {"temperature": 0.5}
    np.testing.assert_allclose(widget.draws(), before / 2, rtol=1e-6)
    widget.view = {"seed": 5}
    assert not np.allclose(widget.draws(), before / 2)
    assert len(widget.figure().axes) == 1
    with pytest.raises(OptionError, match="none of the runs"):
        widget.draws(made(data=data))
    widget.close()


def test_a_model_without_prior_is_drawn_from_its_codes() -> None:
    data = digits()
    torch.manual_seed(0)
    run = made(vw.Autoencoder(data.image_shape, latent_dim=3), data=data)
    widget = vw.PriorSamples(run, draws=200)
    latent = widget.frame["latent"]
    assert latent["prior"] is False
    mean, std = unpack(latent["mean"]), unpack(latent["std"])
    z = widget.draws()
    eps = np.stack([normals(3, 0, i) for i in range(200)])
    np.testing.assert_allclose((z - mean) / std, eps, atol=1e-4)
    widget.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"draws": 0}, "draws is 0"), ({"draws": 201}, "1 to 200"), ({"temperature": 3}, "temperature is 3"),
        ({"seed": -1}, "seed is -1"), ({"temperature": float("nan")}, "view holds|temperature"),
    ],
)  # fmt: skip
def test_bad_options_are_refused(options: dict, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        vw.PriorSamples(made(), **options)


def test_the_kernel_answers_for_the_run_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    from vaewidgets.live.feed import Feed

    data = digits()
    first, second = made(data=data), made(latent_dim=5, data=data)
    widget = vw.PriorSamples([first, second], draws=2)
    asked = []
    monkeypatch.setattr(Feed, "ask", lambda self, _, content: asked.append((self._run(), content.z)))
    for run, d in (("", 2), (second.id, 5)):
        widget._handle_custom_msg({"type": "decode", "seq": 1, "z": [[0.0] * d], "run": run}, [])
    assert [run for run, _ in asked] == [first, second]
    widget.close()


def test_a_conditional_decoder_travels_with_the_class_as_a_second_input() -> None:
    from vaewidgets.graphs import decoder_network
    from vaewidgets.live.latent import decode_u8

    data = digits()
    torch.manual_seed(0)
    model = vw.ConditionalVAE(data.image_shape, latent_dim=2, hidden=(16,))
    run = made(model, data=data)
    widget = vw.PriorSamples(run, draws=3)
    network = widget._live["decoder"]["network"]
    assert [size for _, size in network["inputs"]] == [2, 10]
    assert network["optional"] == 1
    z = torch.randn(3, 2, generator=torch.Generator().manual_seed(1))
    recorded = decoder_network(run.snapshot().model, 2)
    for label in (None, 7):
        told = np.zeros((3, 10)) if label is None else np.eye(10)[[label] * 3]
        with torch.no_grad():
            wanted = run.snapshot().model.decode(z, label).flatten(1).numpy()
        np.testing.assert_allclose(recorded.run(z.numpy(), told)[0], wanted, atol=1e-5)
    assert (decode_u8(run.snapshot(), z, 7) != decode_u8(run.snapshot(), z)).any()
    widget.view = {"label": 7}
    assert widget.figure().axes
    widget.close()
