"""Leaderboards as formatted strings: made once, for Markdown and for the screen alike."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from mmbench.results.labels import options_text
from mmbench.results.numerals import decimals, number_text, signed_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmbench.api.task import MetricInfo
    from mmbench.results.boards import (
        Cell,
        DifferenceRow,
        Differences,
        Leaderboards,
        NotRanked,
        RepresentationRow,
        Row,
        Summary,
        Table,
    )

__all__ = [
    "Display",
    "display_cells",
    "display_costs",
    "display_differences",
    "display_not_ranked",
    "display_overview",
    "display_representations",
    "display_summary",
    "display_training",
    "format_cell",
    "table_title",
]

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_ARROWS = {True: " ↑", False: " ↓", None: ""}
_BORDA = (
    "Borda points: over all tasks, how many other ranked representations it is above; a tie counts "
    "half. One that skipped a task gets nothing for it, and is below all that did it."
)
#: Of the rows that share the best place, so many are named in the overview.
_NAMED = 3
#: Smaller p-values are shown as below this.
_LEAST_P = 0.001
_PAIRED = "Paired bootstrap: one draw of items, and of seeds, serves both rows."


@dataclass(frozen=True)
class Display:
    """A table of formatted strings.

    Attributes:
        title: What stands above it.
        header: Column heads.
        rows: One string a column.
        kinds: Of each row: ``measured``, ``yardstick``, ``published``, ``reference``.
        bold: Of each row, the columns to emphasise.
        notes: Footnotes, numbered from 1 as the superscripts in ``rows`` are.
        remarks: Lines that belong to the whole table.
        descriptions: Name and formula of each metric that has one.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    kinds: tuple[str, ...] = ()
    bold: tuple[tuple[int, ...], ...] = ()
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    descriptions: tuple[tuple[str, str], ...] = ()


def table_title(table: Table | Differences) -> str:
    """The task's label; generated data is marked."""
    return f"{table.title} (generated data)" if table.provenance == "generated" else table.title


def display_cells(table: Table, *, brief: bool = False) -> Display:
    """A leaderboard table as formatted strings: rank, name, metrics, coverage, seeds.

    Args:
        table: The table.
        brief: For the screen: options are left to the files, and where all rows have the same
            items or seeds, the remark says so instead of a column.
    """
    notes = _Footnotes()
    header = ("#", "representation", *(_head(metric) for metric in table.metrics), "items", "seeds")
    rows, bold = [], []
    for row in table.rows:
        marks = notes.mark([*row.notes, *_undefined(row, table.metrics)])
        values = [format_cell(row.cells.get(m.name), m) for m in table.metrics]
        rows.append(
            (
                "" if row.rank is None else str(row.rank),
                _name(row) + marks,
                *values,
                _coverage(row),
                str(row.seeds) if row.seeds else "",
            )
        )
        primary = [m.name for m in table.metrics].index(table.primary)
        bold.append((1, 2 + primary) if row.best else ())
    display = Display(
        title=table_title(table),
        header=header,
        rows=tuple(rows),
        kinds=tuple(row.kind for row in table.rows),
        bold=tuple(bold),
        notes=tuple(notes.texts),
        remarks=_remarks(table),
        descriptions=tuple((m.name, m.description) for m in table.metrics if m.description),
    )
    return _brief(display, table) if brief else display


def display_summary(summary: Summary) -> Display:
    """A summary as formatted strings."""
    notes = _Footnotes()
    rows = tuple(
        (
            str(row.rank),
            row.name + notes.mark(row.notes),
            f"{row.points:g}",
            f"{row.tasks}/{row.of}",
        )
        for row in summary.rows
    )
    generated = " (generated data)" if summary.provenance == "generated" else ""
    return Display(
        title=f"Summary{generated}",
        header=("#", "representation", "Borda points", "tasks"),
        rows=rows,
        kinds=("measured",) * len(rows),
        bold=tuple((1,) if row.rank == 1 else () for row in summary.rows),
        notes=tuple(notes.texts),
        remarks=(_BORDA,),
    )


def display_overview(boards: Leaderboards) -> Display:
    """One line a task: what is best by its primary metric, and of how many."""
    return Display(
        title="Overview",
        header=("task", "best", "primary metric", "value", "items", "N", "rows ranked"),
        rows=tuple(_overview_row(table) for table in boards.tables),
        remarks=("Where several are best, the value is that of the first.",)
        if any(sum(row.best for row in table.rows) > 1 for table in boards.tables)
        else (),
    )


def display_differences(differences: Differences) -> Display:
    """One row against all others, as formatted strings."""
    notes = _Footnotes()
    metric = differences.metric
    places = decimals(differences.value or 0.0, metric.unit)
    unpaired = ("its seeds are others, and were drawn apart",)
    rows = []
    for row in differences.rows:
        apart = unpaired if row.difference is not None and not row.seeds else ()
        marks = notes.mark([note for note in (row.note, *apart) if note])
        rows.append((row.name + marks, *_difference_texts(row, metric, places)))
    unit = " (points)" if metric.unit == "share" else ""
    value = "-"
    if differences.value is not None:
        value = number_text(differences.value, metric.unit, places)
    return Display(
        title=f"{differences.against} minus the others: {table_title(differences)}",
        header=("representation", _head(metric), f"difference{unit}", "95 % interval", "p",
                "items", "seeds"),
        rows=tuple(rows),
        notes=tuple(notes.texts),
        remarks=(f"{differences.against}: {metric.name} {value}. {_PAIRED}",),
    )  # fmt: skip


def _difference_texts(row: DifferenceRow, metric: MetricInfo, places: int) -> tuple[str, ...]:
    own = "-"
    if row.value is not None:
        own = number_text(row.value, metric.unit, decimals(row.value, metric.unit))
    if row.difference is None:
        return (own, "-", "", "", "", "")
    interval = p_value = ""
    if row.low is not None and row.high is not None:
        low, high = (signed_text(bound, metric.unit, places) for bound in (row.low, row.high))
        interval = f"[{low}, {high}]"
    if row.p_value is not None:
        p_value = f"{row.p_value:.3f}" if row.p_value >= _LEAST_P else f"< {_LEAST_P:g}"
    difference = signed_text(row.difference, metric.unit, places)
    return (own, difference, interval, p_value, str(row.n), str(row.seeds or ""))


def display_representations(rows: Sequence[RepresentationRow]) -> Display:
    """What the rows of the tables are, as formatted strings."""
    return Display(
        title="Representations",
        header=("representation", "registry name", "version", "distribution", "parameters",
                "options", "fingerprint"),
        rows=tuple(
            (
                row.label,
                row.name,
                row.version,
                f"{row.distribution} {row.distribution_version}".strip(),
                "" if row.parameters is None else f"{row.parameters:,}",
                options_text(row.options),
                row.fingerprint[:10],
            )
            for row in rows
        ),
    )  # fmt: skip


def display_not_ranked(entries: Sequence[NotRanked]) -> Display:
    """Cells that are on no table, as formatted strings."""
    return Display(
        title="Not ranked",
        header=("representation", "task", "seed", "status", "reason"),
        rows=tuple(
            (e.representation, e.task, _optional(e.seed), e.status, e.reason) for e in entries
        ),
    )


def display_costs(boards: Leaderboards) -> Display:
    """Measured cost as formatted strings."""
    stages = sorted({stage for row in boards.costs for stage in row.seconds})
    header = (
        *("representation", "task", "seed", "device", "dtype"),
        *(f"{stage} (s)" for stage in stages),
        *("encoded", "reused", "items/s", "peak memory (MB)"),
    )
    rows = tuple(
        (
            row.representation,
            row.task,
            _optional(row.seed),
            row.device,
            row.dtype,
            *(f"{row.seconds[stage]:.3f}" if stage in row.seconds else "" for stage in stages),
            str(row.items_encoded),
            str(row.items_reused),
            "" if row.items_per_second is None else f"{row.items_per_second:.1f}",
            "" if row.peak_memory_mb is None else f"{row.peak_memory_mb:.0f}",
        )
        for row in boards.costs
    )
    return Display(title="Measured cost", header=header, rows=rows)


def display_training(boards: Leaderboards) -> Display:
    """What training cost, by representation: the median over its seeds, and their range."""
    parameters = {row.label: row.parameters for row in boards.representations}
    rows = []
    for name in sorted({row.representation for row in boards.costs}):
        mine = [row for row in boards.costs if row.representation == name]
        # Tasks that train on the same have one training: any of their cells tells what it cost.
        own, bases = (
            list({row.seed: row.seconds[stage] for row in mine if stage in row.seconds}.values())
            for stage in ("fit", "fit of bases")
        )
        if own or bases:
            count = parameters.get(name)
            shown = "" if count is None else f"{count:,}"
            rows.append((name, shown, str(len(own or bases)), _spread(own), _spread(bases)))
    return Display(
        title="Training",
        header=("representation", "parameters", "trainings", "seconds", "seconds of its bases"),
        rows=tuple(rows),
    )


def _spread(values: Sequence[float]) -> str:
    if not values:
        return ""
    middle = f"{median(values):.2f}"
    return middle if len(values) == 1 else f"{middle} [{min(values):.2f}, {max(values):.2f}]"


def format_cell(cell: Cell | None, metric: MetricInfo) -> str:
    """``31.7 [29.0, 34.4]``; a dash where undefined, nothing where not measured."""
    if cell is None:
        return ""
    if cell.value is None:
        return "-"
    places = decimals(cell.value, metric.unit)
    text = number_text(cell.value, metric.unit, places)
    if cell.low is None or cell.high is None:
        return text
    low, high = (number_text(bound, metric.unit, places) for bound in (cell.low, cell.high))
    return f"{text} [{low}, {high}]"


class _Footnotes:
    """Numbers distinct notes as they first occur."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def mark(self, notes: Sequence[str]) -> str:
        """Superscript numbers of these notes."""
        self.texts += [note for note in dict.fromkeys(notes) if note not in self.texts]
        numbers = sorted(1 + self.texts.index(note) for note in set(notes))
        return "".join(f" {number}".translate(SUPERSCRIPTS) for number in numbers)


def _overview_row(table: Table) -> tuple[str, ...]:
    metric = next(metric for metric in table.metrics if metric.name == table.primary)
    best = [row for row in table.rows if row.best]
    names = ", ".join(row.name for row in best[:_NAMED])
    if len(best) > _NAMED:
        names += f" and {len(best) - _NAMED} more"
    cell = best[0].cells.get(metric.name) if best else None
    ranked = sum(row.rank is not None for row in table.rows)
    return (
        table_title(table),
        names or "-",
        _head(metric),
        format_cell(cell, metric),
        _coverage(best[0]) if best else "",
        str(cell.n) if cell and cell.n else "",
        str(ranked),
    )


def _head(metric: MetricInfo) -> str:
    return metric.name + _ARROWS[metric.higher_is_better]


def _undefined(row: Row, metrics: Sequence[MetricInfo]) -> list[str]:
    cells = ((metric.name, row.cells.get(metric.name)) for metric in metrics)
    return [f"{name}: {cell.note}" for name, cell in cells if cell and cell.value is None]


def _remarks(table: Table) -> tuple[str, ...]:
    options = options_text(table.options)
    first = f"{table.name} {table.version} ({table.protocol}), ranked by {table.primary}"
    remarks = [f"{first}; {options}" if options else first]
    if table.generated_streams:
        remarks.append(f"Generated streams: {', '.join(table.generated_streams)}")
    if table.notes:
        remarks.append("; ".join(table.notes))
    return tuple(remarks)


def _brief(display: Display, table: Table) -> Display:
    """The same without columns that say one thing, and without the options."""
    said = [f"{table.protocol}, version {table.version}", f"ranked by {table.primary}"]
    columns = list(range(len(display.header)))
    for column, noun in ((-2, "items"), (-1, "seeds")):
        values = {row[column] for row in display.rows} - {""}
        if len(values) < 2:
            columns.remove(len(display.header) + column)
            said += [
                f"{value} {noun.removesuffix('s') if value == '1' else noun}" for value in values
            ]
    remarks = ["; ".join(said)]
    if table.generated_streams:
        remarks.append(f"generated streams: {', '.join(table.generated_streams)}")
    return replace(
        display,
        header=tuple(display.header[column] for column in columns),
        rows=tuple(tuple(row[column] for column in columns) for row in display.rows),
        remarks=tuple(remarks),
    )


def _name(row: Row) -> str:
    return f"{row.name} (published)" if row.kind == "published" else row.name


def _coverage(row: Row) -> str:
    if row.used is None:
        return ""
    return f"{row.used}/{row.total}" if row.total else str(row.used)


def _optional(value: int | None) -> str:
    return "" if value is None else str(value)
