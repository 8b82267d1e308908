"""Box proposals: a seeded multi-scale grid, their crops as a derived collection, and their cIoU."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from mmbench.api import DataError, DerivedCollection, UsageError, View

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from mmbench.api import Collection
    from mmbench.metrics.boxes import BoxSet, GroundTruth

    Box = tuple[float, float, float, float]

__all__ = [
    "BoxGrid",
    "best_by_item",
    "best_proposals",
    "crops_of",
    "parent_rows",
    "proposal_ciou",
    "proposed_boxes",
]

_CHUNK = 16
_DIGITS = 6  # a millionth of the frame: crops are named by their boxes


@dataclass(frozen=True)
class BoxGrid:
    """Square boxes of several sizes, evenly spread over the frame, moved a little by item.

    Attributes:
        scales: Sides of the boxes, as shares of the frame's sides, in 0..1.
        stride: Greatest distance between neighbours, as a share of their side.
        jitter: Each item's boxes of one scale move together by at most this share of half their
            distance, so that no layout of a dataset meets the grid by chance. 0 = one grid for all.
        seed: Of the jitter, together with the item's id.
    """

    scales: tuple[float, ...] = (0.9, 0.6, 0.4, 0.25)
    stride: float = 0.5
    jitter: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.scales or not all(0.0 < scale <= 1.0 for scale in self.scales):
            raise UsageError(f"proposal_scales must lie in (0, 1], not {self.scales}")
        if not 0.0 < self.stride <= 1.0 or not 0.0 <= self.jitter <= 1.0:
            raise UsageError(
                f"proposal_stride must lie in (0, 1] and proposal_jitter in 0..1, not "
                f"{self.stride} and {self.jitter}"
            )

    def boxes(self, item: str) -> list[Box]:
        """One item's boxes: x1, y1, x2, y2 as shares of the frame, scale by scale, row by row.

        Args:
            item: The item's id.
        """
        import numpy as np

        entropy = blake2b(f"{self.seed}|{item}".encode(), digest_size=8).digest()
        rng = np.random.default_rng(int.from_bytes(entropy, "little"))
        found: list[Box] = []
        for scale in self.scales:
            room = 1.0 - scale
            count = int(np.ceil(room / (scale * self.stride) - 1e-9)) + 1
            step = room / (count - 1) if count > 1 else 0.0
            move = (rng.random(2) - 0.5) * step * self.jitter
            left, top = (np.clip(np.arange(count) * step + shift, 0.0, room) for shift in move)
            found += [
                (
                    round(float(x), _DIGITS),
                    round(float(y), _DIGITS),
                    round(float(x) + scale, _DIGITS),
                    round(float(y) + scale, _DIGITS),
                )
                for y in top
                for x in left
            ]
        return found


def crops_of(
    scenes: Collection, stream: str, proposals: Sequence[Sequence[Sequence[float]]]
) -> DerivedCollection:
    """The pictures inside each scene's proposed boxes.

    Args:
        scenes: The pictures' collection.
        stream: Its stream of pictures.
        proposals: One list of boxes a scene: x1, y1, x2, y2 as shares of the frame.

    Returns:
        One child a box, in order, with the column ``box``; auxiliary, as proposals are.

    Raises:
        DataError: A box does not have four numbers, or nothing is proposed at all.
    """
    rows: list[int] = []
    boxes: list[list[float]] = []
    for row, mine in enumerate(proposals):
        for box in mine:
            if len(box) != 4:
                raise DataError(
                    f"a proposed box must be x1, y1, x2, y2, not {list(box)}",
                    where=f"{scenes.name}[{scenes.ids[row]}]",
                )
            rows.append(row)
            boxes.append([float(value) for value in box])
    if not rows:
        raise DataError("no box is proposed for any item", where=scenes.name)
    return DerivedCollection(
        f"{scenes.name}/crops",
        scenes,
        stream,
        rows,
        [[View("crop", {"box": box})] for box in boxes],
        columns={"box": boxes},
        auxiliary=True,
    )


def proposed_boxes(
    boxes: Sequence[Sequence[float]], item: NDArray[np.int64], count: int, size: int
) -> tuple[BoxSet, NDArray[np.int64]]:
    """Proposals as boxes on the evaluation frame, in item order.

    Args:
        boxes: [M] x1, y1, x2, y2 as shares of the frame.
        item: [M] which item each belongs to, 0..count - 1.
        count: Number of items.
        size: Side of the frame, in pixels.

    Returns:
        The boxes of ``count`` items, and [M] which proposal each of them is.
    """
    import numpy as np

    from mmbench.metrics.boxes import box_set

    order = np.argsort(item, kind="stable")
    values = np.asarray(boxes, dtype=np.float64)[order]
    parts = np.split(values, np.searchsorted(item[order], np.arange(1, count)))
    return box_set(parts, box_format="xyxy", size=size), order


def proposal_ciou(proposed: BoxSet, truth: GroundTruth) -> NDArray[np.float64]:
    """The cIoU that each proposed box would get, were it the prediction.

    Equal to :func:`mmbench.metrics.localization.score_boxes` of that box alone, by summed-area
    tables: the cost does not grow with the size of the boxes.

    Args:
        proposed: Boxes of N items, M in all.
        truth: Ground truth of the same N items, on the same frame.

    Returns:
        [M] cIoU in item order; 0 where the ground truth is empty.
    """
    import numpy as np

    found = np.zeros(len(proposed.corners))
    for start in range(0, len(proposed), _CHUNK):
        stop = min(start + _CHUNK, len(proposed))
        target = truth.maps(start, stop)
        inside = _summed_area(target)
        covered = _summed_area(target > 0)
        mine = slice(int(proposed.offsets[start]), int(proposed.offsets[stop]))
        corners = proposed.corners[mine]
        item = np.repeat(np.arange(stop - start), proposed.per_item[start:stop])
        area = np.prod(np.maximum(corners[:, 2:] - corners[:, :2], 0), axis=1)
        empty = area == 0
        shared = np.where(empty, 0.0, _sum_within(inside, item, corners))
        beyond = np.where(empty, 0.0, area - _sum_within(covered, item, corners))
        whole = inside[item, -1, -1] + beyond
        found[mine] = np.divide(shared, whole, out=np.zeros(len(whole)), where=whole > 0)
    return found


def best_proposals(
    scores: NDArray[np.float64],
    item: NDArray[np.int64],
    area: NDArray[np.float64],
    count: int,
    ties: str,
) -> NDArray[np.int64]:
    """The highest-scored proposal of each item.

    Args:
        scores: [M] similarity of each proposal.
        item: [M] which item each belongs to, 0..count - 1.
        area: [M] area of each box.
        count: Number of items.
        ties: Among equal scores, the ``largest`` or the ``smallest`` box; among equal areas, the
            first in order.

    Returns:
        [count] rows of proposals; -1 for an item without any.
    """
    import numpy as np

    size = -area if ties == "largest" else area
    order = np.lexsort((np.arange(len(scores)), size, -scores, item))
    owners, first = np.unique(item[order], return_index=True)
    best = np.full(count, -1, dtype=np.int64)
    best[owners] = order[first]
    return best


def parent_rows(parents: Sequence[str], ids: Sequence[str]) -> NDArray[np.int64]:
    """Row of each parent id."""
    import numpy as np

    rows = {item: row for row, item in enumerate(ids)}
    return np.fromiter((rows[parent] for parent in parents), np.int64, len(parents))


def best_by_item(values: NDArray[np.float64], item: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions of the largest value of each item; ``item`` is sorted, the first of equals wins."""
    import numpy as np

    order = np.lexsort((np.arange(len(values)), -values, item))
    _, first = np.unique(item[order], return_index=True)
    best: NDArray[np.int64] = order[first]
    return best


def _summed_area(maps: NDArray[Any]) -> NDArray[np.float64]:
    """[n, size + 1, size + 1]: sums of everything above and left."""
    import numpy as np

    sums = np.zeros((len(maps), maps.shape[1] + 1, maps.shape[2] + 1))
    sums[:, 1:, 1:] = maps.cumsum(axis=1, dtype=np.float64).cumsum(axis=2)
    return sums


def _sum_within(
    sums: NDArray[np.float64], item: NDArray[np.int64], corners: NDArray[np.int64]
) -> NDArray[np.float64]:
    """[M] sums inside each box, from its four corners."""
    x1, y1, x2, y2 = corners.T
    within: NDArray[np.float64] = (
        sums[item, y2, x2] - sums[item, y1, x2] - sums[item, y2, x1] + sums[item, y1, x1]
    )
    return within
