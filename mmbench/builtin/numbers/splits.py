"""Which numbers and which handwritten digits belong to which split; no split shares any.

Numbers: a seeded permutation of 0..999, 500 for training, 100 for validation, 400 for testing.
Handwritten digits: a seeded permutation of each class, 60 % / 10 % / 30 %.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from mmbench.builtin.numbers.seeding import draw_rng, permutation

if TYPE_CHECKING:
    from numpy.typing import NDArray

Split = Literal["train", "valid", "test"]

SPLITS: tuple[Split, ...] = ("train", "valid", "test")
_NUMBERS = {"train": 500, "valid": 100, "test": 400}
_GLYPHS = {"train": 0.6, "valid": 0.1}


def split_numbers() -> dict[Split, list[int]]:
    """The numbers of each split, ascending."""
    order = permutation(draw_rng("split", "numbers"), 1000)
    found: dict[Split, list[int]] = {}
    start = 0
    for split in SPLITS:
        stop = start + _NUMBERS[split]
        found[split] = sorted(int(number) for number in order[start:stop])
        start = stop
    return found


def split_glyphs(labels: NDArray[np.int32]) -> dict[Split, list[list[int]]]:
    """The rows of each split, by digit: ``split_glyphs(labels)["train"][7]``.

    Args:
        labels: [N] the digit that each row shows.
    """
    found: dict[Split, list[list[int]]] = {split: [] for split in SPLITS}
    for digit in range(10):
        rows = np.flatnonzero(labels == digit)
        rows = rows[permutation(draw_rng("split", "glyphs", digit), len(rows))]
        first = round(len(rows) * _GLYPHS["train"])
        second = first + round(len(rows) * _GLYPHS["valid"])
        for split, part in zip(SPLITS, np.split(rows, [first, second]), strict=True):
            found[split].append(sorted(int(row) for row in part))
    return found
