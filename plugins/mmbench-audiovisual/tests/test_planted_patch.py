"""One cell of a dense map equals the sound's vector: the maximum lies in that cell's pixels."""

from __future__ import annotations

import numpy as np
import pytest

from mmbench.api import ItemTable, ScoreInputs
from mmbench_audiovisual.localization import VggssLocalization

CELLS = 7
#: Wide enough that other tokens' cosines stay low: between two tokens that are both like the sound
#: SLAVC's bicubic upsampling overshoots, and its maximum may lie past the border of either.
WIDTH = 64


def inside(row: int, column: int) -> list[list[float]]:
    """The part of the frame that a cell stands for, x1, y1, x2, y2."""
    return [[column / CELLS, row / CELLS, (column + 1) / CELLS, (row + 1) / CELLS]]


def outside(row: int, column: int) -> list[list[float]]:
    """The rest of the frame: above, below, left and right of the cell."""
    ((x1, y1, x2, y2),) = inside(row, column)
    parts = [[0.0, 0.0, 1.0, y1], [0.0, y2, 1.0, 1.0], [0.0, y1, x1, y2], [x2, y1, 1.0, y2]]
    return [[a, b, c, d] for a, b, c, d in parts if a < c and b < d]


def ciou_of_planted(task: VggssLocalization) -> tuple[np.ndarray, np.ndarray]:
    """cIoU of each planted map with the box of its cell, and with the rest of the frame."""
    rng = np.random.default_rng(0)
    places = [divmod(cell, CELLS) for cell in range(CELLS**2)]
    sounds = rng.standard_normal((len(places), WIDTH)).astype(np.float32)
    maps = rng.standard_normal((len(places), CELLS, CELLS, WIDTH)).astype(np.float32)
    for number, (row, column) in enumerate(places):
        maps[number, row, column] = sounds[number]
    boxes = [truth(*place) for truth in (inside, outside) for place in places]
    inputs = ScoreInputs(
        arrays={"map": np.tile(maps, (2, 1, 1, 1)), "sound": np.tile(sounds, (2, 1))},
        tables={"scenes": ItemTable([str(n) for n in range(len(boxes))], {"boxes": boxes})},
    )
    found = np.asarray(task.score(inputs).tables["items"]["ciou"])
    return found[: len(places)], found[len(places) :]


PRESETS = ["ezvsl", "slavc", "slavc_relative", "lvs", "ssla", "dsol"]


@pytest.mark.parametrize("preset", PRESETS)
def test_the_maximum_is_in_the_planted_cell_and_in_no_other(preset: str) -> None:
    # A mask of the highest pixels alone.
    task = VggssLocalization(
        preset=preset, threshold="fraction_of_max", threshold_value=0.999, comparison=">="
    )
    there, elsewhere = ciou_of_planted(task)
    assert (there > 0).all()
    assert (elsewhere == 0).all()


@pytest.mark.parametrize("preset", PRESETS)
def test_the_planted_cell_is_in_the_mask_by_the_rules_of_a_preset(preset: str) -> None:
    there, _ = ciou_of_planted(VggssLocalization(preset=preset))
    assert (there > 0).all()
