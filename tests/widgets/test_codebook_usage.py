"""A codebook's use: counts and perplexity against the model, pictures, what has no codebook."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

import vaewidgets as vw
from vaewidgets.contract.packing import pack, unpack
from vaewidgets.errors import OptionError
from vaewidgets.figures.codebook import codebook_figure
from vaewidgets.widgets.codebook_usage import MOST_HISTORY, CodebookUsage


@pytest.fixture(scope="module")
def run() -> vw.Run:
    data = vw.load_dataset("digits", n_train=256)
    torch.manual_seed(0)
    model = vw.VQVAE(data.image_shape, 16, code_dim=4, channels=(8, 8))
    return vw.train(model, data, epochs=2, batch_size=64, autosave=False).wait(progress=False)


@pytest.fixture
def usage(run: vw.Run) -> Iterator[CodebookUsage]:
    widget = vw.CodebookUsage(run, images=200, examples=4)
    yield widget
    widget.close()


def test_codes_are_counted_over_the_images(usage: CodebookUsage, run: vw.Run) -> None:
    codes = usage.frame["codes"]
    index = np.linspace(0, 255, 200).round().astype(int)
    model = run.snapshot().model
    use = model.code_use([run.data.train.images(index)])
    np.testing.assert_array_equal(unpack(codes["counts"]), use.counts.numpy())
    assert codes["perplexity"] == pytest.approx(use.perplexity)
    assert codes["n_used"] == use.n_used
    assert unpack(codes["counts"]).sum() == 200 * np.prod(codes["grid"])


def test_a_code_s_picture_is_the_model_s(usage: CodebookUsage, run: vw.Run) -> None:
    codes = usage.frame["codes"]
    model = run.snapshot().model
    np.testing.assert_array_equal(unpack(codes["shown"]), np.arange(16))
    grid = torch.arange(16)[:, None, None].expand(-1, *model.grid)
    with torch.no_grad():
        wanted = (model.decode_codes(grid).clamp(0, 1) * 255).round().numpy()
    assert np.abs(unpack(codes["pictures"]) - wanted).max() <= 1
    examples = unpack(codes["example_codes"])
    with torch.no_grad():
        own = model.codes(usage._shown.images[usage._index])
    np.testing.assert_array_equal(examples, own.numpy())


def test_its_history_is_bounded_and_ends_with_the_newest(usage: CodebookUsage) -> None:
    usage._history, usage._every = [], 1
    for step in range(3 * MOST_HISTORY):
        usage._note(step, float(step), step)
        assert len(usage._history) <= MOST_HISTORY
    assert usage._history[-1][0] == 3 * MOST_HISTORY - 1
    steps = [step for step, _, _ in usage._history]
    assert steps == sorted(set(steps))


def test_a_large_codebook_keeps_pictures_of_the_most_used() -> None:
    data = vw.load_dataset("digits", n_train=128, size=64)
    model = vw.VQVAE(data.image_shape, 512, code_dim=2, channels=(4, 4))
    run = vw.train(model, data, epochs=1, batch_size=64, start=False, autosave=False)
    widget = vw.CodebookUsage(run, images=64, examples=2)
    codes = widget.frame["codes"]
    shown = unpack(codes["shown"])
    counts = unpack(codes["counts"])
    assert 0 < len(shown) < 512
    assert unpack(codes["pictures"]).nbytes <= 800_000
    assert counts[shown].min() >= np.delete(counts, shown).max()
    widget.close()


def test_the_figure_and_the_view(usage: CodebookUsage) -> None:
    codes = usage.frame["codes"]
    once = {name: pack(unpack(values)[:1]) for name, values in codes["history"].items()}
    assert len(codebook_figure({**codes, "history": once}).axes) == 1, "one count makes no line"
    twice = {name: pack(np.repeat(unpack(values)[:1], 2)) for name, values in codes["history"].items()}
    assert len(codebook_figure({**codes, "history": twice}).axes) == 2
    assert usage.figure().axes
    usage.view = {"code": 3}
    with pytest.raises(OptionError, match="from 0 to 15"):
        usage.view = {"code": 16}


@pytest.mark.parametrize("kind", [vw.MLPVAE, vw.Autoencoder])
def test_a_model_without_a_codebook_is_refused(run: vw.Run, kind: type) -> None:
    other = vw.train(kind(run.data.image_shape, 2), run.data, start=False, batch_size=64, autosave=False)
    with pytest.raises(OptionError, match=f"{kind.__name__}, which has no codebook; expected one of a VQVAE"):
        vw.CodebookUsage(other)
