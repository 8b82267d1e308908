"""Leaderboards made from records, and only from records: never appended to, always rebuilt."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, get_args

from mmbench.api.errors import UsageError
from mmbench.results.boards import (
    Cell,
    CostRow,
    Coverage,
    Differences,
    Leaderboards,
    NotRanked,
    Row,
    Summary,
    SummaryRow,
    Table,
)
from mmbench.results.cells import make_cell, reaggregated_cell, unsigned_zeros
from mmbench.results.coverage import Difference, common_items, differences
from mmbench.results.differences import table_differences
from mmbench.results.grouping import group_records, not_ranked
from mmbench.results.itemsets import columns_on
from mmbench.results.labels import label_of, representation_rows, row_labels
from mmbench.results.merging import merge
from mmbench.results.ranking import borda, competition_ranks, significant_digits
from mmbench.results.significance import LEVEL, intervals_overlap, paired_p_value, same_seeds
from mmbench.results.unranked import published_rows, reference_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mmbench.api.task import ItemTable, MetricInfo
    from mmbench.results.grouping import Contender, Group
    from mmbench.results.record import Record

__all__ = ["build_leaderboards", "cost_rows"]

_SEED = 0  # of the comparisons: the same records give the same table


def build_leaderboards(
    records: Sequence[Record],
    tables: Callable[[Record], Mapping[str, ItemTable]],
    *,
    coverage: Coverage = "report",
    show_published: bool = True,
    against: Sequence[str] = (),
    resamples: int = 10_000,
) -> Leaderboards:
    """Leaderboards of records: a table a task and kind of data, a summary a kind of data.

    Rows rank by the task's primary metric; equal values share a rank. ``best`` are the first row
    and all rows whose difference from it a paired bootstrap does not find significant; where no
    paired test is possible, rows whose intervals overlap with its, and the row says so.

    Args:
        records: In any order; merged first.
        tables: Per-item scores of a record (:meth:`RecordStore.tables`).
        coverage: What becomes of rows over other items than the other rows: ``report`` marks them
            and keeps them out of significance, ``strict`` leaves them out, ``intersect``
            re-aggregates all rows on common items.
        show_published: Whether published figures are listed.
        against: Names of rows that all other rows are compared with, one by one; those that are
            on no table have no say.
        resamples: Of the bootstrap, where the records don't hold the interval already.

    Raises:
        UsageError: Unknown ``coverage``.
    """
    if coverage not in get_args(Coverage):
        raise UsageError(
            f"unknown coverage {coverage!r}", fix=f"choose one of {', '.join(get_args(Coverage))}"
        )
    merged = [record for record in merge(records) if show_published or record.source == "measured"]
    labels = row_labels(merged)
    groups, unreadable = group_records(merged, tables, labels)
    boards, left_out = [], [*not_ranked(merged, labels), *unreadable]
    compared: list[Differences] = []
    for group in groups:
        board, excluded = _build_table(group, coverage, resamples)
        boards.append(board)
        left_out += excluded
        compared += table_differences(board, group, against, resamples=resamples)
    left_out.sort(key=lambda e: (e.task, e.representation, e.seed or 0, e.status, e.reason))
    shown = {row.representation for board in boards for row in board.rows}
    return Leaderboards(
        coverage=coverage,
        tables=tuple(boards),
        differences=tuple(compared),
        summaries=_summaries(boards),
        representations=representation_rows(merged, labels, shown),
        not_ranked=tuple(left_out),
        costs=cost_rows(merged),
    )


def cost_rows(records: Sequence[Record]) -> tuple[CostRow, ...]:
    """What the measured cells cost, by task, representation and seed."""
    labels = row_labels(records)
    rows = [
        CostRow(
            representation=label_of(record, labels),
            task=record.task.label,
            seed=record.seed,
            seconds=record.cost.seconds,
            items_encoded=record.cost.items_encoded,
            items_reused=record.cost.items_reused,
            items_per_second=record.cost.items_per_second,
            peak_memory_mb=record.cost.peak_memory_mb,
            device=record.cost.device,
            dtype=record.cost.dtype,
        )
        for record in records
        if record.status == "ok" and record.source == "measured"
    ]
    return tuple(sorted(rows, key=lambda r: (r.task, r.representation, r.seed or 0)))


@dataclass(frozen=True, eq=False)
class _Lane:
    """A row in the making: its records, how its items differ, and the items it is compared on."""

    contender: Contender
    difference: Difference
    row: Row


def _build_table(group: Group, coverage: Coverage, resamples: int) -> tuple[Table, list[NotRanked]]:
    found = differences(group.contenders)
    apart = any(difference.what for difference in found)
    kept, left_out = [], []
    for contender, difference in zip(group.contenders, found, strict=True):
        if difference.what and (
            coverage == "strict" or (coverage == "intersect" and difference.data)
        ):
            left_out += _left_out(contender, difference, coverage)
        else:
            kept.append((contender, difference))
    contenders = [contender for contender, _ in kept]
    if coverage == "intersect" and apart:
        common = {metric.name: common_items(contenders, metric) for metric in group.metrics}
        cell = partial(_common_cell, common=common, resamples=resamples)
        used = common[group.task.primary]
        lanes = [
            _Lane(c, Difference(), _row(c, group, cell, used=None if used is None else len(used)))
            for c in contenders
        ]
    else:
        cell = partial(make_cell, resamples=resamples)
        lanes = [_Lane(c, d, _row(c, group, cell, difference=d.what)) for c, d in kept]
    models = [lane for lane in lanes if not _is_yardstick(lane.contender)]
    rows, notes = _ranked(models, group, resamples)
    rows += [replace(lane.row, kind="yardstick") for lane in lanes if lane not in models]
    if coverage == "intersect" and apart:
        notes.append("all rows on the items that they have in common")
    rows += published_rows(group, rows)
    rows += reference_rows(group, [lane.contender for lane in lanes if not lane.difference.what])
    return _table(group, rows, notes), left_out


def _is_yardstick(contender: Contender) -> bool:
    """Random vectors and their like: on the table with their intervals, in no ranking."""
    return all(record.representation.family == "yardstick" for record in contender.records)


def _table(group: Group, rows: list[Row], notes: list[str]) -> Table:
    generated = {
        stream
        for contender in group.contenders
        for record in contender.records
        for stream in record.generated_streams
    }
    return Table(
        title=group.title,
        name=group.task.name,
        version=group.task.version,
        protocol=group.task.protocol,
        provenance=group.provenance,
        primary=group.task.primary,
        metrics=group.metrics,
        options=group.task.options,
        generated_streams=tuple(sorted(generated)),
        rows=tuple(map(unsigned_zeros, rows)),
        notes=tuple(notes),
    )


def _common_cell(
    contender: Contender,
    metric: MetricInfo,
    *,
    common: Mapping[str, Sequence[str] | None],
    resamples: int,
) -> Cell | None:
    return reaggregated_cell(contender, metric, common[metric.name], resamples=resamples)


def _row(
    contender: Contender,
    group: Group,
    cell: Callable[[Contender, MetricInfo], Cell | None],
    *,
    used: int | None = None,
    difference: str = "",
) -> Row:
    made = {metric.name: cell(contender, metric) for metric in group.metrics}
    notes = [difference, *(note for record in contender.records for note in record.notes)]
    return Row(
        name=contender.name,
        representation=contender.label,
        cells={name: value for name, value in made.items() if value is not None},
        used=min(r.items_used for r in contender.records) if used is None else used,
        total=max(r.items_total for r in contender.records),
        seeds=len(contender.records),
        notes=tuple(dict.fromkeys(note for note in notes if note)),
        keys=tuple(record.key for record in contender.records),
    )


def _ranked(lanes: list[_Lane], group: Group, resamples: int) -> tuple[list[Row], list[str]]:
    """The rows with ranks and marks, best first; undefined ones last; and how it was done."""
    metric = group.task.metric(group.task.primary)
    if metric.higher_is_better is None:
        return sorted((lane.row for lane in lanes), key=lambda row: row.name), []
    values = [_primary(lane.row, metric) for lane in lanes]
    ranks = competition_ranks(values, higher_is_better=metric.higher_is_better)
    marked = [
        replace(lane, row=replace(lane.row, rank=rank))
        for lane, rank in zip(lanes, ranks, strict=True)
    ]
    marked.sort(key=lambda lane: (lane.row.rank or math.inf, lane.row.name))
    comparable = [lane for lane in marked if not lane.difference.what and lane.row.rank is not None]
    if not comparable:
        return [lane.row for lane in marked], []
    best = comparable[0]
    rows, tested = [], False
    for lane in marked:
        if lane not in comparable:
            rows.append(lane.row)
            continue
        paired, row = _against(best, lane, metric, resamples)
        tested = tested or paired
        rows.append(row)
    notes = [f"paired bootstrap on {metric.name}, p < {LEVEL:g}"] if tested else []
    return rows, notes


def _against(best: _Lane, lane: _Lane, metric: MetricInfo, resamples: int) -> tuple[bool, Row]:
    """Whether a paired test was possible, and the row marked by it."""
    if lane is best or _primary(lane.row, metric) == _primary(best.row, metric):
        return False, replace(lane.row, best=True)
    common = common_items([best.contender, lane.contender], metric)
    p_value = None
    if common:
        p_value = paired_p_value(
            metric.aggregator,
            *(
                [columns_on(metric, t, common) for t in each.contender.tables]
                for each in (best, lane)
            ),
            seeds=same_seeds(best.contender, lane.contender),
            resamples=resamples,
            seed=_SEED,
        )
    if p_value is not None:
        return True, replace(lane.row, best=p_value >= LEVEL)
    overlap = intervals_overlap(best.row.cells[metric.name], lane.row.cells[metric.name])
    note = f"no paired test possible: compared with {best.row.name} by overlap of intervals"
    return False, replace(lane.row, best=overlap, notes=(*lane.row.notes, note))


def _primary(row: Row, metric: MetricInfo) -> float | None:
    cell = row.cells.get(metric.name)
    return None if cell is None or cell.value is None else significant_digits(cell.value)


def _left_out(contender: Contender, difference: Difference, coverage: str) -> list[NotRanked]:
    return [
        NotRanked(
            representation=contender.name,
            task=record.task.label,
            seed=record.seed,
            status="left out",
            reason=f"{difference.what} (coverage: {coverage})",
        )
        for record in contender.records
    ]


def _summaries(tables: Sequence[Table]) -> tuple[Summary, ...]:
    summaries = []
    for provenance in ("real", "generated"):
        chosen = [table for table in tables if table.provenance == provenance]
        ranked = [
            {row.name: row.rank for row in table.rows if row.rank is not None} for table in chosen
        ]
        ranked = [ranks for ranks in ranked if ranks]
        if len({name for ranks in ranked for name in ranks}) < 2:
            continue
        rows = tuple(_with_notes(row, chosen) for row in borda(ranked))
        summaries.append(Summary(provenance=provenance, rows=rows))
    return tuple(summaries)


def _with_notes(summary: SummaryRow, tables: Sequence[Table]) -> SummaryRow:
    other = [
        f"{table.title}: {note}"
        for table in tables
        for row in table.rows
        if row.name == summary.name and row.kind == "measured"
        for note in row.notes
        if note.startswith("over ")
    ]
    return replace(summary, notes=tuple(other))
