"""Drawn faces: the same everywhere, their factors visible, a spectrum like the video's they stand in for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import vaewidgets as vw
from vaewidgets.data.faces import FACE_FACTOR_COUNTS, FACE_FACTOR_NAMES, draw_faces, make_faces
from vaewidgets.errors import OptionError


def middle() -> np.ndarray:
    return np.array([[count // 2 for count in FACE_FACTOR_COUNTS[:-1]] + [0]])


def test_the_set_is_the_same_each_time_and_another_with_another_seed() -> None:
    data = vw.load_dataset("faces", n_train=300, n_test=40)
    again = vw.load_dataset("faces", n_train=300, n_test=40)
    other = vw.load_dataset("faces", n_train=300, n_test=40, seed=1)
    assert data.image_shape == (1, 28, 20)
    assert (len(data.train), len(data.test), data.train.labels) == (300, 40, None)  # type: ignore[arg-type]
    images = [one.train.images(slice(None)) for one in (data, again, other)]
    assert torch.equal(images[0], images[1])
    assert not torch.equal(images[0], images[2])
    assert (data.name, other.name) == ("faces", "faces (seed 1)")
    assert data.factor_names == FACE_FACTOR_NAMES


def test_no_combination_is_drawn_twice_and_the_tongue_is_rare() -> None:
    faces = make_faces(None, None, 0, None)
    every = torch.cat([faces.train_factors, faces.test_factors])
    assert len(every[:, :-1].unique(dim=0)) == len(every) == 1920
    assert 0.01 < float(every[:, -1].float().mean()) < 0.03


@pytest.mark.parametrize("factor", range(len(FACE_FACTOR_NAMES)))
def test_every_factor_changes_the_face(factor: int) -> None:
    low, high = middle(), middle()
    low[0, factor], high[0, factor] = 0, FACE_FACTOR_COUNTS[factor] - 1
    changed = draw_faces(high).astype(int) - draw_faces(low)
    assert np.abs(changed).max() > 25
    if FACE_FACTOR_NAMES[factor] in ("smile", "mouth", "tongue"):  # the upper half stays as it is
        assert np.abs(changed[0, :12]).max() == 0


def test_faces_look_left_as_they_look_right() -> None:
    left, right = middle(), middle()
    left[0, 0], right[0, 0] = 0, FACE_FACTOR_COUNTS[0] - 1
    left[0, 5], right[0, 5] = 0, FACE_FACTOR_COUNTS[5] - 1
    assert np.abs(draw_faces(left)[0, :, ::-1].astype(int) - draw_faces(right)[0]).max() <= 1


def test_the_spectrum_allows_a_collapse_at_unit_variance_and_none_at_a_twentieth() -> None:
    x = vw.load_dataset("faces").train.images(slice(None))
    assert vw.probabilistic_pca(x, 20, sigma2=1.0).kl.sum() < 0.2
    assert vw.probabilistic_pca(x, 20, sigma2=0.05).kl.sum() > 3


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(OptionError, match="26,460 combinations"):
        vw.load_dataset("faces", n_train=30_000)
    with pytest.raises(OptionError, match="n_train is 0"):
        vw.load_dataset("faces", n_train=0)
    with pytest.raises(OptionError, match="seed is -1"):
        vw.load_dataset("faces", seed=-1)
    wrong = middle()
    wrong[0, 2] = 7
    with pytest.raises(OptionError, match="factor 'smile' runs from 7 to 7; expected 0 to 6"):
        draw_faces(wrong)
    with pytest.raises(OptionError, match=r"\(N, 7\): turn, nod"):
        draw_faces(middle()[:, :3])
