"""From an evaluation's per-item scores to metric values with intervals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mmbench.api.errors import PluginError
from mmbench.results.record import MetricValue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.api.task import Evaluation, ItemTable, MetricInfo, TaskInfo

__all__ = ["UNDEFINED", "columns_of", "evaluate_metrics"]

UNDEFINED = "undefined on these items"


def evaluate_metrics(
    info: TaskInfo, evaluation: Evaluation, *, resamples: int = 10_000, seed: int = 0
) -> dict[str, MetricValue]:
    """Every metric of a task, with its bootstrap interval where it has one.

    Args:
        info: The task's metrics.
        evaluation: What its scoring returned.
        resamples: Bootstrap resamples to draw; costly aggregators draw fewer, and say so.
        seed: Of the resampling.

    Returns:
        Metric name to value, in the task's order. An undefined value (NaN) is None, with why.

    Raises:
        PluginError: Scoring did not return what a metric needs.
    """
    values = {}
    for metric in info.metrics:
        where = f"task {info.name}, metric {metric.name!r}"
        try:
            if metric.columns:
                values[metric.name] = _from_columns(metric, evaluation.tables, resamples, seed)
            else:
                values[metric.name] = _from_value(metric, evaluation)
        except (KeyError, ValueError) as error:
            what = f"lacks {error}" if isinstance(error, KeyError) else str(error)
            raise PluginError(
                f"the evaluation does not fit: {what}",
                where=where,
                fix="return the table, column or value that the metric names in Task.score",
            ) from error
    return values


def columns_of(metric: MetricInfo, tables: Mapping[str, ItemTable]) -> list[Any]:
    """A metric's columns as arrays, in its aggregator's order.

    Raises:
        KeyError: There is no such table or column.
    """
    import numpy as np

    table = tables[metric.table]
    return [np.asarray(table.columns[name]) for name in metric.columns]


def _from_columns(
    metric: MetricInfo, tables: Mapping[str, ItemTable], resamples: int, seed: int
) -> MetricValue:
    from mmbench.metrics.aggregation import aggregate, participants
    from mmbench.metrics.bootstrap import bootstrap_interval

    columns = columns_of(metric, tables)
    if len(tables[metric.table]) == 0:
        return _value(metric, None, no_interval="there are no items")
    _, taking_part = participants(metric.aggregator, columns)
    value = aggregate(metric.aggregator, columns)
    n = int(taking_part.sum())
    if math.isnan(value):
        return _value(metric, None, n=n, no_interval=UNDEFINED)
    if metric.no_interval:
        return _value(metric, value, n=n, no_interval=metric.no_interval)
    interval = bootstrap_interval(metric.aggregator, columns, resamples=resamples, seed=seed)
    if math.isnan(interval.low):
        return _value(metric, value, n=n, no_interval="undefined on every resample")
    return _value(
        metric,
        value,
        low=interval.low,
        high=interval.high,
        level=interval.level,
        resamples=interval.resamples,
        method=interval.method,
        n=n,
    )


def _from_value(metric: MetricInfo, evaluation: Evaluation) -> MetricValue:
    value = float(evaluation.values[metric.name])
    n = len(evaluation.tables[metric.table]) if metric.table in evaluation.tables else 0
    why = metric.no_interval or "no function of per-item scores"
    if math.isnan(value):
        return _value(metric, None, n=n, no_interval=UNDEFINED)
    return _value(metric, value, n=n, no_interval=why)


def _value(metric: MetricInfo, value: float | None, **fields: Any) -> MetricValue:
    return MetricValue(
        value=value, unit=metric.unit, higher_is_better=metric.higher_is_better, **fields
    )
