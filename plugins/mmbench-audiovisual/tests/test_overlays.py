"""Pictures of what was localized: heat, borders, and both of them in the right place."""

from __future__ import annotations

import numpy as np
import pytest

from mmbench.api import ItemTable, ScoreInputs
from mmbench.protocols.localization_views import localized
from mmbench_audiovisual.localization import VggssLocalization
from mmbench_audiovisual.overlays import overlay

WHITE, GREEN = (255, 255, 255), (0, 230, 0)


def planted(row: int, column: int, cells: int = 7) -> ScoreInputs:
    """One item whose sound's vector is in one cell, which is the annotated box."""
    rng = np.random.default_rng(0)
    sound = rng.standard_normal((1, 64)).astype(np.float32)
    dense = rng.standard_normal((1, cells, cells, 64)).astype(np.float32)
    dense[0, row, column] = sound[0]
    box = [column / cells, row / cells, (column + 1) / cells, (row + 1) / cells]
    return ScoreInputs(
        {"map": dense, "sound": sound}, {"scenes": ItemTable(["a"], {"boxes": [[box]]})}
    )


@pytest.mark.parametrize("preset", ["ezvsl", "slavc"])
@pytest.mark.parametrize("place", [(0, 6), (2, 1), (5, 4)])
def test_the_hottest_pixel_is_in_the_true_cell(preset: str, place: tuple[int, int]) -> None:
    task, inputs = VggssLocalization(preset=preset), planted(*place)
    (item,) = localized(task, inputs, [0])
    drawn = np.asarray(overlay(np.full((90, 160, 3), 128, dtype=np.uint8), item)).astype(int)
    height, width = 252, 448  # as wide as may be; below it the caption
    picture = drawn[:height]
    redness = picture[:, :, 0] - picture[:, :, 1] - picture[:, :, 2]
    y, x = np.unravel_index(redness.argmax(), redness.shape)
    assert picture.shape == (height, width, 3)
    assert redness.max() > 0
    assert (int(y / height * 7), int(x / width * 7)) == place
    green = (picture == GREEN).all(axis=2)
    top, left = place[0] * height / 7, place[1] * width / 7
    ys, xs = np.nonzero(green)
    assert [ys.min(), xs.min()] == pytest.approx([top, left], abs=1.5)
    assert [ys.max(), xs.max()] == pytest.approx([top + height / 7, left + width / 7], abs=1.5)
    assert (picture == WHITE).all(axis=2).any()


def test_what_is_drawn_is_what_was_scored() -> None:
    task, inputs = VggssLocalization(), planted(3, 3)
    (item,) = localized(task, inputs, [0])
    assert item.heat is not None
    assert item.truth.sum() == 32 * 32
    shared = (item.mask & (item.truth > 0)).sum()
    whole = item.truth.sum() + (item.mask & (item.truth == 0)).sum()
    assert item.ciou == pytest.approx(shared / whole)
    assert item.mask.mean() == pytest.approx(0.5, abs=0.01)  # EZ-VSL's median


def test_boxes_are_drawn_without_heat() -> None:
    task = VggssLocalization(prediction="boxes")
    boxes = [[0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0]]
    vectors = np.eye(2, dtype=np.float32)
    tables = {
        "scenes": ItemTable(["a", "b"], {"boxes": [[boxes[0]], [boxes[0]]]}),
        "crops": ItemTable(["a0", "a1", "b0", "b1"], {"parent": list("aabb"), "box": boxes * 2}),
    }
    inputs = ScoreInputs({"crop": np.tile(vectors, (2, 1)), "sound": vectors}, tables)
    right, wrong = localized(task, inputs, [0, 1])
    assert (right.heat, right.ciou, wrong.ciou) == (None, 1.0, 0.0)
    assert right.mask[:112, :112].all()
    assert right.mask.sum() == wrong.mask[112:, 112:].sum() == 112 * 112
    frame = np.full((64, 64, 3), 90, dtype=np.uint8)
    drawn = np.asarray(overlay(frame, wrong))[:448]
    assert (drawn[5, 5], drawn[100, 100]) == pytest.approx((90, 90))
    assert tuple(drawn[224, 300]) == WHITE
    assert tuple(drawn[223, 100]) == GREEN


def test_an_item_without_ground_truth_says_so() -> None:
    task, inputs = VggssLocalization(skip_empty_gt=True), planted(3, 3)
    bare = ItemTable(["a", "b"], {"boxes": [inputs.tables["scenes"]["boxes"][0], []]})
    arrays = {"map": inputs.arrays["map"].repeat(2, 0), "sound": inputs.arrays["sound"]}
    arrays["sound"] = np.concatenate([arrays["sound"], -arrays["sound"]])
    _, item = localized(task, ScoreInputs(arrays, {"scenes": bare}), [0, 1])
    assert np.isnan(item.ciou)
    drawn = np.asarray(overlay(np.zeros((50, 40, 3), dtype=np.uint8), item))
    assert not (drawn == GREEN).all(axis=2).any()
