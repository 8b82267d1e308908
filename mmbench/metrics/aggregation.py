"""Turn per-item columns into one figure: named aggregators behind estimates and intervals alike.

A task scores its items once and keeps the columns. Every metric is then the name of an aggregator
over those columns under item weights, so the point estimate (all weights one), a bootstrap resample
(weights are counts) and a later re-aggregation are the same function. (A mean of group means is
resampled within its groups: see `strata`.)

Rules that hold for every aggregator:

* a column is one-dimensional; all columns of a call have the same length;
* NaN in the *first* column says "this item takes no part" (a query without a positive, a zero label
  in a non-zero subset): the row is left out. NaN in another column, or an infinity anywhere, is an
  error, never a figure;
* a value that does not exist (the correlation of a constant, a mean of no items) is NaN.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Columns = Sequence[NDArray[Any]]
    Floats = NDArray[np.float64]
    AggregateFunction = Callable[[Columns, Floats], Floats]

_NAN = np.float64(np.nan)


@dataclass(frozen=True)
class Sums:
    """An aggregate that depends on the columns only through weighted sums of per-item terms.

    Attributes:
        terms: columns -> ``[n, k]``, what each item adds.
        finish: (sums ``[..., k]``, total weight ``[...]``) -> values ``[...]``.
    """

    terms: Callable[[Columns], Floats]
    finish: Callable[[Floats, Floats], Floats]

    def __call__(self, columns: Columns, weights: Floats) -> Floats:
        """Aggregate ``columns`` under ``weights [..., n]`` to values ``[...]``."""
        return self.finish(weights @ self.terms(columns), weights.sum(axis=-1))


@dataclass(frozen=True)
class Aggregator:
    """A named way from per-item columns to one figure.

    Attributes:
        name: what tasks and records call it.
        columns: what each column holds, in order.
        function: (columns each ``[n]``, weights ``[..., n]``) -> values ``[...]``. Weights are
            non-negative; a weight of two stands for the same item drawn twice.
        vectorised: whether ``weights`` may have leading dimensions. If not, it is ``[n]`` whole
            numbers and the bootstrap draws fewer resamples.
        doc: one line for listings.
    """

    name: str
    columns: tuple[str, ...]
    function: AggregateFunction
    vectorised: bool
    doc: str


def _stack(columns: Columns) -> Floats:
    return np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=1)


def _pearson_terms(columns: Columns) -> Floats:
    centred = []
    for column in columns:
        values = np.asarray(column, dtype=np.float64)
        # An exact zero for a constant: its rounded mean would leave noise that correlates.
        constant = values.size > 0 and values.min() == values.max()
        centred.append(np.zeros_like(values) if constant else values - values.mean())
    p, y = centred
    return np.stack([p, y, p * p, y * y, p * y], axis=1)


def _pearson_finish(sums: Floats, total: Floats) -> Floats:
    p, y, pp, yy, py = np.moveaxis(_over(sums, total[..., None]), -1, 0)
    variance_p, variance_y = pp - p * p, yy - y * y
    # A resample of one distinct item has no variance but for rounding.
    defined = (variance_p > 1e-13 * pp) & (variance_y > 1e-13 * yy)
    scale = np.sqrt(np.where(defined, variance_p, 1.0)) * np.sqrt(
        np.where(defined, variance_y, 1.0)
    )
    return np.where(defined, np.clip((py - p * y) / scale, -1.0, 1.0), _NAN)


def _over(numerator: Floats, denominator: NDArray[Any]) -> Floats:
    """Divide; nothing over nothing is NaN and no warning."""
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient: Floats = np.divide(numerator, denominator)
    return np.where(denominator != 0, quotient, _NAN)


def _root_mean_finish(sums: Floats, total: Floats) -> Floats:
    mean = _over(sums[..., 0], total)
    if np.any(mean < 0):
        raise ValueError("root_mean needs a column whose mean is not negative (squared errors)")
    root: Floats = np.sqrt(mean)
    return root


MEAN = Sums(_stack, lambda sums, total: _over(sums[..., 0], total))
ROOT_MEAN = Sums(_stack, _root_mean_finish)
RATIO = Sums(_stack, lambda sums, _total: _over(sums[..., 0], sums[..., 1]))
PEARSON = Sums(_pearson_terms, _pearson_finish)


def _median(columns: Columns, weights: Floats) -> Floats:
    """Weighted median; with whole-number weights exactly numpy's median of the repeated values."""
    order = np.argsort(columns[0], kind="stable")
    values = np.asarray(columns[0], dtype=np.float64)[order]
    cumulated = np.cumsum(weights[..., order], axis=-1)
    half = cumulated[..., -1:] / 2.0
    lower = values[np.argmax(cumulated >= half, axis=-1)]
    upper = values[np.argmax(cumulated > half, axis=-1)]
    return np.where(half[..., 0] > 0, 0.5 * (lower + upper), _NAN)


def _sums_by_group(weights: Floats, codes: NDArray[np.intp], groups: int) -> Floats:
    """Sum ``weights [..., n]`` by group: ``[..., groups]``; groups that no item has get 0."""
    order = np.argsort(codes, kind="stable")
    present, starts = np.unique(codes[order], return_index=True)
    sums = np.zeros((*weights.shape[:-1], groups))
    sums[..., present] = np.add.reduceat(weights[..., order], starts, axis=-1)
    return sums


def _macro_mean(columns: Columns, weights: Floats) -> Floats:
    groups, codes = np.unique(columns[1], return_inverse=True)
    totals = _sums_by_group(weights, codes, len(groups))
    sums = _sums_by_group(weights * np.asarray(columns[0], dtype=np.float64), codes, len(groups))
    present = totals > 0
    means = sums / np.where(present, totals, 1.0)
    return _over(np.where(present, means, 0.0).sum(axis=-1), present.sum(axis=-1))


def _f1_by_class(columns: Columns, weights: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """F1, support and presence of each class, ``[..., classes]``; F1 of an unseen class is 0."""
    truth, predicted = columns
    if (truth.dtype.kind in "US") != (predicted.dtype.kind in "US"):
        raise ValueError("F1 needs two columns of one kind: both numbers or both text")
    classes, codes = np.unique(np.concatenate([truth, predicted]), return_inverse=True)
    true_codes, predicted_codes = codes[: len(truth)], codes[len(truth) :]
    support = _sums_by_group(weights, true_codes, len(classes))
    named = _sums_by_group(weights, predicted_codes, len(classes))
    hits = _sums_by_group(weights * (true_codes == predicted_codes), true_codes, len(classes))
    present = support + named > 0
    return 2.0 * hits / np.where(present, support + named, 1.0), support, present


def _weighted_f1(columns: Columns, weights: Floats) -> Floats:
    scores, support, _ = _f1_by_class(columns, weights)
    return _over((scores * support).sum(axis=-1), support.sum(axis=-1))


def _macro_f1(columns: Columns, weights: Floats) -> Floats:
    scores, _, present = _f1_by_class(columns, weights)
    return _over(scores.sum(axis=-1), present.sum(axis=-1))


def _recognised(function: Callable[..., Any], columns: Columns, weights: Floats) -> Floats:
    """A recognition figure; undefined, rather than refused, where no item is labelled 1."""
    scores, labels = columns
    if not np.any(labels != 0):
        return np.full(weights.shape[:-1], np.nan)
    return np.asarray(function(scores, labels, weights=weights))


def _average_precision(columns: Columns, weights: Floats) -> Floats:
    from mmbench.metrics.recognition import average_precision

    return _recognised(average_precision, columns, weights)


def _max_f1(columns: Columns, weights: Floats) -> Floats:
    from mmbench.metrics.recognition import max_f1

    return _recognised(max_f1, columns, weights)


def _repeated(columns: Columns, weights: Floats) -> list[NDArray[Any]]:
    """Each item as often as its weight says: for metrics defined on a list, not on a measure."""
    counts = np.rint(weights).astype(np.int64)
    if not np.array_equal(counts, weights):
        raise ValueError("this aggregator takes whole-number weights: how often each item occurs")
    return [np.repeat(column, counts) for column in columns]


def _slavc_ap(columns: Columns, weights: Floats) -> Floats:
    from mmbench.metrics.recognition import slavc_ap

    return np.asarray(slavc_ap(*_repeated(columns, weights)))


def _slavc_max_f1(columns: Columns, weights: Floats) -> Floats:
    from mmbench.metrics.recognition import slavc_max_f1

    return np.asarray(slavc_max_f1(*_repeated(columns, weights)))


_SLAVC = ("boxes_count", "ciou", "confidence")
_F1 = ("y_true", "y_pred")

_ENTRIES = (
    Aggregator("mean", ("value",), MEAN, True, "arithmetic mean"),
    Aggregator("root_mean", ("value",), ROOT_MEAN, True, "square root of the mean"),
    Aggregator("median", ("value",), _median, True, "median, halfway between two middles"),
    Aggregator(
        "macro_mean",
        ("value", "group"),
        _macro_mean,
        True,
        "mean over present groups of the mean within the group (mean class accuracy)",
    ),
    Aggregator("ratio", ("numerator", "denominator"), RATIO, True, "ratio of two sums"),
    Aggregator("pearson", ("p", "y"), PEARSON, True, "Pearson correlation"),
    Aggregator(
        "weighted_f1",
        _F1,
        _weighted_f1,
        True,
        "F1 by class, weighted by the class's count in the first column (0 where undefined)",
    ),
    Aggregator(
        "macro_f1",
        _F1,
        _macro_f1,
        True,
        "mean over present classes of F1 (0 where undefined); its interval needs some 50 items a "
        "class (at 5, resamples lie low and 95 % intervals cover 85 %)",
    ),
    Aggregator(
        "average_precision",
        ("score", "label"),
        _average_precision,
        True,
        "average precision of scores against 0/1 labels",
    ),
    Aggregator("max_f1", ("score", "label"), _max_f1, True, "best F1 over all thresholds"),
    Aggregator("slavc_ap", _SLAVC, _slavc_ap, False, "SLAVC's detection AP"),
    Aggregator("slavc_max_f1", _SLAVC, _slavc_max_f1, False, "SLAVC's detection max-F1"),
)

AGGREGATORS: Mapping[str, Aggregator] = MappingProxyType({entry.name: entry for entry in _ENTRIES})


def find_aggregator(name: str) -> Aggregator:
    """Look an aggregator up by name.

    Raises:
        ValueError: there is none of that name; the message gives the nearest ones.
    """
    try:
        return AGGREGATORS[name]
    except KeyError:
        near = difflib.get_close_matches(name, AGGREGATORS, n=3, cutoff=0.4) or sorted(AGGREGATORS)
        raise ValueError(
            f"unknown aggregator {name!r}; nearest: {', '.join(near)} "
            "(all: mmbench.metrics.aggregation.AGGREGATORS)"
        ) from None


def participants(name: str, columns: Columns) -> tuple[list[NDArray[Any]], NDArray[np.bool_]]:
    """Check the columns of an aggregate and leave out the items that take no part.

    Args:
        name: aggregator name.
        columns: one array ``[n]`` for each of the aggregator's columns; numbers, booleans or text.

    Returns:
        The columns with only the rows that take part, and the mask ``[n]`` of those rows.

    Raises:
        ValueError: wrong number of columns, no items at all, unequal lengths, an infinity, or NaN
            in a column other than the first.
    """
    expected = find_aggregator(name).columns
    if len(columns) != len(expected):
        raise ValueError(
            f"aggregator {name!r} takes {len(expected)} column(s) ({', '.join(expected)}), "
            f"got {len(columns)}"
        )
    arrays = [
        _as_column(name, label, column) for label, column in zip(expected, columns, strict=True)
    ]
    lengths = {label: len(array) for label, array in zip(expected, arrays, strict=True)}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"aggregator {name!r}: columns differ in length: {lengths}")
    if len(arrays[0]) == 0:
        raise ValueError(f"aggregator {name!r}: no items to aggregate")
    mask = np.ones(len(arrays[0]), dtype=np.bool_)
    if arrays[0].dtype.kind == "f":
        mask = ~np.isnan(arrays[0])
    kept = arrays if mask.all() else [array[mask] for array in arrays]
    for label, array in zip(expected, kept, strict=True):
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            row = int(np.flatnonzero(mask)[np.argmin(np.isfinite(array))])
            raise ValueError(f"aggregator {name!r}: column {label!r} is not finite at row {row}")
    return kept, mask


def _as_column(name: str, label: str, column: NDArray[Any]) -> NDArray[Any]:
    array = np.asarray(column)
    if array.ndim != 1:
        raise ValueError(
            f"aggregator {name!r}: column {label!r} must be one-dimensional, got {array.shape}"
        )
    if array.dtype.kind == "O":
        array = np.asarray(array.tolist()) if len(array) else array.astype(np.float64)
    if array.dtype.kind in "bf":
        return array.astype(np.float64, copy=False)
    if array.dtype.kind in "iuUS":
        return array
    raise ValueError(
        f"aggregator {name!r}: column {label!r} must hold numbers or text, got {array.dtype}"
    )


def aggregate(name: str, columns: Columns, weights: NDArray[Any] | None = None) -> float:
    """Aggregate per-item columns to one figure.

    Args:
        name: a key of ``AGGREGATORS``.
        columns: arrays ``[n]``; see :func:`participants`.
        weights: ``[n]``, how much each item counts; all ones by default.

    Returns:
        The figure, or NaN where it is undefined.

    Raises:
        ValueError: unknown name (with the nearest ones), or columns or weights that do not fit.
    """
    aggregator = find_aggregator(name)
    kept, mask = participants(name, columns)
    if weights is None:
        chosen = np.ones(len(kept[0]))
    else:
        given = np.asarray(weights, dtype=np.float64)
        if given.shape != mask.shape:
            raise ValueError(
                f"aggregator {name!r}: weights have shape {given.shape}, items {mask.shape}"
            )
        chosen = given[mask]
        if not np.isfinite(chosen).all() or np.any(chosen < 0):
            raise ValueError(f"aggregator {name!r}: weights must be finite and not negative")
    if not np.any(chosen > 0):
        return float("nan")
    return float(aggregator.function(kept, chosen))
