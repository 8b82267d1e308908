"""From a chunk of heat maps to masks and their cIoU: the steps that localization options name.

Everything here holds its whole chunk at once, flat [n, pixels]; `localization` cuts the chunks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.metrics.upsampling import upsample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmbench.metrics.localization_options import (
        Comparison,
        LocalizationOptions,
        Threshold,
    )

    Floats = NDArray[np.float64]

LARGEST = 1e37
"""Bound on a map's values: their spread, and a bicubic overshoot, must fit into float32."""


def scaled_maps(
    maps: Any, options: LocalizationOptions, *, first_item: int = 0
) -> NDArray[np.float32]:
    """Upsample and normalise one chunk of maps, before any threshold.

    Args:
        maps: [n, h, w]; all of them are held at once.
        options: The rules; only upsampling and normalisation are used.
        first_item: Number of the first map, for messages.

    Returns:
        [n, size * size] float32, as the references compute in.

    Raises:
        ValueError: NaN, infinity, or values whose spread float32 cannot hold.
    """
    raw = np.asarray(maps)
    broken = ~(np.abs(raw) < LARGEST).all(axis=(1, 2))
    if broken.any():
        raise ValueError(
            f"heat map {first_item + int(np.flatnonzero(broken)[0])} holds NaN, infinity or "
            f"values beyond {LARGEST:g}"
        )
    low = raw.astype(np.float32)
    x = upsample(low, options.size, options.upsampling).reshape(len(low), -1)
    if options.normalisation == "none":
        return x
    if options.normalisation == "fixed_range":
        bottom, top = -1.0 / options.tau, 1.0 / options.tau
        return (x - np.float32(bottom)) / np.float32(top - bottom)
    if options.normalisation == "one_minus_minmax_neg":
        return 1 - _minmax(-x)
    return _minmax(x)


def _minmax(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring each row to 0..1; leave constant rows as they are."""
    low, high = x.min(axis=1, keepdims=True), x.max(axis=1, keepdims=True)
    spread = np.where(high > low, high - low, np.float32(1))
    return np.divide(x - np.where(high > low, low, np.float32(0)), spread)


def ordered_scores(
    scores: NDArray[np.float32], rule: Threshold, *, adaptive: bool
) -> NDArray[np.float32]:
    """Sort each row where a threshold needs ranks; otherwise return the scores themselves."""
    if adaptive or rule in ("median", "median_then_fixed", "gt_size"):
        return np.sort(scores, axis=1)
    return scores


def thresholds(
    ordered: NDArray[np.float32], covered: NDArray[np.int64], rule: Threshold, value: float
) -> NDArray[np.float32]:
    """Threshold of each row.

    Args:
        ordered: [n, P] from `ordered_scores`.
        covered: [n] non-zero ground-truth pixels.
        rule: See `LocalizationOptions.threshold`; for `sweep`, one of its values.
        value: The rule's parameter.

    Returns:
        [n] float32, as the scores are, so that 0.05 is the same number on both sides.
    """
    pixels = ordered.shape[1]
    cut = np.full(len(ordered), 0.0 if rule == "none" else value, dtype=np.float32)
    if rule == "fraction_of_max":
        cut *= ordered.max(axis=1)
    elif rule == "median":
        cut = ordered[:, int(pixels * value)]
    elif rule == "median_then_fixed":
        cut = np.maximum(ordered[:, int(pixels * 0.5)], cut)
    elif rule == "gt_size":
        wanted = np.where(covered == 0, pixels // 2, covered)
        cut = ordered[np.arange(len(ordered)), pixels - wanted]
    return cut


def masks_above(
    scores: NDArray[np.float32], cut: NDArray[np.float32], comparison: Comparison
) -> NDArray[np.bool_]:
    """Masks [n, P] of the pixels on the right side of each row's threshold."""
    if comparison == ">=":
        return np.greater_equal(scores, cut[:, None])
    mask = np.greater(scores, cut[:, None])
    if comparison == "> or max":
        mask |= scores == scores.max(axis=1, keepdims=True)
    return mask


def ciou_rows(mask: NDArray[np.bool_], target: NDArray[np.float32]) -> Floats:
    """Return the cIoU [n] of masks [n, P] and ground truth [n, P]; 0 where that is empty."""
    shared = np.where(mask, target, np.float32(0)).sum(axis=1, dtype=np.float64)
    beyond = np.count_nonzero(mask & (target == 0), axis=1)
    whole = np.asarray(target.sum(axis=1, dtype=np.float64) + beyond)
    return np.divide(shared, whole, out=np.zeros(len(whole)), where=whole > 0)
