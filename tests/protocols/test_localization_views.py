"""What is shown of localized items is what was scored."""

from __future__ import annotations

import numpy as np
import pytest

from mmbench.api import ItemTable, ScoreInputs
from mmbench.protocols.localization import LocalizationTask
from mmbench.protocols.localization_views import localized


class Scenes(LocalizationTask):
    """A task whose arrays are handed over."""

    name = "scenes"


def scenes(count: int = 6, side: int = 5) -> ScoreInputs:
    rng = np.random.default_rng(3)
    corner = rng.uniform(0, 0.5, (count, 2))
    boxes = [[box] for box in np.hstack([corner, corner + 0.3]).tolist()]
    boxes[2] = []
    arrays = {
        "map": rng.standard_normal((count, side, side, 8)).astype(np.float32),
        "sound": rng.standard_normal((count, 8)).astype(np.float32),
    }
    table = ItemTable([f"s{n}" for n in range(count)], {"boxes": boxes})
    return ScoreInputs(arrays, {"scenes": table})


@pytest.mark.parametrize("preset", ["ezvsl", "slavc", "lvs", "ssla", "rvs", "dsol", "acl"])
def test_a_mask_gives_the_ciou_of_its_item(preset: str) -> None:
    inputs = scenes(side=224) if preset == "acl" else scenes()  # its maps are of the frame's size
    task = Scenes(preset=preset)
    swept = task.score(inputs).parameters.get("swept_threshold")
    assert (swept is None) == (preset != "acl")
    rows = [4, 0, 2]
    found = localized(task, inputs, rows, threshold=swept)
    assert [item.id for item in found] == ["s4", "s0", "s2"]
    wanted = np.asarray(task.score(inputs).tables["items"]["ciou"])[rows]
    assert [item.ciou for item in found] == pytest.approx(wanted)
    for item in found:
        shared = float((item.mask * item.truth).sum())
        whole = float(item.truth.sum() + (item.mask & (item.truth == 0)).sum())
        assert shared / whole == pytest.approx(item.ciou)
        assert item.heat is not None
        assert item.heat[item.mask].min() >= item.heat[~item.mask].max()


def test_an_item_without_a_box_has_an_empty_mask() -> None:
    inputs = scenes(3)
    crops = {
        "parent": ["s0", "s0", "s1"],
        "box": [[0.0, 0.0, 0.5, 1.0], [0, 0, 1, 1], [0, 0, 1, 1]],
    }
    vectors = np.stack([inputs.arrays["sound"][0], *-inputs.arrays["sound"][:2]])
    arrays = {"crop": vectors, "sound": inputs.arrays["sound"]}
    tables = {**inputs.tables, "crops": ItemTable(["a", "b", "c"], crops)}
    found = localized(Scenes(prediction="boxes"), ScoreInputs(arrays, tables), [0, 1, 2])
    assert [int(item.mask.sum()) for item in found] == [112 * 224, 224 * 224, 0]
    assert found[0].mask[:, :112].all()
    assert [item.heat for item in found] == [None] * 3
    assert np.isnan(found[2].ciou)
