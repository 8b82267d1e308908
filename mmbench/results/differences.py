"""One row of a table against all others: paired differences and their intervals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mmbench.api.errors import UsageError
from mmbench.results.boards import DifferenceRow, Differences, Row, Table
from mmbench.results.coverage import common_items
from mmbench.results.itemsets import columns_on
from mmbench.results.significance import same_seeds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmbench.api.task import MetricInfo
    from mmbench.results.grouping import Contender, Group

__all__ = ["require_rows", "table_differences"]

_SEED = 0  # of the resampling: the same records give the same table


def require_rows(named: Sequence[str], tables: Sequence[Table]) -> None:
    """See that there are rows of these names.

    Raises:
        UsageError: A name is on no table.
    """
    there = {row.name for table in tables for row in table.rows if row.keys}
    for name in named:
        if name not in there:
            known = ", ".join(sorted(there)) or "none"
            raise UsageError(
                f"no row of the leaderboard is called {name!r}", where="--against",
                fix=f"the rows are: {known}",
            )  # fmt: skip


def table_differences(
    table: Table, group: Group, named: Sequence[str], *, resamples: int
) -> list[Differences]:
    """Each named row of a table against all other measured rows, by the primary metric.

    Items are those that both rows have. Seeds are paired where both rows have the same ones, or
    where nothing in one of them is random; else they are drawn apart.

    Args:
        table: The finished table.
        group: What it was made of.
        named: The rows to compare the others with; one that is not on this table has no say.
        resamples: Of the bootstrap.
    """
    contenders = {contender.name: contender for contender in group.contenders}
    metric = group.task.metric(group.task.primary)
    rows = {row.name: row for row in table.rows if row.keys}
    return [
        Differences(
            against=name,
            title=table.title,
            provenance=table.provenance,
            metric=metric,
            value=_value(rows[name], metric),
            rows=tuple(
                _difference(contenders[name], contenders[other], row, metric, resamples)
                for other, row in rows.items()
                if other != name
            ),
        )
        for name in named
        if name in rows and len(rows) > 1
    ]


def _difference(
    against: Contender, contender: Contender, row: Row, metric: MetricInfo, resamples: int
) -> DifferenceRow:
    from mmbench.metrics.aggregation import aggregate
    from mmbench.metrics.bootstrap import paired_bootstrap_over_seeds

    common = common_items([against, contender], metric)
    if not common:
        note = "no function of per-item scores" if common is None else "no common items"
        return DifferenceRow(
            name=row.name, kind=row.kind, value=_value(row, metric), difference=None, note=note
        )
    columns = [
        [columns_on(metric, tables, common) for tables in each.tables]
        for each in (against, contender)
    ]
    seeds = same_seeds(against, contender)
    compared = paired_bootstrap_over_seeds(
        metric.aggregator, *columns, seeds=seeds, resamples=resamples, seed=_SEED
    )
    values = [aggregate(metric.aggregator, each) for each in columns[1]]
    return DifferenceRow(
        name=row.name,
        kind=row.kind,
        value=_known(math.fsum(values) / len(values)),
        difference=_known(compared.difference),
        low=_known(compared.low),
        high=_known(compared.high),
        level=compared.level,
        p_value=_known(compared.p_value),
        n=len(common),
        seeds=max(map(len, columns)) if seeds == "shared" else 0,
        note="undefined on these items" if math.isnan(compared.difference) else "",
    )


def _value(row: Row, metric: MetricInfo) -> float | None:
    cell = row.cells.get(metric.name)
    return None if cell is None else cell.value


def _known(value: float) -> float | None:
    """Minus zero says nothing that zero does not."""
    return None if math.isnan(value) else float(value) + 0.0
