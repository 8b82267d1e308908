"""How far vectors lie apart, and when their shapes are alike."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmbench.api import Offer

__all__ = ["TOLERANCE", "far_apart", "same_axes"]

#: Rounding: vectors of one item may differ by this share of the largest value.
TOLERANCE = 1e-4


def far_apart(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """The largest difference of two arrays, as a share of the first's largest value.

    Infinite where their shapes differ or a value is not finite.
    """
    if first.shape != second.shape:
        return math.inf
    scale = max(float(np.abs(first).max(initial=0.0)), 1e-30)
    with np.errstate(invalid="ignore", over="ignore"):
        difference = float(np.abs(first - second).max(initial=0.0)) / scale
    return difference if math.isfinite(difference) else math.inf


def same_axes(offer: Offer, first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    """Whether vectors of these shapes are alike: for maps and tokens, but for how many there are.

    A grid may follow the size of the frame, and tokens the length of the text.
    """
    if offer.kind not in ("dense", "tokens"):
        return first == second
    return len(first) == len(second) and first[0] == second[0] and first[-1] == second[-1]
