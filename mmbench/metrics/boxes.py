"""Boxes on the evaluation frame: pixel corners, and the ground-truth maps drawn from them.

All boxes of a collection lie in one flat array, so a chunk of items is drawn at once: +1 and -1 at
the four corners of each box, then two cumulative sums. Nothing of size N x 224 x 224 is ever held.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BoxFormat = Literal["xyxy", "xywh"]
"""Corners (VGG-SS, Flickr-SoundNet), or corner and size (DSOL's and AVGN's MUSIC files)."""

GroundTruthKind = Literal["union", "consensus"]
"""VGG-SS: inside any box is 1. Flickr-SoundNet: one annotator is 0.5, two or more are 1."""

FRAME = 224
"""Side of the frame on which every published localization figure is computed, in pixels."""


@dataclass(frozen=True)
class BoxSet:
    """The boxes of N items as pixel corners on a square frame.

    Attributes:
        corners: [M, 4] int64: x1, y1, x2, y2, the end exclusive, within 0..size; items in order.
        offsets: [N + 1] int64: item i owns rows `offsets[i]:offsets[i + 1]`.
        size: Side of the frame, in pixels.
    """

    corners: NDArray[np.int64]
    offsets: NDArray[np.int64]
    size: int = FRAME

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def per_item(self) -> NDArray[np.int64]:
        """[N] boxes of each item, degenerate ones included."""
        return np.diff(self.offsets)

    def counts(self, start: int, stop: int) -> NDArray[np.int32]:
        """How many boxes cover each pixel, for items `start` to `stop` (exclusive).

        Returns:
            [stop - start, size, size] int32. A box of no width or height covers nothing.
        """
        first, last = self.offsets[start], self.offsets[stop]
        x1, y1, x2, y2 = self.corners[first:last].T
        item = np.repeat(np.arange(stop - start), self.per_item[start:stop])
        drawn = (x2 > x1) & (y2 > y1)
        x1, y1, x2, y2, item = (column[drawn] for column in (x1, y1, x2, y2, item))
        steps = np.zeros((stop - start, self.size + 1, self.size + 1), dtype=np.int32)
        np.add.at(steps, (item, y1, x1), 1)
        np.add.at(steps, (item, y2, x2), 1)
        np.add.at(steps, (item, y1, x2), -1)
        np.add.at(steps, (item, y2, x1), -1)
        np.cumsum(steps, axis=1, out=steps)
        np.cumsum(steps, axis=2, out=steps)
        return steps[:, : self.size, : self.size]


@dataclass(frozen=True)
class GroundTruth:
    """Ground truth of N items, drawn when it is needed.

    Attributes:
        boxes: The annotated boxes.
        kind: `union` (VGG-SS, MUSIC) or `consensus` (Flickr-SoundNet).
    """

    boxes: BoxSet
    kind: GroundTruthKind = "union"

    def __post_init__(self) -> None:
        if self.kind not in get_args(GroundTruthKind):
            raise ValueError(
                f"unknown ground truth {self.kind!r}: "
                f"choose one of {', '.join(get_args(GroundTruthKind))}"
            )

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def size(self) -> int:
        """Side of the frame, in pixels."""
        return self.boxes.size

    def maps(self, start: int, stop: int) -> NDArray[np.float32]:
        """Ground-truth maps of items `start` to `stop`.

        Returns:
            [stop - start, size, size] float32: {0, 1} for `union`, {0, 0.5, 1} for `consensus`.

        Source:
            EZ-VSL bbox2gtmap; LVS testset_gt (both give the same maps).
        """
        counts = self.boxes.counts(start, stop)
        if self.kind == "union":
            return (counts > 0).astype(np.float32)
        return np.minimum(counts.astype(np.float32) / 2, 1)


def box_set(
    boxes: Sequence[Any], *, box_format: BoxFormat, extent: float = 1.0, size: int = FRAME
) -> BoxSet:
    """Bring annotated or predicted boxes to the evaluation frame.

    A coordinate v becomes `int(size * clip(v, 0, extent) / extent)`. So garbage (VGG-SS holds
    -2.88e16) ends at the border, and a box that ends before it begins covers nothing. A box given
    by its size is turned into corners before the rounding.

    Args:
        boxes: N entries, each [k, 4] with k >= 0.
        box_format: `xyxy` or `xywh`. There is no default: reading one as the other empties 1,647
            of AVGN's 2,124 MUSIC maps without an error.
        extent: What the far border is called: 1 for normalised boxes (VGG-SS, MUSIC), 256 for
            Flickr-SoundNet's.
        size: Side of the frame, in pixels.

    Returns:
        The boxes in pixels.

    Raises:
        ValueError: An unknown format, entries that are not [k, 4], NaN or infinity.

    Source:
        The readers of EZ-VSL, LVS and SLAVC (corners) and DSOL's tools (sizes).
    """
    if box_format not in get_args(BoxFormat):
        raise ValueError(
            f"unknown box_format {box_format!r}: choose one of {', '.join(get_args(BoxFormat))}"
        )
    if not extent > 0 or size < 1:
        raise ValueError(f"extent and size must be positive, not {extent} and {size}")
    entries = [_rows(entry) for entry in boxes]
    flat = np.concatenate([np.empty((0, 4)), *entries])
    offsets = np.cumsum([0, *(len(entry) for entry in entries)], dtype=np.int64)
    broken = ~np.isfinite(flat).all(axis=1)
    if broken.any():
        item = int(np.searchsorted(offsets, int(np.flatnonzero(broken)[0]), side="right")) - 1
        raise ValueError(
            f"{int(broken.sum())} boxes hold NaN or infinity, the first in item {item}: "
            "leave them out in the dataset's reader"
        )
    if box_format == "xywh":
        flat = np.concatenate([flat[:, :2], flat[:, :2] + flat[:, 2:]], axis=1)
    corners = np.trunc(size * np.clip(flat, 0, extent) / extent).astype(np.int64)
    return BoxSet(corners=corners, offsets=offsets, size=size)


def _rows(entry: Any) -> NDArray[np.float64]:
    """One item's boxes as [k, 4]; an empty entry of any shape has none."""
    rows = np.asarray(entry, dtype=np.float64)
    if rows.size == 0:
        return np.empty((0, 4))
    if rows.ndim != 2 or rows.shape[1] != 4:
        raise ValueError(f"an item's boxes must be [k, 4], not of shape {rows.shape}")
    return rows
