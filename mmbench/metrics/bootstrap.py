"""Percentile bootstrap intervals and paired comparisons of any aggregator, in well under a second.

Items are resampled with replacement (those of a mean of group means within their groups, which the
protocol fixes: see `strata`); a resample is a vector of counts handed to the aggregator as
weights. `resampling` draws no more than the aggregate can see; each result says by which method
and how many resamples. Everything depends on the integer seed and the data alone.

SOURCE: Efron and Tibshirani, An Introduction to the Bootstrap, ch. 13
(percentile interval) and 16 (p-values); Davison and Hinkley, Bootstrap Methods, 4.2 (the +1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from mmbench.metrics.aggregation import participants
from mmbench.metrics.resampling import affordable, plan_resampling, resampled_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mmbench.metrics.aggregation import Columns, Floats
    from mmbench.metrics.resampling import Method


@dataclass(frozen=True)
class Interval:
    """A percentile interval.

    Attributes:
        low: lower bound; NaN where the aggregate is undefined on every resample.
        high: upper bound.
        resamples: how many were drawn.
        method: how (see the module's first lines).
        level: nominal coverage.
    """

    low: float
    high: float
    resamples: int
    method: Method
    level: float


@dataclass(frozen=True)
class Comparison:
    """A paired comparison of two column sets on the same items.

    Attributes:
        difference: aggregate of a minus aggregate of b.
        low: lower bound of the difference's interval.
        high: upper bound.
        p_value: two-sided, ``2 * min((1 + #{d <= 0}), (1 + #{d >= 0})) / (resamples + 1)``, 1 at
            most; identical columns get 1.
        resamples: how many were drawn.
        method: how.
        level: nominal coverage of the interval.
    """

    difference: float
    low: float
    high: float
    p_value: float
    resamples: int
    method: Method
    level: float


def bootstrap_interval(
    name: str,
    columns: Columns,
    *,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap interval of an aggregate, resampling items.

    Args:
        name: a key of ``AGGREGATORS``.
        columns: per-item columns ``[n]``; items that take no part (NaN in the first) are not drawn.
        resamples: how many to draw; costly aggregates draw fewer and say so.
        level: nominal coverage, in (0, 1).
        seed: of the resampling; the same seed gives the same interval.

    Raises:
        ValueError: no items, or anything :func:`~mmbench.metrics.aggregation.participants` refuses.
    """
    _check(resamples, level)
    kept, mask = participants(name, columns)
    if not mask.any():
        return Interval(np.nan, np.nan, 0, "undefined", level)
    plan = plan_resampling(name, [kept])
    drawn = affordable(plan, resamples)
    values = resampled_values(plan, drawn, np.random.default_rng(seed))[0]
    low, high = _percentiles(values, level)
    return Interval(low, high, drawn, plan.method, level)


def bootstrap_interval_over_seeds(
    name: str,
    columns_by_seed: Sequence[Columns],
    *,
    items: Literal["shared", "independent"] = "shared",
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Interval of the mean over seeds of an aggregate, resampling seeds and items.

    Each resample draws as many seeds as there are, with replacement, and items with replacement.

    Args:
        name: a key of ``AGGREGATORS``.
        columns_by_seed: the columns of each seed.
        items: ``shared``: the seeds saw the same items in the same order, and one draw of items
            serves them all (so five identical seeds have the interval of one); ``independent``:
            each seed has its own items, drawn anew for each drawn seed.
        resamples: how many to draw.
        level: nominal coverage.
        seed: of the resampling.

    Raises:
        ValueError: no seeds; with ``shared``, seeds over different items; see also
            :func:`bootstrap_interval`.
    """
    _check(resamples, level)
    if not columns_by_seed:
        raise ValueError("no seeds to aggregate")
    if items not in {"shared", "independent"}:
        raise ValueError(f"items must be 'shared' or 'independent', got {items!r}")
    prepared = [participants(name, columns) for columns in columns_by_seed]
    if not all(mask.any() for _, mask in prepared):
        return Interval(np.nan, np.nan, 0, "undefined", level)
    rng = np.random.default_rng(seed)
    many = len(prepared)
    if items == "shared":
        _same_items(name, [mask for _, mask in prepared], "seeds; use items='independent'")
        plan = plan_resampling(name, [kept for kept, _ in prepared])
        drawn, method = affordable(plan, resamples), plan.method
        values = resampled_values(plan, drawn, rng)
        means = _mean_of_drawn(values, rng)
    else:
        plans = [plan_resampling(name, [kept]) for kept, _ in prepared]
        drawn, method = min(affordable(plan, resamples) for plan in plans), plans[0].method
        chosen = rng.integers(0, many, size=(many, drawn))
        values = np.empty(chosen.shape)
        for index, plan in enumerate(plans):
            here = chosen == index
            values[here] = resampled_values(plan, int(here.sum()), rng)[0]
        means = values.mean(axis=0)
    low, high = _percentiles(means, level)
    return Interval(low, high, drawn, method, level)


def paired_bootstrap(
    name: str,
    columns_a: Columns,
    columns_b: Columns,
    *,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Compare two representations on the same items, resampling the items of both together.

    Args:
        name: a key of ``AGGREGATORS``.
        columns_a: columns ``[n]`` of the first.
        columns_b: columns ``[n]`` of the second, row by row the same items.
        resamples: how many to draw.
        level: nominal coverage of the difference's interval.
        seed: of the resampling.

    Raises:
        ValueError: different items (length, or which of them take part); see also
            :func:`bootstrap_interval`.
    """
    return paired_bootstrap_over_seeds(
        name, [columns_a], [columns_b], resamples=resamples, level=level, seed=seed
    )


def paired_bootstrap_over_seeds(
    name: str,
    columns_a: Sequence[Columns],
    columns_b: Sequence[Columns],
    *,
    seeds: Literal["shared", "independent"] = "shared",
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Compare the means over seeds of two representations on the same items.

    Each resample draws items, one draw for all seeds of both sides, and as many seeds as there are,
    with replacement. With few seeds their own spread is somewhat underrated (five seeds: standard
    errors by a tenth), what items and seeds have together somewhat overrated.

    Args:
        name: a key of ``AGGREGATORS``.
        columns_a: the columns ``[n]`` of each seed of the first.
        columns_b: those of the second, row by row the same items.
        seeds: ``shared``: the k-th columns of both sides are of one seed, and one draw of seeds
            serves both; a side with a single seed (nothing in it is random) goes with all of the
            other's. ``independent``: the seeds of the sides are drawn apart.
        resamples: how many to draw.
        level: nominal coverage of the difference's interval.
        seed: of the resampling.

    Raises:
        ValueError: no seeds; shared seeds of which one side has more; different items (length, or
            which of them take part); see also :func:`bootstrap_interval`.
    """
    _check(resamples, level)
    counts = [len(columns_a), len(columns_b)]
    if 0 in counts:
        raise ValueError("no seeds to aggregate")
    if seeds not in {"shared", "independent"}:
        raise ValueError(f"seeds must be 'shared' or 'independent', got {seeds!r}")
    if seeds == "shared" and counts[0] != counts[1] and 1 not in counts:
        raise ValueError(f"{counts[0]} and {counts[1]} seeds can't be shared; use 'independent'")
    prepared = [participants(name, columns) for columns in (*columns_a, *columns_b)]
    _same_items(
        name, [mask for _, mask in prepared], "the two sides of a comparison; intersect them first"
    )
    if not prepared[0][1].any():
        return Comparison(np.nan, np.nan, np.nan, np.nan, 0, "undefined", level)
    plan = plan_resampling(name, [kept for kept, _ in prepared])
    drawn = affordable(plan, resamples)
    rng = np.random.default_rng(seed)
    values = resampled_values(plan, drawn, rng)
    a, b = values[: counts[0]], values[counts[0] :]
    if seeds == "shared":
        differences = _mean_of_drawn(a - b, rng)
    else:
        differences = _mean_of_drawn(a, rng) - _mean_of_drawn(b, rng)
    ones = np.ones(plan.items)
    points = [float(plan.aggregator.function(kept, ones)) for kept, _ in prepared]
    difference = float(np.mean(points[: counts[0]]) - np.mean(points[counts[0] :]))
    differences = differences[~np.isnan(differences)]
    if np.isnan(difference) or differences.size == 0:
        return Comparison(difference, np.nan, np.nan, np.nan, drawn, plan.method, level)
    low, high = _percentiles(differences, level)
    tail = min(np.count_nonzero(differences <= 0), np.count_nonzero(differences >= 0))
    p_value = min(1.0, 2.0 * (1 + tail) / (differences.size + 1))
    return Comparison(difference, low, high, p_value, drawn, plan.method, level)


def _mean_of_drawn(values: Floats, rng: np.random.Generator) -> Floats:
    """Of each resample ``[seeds, resamples]``, the mean over seeds drawn with replacement."""
    chosen = rng.integers(0, len(values), size=values.shape)
    means: Floats = np.take_along_axis(values, chosen, axis=0).mean(axis=0)
    return means


def _check(resamples: int, level: float) -> None:
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, got {resamples}")
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie strictly between 0 and 1, got {level}")


def _same_items(name: str, masks: Sequence[NDArray[np.bool_]], whom: str) -> None:
    for mask in masks[1:]:
        if mask.shape != masks[0].shape:
            raise ValueError(
                f"aggregator {name!r}: {len(masks[0])} and {len(mask)} items differ between {whom}"
            )
        if not np.array_equal(mask, masks[0]):
            row = int(np.argmax(mask != masks[0]))
            raise ValueError(
                f"aggregator {name!r}: item {row} takes part only on one side, between {whom}"
            )


def _percentiles(values: Floats, level: float) -> tuple[float, float]:
    defined = values[~np.isnan(values)]
    if defined.size == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return float(low), float(high)
