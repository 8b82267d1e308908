"""What localization figures mean: trivial baselines and the attainable ceiling, on the same truth.

On VGG-SS an all-ones mask gets cIoU@0.5 = 21.95 and a centred half-area square 31.72, so a figure
without them says little. And rules that keep half of the pixels can't reach 1 on small objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmbench.metrics.boxes import BoxSet
from mmbench.metrics.localization import (
    LocalizationScores,
    baseline_mask,
    random_maps,
    score_boxes,
    score_maps,
    score_masks,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmbench.metrics.boxes import GroundTruth
    from mmbench.metrics.localization_options import LocalizationOptions

    Floats = NDArray[np.float64]

__all__ = [
    "attainable_ciou",
    "centred_squares",
    "constant_scores",
    "fitted_square_scores",
    "perfect_maps",
    "random_scores",
    "square_scores",
]

_CHUNK = 128
#: Pixels of one kind differ by this much in all, so that a rank among them exists.
_RAMP = 0.125


def constant_scores(truth: GroundTruth, options: LocalizationOptions) -> LocalizationScores:
    """The whole frame as the mask of every item."""
    return score_masks(baseline_mask("ones", options.size), truth, options)


def square_scores(truth: GroundTruth, options: LocalizationOptions) -> LocalizationScores:
    """A centred square of half the frame's area as the mask of every item."""
    return score_masks(baseline_mask("centre_square", options.size), truth, options)


def centred_squares(truth: GroundTruth) -> BoxSet:
    """A centred square with the area of each item's ground truth (half the frame if it has none).

    It is what the centre baseline predicts under the adaptive rule. The side is rounded.
    """
    size = truth.size
    _, full, partial = _pixels(truth)
    covered = full + partial
    side = np.rint(np.sqrt(np.where(covered == 0, size * size // 2, covered))).astype(np.int64)
    edge = (size - side) // 2
    corners = np.stack([edge, edge, edge + side, edge + side], axis=1)
    return BoxSet(corners, np.arange(len(truth) + 1, dtype=np.int64), size)


def random_scores(
    truth: GroundTruth, options: LocalizationOptions, seed: int, *, adaptive: bool = True
) -> LocalizationScores:
    """Maps of cosines that are uniform in -1..1 on a 7 x 7 grid.

    With ``upsampling = none`` they are brought to the frame bilinearly first.
    """
    from mmbench.metrics.upsampling import upsample

    maps = 2.0 * random_maps(len(truth), np.random.default_rng(seed)) - 1.0
    if options.upsampling == "none":
        maps = upsample(maps, options.size)
    return score_maps(maps, truth, options, adaptive=adaptive)


def fitted_square_scores(truth: GroundTruth, options: LocalizationOptions) -> LocalizationScores:
    """The centre baseline under the adaptive rule: see :func:`centred_squares`."""
    return score_boxes(centred_squares(truth), truth, options)


def attainable_ciou(truth: GroundTruth, options: LocalizationOptions) -> tuple[Floats, Floats]:
    """The best cIoU that the rules let a map that knows the truth reach, and the adaptive one.

    A map can put the true pixels first and give any of them one value, so only the number K of
    pixels that a threshold takes is bound: the upper median takes at least half of them with
    ``>=``, less than half with ``>``, and any number with ``> or max``; the other rules take any.
    So an object on a share a < 0.5 of the frame gets at most 2a under EZ-VSL's rules.
    :func:`perfect_maps` reach it.

    Args:
        truth: Ground truth of N items.
        options: The rules.

    Returns:
        [N] and [N] cIoU; 0 where the truth is empty.
    """
    whole, full, partial = _pixels(truth)
    covered = full + partial
    pixels = truth.size**2
    kept = pixels - int(pixels * options.threshold_value)  # at least this many reach the median
    wanted = covered
    if options.threshold == "median" and options.comparison == ">=":
        wanted = np.maximum(covered, kept)
    elif options.comparison == ">" and options.threshold in ("median", "median_then_fixed"):
        half = kept if options.threshold == "median" else pixels - pixels // 2
        wanted = np.minimum(covered, half - 1)
    elif options.comparison == ">" and options.threshold == "gt_size":
        wanted = np.maximum(covered - 1, 0)
    fitted = np.maximum(covered - 1, 0) if options.comparison == ">" else covered
    return _best_ciou(wanted, whole, full, partial), _best_ciou(fitted, whole, full, partial)


def perfect_maps(truth: GroundTruth, options: LocalizationOptions) -> NDArray[np.float32]:
    """Cosines that know the ground truth, and reach :func:`attainable_ciou` by their plateaus.

    With ``>=`` the true pixels are alike, so that a threshold among them takes all, and the others
    differ; with ``>`` it is the other way round; with ``> or max`` both are alike.

    Args:
        truth: Ground truth of N items.
        options: The rules.

    Returns:
        [N, size, size] float32 within -1..1: below -0.8 outside, above 0.6 inside.
    """
    target = truth.maps(0, len(truth))
    slope = np.linspace(0.0, _RAMP, truth.size**2, dtype=np.float32).reshape(target.shape[1:])
    inside = 0.5 + 0.5 * target - slope if options.comparison == ">" else np.ones_like(target)
    outside = slope - 1 if options.comparison == ">=" else np.full_like(slope, -1)
    return np.where(target > 0, inside, outside).astype(np.float32)


def _pixels(truth: GroundTruth) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """[N] sums of the ground truth, and numbers of its whole and its half pixels."""
    whole, full, partial = np.zeros(len(truth)), *np.zeros((2, len(truth)), dtype=np.int64)
    for start in range(0, len(truth), _CHUNK):
        stop = min(start + _CHUNK, len(truth))
        target = truth.maps(start, stop)
        whole[start:stop] = target.sum(axis=(1, 2), dtype=np.float64)
        full[start:stop] = np.count_nonzero(target == 1, axis=(1, 2))
        partial[start:stop] = np.count_nonzero(target, axis=(1, 2)) - full[start:stop]
    return whole, full, partial


def _best_ciou(
    kept: NDArray[np.int64],
    whole: Floats,
    full: NDArray[np.int64],
    partial: NDArray[np.int64],
) -> Floats:
    """[N] cIoU of masks of ``kept`` pixels that take the truth's whole pixels, then its half."""
    shared = np.minimum(kept, full) + 0.5 * np.clip(kept - full, 0, partial)
    union = whole + np.maximum(kept - full - partial, 0)
    return np.divide(shared, union, out=np.zeros(len(whole)), where=whole > 0)
