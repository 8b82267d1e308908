"""Box proposals: the grid, its crops, their cIoU by summed areas, and the choice among them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.api import DataError, Image, MemoryCollection, Stream, UsageError
from mmbench.metrics.boxes import GroundTruth, box_set
from mmbench.metrics.localization import score_boxes
from mmbench.metrics.localization_options import localization_options
from mmbench.protocols.localization import LocalizationTask
from mmbench.protocols.proposals import BoxGrid, best_proposals, crops_of, proposal_ciou

many = settings(deadline=None)


class Scenes(LocalizationTask):
    """A task whose scenes are handed over."""

    name = "scenes"

    def __init__(self, collection, **options):
        super().__init__(**options)
        self.collection = collection

    def sources(self, datasets):
        return {"scenes": self.collection}


@many
@given(st.data())
def test_proposals_scored_by_sums_equal_proposals_scored_as_masks(data):
    size = data.draw(st.sampled_from([8, 13]))
    n = data.draw(st.integers(1, 20))
    corner = st.integers(0, size)
    entry = st.lists(st.tuples(corner, corner, corner, corner), max_size=3)
    lists = st.lists(entry, min_size=n, max_size=n)
    kind = data.draw(st.sampled_from(["union", "consensus"]))
    boxes = [box_set(data.draw(lists), box_format="xyxy", extent=size, size=size) for _ in "ab"]
    truth = GroundTruth(boxes[0], kind)
    each = proposal_ciou(boxes[1], truth)
    assert len(each) == len(boxes[1].corners)
    item = np.repeat(np.arange(n), boxes[1].per_item)
    for row, owner in enumerate(item.tolist()):
        single = box_set(
            [[boxes[1].corners[row].tolist()]], box_format="xyxy", extent=size, size=size
        )
        target = truth.maps(owner, owner + 1)
        expected = score_boxes(single, target, localization_options("boxes", size=size))
        assert each[row] == pytest.approx(expected.ciou[0], abs=1e-12)


@many
@given(st.data())
def test_the_best_proposal_by_its_definition(data):
    n = data.draw(st.integers(1, 8))
    m = data.draw(st.integers(1, 40))
    item = np.array(data.draw(st.lists(st.integers(0, n - 1), min_size=m, max_size=m)))
    few = st.sampled_from([-0.5, 0.0, 0.25])
    scores = np.array(data.draw(st.lists(few, min_size=m, max_size=m)))
    area = np.array(data.draw(st.lists(st.sampled_from([1.0, 2.0]), min_size=m, max_size=m)))
    for ties, sign in (("largest", -1), ("smallest", 1)):
        best = best_proposals(scores, item, area, n, ties)
        for row in range(n):
            mine = [i for i in range(m) if item[i] == row]
            expected = min(mine, key=lambda i: (-scores[i], sign * area[i], i), default=-1)
            assert best[row] == expected


@given(
    st.lists(st.floats(0.1, 1.0), min_size=1, max_size=3),
    st.floats(0.2, 1.0),
    st.floats(0.0, 1.0),
)
@many
def test_the_grid_covers_the_frame_and_stays_within_it(scales, stride, jitter):
    grid = BoxGrid(tuple(scales), stride, jitter)
    boxes = np.array(grid.boxes("item"))
    assert (boxes >= 0).all()
    assert (boxes <= 1 + 2e-6).all()
    assert boxes.tolist() == [list(box) for box in grid.boxes("item")]
    sides = boxes[:, 2:] - boxes[:, :2]
    assert np.isclose(sides[:, :1], np.array(scales)[None], atol=3e-6).any(axis=1).all()
    for scale in scales:
        lefts = np.unique(boxes[np.isclose(sides[:, 0], scale, atol=3e-6), 0])
        # neighbours of one size lie within the stride of each other, up to rounding
        assert (np.diff(lefts) <= scale * stride + 3e-6).all()


def test_the_grid_moves_by_item_and_seed_and_says_so():
    one, other = BoxGrid(), BoxGrid(seed=1)
    assert one.boxes("a") != one.boxes("b")
    assert one.boxes("a") != other.boxes("a")
    still = BoxGrid(jitter=0.0)
    assert still.boxes("a") == still.boxes("b")
    for bad in ({"scales": ()}, {"scales": (1.5,)}, {"stride": 0.0}, {"jitter": 2.0}):
        with pytest.raises(UsageError, match="proposal_"):
            BoxGrid(**bad)


def pictures(n=3):
    rng = np.random.default_rng(0)
    return MemoryCollection(
        "pictures",
        [f"s{i}" for i in range(n)],
        {"image": Stream("image", "image", "Image")},
        {"image": [Image(rng.integers(0, 255, (20, 30, 3), dtype=np.uint8)) for _ in range(n)]},
        {"boxes": [[[0, 0, 0.5, 0.5]]] * n, "proposals": [[[0, 0, 0.5, 1]], [], [[0, 0, 1, 1]]]},
    )


def test_crops_show_what_lies_in_their_boxes():
    task = Scenes(pictures(), prediction="boxes", proposals="column")
    found = task.collections(None)["crops"]
    assert list(found.columns["parent"]) == ["s0", "s2"]
    assert found.auxiliary
    whole = task.collection.load(0, "image").pixels
    assert (found.load(0, "image").pixels == whole[:, :15]).all()


def test_a_grids_crops_are_the_same_every_time_and_heat_maps_need_none():
    made = [Scenes(pictures(), prediction="boxes").collections(None)["crops"] for _ in "ab"]
    assert made[0].fingerprint() == made[1].fingerprint()
    assert "crops" not in Scenes(pictures()).collections(None)


def test_broken_proposals_are_refused():
    with pytest.raises(DataError, match="must be x1, y1, x2, y2"):
        crops_of(pictures(), "image", [[[0, 0, 1]], [], []])
    with pytest.raises(DataError, match="no box is proposed"):
        crops_of(pictures(), "image", [[], [], []])
