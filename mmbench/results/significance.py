"""Is one row better than another? A paired bootstrap over the same items, and over their seeds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmbench.results.boards import Cell
    from mmbench.results.grouping import Contender

__all__ = ["LEVEL", "intervals_overlap", "paired_p_value", "same_seeds"]

#: Differences with a p-value below this are significant.
LEVEL = 0.05


def paired_p_value(
    aggregator: str,
    first: Sequence[Sequence[Any]],
    second: Sequence[Sequence[Any]],
    *,
    seeds: Literal["shared", "independent"] = "independent",
    resamples: int = 10_000,
    seed: int = 0,
) -> float | None:
    """Two-sided p-value of the difference between two rows; None where it is undefined.

    Items are resampled for both rows together; where a row has several seeds, its seeds are
    resampled too.

    Args:
        aggregator: Name of the metric's aggregator.
        first: The metric's columns of each seed of one row.
        second: Those of the other row, item by item the same items.
        seeds: Whether both rows have the same ones, in one order, so that one draw serves both.
        resamples: How many to draw.
        seed: Of the resampling.

    Raises:
        ValueError: The columns are over different items.
    """
    from mmbench.metrics.bootstrap import paired_bootstrap_over_seeds

    comparison = paired_bootstrap_over_seeds(
        aggregator, first, second, seeds=seeds, resamples=resamples, seed=seed
    )
    return None if math.isnan(comparison.p_value) else comparison.p_value


def same_seeds(first: Contender, second: Contender) -> Literal["shared", "independent"]:
    """Whether the seeds of two rows go together, one by one.

    They do where they are the same, and where nothing in one of the rows is random.
    """
    sides = [[record.seed for record in contender.records] for contender in (first, second)]
    return "shared" if sides[0] == sides[1] or [None] in sides else "independent"


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
