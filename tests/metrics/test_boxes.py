"""Boxes and ground-truth maps against the papers' readers and a loop over slices."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.metrics.boxes import GroundTruth, box_set

ORACLES = Path(__file__).parents[1] / "oracles"
GARBAGE = -2.88e16

many = settings(deadline=None)
coordinate = st.sampled_from([GARBAGE, -0.5, 0.0, 0.1, 0.25, 0.5, 0.75, 0.999, 1.0, 1.5])
box_lists = st.lists(
    st.lists(st.tuples(coordinate, coordinate, coordinate, coordinate), max_size=5),
    min_size=1,
    max_size=64,
)


def load(name):
    return (
        json.loads((ORACLES / f"{name}.json").read_text()),
        np.load(ORACLES / f"{name}.npz"),
    )


def sliced(boxes, size):
    """One item's box counts as the papers write them, one slice a box."""
    counts = np.zeros((size, size))
    for box in boxes:
        x1, y1, x2, y2 = (int(size * min(max(v, 0.0), 1.0)) for v in box)
        counts[y1:y2, x1:x2] += 1
    return counts


def test_vggss_maps_equal_those_of_lvs_and_ezvsl():
    figures, arrays = load("localization_vggss")
    truth = GroundTruth(box_set(figures["boxes"], box_format="xyxy"))
    np.testing.assert_array_equal(truth.maps(0, len(truth)), arrays["gt"])
    assert truth.maps(0, len(truth)).sum(axis=(1, 2)).tolist() == figures["gt_area_lvs"]
    assert truth.boxes.per_item[0] == 7


def test_flickr_consensus_maps_equal_those_of_lvs_and_ezvsl():
    figures, arrays = load("localization_flickr")
    boxes = box_set(figures["boxes_256"], box_format="xyxy", extent=256)
    maps = GroundTruth(boxes, "consensus").maps(0, len(boxes))
    np.testing.assert_array_equal(2 * maps, arrays["gt_doubled"])
    assert sorted(np.unique(maps).tolist()) == figures["gt_values"]
    for key, expected in figures["boxes_224"].items():
        item = int(key[1:])
        rows = boxes.corners[boxes.offsets[item] : boxes.offsets[item + 1]]
        assert rows.tolist() == expected


@many
@given(boxes=box_lists, size=st.sampled_from([1, 7, 32]), data=st.data())
def test_maps_equal_a_loop_over_slices(boxes, size, data):
    expected = np.stack([sliced(entry, size) for entry in boxes])
    found = box_set(boxes, box_format="xyxy", size=size)
    start = data.draw(st.integers(0, len(boxes)))
    stop = data.draw(st.integers(start, len(boxes)))
    np.testing.assert_array_equal(found.counts(start, stop), expected[start:stop])
    np.testing.assert_array_equal(GroundTruth(found).maps(start, stop), expected[start:stop] > 0)
    np.testing.assert_array_equal(
        GroundTruth(found, "consensus").maps(start, stop), np.minimum(expected[start:stop] / 2, 1)
    )


@many
@given(
    boxes=st.lists(
        st.lists(st.tuples(*[st.integers(0, 16)] * 4), max_size=3), min_size=1, max_size=16
    )
)
def test_corner_and_size_boxes_are_the_same_boxes(boxes):
    # Sixteenths are exact in binary, so that no rounding hides a difference.
    corners = [[[v / 16 for v in box] for box in entry] for entry in boxes]
    sizes = [[[x1, y1, x2 - x1, y2 - y1] for x1, y1, x2, y2 in entry] for entry in corners]
    np.testing.assert_array_equal(
        box_set(sizes, box_format="xywh").corners, box_set(corners, box_format="xyxy").corners
    )


def test_reading_sizes_as_corners_loses_the_box():
    # A box in the lower right whose size is less than its corner: AVGN's mistake.
    box = [[[0.5, 0.5, 0.25, 0.25]]]
    assert GroundTruth(box_set(box, box_format="xywh")).maps(0, 1).sum() == 56**2
    assert GroundTruth(box_set(box, box_format="xyxy")).maps(0, 1).sum() == 0


def test_garbage_ends_at_the_border_and_other_boxes_stay():
    boxes = [[[GARBAGE, GARBAGE, GARBAGE, GARBAGE], [0.0, 0.0, 0.5, 0.5]], []]
    truth = GroundTruth(box_set(boxes, box_format="xyxy"))
    assert truth.maps(0, 2).sum(axis=(1, 2)).tolist() == [112**2, 0]
    assert truth.boxes.per_item.tolist() == [2, 0]


@pytest.mark.parametrize(
    ("boxes", "options", "message"),
    [
        ([[[0, 0, 1, np.nan]]], {}, "1 boxes hold NaN or infinity, the first in item 0"),
        ([[], [[0, 0, np.inf, 1]]], {}, "the first in item 1"),
        ([[0.0, 0.0, 1.0, 1.0]], {}, r"must be \[k, 4\]"),
        ([[[0, 0, 1]]], {}, r"must be \[k, 4\]"),
        ([], {"box_format": "cxcywh"}, "unknown box_format 'cxcywh'"),
        ([], {"extent": 0.0}, "must be positive"),
        ([], {"size": 0}, "must be positive"),
    ],
)
def test_bad_boxes_are_refused(boxes, options, message):
    with pytest.raises(ValueError, match=message):
        box_set(boxes, **{"box_format": "xyxy", **options})


def test_an_unknown_kind_of_ground_truth_is_refused():
    with pytest.raises(ValueError, match="unknown ground truth 'majority'"):
        GroundTruth(box_set([[]], box_format="xyxy"), "majority")
