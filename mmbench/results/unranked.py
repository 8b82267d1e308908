"""Rows that stand beside the ranked ones: figures published in papers, and reference levels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mmbench.results.boards import Cell, Row
from mmbench.results.cells import mean_cell
from mmbench.results.labels import options_text
from mmbench.results.numerals import decimals, signed_text
from mmbench.results.ranking import significant_digits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmbench.results.grouping import Contender, Group
    from mmbench.results.record import Record

__all__ = ["published_rows", "reference_rows"]


def published_rows(group: Group, measured: Sequence[Row]) -> list[Row]:
    """Published figures, each with its citation and the distance of what was measured here.

    Options of the paper that are not the table's are named instead of a distance.
    """
    return [_published(record, group, measured) for record in group.published]


def _published(record: Record, group: Group, measured: Sequence[Row]) -> Row:
    entry = record.representation
    same = {
        contender.name
        for contender in group.contenders
        if contender.records[0].representation.label == entry.label
        or contender.records[0].representation.name == entry.name
    }
    verified = {True: "verified", False: "not verified", None: "not checked"}[record.verified]
    notes = [f"published, {verified}" + (f": {entry.citation}" if entry.citation else "")]
    other = {
        name: value
        for name, value in record.task.options.items()
        if name not in group.task.options or group.task.options[name] != value
    }
    if other:
        notes.append(f"measured with {options_text(other)}")
    for row in measured:
        if row.name in same and not other:
            text = _distances(record, row, group)
            notes += [f"{row.name} measured minus published: {text}"] if text else []
    return Row(
        name=entry.label,
        kind="published",
        cells={
            name: Cell(
                value=metric.value,
                low=metric.low,
                high=metric.high,
                level=metric.level,
                n=metric.n,
                note=metric.no_interval,
            )
            for name, metric in record.metrics.items()
        },
        used=record.items_used or None,
        total=record.items_total or None,
        notes=tuple(notes + list(record.notes)),
        keys=(record.key,),
    )


def _distances(record: Record, row: Row, group: Group) -> str:
    texts = []
    for metric in group.metrics:
        published, cell = record.metrics.get(metric.name), row.cells.get(metric.name)
        if published is None or published.value is None or cell is None or cell.value is None:
            continue
        places = decimals(published.value, metric.unit)
        text = signed_text(cell.value - published.value, metric.unit, places)
        texts.append(f"{metric.name} {text}")
    return ", ".join(texts)


def reference_rows(group: Group, contenders: Sequence[Contender]) -> list[Row]:
    """Chance, ceilings and trivial baselines, as the records over the table's items have them.

    Records that disagree (a random baseline by seed) are averaged, and the row says so. Levels are
    rounded to 12 significant digits here, and only here: records keep what the task returned, which
    for a chance of 1/400 may be 0.0024999999999999467.
    """
    records = [record for contender in contenders for record in contender.records]
    names = sorted({name for record in records for name in record.references})
    known = [metric.name for metric in group.metrics]
    rows = []
    for name in names:
        levels = [record.references[name] for record in records if name in record.references]
        cells, spread = {}, 0
        for metric in known:
            given = [level[metric] for level in levels if metric in level]
            values = sorted({significant_digits(v) for v in given if v is not None})
            if not given:
                continue
            spread = max(spread, len(values))
            cells[metric] = (
                Cell(value=None, note="undefined")
                if not values
                else Cell(value=values[0])
                if len(values) == 1
                else _rounded(mean_cell([v for v in given if v is not None], n=0))
            )
        note = (f"mean over {spread} different levels",) if spread > 1 else ()
        rows.append(Row(name=name, kind="reference", cells=cells, notes=note))
    return rows


def _rounded(cell: Cell) -> Cell:
    assert cell.value is not None
    return replace(cell, value=significant_digits(cell.value))
