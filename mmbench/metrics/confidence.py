"""How sure a heat map is that its item sounds at all: one number an item, from the map's level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.metrics.localization import CHUNK
from mmbench.metrics.localization_options import PRESETS, LocalizationOptions
from mmbench.metrics.masks import scaled_maps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def slavc_confidence(
    maps: Any, options: LocalizationOptions = PRESETS["slavc"], *, share: float = 0.25
) -> Floats:
    """SLAVC's confidence that an item sounds: the mean of the top quarter of its score map.

    Args:
        maps: [N, h, w] or [N, 1, h, w].
        options: Its upsampling and normalisation are used. Only `fixed_range` (the preset
            `slavc`) and `none` keep maps comparable between items.
        share: Share of the pixels, rounded up.

    Returns:
        [N] confidences.

    Raises:
        ValueError: A normalisation that is relative to each map, or as `score_maps`.

    Source:
        stoneMo/SLAVC test.py.
    """
    if options.normalisation not in ("fixed_range", "none"):
        raise ValueError(
            f"normalisation {options.normalisation!r} makes every map peak at 1, so that its level "
            "says nothing: take 'fixed_range' or 'none'"
        )
    values = np.asarray(maps)
    if values.ndim == 4 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 3 or not 0 < share <= 1:
        raise ValueError(
            f"maps must be [N, h, w] and share in (0, 1], not {values.shape} and {share}"
        )
    top = -int(-(options.size**2) * share // 1)
    means = np.empty(len(values))
    for start in range(0, len(values), CHUNK):
        scores = scaled_maps(values[start : start + CHUNK], options, first_item=start)
        pixels = scores.shape[1]
        best = np.partition(scores, pixels - top, axis=1)[:, pixels - top :]
        means[start : start + CHUNK] = best.mean(axis=1, dtype=np.float64)
    return means
