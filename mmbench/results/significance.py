"""Is one row better than another? A paired bootstrap over the same items, and over their seeds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmbench.results.boards import Cell

__all__ = ["LEVEL", "intervals_overlap", "paired_p_value"]

#: Differences with a p-value below this are significant.
LEVEL = 0.05


def paired_p_value(
    aggregator: str,
    first: Sequence[Sequence[Any]],
    second: Sequence[Sequence[Any]],
    *,
    resamples: int = 10_000,
    seed: int = 0,
) -> float | None:
    """Two-sided p-value of the difference between two rows; None where it is undefined.

    Items are resampled for both rows together; where a row has several seeds, its seeds are
    resampled too, independently of the other row's.

    Args:
        aggregator: Name of the metric's aggregator.
        first: The metric's columns of each seed of one row.
        second: Those of the other row, item by item the same items.
        resamples: How many to draw.
        seed: Of the resampling.

    Raises:
        ValueError: The columns are over different items.
    """
    if len(first) == 1 and len(second) == 1:
        from mmbench.metrics.bootstrap import paired_bootstrap

        comparison = paired_bootstrap(
            aggregator, first[0], second[0], resamples=resamples, seed=seed
        )
        return None if math.isnan(comparison.p_value) else comparison.p_value
    return _p_value_over_seeds(aggregator, first, second, resamples, seed)


def _p_value_over_seeds(
    aggregator: str,
    first: Sequence[Sequence[Any]],
    second: Sequence[Sequence[Any]],
    resamples: int,
    seed: int,
) -> float | None:
    import numpy as np

    from mmbench.metrics.aggregation import participants
    from mmbench.metrics.resampling import affordable, plan_resampling, resampled_values

    prepared = [participants(aggregator, columns) for columns in (*first, *second)]
    masks = [mask for _, mask in prepared]
    if any(not np.array_equal(mask, masks[0]) for mask in masks):
        raise ValueError(f"aggregator {aggregator!r}: the rows are over different items")
    if not masks[0].any():
        return None
    rng = np.random.default_rng(seed)
    plan = plan_resampling(aggregator, [kept for kept, _ in prepared])
    drawn = affordable(plan, resamples)
    values = resampled_values(plan, drawn, rng)

    def mean_of_drawn_seeds(block: Any) -> Any:
        chosen = rng.integers(0, len(block), size=block.shape)
        return np.take_along_axis(block, chosen, axis=0).mean(axis=0)

    difference = mean_of_drawn_seeds(values[: len(first)])
    difference = difference - mean_of_drawn_seeds(values[len(first) :])
    difference = difference[~np.isnan(difference)]
    if difference.size == 0:
        return None
    tail = min(int((difference <= 0).sum()), int((difference >= 0).sum()))
    return float(min(1.0, 2.0 * (1 + tail) / (difference.size + 1)))


def intervals_overlap(first: Cell, second: Cell) -> bool:
    """Whether two intervals have a point in common; the fallback where no paired test is possible.

    A cell without an interval is taken as a point.
    """
    low_a, high_a = _bounds(first)
    low_b, high_b = _bounds(second)
    return low_a <= high_b and low_b <= high_a


def _bounds(cell: Cell) -> tuple[float, float]:
    assert cell.value is not None
    return (
        cell.value if cell.low is None else min(cell.low, cell.value),
        cell.value if cell.high is None else max(cell.high, cell.value),
    )
