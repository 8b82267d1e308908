"""Audio-image recognition on pairs that match and pairs that do not: two ways of scoring.

`pair` asks whether matching pairs score higher: average precision and the best F1 over all
thresholds, exact, ties as one threshold. `slavc` asks for detection: a positive counts only where
its cIoU reaches 0.5 too, on coarse grids of thresholds. They are different figures for the same
model, and neither stands in for the other.

The functions take resample counts as weights of any leading shape, so that a bootstrap is one call.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from mmbench.metrics.checks import check_finite, checked_weights
from mmbench.metrics.confidence import slavc_confidence
from mmbench.metrics.slavc import (
    SlavcScores,
    location_accuracy,
    slavc_ap,
    slavc_ceiling,
    slavc_f1_at,
    slavc_max_f1,
    slavc_scores,
    slavc_subsets,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = [
    "MODES",
    "REFUSED",
    "SlavcScores",
    "average_precision",
    "check_mode",
    "location_accuracy",
    "max_f1",
    "slavc_ap",
    "slavc_ceiling",
    "slavc_confidence",
    "slavc_f1_at",
    "slavc_max_f1",
    "slavc_scores",
    "slavc_subsets",
]

BLOCK = 2**21
"""Weights worked on at once: 16 MB an intermediate array."""

MODES = ("slavc", "pair")

REFUSED: Mapping[str, str] = MappingProxyType(
    {
        "acl_rounded": "takes the maximum of F1 strings rounded to 0.1 %: round max-F1 yourself",
        "acl_confidence": "needs the cosine of the audio and the masked image: it is the "
        "representation's, which hands it over as the score of `pair`",
        "cmcr": "is not documented: the C-MCR paper does not say whether its AP needs "
        "localization, so both `slavc` and `pair` are reported",
    }
)
"""Named variants that are not scored here, with the reason that the error gives."""


def check_mode(mode: str) -> None:
    """Refuse a mode that is not `slavc` or `pair`.

    Raises:
        ValueError: With the reason, or with the modes there are.
    """
    if mode in MODES:
        return
    if mode in REFUSED:
        raise ValueError(f"recognition mode {mode!r} {REFUSED[mode]}")
    raise ValueError(f"unknown recognition mode {mode!r}: choose one of {', '.join(MODES)}")


@overload
def average_precision(scores: Any, labels: Any, weights: None = None) -> float: ...
@overload
def average_precision(scores: Any, labels: Any, weights: Any) -> Floats: ...
def average_precision(scores: Any, labels: Any, weights: Any = None) -> float | Floats:
    """Average precision: sum over distinct scores of precision times the recall gained.

    Equal to scikit-learn's `average_precision_score`: items of one score enter together.

    Args:
        scores: [n] finite; higher means matched.
        labels: [n] 0 or 1, at least one 1.
        weights: [..., n], at least 0, such as how often a resample draws each item; None counts
            each item once.

    Returns:
        A float in 0..1, or [...] for weights; NaN where no positive has weight.

    Raises:
        ValueError: NaN or infinity, other labels, no positive, shapes that do not fit.

    Source:
        scikit-learn `average_precision_score`; Zhu 2004.
    """

    def area(hits: Floats, drawn: Floats, positives: Floats) -> Floats:
        precision = np.divide(hits, drawn, out=np.zeros(hits.shape), where=drawn > 0)
        gained = np.diff(hits, axis=-1, prepend=0.0)
        return np.divide((precision * gained).sum(axis=-1), positives)

    return _over_thresholds(scores, labels, weights, area)


@overload
def max_f1(scores: Any, labels: Any, weights: None = None) -> float: ...
@overload
def max_f1(scores: Any, labels: Any, weights: Any) -> Floats: ...
def max_f1(scores: Any, labels: Any, weights: Any = None) -> float | Floats:
    """Best F1 over all thresholds, each distinct score being one.

    Args:
        scores: As for `average_precision`.
        labels: As for `average_precision`.
        weights: As for `average_precision`.

    Returns:
        A float in 0..1, or [...] for weights; NaN where no positive has weight.

    Raises:
        ValueError: As `average_precision`.

    Source:
        F1 of van Rijsbergen 1979 at each threshold of scikit-learn's `precision_recall_curve`.
    """

    def best(hits: Floats, drawn: Floats, positives: Floats) -> Floats:
        return np.asarray((2 * hits / (drawn + positives[..., None])).max(axis=-1))

    return _over_thresholds(scores, labels, weights, best)


def _over_thresholds(
    scores: Any,
    labels: Any,
    weights: Any,
    finish: Callable[[Floats, Floats, Floats], Floats],
) -> float | Floats:
    """Hand `finish` the weighted counts at each distinct score, highest first, and collect.

    `finish` takes (positives drawn [r, k], items drawn [r, k], all positives [r]).
    """
    values, positive = _checked_pairs(scores, labels)
    order = np.argsort(-values, kind="stable")
    ordered = values[order]
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    positive = positive[order]
    counts = checked_weights(weights, len(values))
    found = np.full(len(counts), np.nan)
    step = max(1, BLOCK // len(values))
    for start in range(0, len(counts), step):
        rows = counts[start : start + step][:, order].astype(np.float64)
        drawn = np.cumsum(rows, axis=1)[:, last]
        hits = np.cumsum(rows * positive, axis=1)[:, last]
        some = hits[:, -1] > 0
        found[start : start + step][some] = finish(hits[some], drawn[some], hits[some, -1])
    if weights is None:
        return float(found[0])
    return found.reshape(np.shape(weights)[:-1])


def _checked_pairs(scores: Any, labels: Any) -> tuple[Floats, NDArray[np.bool_]]:
    values = np.asarray(scores, dtype=np.float64)
    marks = np.asarray(labels)
    if values.ndim != 1 or values.shape != marks.shape:
        raise ValueError(f"scores {values.shape} and labels {marks.shape} must be [n] both")
    check_finite("scores", values)
    if not np.isin(marks, (0, 1)).all():
        raise ValueError("labels must be 0 (not matched) or 1 (matched)")
    positive = marks == 1
    if not positive.any():
        raise ValueError("no pair is labelled 1: average precision and F1 do not exist")
    return values, positive
