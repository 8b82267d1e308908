"""Ranks with ties, and the Borda count over tasks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mmbench.results.boards import SummaryRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["borda", "competition_ranks", "significant_digits"]


def competition_ranks(
    values: Sequence[float | None], *, higher_is_better: bool = True
) -> list[int | None]:
    """Rank 1 is best; equal values share a rank and use up those below (1, 2, 2, 4).

    Values that agree to 12 significant digits are equal: summation order is no achievement.
    None (undefined) has no rank.
    """
    rounded = [None if value is None else significant_digits(value) for value in values]
    defined = [value for value in rounded if value is not None]
    return [
        None
        if value is None
        else 1 + sum(other > value if higher_is_better else other < value for other in defined)
        for value in rounded
    ]


def borda(ranks_by_task: Sequence[Mapping[str, int]]) -> tuple[SummaryRow, ...]:
    """Borda count: on each task, a point for each representation ranked below, half for a tie.

    Everyone who is ranked on some task takes part on every task. Who is missing on a task is below
    all who are there, and gets nothing for it: skipping the hard tasks can't win.

    Args:
        ranks_by_task: One mapping a task: representation to rank, 1 = best.

    Returns:
        By rank, then by name.
    """
    names = sorted({name for ranks in ranks_by_task for name in ranks})
    points = dict.fromkeys(names, 0.0)
    for ranks in ranks_by_task:
        for name, rank in ranks.items():
            below = sum(other > rank for other in ranks.values()) + len(names) - len(ranks)
            tied = sum(other == rank for other in ranks.values()) - 1
            points[name] += below + 0.5 * tied
    summary = [
        SummaryRow(
            name=name,
            rank=1 + sum(other > points[name] for other in points.values()),
            points=points[name],
            tasks=sum(name in ranks for ranks in ranks_by_task),
            of=len(ranks_by_task),
        )
        for name in names
    ]
    return tuple(sorted(summary, key=lambda row: (row.rank, row.name)))


def significant_digits(value: float, digits: int = 12) -> float:
    """``value`` rounded to so many significant digits."""
    if value == 0 or not math.isfinite(value):
        return value
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))
