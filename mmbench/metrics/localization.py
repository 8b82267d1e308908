"""Sound source localization: heat maps, masks or boxes against ground truth, one row an item.

    cIoU = sum(P * G) / (sum(G) + sum(P where G = 0))

for a 0/1 mask P and a ground-truth map G, which may be soft. All scores are shares in 0..1. Maps
are worked through in chunks, so memory does not grow with the number of items.

Source: cIoU and AUC as in Senocak et al. 2018, through the code of LVS (Chen et al. 2021), EZ-VSL
and SLAVC (Mo and Morgado 2022) and, for the adaptive form and IIoU, SSLalignment (Senocak et al.
2023).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.metrics.boxes import BoxSet, GroundTruth
from mmbench.metrics.localization_options import (
    PRESETS,
    SWEEP,
    LocalizationOptions,
    check_option,
)
from mmbench.metrics.masks import (
    ciou_rows,
    masks_above,
    ordered_scores,
    scaled_maps,
    thresholds,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CHUNK = 16
"""Items worked on at once: a few MB, which stay in the processor's cache."""

AUC_THRESHOLDS = tuple(0.05 * step for step in range(21))
_AUC_UNITS = np.array([0, *range(1, 40, 2), 40])
"""The AUC share in fortieths of an item that reaches so many of the thresholds."""


@dataclass(frozen=True)
class LocalizationScores:
    """Scores of N items, row-aligned with the maps. NaN in a row: the item takes no part.

    Attributes:
        ciou: [N] cIoU.
        success: [N] 1 where cIoU reaches `success_at`; the mean is the headline cIoU@0.5.
        auc: [N] the item's share of the AUC; the mean is the AUC.
        ciou_adaptive: [N] cIoU of the mask that has the ground truth's area, or None where the
            prediction has no scores to choose it by (boxes, masks).
        success_adaptive: [N] as `success`, or None.
        auc_adaptive: [N] as `auc`, or None.
        empty_gt: [N] bool, True where no ground-truth pixel exists.
        gt_area: [N] sum of the ground-truth map, in pixels.
        threshold: The threshold that a sweep chose, or None.
    """

    ciou: Floats
    success: Floats
    auc: Floats
    ciou_adaptive: Floats | None
    success_adaptive: Floats | None
    auc_adaptive: Floats | None
    empty_gt: NDArray[np.bool_]
    gt_area: Floats
    threshold: float | None = None

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the per-item columns by name, those that exist."""
        pairs = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: column for name, column in pairs.items() if isinstance(column, np.ndarray)}

    def means(self) -> dict[str, float]:
        """Return the mean of every score column over the items that take part."""
        scores = {
            name: column
            for name, column in self.columns().items()
            if name not in ("empty_gt", "gt_area")
        }
        taking_part = ~np.isnan(self.ciou)
        if not taking_part.any():
            raise ValueError("no item has ground truth: there is nothing to score")
        return {name: float(column[taking_part].mean()) for name, column in scores.items()}


def auc_items(ciou: Any) -> Floats:
    """Each item's share of the AUC.

    The AUC is the trapezoid over 21 thresholds x = 0, 0.05 .. 1 of the share of items with
    cIoU >= x. It is a sum over items, so the mean of these values is the AUC.

    Args:
        ciou: [...] cIoU in 0..1; NaN stays NaN.

    Returns:
        Values in 0.025..1 of the same shape.
    """
    values = np.asarray(ciou, dtype=np.float64)
    return np.where(np.isnan(values), np.nan, _auc_units(values) / 40)


def _auc_units(ciou: Floats) -> NDArray[np.int64]:
    """Fortieths of the AUC: whole numbers, so that their sum knows no order."""
    return np.asarray(_AUC_UNITS[np.searchsorted(AUC_THRESHOLDS, ciou, side="right")])


def score_maps(
    maps: Any,
    truth: GroundTruth | Any,
    options: LocalizationOptions = PRESETS["ezvsl"],
    *,
    adaptive: bool = True,
) -> LocalizationScores:
    """Score heat maps.

    Args:
        maps: [N, h, w] or [N, 1, h, w], higher means more likely the source. The whole map must
            cover the whole frame.
        truth: `GroundTruth` of N items, or ready maps [N, size, size] with values in 0..1.
        options: The rules, from `PRESETS` or `localization_options`.
        adaptive: Whether to score the mask of the ground truth's area too.

    Returns:
        One row an item.

    Raises:
        ValueError: NaN or infinity, shapes that do not fit, or options meant for boxes.
    """
    if options.prediction == "boxes":
        raise ValueError("these options are for predicted boxes: call score_boxes")
    values = np.asarray(maps)
    if values.ndim == 4 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 3:
        raise ValueError(f"heat maps must be [N, h, w] or [N, 1, h, w], not {values.shape}")
    draw = _drawer(truth, len(values), options.size)
    tried = SWEEP if options.threshold == "sweep" else (options.threshold_value,)
    ciou = np.empty((len(tried), len(values)))
    fitted, area = np.empty(len(values)), np.empty(len(values))
    covered = np.empty(len(values), dtype=np.int64)
    for start in range(0, len(values), CHUNK):
        part = slice(start, min(start + CHUNK, len(values)))
        target = draw(part.start, part.stop)
        scores = scaled_maps(values[part], options, first_item=start)
        area[part] = target.sum(axis=1, dtype=np.float64)
        covered[part] = np.count_nonzero(target, axis=1)
        ordered = ordered_scores(scores, options.threshold, adaptive=adaptive)
        for row, value in enumerate(tried):
            cut = thresholds(ordered, covered[part], options.threshold, value)
            ciou[row, part] = ciou_rows(masks_above(scores, cut, options.comparison), target)
        if adaptive:
            cut = thresholds(ordered, covered[part], "gt_size", 0.0)
            fitted[part] = ciou_rows(masks_above(scores, cut, options.comparison), target)
    # Items without ground truth score 0 at every threshold, so they favour none; the lowest wins
    # a tie.
    best = int(np.argmax(_auc_units(ciou).sum(axis=1)))
    return _scored(
        ciou[best],
        fitted if adaptive else None,
        area,
        covered == 0,
        options,
        chosen=tried[best] if options.threshold == "sweep" else None,
    )


def score_masks(
    masks: Any, truth: GroundTruth | Any, options: LocalizationOptions = PRESETS["boxes"]
) -> LocalizationScores:
    """Score masks as they are, without a threshold.

    Args:
        masks: [N, size, size], or [1, size, size] for one mask against every item; positive pixels
            are in the mask.
        truth: As for `score_maps`.
        options: Only the success and empty-truth rules and the frame's size are used.

    Returns:
        One row an item; no adaptive columns.

    Raises:
        ValueError: NaN, or shapes that do not fit.
    """
    values = np.asarray(masks)
    count = len(truth)
    if values.shape not in {(side, options.size, options.size) for side in (1, count)}:
        raise ValueError(
            f"masks must be [N or 1, {options.size}, {options.size}] for N = {count} items, "
            f"not {values.shape}"
        )
    if values.dtype.kind == "f" and np.isnan(values).any():
        raise ValueError("masks hold NaN")
    shared = len(values) != count

    def take(start: int, stop: int) -> NDArray[np.bool_]:
        rows = values if shared else values[start:stop]
        return np.broadcast_to((rows > 0).reshape(len(rows), -1), (stop - start, options.size**2))

    return _score_drawn(take, truth, count, options)


def score_boxes(
    predicted: BoxSet, truth: GroundTruth | Any, options: LocalizationOptions = PRESETS["boxes"]
) -> LocalizationScores:
    """Score predicted boxes: their union is the mask, with no threshold.

    Args:
        predicted: Boxes of N items, from `box_set`. An item without a box has an empty mask.
        truth: As for `score_maps`.
        options: Only the success and empty-truth rules and the frame's size are used.

    Returns:
        One row an item; no adaptive columns.

    Raises:
        ValueError: Numbers of items or frames that do not fit.

    Source:
        TURN (AwalkZY/TURN); the C-MCR demo page predicts boxes in the same way.
    """
    if predicted.size != options.size:
        raise ValueError(
            f"predicted boxes lie on a frame of {predicted.size} px, the options on one of "
            f"{options.size} px: pass the same size to box_set"
        )

    def take(start: int, stop: int) -> NDArray[np.bool_]:
        return (predicted.counts(start, stop) > 0).reshape(stop - start, -1)

    return _score_drawn(take, truth, len(predicted), options)


def iiou(ciou: Any, image: Any) -> tuple[NDArray[Any], Floats]:
    """Worst cIoU over the sources of each image.

    An image is a success when each of its sources is: apply the success rule and `auc_items` to
    the result.

    Args:
        ciou: [N] cIoU of every source, without NaN.
        image: [N] which image each belongs to; any sortable type.

    Returns:
        The distinct images, sorted, and the least cIoU of each.

    Raises:
        ValueError: NaN, or lengths that differ.

    Source:
        SSLalignment, Evaluator_iiou.
    """
    values = np.asarray(ciou, dtype=np.float64)
    owners = np.asarray(image)
    if values.ndim != 1 or values.shape != owners.shape:
        raise ValueError(f"ciou {values.shape} and image {owners.shape} must be [N] both")
    if np.isnan(values).any():
        raise ValueError("ciou holds NaN: leave the items without ground truth out first")
    names, code = np.unique(owners, return_inverse=True)
    worst = np.full(len(names), np.inf)
    np.minimum.at(worst, code, values)
    return names, worst


def baseline_mask(name: str, size: int) -> NDArray[np.bool_]:
    """Mask of a trivial baseline, to be scored against every item by `score_masks`.

    Args:
        name: `ones`, or `centre_square`: half the frame's area, the side rounded down.
        size: Side of the frame, in pixels.

    Returns:
        [1, size, size] bool.

    Raises:
        ValueError: Another name; `random` is a map, see `random_maps`.
    """
    check_option("baseline", name)
    if name == "random":
        raise ValueError("the random baseline is a heat map: pass random_maps to score_maps")
    if name == "ones":
        return np.ones((1, size, size), dtype=np.bool_)
    side = int(size * 0.5**0.5)
    edge = (size - side) // 2
    mask = np.zeros((1, size, size), dtype=np.bool_)
    mask[:, edge : edge + side, edge : edge + side] = True
    return mask


def random_maps(
    count: int, rng: np.random.Generator, grid: tuple[int, int] = (7, 7)
) -> NDArray[np.float32]:
    """Heat maps of the random baseline: uniform values in [0, 1) on a coarse grid.

    Args:
        count: Number of items.
        rng: Where the values come from.
        grid: Height and width; 7 x 7 is what a ResNet-18 gives at 224 px.

    Returns:
        [count, *grid] float32. Item i's map does not depend on `count`.
    """
    return rng.random((count, *grid), dtype=np.float32)


def _drawer(
    truth: GroundTruth | Any, count: int, size: int
) -> Callable[[int, int], NDArray[np.float32]]:
    """Check the ground truth and return what draws rows of it, flat."""
    if len(truth) != count:
        raise ValueError(f"{count} predictions but ground truth of {len(truth)} items")
    if isinstance(truth, GroundTruth):
        if truth.size != size:
            raise ValueError(f"ground truth on {truth.size} px, predictions on {size} px")
        boxes = truth
        return lambda start, stop: boxes.maps(start, stop).reshape(stop - start, -1)
    dense = np.asarray(truth)
    if dense.shape[1:] != (size, size):
        raise ValueError(f"ground-truth maps must be [N, {size}, {size}], not {dense.shape}")

    def draw(start: int, stop: int) -> NDArray[np.float32]:
        rows = dense[start:stop].astype(np.float32).reshape(stop - start, -1)
        if not ((rows >= 0) & (rows <= 1)).all():
            raise ValueError(f"ground truth of items {start}..{stop - 1} is not within 0..1")
        return rows

    return draw


def _score_drawn(
    take: Callable[[int, int], NDArray[np.bool_]],
    truth: GroundTruth | Any,
    count: int,
    options: LocalizationOptions,
) -> LocalizationScores:
    """Score masks that are drawn a chunk at a time."""
    draw = _drawer(truth, count, options.size)
    ciou, area, empty = np.empty(count), np.empty(count), np.empty(count, dtype=np.bool_)
    for start in range(0, count, CHUNK):
        part = slice(start, min(start + CHUNK, count))
        target = draw(part.start, part.stop)
        area[part] = target.sum(axis=1, dtype=np.float64)
        empty[part] = ~target.any(axis=1)
        ciou[part] = ciou_rows(take(part.start, part.stop), target)
    return _scored(ciou, None, area, empty, options, chosen=None)


def _scored(
    ciou: Floats,
    fitted: Floats | None,
    area: Floats,
    empty: NDArray[np.bool_],
    options: LocalizationOptions,
    *,
    chosen: float | None,
) -> LocalizationScores:
    """Derive success and AUC columns, and apply the rule for empty ground truth."""

    def kept(values: Floats) -> Floats:
        return np.where(empty, np.nan, values) if options.empty_gt == "skip" else values

    def success(values: Floats) -> Floats:
        reached = values >= options.success_at
        if options.success_comparison == ">":
            reached = values > options.success_at
        return kept(reached.astype(np.float64))

    return LocalizationScores(
        ciou=kept(ciou),
        success=success(ciou),
        auc=auc_items(kept(ciou)),
        ciou_adaptive=None if fitted is None else kept(fitted),
        success_adaptive=None if fitted is None else success(fitted),
        auc_adaptive=None if fitted is None else auc_items(kept(fitted)),
        empty_gt=empty,
        gt_area=area,
        threshold=chosen,
    )
