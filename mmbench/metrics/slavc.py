"""SLAVC's detection figures on matched and mismatched pairs: AP, max-F1, location accuracy.

They are figures of a list and not of a measure: thresholds are every so-many-th confidence of the
list. A resample is therefore a row of whole-number counts, and all rows are worked out at once.

Source: Mo and Morgado 2022, "A Closer Look at Weakly-Supervised Audio-Visual Source Localization",
through the code of stoneMo/SLAVC (EvaluatorFull).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from mmbench.metrics.checks import check_finite, checked_weights
from mmbench.metrics.localization import auc_items

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BLOCK = 2**20
"""Weights worked on at once: 8 MB an intermediate array."""


@dataclass(frozen=True)
class SlavcScores:
    """SLAVC's figures for one subset of items, as shares.

    Attributes:
        items: How many items.
        precision: At a threshold below every confidence. Over the positives only, this is LocAcc.
        ap: Detection average precision.
        max_f1: Best F1 on the grid.
        auc: AUC of the positives' cIoU; None without positives.
        f1: [k] F1 at each threshold of the grid, lowest first.
        thresholds: [k] The grid: every (N // 10)-th confidence.
    """

    items: int
    precision: float
    ap: float
    max_f1: float
    auc: float | None
    f1: Floats
    thresholds: Floats


SUBSETS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "small": (0.0, 32.0**2),
        "medium": (32.0**2, 96.0**2),
        "large": (96.0**2, 144.0**2),
        "huge": (144.0**2, float("inf")),
    }
)
"""SLAVC's subsets of the positives by ground-truth area at 224 px, the end exclusive."""


@dataclass(frozen=True)
class _Ranked:
    """Items in order of confidence, lowest first.

    Attributes:
        order: [n] Positions in the input.
        confidence: [n] Sorted.
        first: [n] Where the group of equal confidences that an item belongs to begins.
        sounding: [n] bool, the item has a box.
        found: [n] bool, it has, and its cIoU reaches the threshold.
    """

    order: NDArray[np.intp]
    confidence: Floats
    first: NDArray[np.intp]
    sounding: NDArray[np.bool_]
    found: NDArray[np.bool_]


def _ranked(boxes: Any, ciou: Any, confidence: Any, ciou_at: float) -> _Ranked:
    number = np.asarray(boxes)
    overlap = np.asarray(ciou, dtype=np.float64)
    sure = np.asarray(confidence, dtype=np.float64)
    if number.ndim != 1 or not number.shape == overlap.shape == sure.shape:
        raise ValueError(
            f"boxes {number.shape}, ciou {overlap.shape} and confidence {sure.shape} must be [n]"
        )
    if len(number) == 0:
        raise ValueError("there is no item to score")
    check_finite("confidences", sure)
    sounding = number > 0
    if not ((overlap >= 0) & (overlap <= 1))[sounding].all():
        raise ValueError("cIoU of an item with boxes must be within 0..1")
    order = np.argsort(sure, kind="stable")
    ordered = sure[order]
    return _Ranked(
        order=order,
        confidence=ordered,
        first=np.searchsorted(ordered, ordered, side="left"),
        sounding=sounding[order],
        found=(sounding & (overlap >= ciou_at))[order],
    )


def _at_positions(counts: NDArray[np.int64], positions: NDArray[np.int64]) -> NDArray[np.intp]:
    """Which item stands at `positions` [k] of each sorted resample: indices [r, k].

    A resample is a row of counts [r, n] in the items' order; all rows have the same sum.
    """
    rows, n = counts.shape
    end = np.cumsum(counts, axis=1)
    # One search for all rows: the running totals of row r are lifted above those of row r - 1.
    lift = np.arange(rows)[:, None] * (end[:1, -1:] + 1)
    found = np.searchsorted((end + lift).ravel(), positions + lift, side="right")
    return np.asarray(found - np.arange(rows)[:, None] * n)


def _precision_recall(
    items: _Ranked, counts: NDArray[np.int64], below: NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """Precision and recall [r, k] when the items from index `below` [r, k] on are accepted."""

    def total_under(each: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        running = np.pad(np.cumsum(each, axis=1), ((0, 0), (1, 0)))
        return running[:, -1:], np.take_along_axis(running, below, axis=1)

    every, under = total_under(counts)
    found, found_under = total_under(counts * items.found)
    _, missed = total_under(counts * items.sounding)
    hits, accepted = found - found_under, every - under
    one = np.ones(hits.shape)
    precision = np.divide(hits, accepted, out=one.copy(), where=accepted > 0)
    recall = np.divide(hits, hits + missed, out=one, where=hits + missed > 0)
    return precision, recall


def _ap_positions(total: int) -> NDArray[np.int64]:
    return np.arange(total - 2, -1, -max(1, total // 200), dtype=np.int64)


def _f1_positions(total: int) -> NDArray[np.int64]:
    return np.arange(0, total, max(1, total // 10), dtype=np.int64)


def _ap(items: _Ranked, counts: NDArray[np.int64]) -> Floats:
    at = _at_positions(counts, _ap_positions(int(counts[0].sum())))
    precision, recall = _precision_recall(items, counts, items.first[at])
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    return np.asarray((envelope[:, :-1] * np.diff(recall, axis=1)).sum(axis=1))


def _f1(precision: Floats, recall: Floats) -> Floats:
    both = precision + recall
    return np.divide(2 * precision * recall, both, out=np.zeros(both.shape), where=both > 0)


def _best_f1(items: _Ranked, counts: NDArray[np.int64]) -> Floats:
    at = _at_positions(counts, _f1_positions(int(counts[0].sum())))
    precision, recall = _precision_recall(items, counts, items.first[at])
    return np.asarray(_f1(precision, recall).max(axis=1))


def _resampled(
    items: _Ranked, weights: Any, measure: Callable[[_Ranked, NDArray[np.int64]], Floats]
) -> float | Floats:
    """Apply `measure` to every row of weights; rows of one sum share their grid."""
    table = checked_weights(weights, len(items.order))
    counts = np.rint(table).astype(np.int64)
    if not np.array_equal(counts, table):
        raise ValueError("SLAVC's figures are defined on lists: weights must be whole numbers")
    totals = counts.sum(axis=1)
    values = np.full(len(counts), np.nan)
    step = max(1, BLOCK // len(items.order))
    for total in np.unique(totals[totals > 0]):
        rows = np.flatnonzero(totals == total)
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            values[part] = measure(items, counts[part][:, items.order])
    if weights is None:
        return float(values[0])
    return values.reshape(np.shape(weights)[:-1])


@overload
def slavc_ap(
    boxes: Any, ciou: Any, confidence: Any, weights: None = None, *, ciou_at: float = 0.5
) -> float: ...
@overload
def slavc_ap(
    boxes: Any, ciou: Any, confidence: Any, weights: Any, *, ciou_at: float = 0.5
) -> Floats: ...
def slavc_ap(
    boxes: Any, ciou: Any, confidence: Any, weights: Any = None, *, ciou_at: float = 0.5
) -> float | Floats:
    """SLAVC's average precision: detection, with the localization condition.

    At a confidence threshold t, an item without a box is a false positive from t on. One with
    boxes is from t on a true positive if its cIoU reaches `ciou_at` and a false positive if not;
    below t it is missed. So mislocalised items leave the recall's denominator. Precision and
    recall of nothing are 1. Thresholds are the sorted confidences without the largest, walked
    down in steps of max(1, N // 200); the area lies under the precision envelope and starts at
    the first recall, so a perfect system gets 0.96 at N = 100 (`slavc_ceiling`).

    Args:
        boxes: [n] number of ground-truth boxes; 0 for a negative pair.
        ciou: [n] cIoU; any value where there is no box.
        confidence: [n] finite; ties repeat a threshold.
        weights: [..., n] whole numbers: how often a resample holds each item.
        ciou_at: cIoU from which an item is found.

    Returns:
        A float in 0..1, or [...] for weights; NaN for a resample of nothing.

    Raises:
        ValueError: NaN or infinity, cIoU outside 0..1, shapes that do not fit, no item.

    Source:
        SLAVC (stoneMo/SLAVC), EvaluatorFull.calc_ap.
    """
    return _resampled(_ranked(boxes, ciou, confidence, ciou_at), weights, _ap)


@overload
def slavc_max_f1(
    boxes: Any, ciou: Any, confidence: Any, weights: None = None, *, ciou_at: float = 0.5
) -> float: ...
@overload
def slavc_max_f1(
    boxes: Any, ciou: Any, confidence: Any, weights: Any, *, ciou_at: float = 0.5
) -> Floats: ...
def slavc_max_f1(
    boxes: Any, ciou: Any, confidence: Any, weights: Any = None, *, ciou_at: float = 0.5
) -> float | Floats:
    """SLAVC's max-F1: the best over every max(1, N // 10)-th confidence, lowest first.

    Args:
        boxes: As for `slavc_ap`.
        ciou: As for `slavc_ap`.
        confidence: As for `slavc_ap`.
        weights: As for `slavc_ap`.
        ciou_at: As for `slavc_ap`.

    Returns:
        A float in 0..1, or [...] for weights; NaN for a resample of nothing.

    Raises:
        ValueError: As `slavc_ap`.

    Source:
        SLAVC, EvaluatorFull.finalize_stats, before its rounding to 0.1 %.
    """
    return _resampled(_ranked(boxes, ciou, confidence, ciou_at), weights, _best_f1)


def slavc_f1_at(
    boxes: Any, ciou: Any, confidence: Any, threshold: float = 0.5, *, ciou_at: float = 0.5
) -> float:
    """F1 at one fixed confidence threshold (SLAVC's `f1_at_50`).

    Args:
        boxes: As for `slavc_ap`.
        ciou: As for `slavc_ap`.
        confidence: As for `slavc_ap`.
        threshold: Items of at least this confidence are accepted.
        ciou_at: As for `slavc_ap`.

    Returns:
        F1 in 0..1.

    Raises:
        ValueError: As `slavc_ap`.
    """
    items = _ranked(boxes, ciou, confidence, ciou_at)
    below = np.searchsorted(items.confidence, [[threshold]], side="left")
    one_each = np.ones((1, len(items.order)), dtype=np.int64)
    return float(_f1(*_precision_recall(items, one_each, below))[0, 0])


def location_accuracy(
    boxes: Any, ciou: Any, *, ciou_at: float = 0.5, strict: bool = False
) -> float:
    """LocAcc: share of the items with boxes whose cIoU reaches `ciou_at`.

    Args:
        boxes: [n] number of ground-truth boxes.
        ciou: [n] cIoU; any value where there is no box.
        ciou_at: The bound.
        strict: Whether cIoU must exceed it, as in SLAVC's `precision_at_50`; its
            `Precision-visible@50` takes equality too.

    Returns:
        A share in 0..1.

    Raises:
        ValueError: No item has a box, or a cIoU outside 0..1.
    """
    number = np.asarray(boxes)
    overlap = _ranked(number, ciou, np.zeros(number.shape), ciou_at)
    if not overlap.sounding.any():
        raise ValueError("no item has a box: location accuracy does not exist")
    values = np.asarray(ciou, dtype=np.float64)[number > 0]
    return float(np.mean(values > ciou_at if strict else values >= ciou_at))


def slavc_scores(boxes: Any, ciou: Any, confidence: Any, *, ciou_at: float = 0.5) -> SlavcScores:
    """All of SLAVC's figures for one list of items.

    Args:
        boxes: As for `slavc_ap`.
        ciou: As for `slavc_ap`.
        confidence: As for `slavc_ap`.
        ciou_at: As for `slavc_ap`.

    Returns:
        The figures.

    Raises:
        ValueError: As `slavc_ap`.
    """
    items = _ranked(boxes, ciou, confidence, ciou_at)
    total = len(items.order)
    one_each = np.ones((1, total), dtype=np.int64)
    at = _at_positions(one_each, _f1_positions(total))
    f1 = _f1(*_precision_recall(items, one_each, items.first[at]))[0]
    overlap = np.asarray(ciou, dtype=np.float64)[np.asarray(boxes) > 0]
    return SlavcScores(
        items=total,
        precision=float(items.found.mean()),
        ap=float(_ap(items, one_each)[0]),
        max_f1=float(f1.max()),
        auc=float(auc_items(overlap).mean()) if len(overlap) else None,
        f1=f1,
        thresholds=items.confidence[at[0]],
    )


def slavc_subsets(
    boxes: Any, ciou: Any, confidence: Any, area: Any, *, ciou_at: float = 0.5
) -> dict[str, SlavcScores | None]:
    """SLAVC's figures for all items, the items with boxes, and those by ground-truth area.

    Args:
        boxes: As for `slavc_ap`.
        ciou: As for `slavc_ap`.
        confidence: As for `slavc_ap`.
        area: [n] ground-truth area at 224 px, `LocalizationScores.gt_area`.
        ciou_at: As for `slavc_ap`.

    Returns:
        By subset: `all`, `visible`, `small`, `medium`, `large`, `huge`; None where it is empty.

    Raises:
        ValueError: As `slavc_ap`, or areas that do not fit.
    """
    number, overlap, sure = (np.asarray(column) for column in (boxes, ciou, confidence))
    size = np.asarray(area, dtype=np.float64)
    if size.shape != number.shape or np.isnan(size).any():
        raise ValueError(f"area {size.shape} must be {number.shape} as boxes, without NaN")
    visible = number > 0
    members = {"all": np.ones(number.shape, dtype=np.bool_), "visible": visible}
    for name, (least, end) in SUBSETS.items():
        members[name] = visible & (size >= least) & (size < end)
    return {
        name: slavc_scores(number[of], overlap[of], sure[of], ciou_at=ciou_at) if of.any() else None
        for name, of in members.items()
    }


def slavc_ceiling(boxes: Any) -> dict[str, float]:
    """What a perfect system gets under `slavc_ap` and `slavc_max_f1`.

    It finds every source (cIoU 1) and gives every positive more confidence than any negative, no
    two alike. AP is then 0.96 at 50 positives and 50 negatives, 0.992 at 250 each.

    Args:
        boxes: [n] number of ground-truth boxes; 0 for a negative pair.

    Returns:
        `ap` and `max_f1`.

    Raises:
        ValueError: No item.
    """
    number = np.sort(np.asarray(boxes))
    found, sure = np.ones(len(number)), np.arange(len(number), dtype=np.float64)
    return {"ap": slavc_ap(number, found, sure), "max_f1": slavc_max_f1(number, found, sure)}
