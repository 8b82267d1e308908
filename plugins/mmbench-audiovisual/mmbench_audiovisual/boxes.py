"""Annotated boxes: four finite numbers each, kept as they are, and what is wrong with them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mmbench.api import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Box", "box_of", "has_garbage", "is_empty"]

Box = list[float]

#: Side of the frame that localization is scored on, in pixels.
_FRAME = 224


def box_of(value: Any, where: str) -> Box:
    """One box.

    Raises:
        DataError: It is not four finite numbers.
    """
    numbers = isinstance(value, list) and all(
        isinstance(each, (int, float)) and not isinstance(each, bool) for each in value
    )
    if not numbers or len(value) != 4 or not all(math.isfinite(each) for each in value):
        raise DataError(f"a box must be four numbers, not {value!r}", where=where)
    return [float(each) for each in value]


def has_garbage(boxes: Sequence[Box]) -> bool:
    """Whether a coordinate lies far outside of the frame, whose sides are 1.

    Twelve items of VGG-SS hold -2.88e16. Scoring cuts such boxes off at the frame, as all published
    readers do; the columns keep what the file says.
    """
    return any(abs(value) > 2 for box in boxes for value in box)


def is_empty(boxes: Sequence[Box]) -> bool:
    """Whether none of these corners (shares of the frame) covers a pixel of the 224 x 224 map."""
    return not any(
        _pixels(x2) > _pixels(x1) and _pixels(y2) > _pixels(y1) for x1, y1, x2, y2 in boxes
    )


def _pixels(share: float) -> int:
    return int(_FRAME * min(max(share, 0.0), 1.0))
