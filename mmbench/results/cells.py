"""The cells of a row: one metric over its seeds, on all of its items or on a chosen set of them."""

from __future__ import annotations

import math
import statistics
from dataclasses import replace
from typing import TYPE_CHECKING

from mmbench.results.boards import Cell, Row
from mmbench.results.itemsets import columns_on, has_columns, participating

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmbench.api.task import MetricInfo
    from mmbench.results.grouping import Contender

__all__ = ["make_cell", "mean_cell", "reaggregated_cell", "unsigned_zeros"]

_SEED = 0  # of the resampling: the same records give the same table


def make_cell(contender: Contender, metric: MetricInfo, *, resamples: int) -> Cell | None:
    """The metric as recorded, averaged over seeds; None if no record has it."""
    values = [record.metrics.get(metric.name) for record in contender.records]
    present = [value for value in values if value is not None]
    if not present:
        return None
    if len(values) == 1:
        only = present[0]
        return Cell(
            value=only.value,
            low=only.low,
            high=only.high,
            level=only.level,
            n=only.n,
            note=only.no_interval,
        )
    defined = [value.value for value in present if value.value is not None]
    n = min(value.n for value in present)
    if len(defined) < len(values):
        return Cell(value=None, n=n, note="undefined for some seeds")
    cell = mean_cell(defined, n=n, note=present[0].no_interval)
    if any(value.no_interval for value in present):
        return cell
    return _with_interval(contender, metric, cell, None, resamples)


def mean_cell(values: list[float], *, n: int, note: str = "") -> Cell:
    """Mean and standard deviation over seeds, whatever their order."""
    return Cell(
        value=math.fsum(values) / len(values),
        sd=statistics.stdev(sorted(values)) if len(values) > 1 else None,
        n=n,
        note=note,
    )


def reaggregated_cell(
    contender: Contender, metric: MetricInfo, common: Sequence[str] | None, *, resamples: int
) -> Cell | None:
    """The metric on common items only, by its aggregator.

    Args:
        contender: The row.
        metric: What to aggregate.
        common: The items that every row has this metric of; None = it has no per-item scores.
        resamples: Of the bootstrap.
    """
    from mmbench.metrics.aggregation import aggregate

    if all(metric.name not in record.metrics for record in contender.records):
        return None
    if common is None:
        return Cell(value=None, note="no function of per-item scores, so not on common items")
    if not common:
        return Cell(value=None, note="no common items")
    values = [
        aggregate(metric.aggregator, columns_on(metric, tables, common))
        for tables in contender.tables
    ]
    if any(math.isnan(value) for value in values):
        return Cell(value=None, note="undefined on the common items")
    cell = mean_cell(values, n=len(common), note=metric.no_interval)
    if metric.no_interval:
        return cell
    return _with_interval(contender, metric, cell, common, resamples)


def unsigned_zeros(row: Row) -> Row:
    """The row without minus zeros, which say nothing that zero does not."""
    cells = {
        name: replace(cell, value=_plus_zero(cell.value), low=_plus_zero(cell.low),
                      high=_plus_zero(cell.high))
        for name, cell in row.cells.items()
    }  # fmt: skip
    return replace(row, cells=cells)


def _plus_zero(value: float | None) -> float | None:
    return None if value is None else value + 0.0


def _with_interval(
    contender: Contender,
    metric: MetricInfo,
    cell: Cell,
    common: Sequence[str] | None,
    resamples: int,
) -> Cell:
    """The cell with its bootstrap interval over items and seeds."""
    from mmbench.metrics.bootstrap import bootstrap_interval, bootstrap_interval_over_seeds

    if not all(has_columns(metric, tables) for tables in contender.tables):
        return replace(cell, note="no per-item scores")
    items = [
        sorted(participating(metric, tables) or ()) if common is None else common
        for tables in contender.tables
    ]
    columns = [
        columns_on(metric, tables, keys)
        for tables, keys in zip(contender.tables, items, strict=True)
    ]
    if len(columns) == 1:
        interval = bootstrap_interval(
            metric.aggregator, columns[0], resamples=resamples, seed=_SEED
        )
    else:
        interval = bootstrap_interval_over_seeds(
            metric.aggregator,
            columns,
            items="shared" if all(keys == items[0] for keys in items) else "independent",
            resamples=resamples,
            seed=_SEED,
        )
    if math.isnan(interval.low):
        return replace(cell, note="undefined on every resample")
    return replace(cell, low=interval.low, high=interval.high, level=interval.level)
