"""One cell of a dense map equals the sound's vector: the maximum lies in that cell's pixels."""

from __future__ import annotations

import numpy as np
import pytest

from mmbench.api import ItemTable, ScoreInputs
from mmbench_audiovisual.localization import VggssLocalization

CELLS = 7
WIDTH = 16


def boxes_of_cells() -> list[list[list[float]]]:
    """The part of the frame that each cell stands for, row by row."""
    return [
        [[x / CELLS, y / CELLS, (x + 1) / CELLS, (y + 1) / CELLS]]
        for y in range(CELLS)
        for x in range(CELLS)
    ]


@pytest.mark.parametrize("preset", ["ezvsl", "lvs"])
def test_the_maximum_is_in_the_planted_cell_and_in_no_other(preset: str) -> None:
    rng = np.random.default_rng(0)
    count = CELLS**2
    sounds = rng.standard_normal((count, WIDTH)).astype(np.float32)
    maps = rng.standard_normal((count, CELLS, CELLS, WIDTH)).astype(np.float32)
    for cell in range(count):
        maps[cell, cell // CELLS, cell % CELLS] = sounds[cell]
    # A mask of the highest pixels alone; each map is scored against each cell.
    task = VggssLocalization(
        preset=preset, threshold="fraction_of_max", threshold_value=0.999, comparison=">="
    )
    ids = [f"{map_}-{cell}" for map_ in range(count) for cell in range(count)]
    inputs = ScoreInputs(
        arrays={"map": maps.repeat(count, axis=0), "sound": sounds.repeat(count, axis=0)},
        tables={"scenes": ItemTable(ids, {"boxes": boxes_of_cells() * count})},
    )
    ciou = np.asarray(task.score(inputs).tables["items"]["ciou"]).reshape(count, count)
    assert (np.diag(ciou) > 0).all()
    assert (ciou[~np.eye(count, dtype=bool)] == 0).all()
