"""Leaderboards as Markdown, CSV, JSON and tidy rows: text only, the same for the same records."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from mmbench.results.boards import Cell, Leaderboards, Row
from mmbench.results.codec import from_plain, to_plain
from mmbench.results.display import (
    SUPERSCRIPTS,
    Display,
    display_cells,
    display_costs,
    display_differences,
    display_not_ranked,
    display_overview,
    display_representations,
    display_summary,
    display_training,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmbench.api.task import MetricInfo
    from mmbench.results.boards import (
        Coverage,
        DifferenceRow,
        Differences,
        RepresentationRow,
        Table,
    )

__all__ = [
    "TIDY",
    "costs_to_csv",
    "costs_to_markdown",
    "from_json_text",
    "tidy_rows",
    "to_csv",
    "to_json_text",
    "to_markdown",
]

SCORES = (
    "Shares are in percent; in brackets is the 95 % bootstrap interval over items (and seeds). "
    "Bold is the best, and what does not differ significantly from it; equal values share a rank."
)
UNRANKED = (
    "Rows in italics are not ranked: yardsticks (random vectors, measured like the others), "
    "reference levels (chance, trivial baselines, ceilings) and published figures."
)
#: What became of rows over different items, for a reader who knows of no such rule.
COVERAGE: dict[Coverage, str] = {
    "report": "Rows of one table may be over different items, where some could not be read: a row "
    "over other items than most is ranked, but a note says so and no significance is claimed "
    "(coverage: report).",
    "strict": "All rows of one table are over the same items: a row over other items than most is "
    "left out, and listed under Not ranked (coverage: strict).",
    "intersect": "All rows of one table are over the same items: where they differed, every score "
    "is over the items that all rows have in common (coverage: intersect).",
}
GENERATED = (
    "Generated data: a stream that is evaluated was synthesised. Such tables are ranked apart. "
    "Synthesised prompts and training data do not make one, but are listed with the others as "
    "generated streams."
)


def to_markdown(boards: Leaderboards) -> str:
    """All tables, summaries and what was left out, as GitHub-flavoured Markdown."""
    said = [SCORES, UNRANKED, COVERAGE[boards.coverage]]
    if any(table.generated_streams or table.provenance == "generated" for table in boards.tables):
        said.append(GENERATED)
    parts = ["# Leaderboard", "\n".join(f"- {line}" for line in said)]
    if boards.tables:
        parts.append(_markdown(display_overview(boards), 2))
    else:
        parts.append("No cell has been measured yet.")
    parts += [_markdown(display_summary(summary), 2) for summary in boards.summaries]
    if boards.representations:
        parts.append(_markdown(display_representations(boards.representations), 2))
    parts += [_markdown(display_cells(table), 2) for table in boards.tables]
    parts += [_markdown(display_differences(each), 2) for each in boards.differences]
    if boards.not_ranked:
        parts.append(_markdown(display_not_ranked(boards.not_ranked), 2))
    return "\n\n".join(parts) + "\n"


def costs_to_markdown(boards: Leaderboards) -> str:
    """Measured cost as Markdown."""
    parts = [_markdown(display_costs(boards), 1)]
    training = display_training(boards)
    if training.rows:
        parts.insert(0, _markdown(training, 1))
    return "\n\n".join(parts) + "\n"


def tidy_rows(boards: Leaderboards) -> list[dict[str, Any]]:
    """One dictionary a (table, row, metric), in the order of the tables; full precision.

    ``task``, ``provenance``, ``row``, ``kind`` and ``metric`` name it. ``representation``,
    ``version``, ``options`` (JSON), ``fingerprint`` and ``parameters`` are of measured rows only.
    After the cells come the differences, whose ``kind`` is ``difference``: the figure of the row
    named in ``against`` minus that of ``row``.
    """
    known = {entry.label: entry for entry in boards.representations}
    cells = [
        _tidy_row(table, row, known.get(row.representation), metric, row.cells[metric.name])
        for table in boards.tables
        for row in table.rows
        for metric in table.metrics
        if metric.name in row.cells
    ]
    tables = {(table.title, table.provenance): table for table in boards.tables}
    return cells + [
        _tidy_difference(tables[each.title, each.provenance], each, row)
        for each in boards.differences
        for row in each.rows
    ]


#: The columns of the tidy format and their types.
TIDY: dict[str, type] = {
    "task": str,
    "task_name": str,
    "task_version": str,
    "protocol": str,
    "provenance": str,
    "row": str,
    "kind": str,
    "representation": str,
    "version": str,
    "options": str,
    "fingerprint": str,
    "parameters": int,
    "against": str,
    "rank": int,
    "best": bool,
    "metric": str,
    "primary": bool,
    "unit": str,
    "higher_is_better": bool,
    "value": float,
    "low": float,
    "high": float,
    "level": float,
    "sd": float,
    "p_value": float,
    "n": int,
    "seeds": int,
    "used": int,
    "total": int,
    "coverage": float,
    "note": str,
}


def _tidy_row(
    table: Table, row: Row, entry: RepresentationRow | None, metric: MetricInfo, cell: Cell
) -> dict[str, Any]:
    coverage = row.used / row.total if row.used is not None and row.total else None
    what: tuple[str | int | None, ...] = (None,) * 5
    if entry is not None:
        options = json.dumps(to_plain(entry.options), sort_keys=True, ensure_ascii=False)
        what = (entry.name, entry.version, options, entry.fingerprint, entry.parameters)
    values = (
        *(table.title, table.name, table.version, table.protocol, table.provenance),
        *(row.name, row.kind, *what, None, row.rank, row.best),
        *(metric.name, metric.name == table.primary, metric.unit, metric.higher_is_better),
        *(cell.value, cell.low, cell.high, cell.level, cell.sd, None, cell.n),
        *(row.seeds, row.used, row.total, coverage),
        "; ".join(note for note in (*row.notes, cell.note) if note),
    )
    return dict(zip(TIDY, values, strict=True))


_OF_DIFFERENCE = ("low", "high", "level", "p_value", "n", "seeds", "note")


def _tidy_difference(table: Table, each: Differences, row: DifferenceRow) -> dict[str, Any]:
    metric = each.metric
    given = _tidy_row(table, Row(name=row.name), None, metric, Cell(value=None))
    given |= {"kind": "difference", "against": each.against, "best": None}
    given |= {name: getattr(row, name) for name in _OF_DIFFERENCE}
    return given | {"value": row.difference}


def to_csv(boards: Leaderboards) -> str:
    """The tidy rows as CSV: empty = none, true/false, numbers in full precision."""
    rows = [[_csv_value(value) for value in row.values()] for row in tidy_rows(boards)]
    return _csv([list(TIDY), *rows])


def costs_to_csv(boards: Leaderboards) -> str:
    """Measured cost as CSV."""
    display = display_costs(boards)
    return _csv([list(display.header), *map(list, display.rows)])


def to_json_text(boards: Leaderboards) -> str:
    """The whole structure but for cost, as JSON with sorted keys."""
    document = to_plain(boards)
    del document["costs"]
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def from_json_text(text: str) -> Leaderboards:
    """What :func:`to_json_text` wrote, today or before there were representations in it.

    Raises:
        ValueError: It is something else.
    """
    return from_plain(Leaderboards, json.loads(text))


def _markdown(display: Display, level: int) -> str:
    lines = [f"{'#' * level} {_escape(display.title)}", ""]
    if display.remarks:
        lines += [_escape(remark) + "  " for remark in display.remarks[:-1]]
        lines += [_escape(display.remarks[-1]), ""]
    if not display.rows:
        return "\n".join([*lines, "Nothing here yet."])
    lines.append(_markdown_line(display.header))
    lines.append(_markdown_line(["---"] * len(display.header)))
    emphasis = display.bold or ((),) * len(display.rows)
    kinds = display.kinds or ("measured",) * len(display.rows)
    for row, bold, kind in zip(display.rows, emphasis, kinds, strict=True):
        cells = [_escape(cell) for cell in row]
        for index in bold:
            cells[index] = f"**{cells[index]}**"
        if kind != "measured":
            cells[1] = f"*{cells[1]}*"
        lines.append(_markdown_line(cells))
    if display.notes:
        lines.append("")
        numbered = enumerate(display.notes, start=1)
        lines += [f"{str(n).translate(SUPERSCRIPTS)} {_escape(note)}  " for n, note in numbered]
        lines[-1] = lines[-1].rstrip()
    if display.descriptions:
        lines += ["", "<details><summary>What the metrics are</summary>", ""]
        lines += [f"- {_escape(name)}: {_escape(text)}" for name, text in display.descriptions]
        lines += ["", "</details>"]
    return "\n".join(lines)


def _markdown_line(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"


def _escape(text: str) -> str:
    """Text that can't break out of a Markdown table cell or become markup."""
    flat = " ".join(text.split())
    for character in ("\\", "|", "*", "_", "`", "<"):
        flat = flat.replace(character, f"\\{character}")
    return flat


def _csv(rows: Sequence[Sequence[Any]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


def _csv_value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)
