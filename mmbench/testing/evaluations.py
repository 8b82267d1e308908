"""What scoring returned: whether it is well formed, and compared to the last bit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import Evaluation, ItemTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.results.record import MetricValue

__all__ = ["changed_metric", "difference", "malformed", "same", "stored_tables"]


#: Sums in another order differ by less.
_ROUNDING = 1e-7


def malformed(found: Any) -> str:
    """Why this is no evaluation, in words; empty = it is one."""
    if not isinstance(found, Evaluation):
        return f"a {type(found).__name__}"
    tables: Mapping[str, Any] = found.tables
    for name, table in tables.items():
        if not isinstance(table, ItemTable):
            return f"the table {name!r} is a {type(table).__name__}"
        for column, values in table.columns.items():
            if len(values) != len(table.ids):
                return f"{len(values)} values in {column!r} of {name!r} for {len(table.ids)} ids"
    return ""


def difference(first: Evaluation, second: Evaluation) -> str:
    """What differs between two evaluations, in words; empty = nothing, to the last bit."""
    if list(first.tables) != list(second.tables):
        return f"the tables {', '.join(first.tables)} and {', '.join(second.tables)}"
    for name, table in first.tables.items():
        other = second.tables[name]
        if list(table.ids) != list(other.ids):
            return f"the ids of the table {name!r}"
        if list(table.columns) != list(other.columns):
            return f"the columns of the table {name!r}"
        for column, values in table.columns.items():
            if not same(values, other.columns[column]):
                return f"the column {column!r}"
    for what in ("values", "parameters"):
        ours, theirs = getattr(first, what), getattr(second, what)
        for key in {**ours, **theirs}:
            if key not in ours or key not in theirs or not same(ours[key], theirs[key]):
                return f"{what}[{key!r}]: {ours.get(key)!r:.40} and {theirs.get(key)!r:.40}"
    return "" if tuple(first.notes) == tuple(second.notes) else "the notes"


def changed_metric(
    before: Mapping[str, MetricValue], after: Mapping[str, MetricValue]
) -> tuple[str, float | None, float | None] | None:
    """The first metric that changed by more than rounding, with its two values; None = none did."""
    for name, value in after.items():
        first, second = before[name].value, value.value
        if first is None and second is None:
            continue
        if (
            first is None
            or second is None
            or abs(first - second) > _ROUNDING * max(1.0, abs(first))
        ):
            return name, first, second
    return None


def same(first: Any, second: Any) -> bool:
    """Whether two plain values, lists, mappings or arrays are equal; NaN equals NaN."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        return len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, np.ndarray) or isinstance(second, np.ndarray):
        ours, theirs = np.asarray(first), np.asarray(second)
        exact = ours.dtype.kind in "OUSb" or theirs.dtype.kind in "OUSb"
        if exact and ours.dtype.kind == "O":
            return same(ours.tolist(), theirs.tolist())
        return bool(np.array_equal(ours, theirs, equal_nan=not exact))
    return bool(first == second or (first != first and second != second))  # noqa: PLR0124 - NaN


def stored_tables(tables: Mapping[str, ItemTable]) -> dict[str, ItemTable]:
    """Tables that were written as JSON and read back.

    Raises:
        TypeError: A column can't be written.
    """
    listed = {
        key: {"ids": list(each.ids), "columns": {k: list(v) for k, v in each.columns.items()}}
        for key, each in tables.items()
    }
    read = json.loads(json.dumps(listed, default=_plain))
    return {key: ItemTable(**table) for key, table in read.items()}


def _plain(value: Any) -> Any:
    """Numpy numbers and arrays as plain ones."""
    return value.tolist()
