"""Ends by number and by name, the verdict, and the page's rule against ours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.widgets.decode import made
from tests.widgets.node import in_node, needs_node
from vaewidgets.contract.packing import unpack
from vaewidgets.diagnostics import interpolate, judge_path
from vaewidgets.errors import OptionError


@pytest.fixture(scope="module")
def run() -> vw.Run:
    return made(latent_dim=3, epochs=2)


def cases() -> dict[str, dict[str, Any]]:
    """Paths of all kinds: images (n, 6) as one row of pixels each, z (n, d), classes."""
    random = np.random.default_rng(0)
    t = np.linspace(0, 1, 21)[:, None]
    a, b = random.uniform(0, 1, (2, 6))
    kinds = {
        "even": (1 - t) * a + t * b,
        "jump": np.where(t < 0.52, a, b) + 0.01 * random.normal(size=(21, 6)),
        "logistic": a + (b - a) / (1 + np.exp(-14 * (t - 0.6))),
        "loop": a + np.sin(np.pi * t) * 3 + t * 0.1,
        "stands": np.repeat(a[None], 21, axis=0),
        "back again": a + np.sin(2 * np.pi * t),
        "random": random.uniform(0, 1, (21, 6)),
    }
    found: dict[str, dict[str, Any]] = {}
    for name, images in kinds.items():
        z = random.normal(size=(21, 9))
        for labels in (None, [0] * 9 + [4] * 3 + [1] * 9, [0] * 10 + [4] * 1 + [1] * 10):
            found[f"{name}, {labels}"] = {"images": images, "z": z, "classes": labels, "ends": None}
    found["ends told"] = {**found[f"even, {[0] * 9 + [4] * 3 + [1] * 9}"], "ends": (4, 0)}
    return found


@needs_node
def test_the_page_judges_as_we_do() -> None:
    sent = [
        {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in case.items()}
        for case in cases().values()
    ]
    body = """cases.map((path) => {
        const found = judgePath(path);
        return { ...found, steps: [...found.steps], logPrior: [...found.logPrior], radius: [...found.radius],
                 stretch: Number.isFinite(found.stretch) ? found.stretch : "inf" };
    })"""
    verdicts = set()
    for (name, case), got in zip(cases().items(), in_node(body, sent, judgePath="maths/path"), strict=True):
        images = torch.from_numpy(case["images"]).reshape(21, 1, 1, 6)
        want = judge_path(images, z=torch.from_numpy(case["z"]), classes=case["classes"], ends=case["ends"])
        verdicts.add(want.verdict)
        assert got["verdict"] == want.verdict, name
        np.testing.assert_allclose(got["steps"], want.step_sizes, rtol=1e-9, atol=1e-12, err_msg=name)
        assert got["halfWidth"] == pytest.approx(want.half_width, rel=1e-9), name
        stretch = np.inf if got["stretch"] == "inf" else got["stretch"]
        assert stretch == pytest.approx(want.stretch, rel=1e-9), name
        np.testing.assert_allclose(got["logPrior"], want.log_prior, rtol=1e-12, err_msg=name)
        np.testing.assert_allclose(got["radius"], want.radius, rtol=1e-12, err_msg=name)
        if case["classes"]:
            assert got["foreignShare"] == pytest.approx(want.foreign_share), name
    assert verdicts == {"smooth", "jump", "detour"}


@needs_node
def test_the_page_goes_the_same_ways() -> None:
    random = np.random.default_rng(1)
    ends = [
        *random.normal(size=(4, 2, 5)),
        np.stack([np.ones(5), -np.ones(5)]),
        np.stack([np.zeros(5), np.ones(5)]),
    ]
    sent = [[kind, pair[0].tolist(), pair[1].tolist(), 7] for pair in ends for kind in ("lerp", "slerp")]
    got = in_node(
        "cases.map((c) => interpolate(...c).map((z) => [...z]))",
        sent,
        interpolate="maths/path",
    )
    for (kind, a, b, n), path in zip(sent, got, strict=True):
        want = interpolate(
            torch.tensor(a, dtype=torch.float64), torch.tensor(b, dtype=torch.float64), n, kind
        )
        np.testing.assert_allclose(path, want, atol=1e-12)


def test_ends_by_number_by_name_and_by_themselves(run: vw.Run) -> None:
    widget = vw.InterpolationStrip(run, a="3", b=7, mode="slerp")
    a, b = widget.view["ends"]
    assert b == 7
    assert widget.sample.labels[a] == 3
    assert not (widget.sample.labels[:a] == 3).any()
    widget.close()
    widget = vw.InterpolationStrip(run)
    assert [int(widget.sample.labels[i]) for i in widget.view["ends"]] == [1, 7]
    assert widget.view["mode"] == "lerp"
    widget.close()


def test_the_verdict_is_that_of_the_path_shown(run: vw.Run) -> None:
    widget = vw.InterpolationStrip(run, a=0, b=5, images=6)
    with torch.no_grad():
        codes = run.model.encode(widget.sample.images)[0]
    verdict = widget.verdict
    assert len(verdict.images) == 31  # five steps of six
    z = interpolate(codes[0], codes[5], 31)
    span = float(np.ptp(codes.numpy(), axis=0).max())
    np.testing.assert_allclose(verdict.radius, z.norm(dim=1) / 3**0.5, atol=span / 30_000)
    labels = widget.sample.labels
    assert verdict.classes is not None
    assert (verdict.classes[0], verdict.classes[-1]) == (labels[0], labels[5])
    before = widget.verdict.radius
    widget.view = {"mode": "slerp"}
    assert not torch.allclose(widget.verdict.radius, before)
    widget.close()


def test_data_without_labels_and_a_model_without_prior() -> None:
    random = np.random.default_rng(0)
    data = vw.ImageDataset(random.uniform(0, 1, (100, 1, 8, 8)).astype(np.float32))
    torch.manual_seed(0)
    widget = vw.InterpolationStrip(made(vw.Autoencoder(data.image_shape, latent_dim=2), data=data))
    assert widget.frame["latent"]["labels"] is None
    assert widget.verdict.classes is None
    assert widget.figure().axes
    with pytest.raises(OptionError, match="no labels"):
        vw.InterpolationStrip(widget.run, a="3")
    widget.close()


def test_the_page_gets_codes_and_thumbnails_of_the_same_images(run: vw.Run) -> None:
    widget = vw.InterpolationStrip(run)
    points, pictures = widget.frame["latent"]["points"], widget.get_state()["originals"]
    assert points["shape"][0] == pictures["shape"][0] == len(widget.sample)
    with torch.no_grad():
        mu = run.model.encode(widget.sample.images)[0].numpy()
    assert np.abs(unpack(points) - mu).max() <= np.ptp(mu, axis=0).max() / 65534
    widget.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"a": "seven"}, "which is no class"), ({"b": 10**6}, "the index of an image"),
        ({"images": 2}, "3 to 41"), ({"mode": "cubic"}, "'lerp', 'slerp'"),
    ],
)  # fmt: skip
def test_bad_options_are_refused(run: vw.Run, options: dict, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        vw.InterpolationStrip(run, **options)


def test_ends_that_are_not_two_images_are_refused(run: vw.Run) -> None:
    widget = vw.InterpolationStrip(run)
    for ends in ([0], [0, -1], [0, 10**6], "ab", [0, 1.5]):
        with pytest.raises(OptionError, match=r"ends(\[1\])? is"):
            widget.view = {"ends": ends}
    widget.close()


def test_classes_of_any_label_are_ends_and_part_of_the_verdict() -> None:
    images = np.random.default_rng(0).random((80, 1, 4, 4)).astype("f4")
    data = vw.ImageDataset(images, np.resize([-2, 7, 100_000], 80))
    run = vw.train(vw.MLPVAE((1, 4, 4), hidden=(8,)), data, epochs=1, batch_size=32, autosave=False).wait(
        progress=False
    )
    widget = vw.InterpolationStrip(run, a="100000", b="-2")
    ends = widget.view["ends"]
    assert widget.sample.labels[ends].tolist() == [100_000, -2]
    classes = widget.verdict.classes
    assert classes is not None
    assert (classes[0], classes[-1]) == (100_000, -2)
    widget.close()
