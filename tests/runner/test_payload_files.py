from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmbench.api import (
    Array,
    Audio,
    Image,
    PointCloud,
    Sequence,
    Table,
    Text,
    Tokens,
    Video,
)
from mmbench.runner.payload_files import pack, read_payload, write_payload

floats = hnp.arrays(
    st.sampled_from([np.float32, np.float64, np.float16, ">f4"]),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5),
)
pixels = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=3, max_dims=4, min_side=0, max_side=5))
whole = hnp.arrays(np.int64, st.integers(0, 9))
rates = st.one_of(st.integers(), st.floats(allow_nan=False), st.integers(0, 9).map(np.int32))
cells = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(),
    st.floats(width=32, allow_nan=False).map(np.float32),
)  # fmt: skip
payloads = st.one_of(
    pixels.map(Image),
    st.builds(Audio, floats, rates),
    st.text(st.characters(exclude_categories=())).map(Text),
    whole.map(Tokens),
    st.builds(PointCloud, floats, st.none() | floats),
    st.builds(Video, pixels, rates),
    floats.map(Sequence),
    st.dictionaries(st.text(), cells).map(Table),
    floats.map(Array),
)


@given(payloads, st.booleans())
def test_a_payload_comes_back_to_the_last_bit(tmp_path_factory, payload, turned) -> None:
    if turned and isinstance(payload, Array):  # columns first, as a transposed sound is
        payload = Array(payload.values.T)
    path = tmp_path_factory.getbasetemp() / "payload"
    packed = pack(payload)
    assert packed is not None
    write_payload(path, packed)
    back = read_payload(path)

    assert type(back) is type(payload)
    assert path.stat().st_size <= packed.bytes + 512
    for each in fields(payload):
        before, after = getattr(payload, each.name), getattr(back, each.name)
        assert type(after) is type(before)
        if isinstance(before, np.ndarray):
            assert (after.dtype, after.shape) == (before.dtype, before.shape)
            assert after.tobytes() == before.tobytes()
            assert after.flags.f_contiguous == before.flags.f_contiguous
        elif isinstance(before, dict):
            assert list(after.items()) == list(before.items())
            assert [type(cell) for cell in after.values()] == [type(c) for c in before.values()]
        else:
            assert after == before


class Picture(Image):
    """A class of a plugin's own."""


@pytest.mark.parametrize(
    "payload",
    [
        Picture(np.zeros((1, 1, 3), np.uint8)),
        Array(np.array([None, 1], dtype=object)),
        Array([1.0, 2.0]),
        Array(np.ma.masked_array([1.0], mask=[True])),
        Table({1: "number"}),
        Table({"list": [1]}),
    ],
)
def test_what_would_not_come_back_is_not_packed(payload) -> None:
    assert pack(payload) is None


def test_gaps_are_closed(tmp_path) -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4)[:, ::2]
    packed = pack(Array(values))
    write_payload(tmp_path / "x", packed)
    np.testing.assert_array_equal(read_payload(tmp_path / "x").values, values)
