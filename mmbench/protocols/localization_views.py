"""Heat, mask and ground truth of localized items, as they were scored: for pictures of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from mmbench.api import ScoreInputs
    from mmbench.protocols.localization import LocalizationTask

__all__ = ["LocalizedItem", "localized"]


@dataclass(frozen=True)
class LocalizedItem:
    """One item on the evaluation frame, S x S pixels that cover the whole picture.

    Attributes:
        id: The item's id.
        heat: [S, S] the map, upsampled and normalised; None where boxes are predicted.
        mask: [S, S] bool, what counts as predicted.
        truth: [S, S] ground truth in 0..1.
        ciou: Its cIoU; NaN where it takes no part.
    """

    id: str
    heat: NDArray[np.float32] | None
    mask: NDArray[np.bool_]
    truth: NDArray[np.float32]
    ciou: float


def localized(
    task: LocalizationTask,
    inputs: ScoreInputs,
    rows: Sequence[int],
    *,
    threshold: float | None = None,
) -> list[LocalizedItem]:
    """What was predicted for some items, by the rules of the task's preset.

    Args:
        task: With the options that it was scored with.
        inputs: What it was scored on.
        rows: Of its scenes.
        threshold: The one that a sweep chose (``swept_threshold`` of the record).
    """
    import numpy as np

    table = inputs.tables[task.scenes]
    boundaries = task.truth(table)
    truth = np.concatenate([boundaries.maps(row, row + 1) for row in rows])
    ciou = task.score(inputs).tables["items"]["ciou"]
    heat: Any = [None] * len(rows)
    if task.prediction == "boxes":
        mask = _boxes(task, inputs, rows)
    else:
        heat, mask = _maps(task, inputs, rows, truth, threshold)
    return [
        LocalizedItem(table.ids[row], heat[n], mask[n], truth[n], float(ciou[row]))
        for n, row in enumerate(rows)
    ]


def _maps(
    task: LocalizationTask,
    inputs: ScoreInputs,
    rows: Sequence[int],
    truth: NDArray[np.float32],
    threshold: float | None,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Heat and the mask above its threshold."""
    import numpy as np

    from mmbench.metrics.masks import masks_above, ordered_scores, scaled_maps, thresholds
    from mmbench.protocols.similarity import similarity_maps

    arrays, options = inputs.arrays, task.options
    maps = similarity_maps(arrays["map"], arrays["sound"], similarity=inputs.similarity)
    scores = scaled_maps(maps[list(rows)], options)
    ordered = ordered_scores(scores, options.threshold, adaptive=False)
    covered = np.count_nonzero(truth.reshape(len(rows), -1), axis=1)
    value = options.threshold_value if threshold is None else threshold
    cut = thresholds(ordered, covered, options.threshold, value)
    mask = masks_above(scores, cut, options.comparison)
    return scores.reshape(truth.shape), mask.reshape(truth.shape)


def _boxes(task: LocalizationTask, inputs: ScoreInputs, rows: Sequence[int]) -> NDArray[np.bool_]:
    """The chosen boxes; an empty mask for an item without one."""
    from mmbench.metrics.boxes import box_set

    boxes = task.score(inputs).tables["items"]["box"]
    picked = [[] if boxes[row] is None else [boxes[row]] for row in rows]
    drawn = box_set(picked, box_format="xyxy", size=task.options.size)
    return drawn.counts(0, len(rows)) > 0
