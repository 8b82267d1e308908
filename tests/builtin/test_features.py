"""Plain features: averages over grids, checked by hand and against the naive form."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.api import (
    Array,
    Audio,
    Image,
    ItemError,
    PointCloud,
    Sequence,
    Table,
    Text,
    UsageError,
)
from mmbench.builtin.representations.features import (
    FeatureGrid,
    featurise,
    image_grid,
    interval_weights,
)

GRID = FeatureGrid(rows=2, columns=3, times=4, bands=8, buckets=64, steps=5, voxels=(2, 2, 2))


@settings(deadline=None)
@given(
    st.integers(1, 12),
    st.lists(st.tuples(st.integers(-20, 40), st.integers(1, 30)), min_size=1, max_size=8),
)
def test_interval_weights_average_a_line_whose_ends_go_on(size, quarters):
    start = np.array([begin / 4 for begin, _ in quarters])
    stop = start + np.array([length / 4 for _, length in quarters])
    row = np.arange(size) ** 2.0
    averaged = interval_weights(size, start, stop) @ row
    for begin, end, value in zip(start, stop, averaged, strict=True):
        middles = np.arange(begin * 4, end * 4) / 4 + 0.125
        cells = np.clip(np.floor(middles).astype(int), 0, size - 1)
        assert value == pytest.approx(row[cells].mean())


def test_images_are_averaged_over_a_grid_and_normalised():
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[:2, :2] = 255
    found = featurise(Image(pixels), GRID)
    deviation = np.sqrt(1 / 6 * (5 / 6))
    np.testing.assert_allclose(
        found, (np.array([1, 0, 0, 0, 0, 0]) - 1 / 6) / deviation, atol=1e-12
    )


def test_a_flat_image_has_flat_features():
    np.testing.assert_allclose(
        featurise(Image(np.full((4, 6, 3), 9, np.uint8)), GRID), 0, atol=1e-12
    )


def test_image_grids_keep_the_aspect():
    assert image_grid(32, 96, 192) == (8, 24)
    assert image_grid(32, 32, 192) == (14, 14)
    assert image_grid(1, 1000, 16) == (1, 16)


def test_sounds_are_loudest_where_they_sound():
    time = np.arange(8000) / 8000
    sound = np.sin(2 * np.pi * 1250 * time) * (time > 0.5)
    found = featurise(Audio(sound[None].astype(np.float32), 8000), GRID).reshape(4, 8)
    assert np.unravel_index(found.argmax(), found.shape)[0] >= 2
    assert found[3].argmax() == 2
    assert found[0].max() == pytest.approx(np.log(1e-3), abs=0.1)
    quiet = featurise(Audio(0.1 * sound[None].astype(np.float32), 8000), GRID).reshape(4, 8)
    np.testing.assert_allclose(found, quiet, atol=1e-5)


def test_short_and_silent_sounds_have_features():
    for samples in (np.zeros((1, 8000)), np.zeros((2, 10))):
        found = featurise(Audio(samples.astype(np.float32), 8000), GRID)
        np.testing.assert_allclose(found, np.log(1e-3))


def test_texts_count_words_and_pairs():
    once = featurise(Text("Three, four"), FeatureGrid(buckets=4096))
    assert np.abs(once).sum() == 2 + 3  # two words, three pairs with both ends marked
    np.testing.assert_array_equal(once, featurise(Text("three FOUR!"), FeatureGrid(buckets=4096)))
    assert not np.array_equal(once, featurise(Text("four three"), FeatureGrid(buckets=4096)))


def test_sequences_are_resampled():
    values = np.array([[0.0, 4.0], [2.0, 0.0]], np.float32)
    found = featurise(Sequence(values), GRID).reshape(5, 2)
    np.testing.assert_allclose(found, [[0, 4], [0.5, 3], [1, 2], [1.5, 1], [2, 0]])


def test_clouds_are_counted_in_voxels():
    xyz = np.array([[0, 0, 0], [4, 1, 9], [4, 1, 9], [4, 0, 0]], np.float32)
    found = featurise(PointCloud(xyz), GRID).reshape(2, 2, 2)
    np.testing.assert_allclose(found[0, 0, 0], 0.5)
    np.testing.assert_allclose(found[1, 1, 1], np.sqrt(0.5))
    np.testing.assert_allclose((found**2).sum(), 1.0)


def test_arrays_are_flattened():
    found = featurise(Array(np.arange(6, dtype=np.float32).reshape(2, 3)), GRID)
    assert found.tolist() == [0, 1, 2, 3, 4, 5]


BROKEN = [
    Array(np.array([1.0, np.nan], np.float32)),
    Sequence(np.array([[np.inf]], np.float32)),
    Sequence(np.empty((0, 3), np.float32)),
    PointCloud(np.empty((0, 3), np.float32)),
    PointCloud(np.array([[0, 0, np.nan]], np.float32)),
    Audio(np.array([[np.nan] * 300], np.float32), 8000),
]


@pytest.mark.parametrize("payload", BROKEN, ids=lambda payload: type(payload).__name__)
def test_empty_and_non_finite_payloads_are_refused(payload):
    with pytest.raises(ItemError, match=r"NaN|no steps|no points"):
        featurise(payload, GRID)


def test_other_kinds_are_refused_by_name():
    with pytest.raises(UsageError, match="Table"):
        featurise(Table({"a": 1}), GRID)


def test_sizes_go_through_json():
    assert FeatureGrid.from_json(json.loads(json.dumps(GRID.as_json()))) == GRID
