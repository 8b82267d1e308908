"""Which items a metric is over, and its columns on a chosen set of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from mmbench.results.summary import columns_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmbench.api.task import ItemTable, MetricInfo

__all__ = ["columns_on", "has_columns", "item_keys", "participating"]


def has_columns(metric: MetricInfo, tables: Mapping[str, ItemTable]) -> bool:
    """Whether these tables hold what the metric aggregates."""
    return (
        bool(metric.columns)
        and metric.table in tables
        and all(name in tables[metric.table].columns for name in metric.columns)
    )


def item_keys(table: ItemTable) -> list[str]:
    """One unique key a row: the id, numbered where it occurs again."""
    ids = [str(entry) for entry in table.ids]
    if len(set(ids)) == len(ids):
        return ids
    seen: Counter[str] = Counter()
    keys = []
    for entry in ids:
        seen[entry] += 1
        keys.append(entry if seen[entry] == 1 else f"{entry}\0{seen[entry]}")
    return keys


def participating(metric: MetricInfo, tables: Mapping[str, ItemTable]) -> frozenset[str] | None:
    """Keys of the items that the metric is over; None if it is no function of per-item scores."""
    from mmbench.metrics.aggregation import participants

    if not has_columns(metric, tables):
        return None
    keys = item_keys(tables[metric.table])
    if not keys:
        return frozenset()
    _, mask = participants(metric.aggregator, columns_of(metric, tables))
    return frozenset(key for key, kept in zip(keys, mask.tolist(), strict=True) if kept)


def columns_on(
    metric: MetricInfo, tables: Mapping[str, ItemTable], keys: Sequence[str]
) -> list[Any]:
    """The metric's columns, one value for each of ``keys`` in their order.

    Raises:
        KeyError: An item is not in the table.
    """
    rows = {key: row for row, key in enumerate(item_keys(tables[metric.table]))}
    order = [rows[key] for key in keys]
    return [column[order] for column in columns_of(metric, tables)]
