"""Known answers, which test/random.test.js of the page holds too."""

from __future__ import annotations

import numpy as np

from vaewidgets.contract.random import normals, stream_seed, uniforms


def test_known_answers() -> None:
    assert stream_seed(7, 3) == 1232510777
    assert uniforms(4, 3).tolist() == [0.923636197228916, 0.33304587949533015, 0.22166790103074163]
    assert normals(5, 7, 3).tolist() == [
        0.6131479144096375,
        -1.3205162286758423,
        -0.48795944452285767,
        -0.8373029232025146,
        1.3195291757583618,
    ]


def test_a_shorter_draw_is_the_beginning_of_a_longer_one_and_streams_differ() -> None:
    np.testing.assert_array_equal(normals(3, 1, 2), normals(8, 1, 2)[:3])
    assert len({stream_seed(seed, k) for seed in range(40) for k in range(40)}) == 1600
