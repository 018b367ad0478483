"""Packed arrays: round trips, byte order, limits, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vaewidgets.contract.packing import pack, pack_integers, pack_quantised, unpack
from vaewidgets.errors import DataError, OptionError


@pytest.mark.parametrize(
    ("array", "code"),
    [
        (np.arange(6, dtype=np.uint8).reshape(2, 3), "u8"),
        (np.array([True, False]), "u8"),
        (np.array([0, 65535], dtype=np.uint16), "u16"),
        (np.array([[-(2**31)], [2**31 - 1]]), "i32"),
        (np.array([0.5, -0.0, np.nan, np.inf], dtype=np.float32), "f32"),
        (np.array([1.5, np.nan], dtype=np.float16), "f16"),
        (np.array([0.25, 1e30]), "f32"),
        (np.zeros((0, 3), dtype=np.float32), "f32"),
        (np.float32(2.5), "f32"),
        (np.arange(12, dtype=np.int32).reshape(3, 4).T, "i32"),
        (np.arange(4, dtype=">f4"), "f32"),
        (torch.tensor([[1, 2], [3, 4]]), "i32"),
    ],
)
def test_round_trip(array, code):
    packed = pack(array)
    assert packed["dtype"] == code
    assert packed["shape"] == list(np.shape(array))
    assert type(packed["data"]) is bytes
    back = unpack(packed)
    np.testing.assert_allclose(back, np.asarray(array), rtol=1e-7)
    assert back.dtype.isnative
    assert back.shape == np.shape(array)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ([0, 9], "u8"),
        ([0, 255], "u8"),
        ([0, 256], "u16"),
        ([-1, 9], "i32"),
        ([0, 65536], "i32"),
        ([[1.0, 2.0]], "u8"),
        ([], "u8"),
    ],
)
def test_whole_numbers_take_the_fewest_bits(values, code):
    packed = pack_integers(np.array(values))
    assert packed["dtype"] == code
    assert unpack(packed).tolist() == values


def test_whole_numbers_that_are_none_are_refused():
    with pytest.raises(DataError, match="a fraction"):
        pack_integers([0.5, 1.0])
    with pytest.raises(DataError, match="do not fit i32"):
        pack_integers([2**40])


def test_bytes_are_little_endian_in_c_order():
    assert pack(np.array([[1, 2], [3, 4]], order="F"), "u16")["data"] == bytes([1, 0, 2, 0, 3, 0, 4, 0])
    assert pack(np.array([1.0], dtype=">f4"))["data"] == bytes([0, 0, 0x80, 0x3F])


def test_floats_round_to_half():
    values = np.array([1.0009765625 + 1e-4, 70000.0, -70000.0])
    np.testing.assert_array_equal(unpack(pack(values, "f16")), [1.0009765625, np.inf, -np.inf])


@pytest.mark.parametrize(
    ("array", "dtype", "error", "message"),
    [
        ([300], "u8", DataError, "values from 300 to 300 do not fit u8"),
        ([-1, 2], "u16", DataError, "values from -1 to 2 do not fit u16"),
        ([2**31], None, DataError, "do not fit i32"),
        ([np.nan, 1.0], "i32", DataError, "do not fit i32"),
        ([0.5], "u8", DataError, "a fraction"),
        ([1j], None, DataError, "complex128"),
        (["a"], None, DataError, "booleans, integers and floats"),
        ([1], "f64", OptionError, "dtype='f64' is unknown; choose one of u8"),
    ],
)
def test_what_does_not_fit_is_refused(array, dtype, error, message):
    with pytest.raises(error, match=message):
        pack(np.array(array), dtype)


def test_unpack_gives_a_writable_copy_of_any_buffer():
    packed = {**pack(np.arange(3.0)), "data": memoryview(bytearray(pack(np.arange(3.0))["data"]))}
    back = unpack(packed)
    back[0] = 9
    assert unpack(packed)[0] == 0


def test_unpack_refuses_wrong_length_and_type():
    with pytest.raises(DataError, match=r"f32 array of shape \[3\] holds 8 bytes, not 12"):
        unpack({"dtype": "f32", "shape": [3], "data": b"12345678"})
    with pytest.raises(DataError, match="'f64'"):
        unpack({"dtype": "f64", "shape": [1], "data": b"12345678"})


def test_quantised_error_is_within_half_a_step():
    points = np.random.default_rng(0).normal(size=(500, 2)) * [1.0, 100.0] + [0.0, -50.0]
    packed = pack_quantised(points)
    assert (packed["dtype"], packed["shape"], len(packed["data"])) == ("q16", [500, 2], 2000)
    assert packed["lo"] == points.min(axis=0).tolist()
    assert packed["hi"] == points.max(axis=0).tolist()
    step = (points.max(axis=0) - points.min(axis=0)) / 65534
    back = unpack(packed)
    assert back.dtype == np.float32
    assert (np.abs(back - points) <= step * 0.5 + 1e-5).all()
    assert (np.abs(back - points).max(axis=0) > step * 0.25).all(), "the quantisation is coarser than tested"


def test_quantised_nan_limits_and_empty():
    back = unpack(pack_quantised([[np.nan, 1.0], [2.0, np.inf], [4.0, 3.0]]))
    np.testing.assert_allclose(back, [[np.nan, 1.0], [2.0, np.nan], [4.0, 3.0]], atol=1e-4)
    clipped = unpack(pack_quantised([[-5.0], [0.5], [5.0]], lo=0, hi=[1.0]))
    np.testing.assert_allclose(clipped[:, 0], [0.0, 0.5, 1.0], atol=1e-5)
    assert unpack(pack_quantised(np.zeros((0, 2)))).shape == (0, 2)
    assert unpack(pack_quantised(np.zeros((2, 0)))).shape == (2, 0)
    np.testing.assert_array_equal(unpack(pack_quantised([[7.0], [7.0]])), [[7.0], [7.0]])
    assert np.isnan(unpack(pack_quantised([[np.nan]]))).all()


def test_quantised_refuses_bad_limits():
    with pytest.raises(OptionError, match=r"lo=\[2\.0\] and hi=\[1\.0\]"):
        pack_quantised([[1.0]], lo=2, hi=1)
    with pytest.raises(OptionError, match="must be finite"):
        pack_quantised([[1.0]], lo=-np.inf)
    with pytest.raises(DataError, match="scalar"):
        pack_quantised(1.0)
