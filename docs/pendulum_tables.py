"""Tables of the Pendulum study, from its published leaderboard; `make_tables.py` puts them in."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from mmbench.results.display import format_cell
from mmbench.results.formats import from_json_text
from mmbench.results.numerals import number_text, signed_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mmbench.results.boards import DifferenceRow, Leaderboards, Row, Table

    Maker = Callable[[Iterable[str], Iterable[Iterable[str]]], str]

ROOT = Path(__file__).resolve().parents[1]
BOARD = ROOT / "results" / "pendulum" / "leaderboard.json"
SUITE = ROOT / "benchmarks" / "pendulum.toml"
CONTROL, DCA = "pendulum-control-reduced", "pendulum-dca"
COMPLETE, IMAGE, SOUND = (f"{name} reward" for name in ("image+sound", "image", "sound"))
MISSING = "missing reward"
COMPONENTS = (
    "mean DCA",
    *(f"{stream} {score}" for stream in ("image", "sound")
      for score in ("DCA", "precision", "recall", "quality")),
    "halves DCA",
)  # fmt: skip
#: What all others are compared with.
OURS = "gmc-pendulum"


def pendulum_table(what: str, table: Maker) -> str:
    """What a controller earns (``control``), or where streams alone put states (``dca``)."""
    if not BOARD.is_file():
        return "Not published yet.\n"
    boards = from_json_text(BOARD.read_text(encoding="utf-8"))
    return control_table(boards, table) if what == "control" else dca_table(boards, table)


def control_table(boards: Leaderboards, table: Maker) -> str:
    """Rewards of every subset, what a stream alone costs, and the distance to GMC."""
    found = _titled(boards, CONTROL)
    compared = {
        row.name: row
        for each in boards.differences
        if (each.title, each.against) == (CONTROL, OURS)
        for row in each.rows
    }
    parameters = {row.label: row.parameters for row in boards.representations}
    rows = []
    for label in labels():
        row = _measured(found, label)
        values = {name: row.cells[name].value for name in (COMPLETE, IMAGE, SOUND)}
        count, sd = parameters[label], row.cells[MISSING].sd
        rows.append(
            (
                label,
                *_cells(found, row, (COMPLETE, IMAGE, SOUND, MISSING)),
                "" if sd is None else number_text(sd, "1", 3),
                *(_change(values[name], values[COMPLETE]) for name in (IMAGE, SOUND)),
                _difference(compared.get(label)),
                "" if count is None else f"{count:,}",
            )
        )
    chance = next(row for row in found.rows if row.name == "random torques")
    cells = _cells(found, chance, (COMPLETE, IMAGE, SOUND, MISSING))
    rows.append(("*random torques*", *cells, "", "", "", "", ""))
    head = (
        "", COMPLETE, IMAGE, SOUND, "mean of the two", "its sd over seeds", "image minus both",
        "sound minus both", f"{OURS} minus it", "parameters",
    )  # fmt: skip
    return table(head, rows)


def dca_table(boards: Leaderboards, table: Maker) -> str:
    """The score of each stream, what it is made of, and the yardstick: two halves of one cloud."""
    found = _titled(boards, DCA)
    rows = [(label, *_cells(found, _measured(found, label), COMPONENTS)) for label in labels()]
    return table(("", *COMPONENTS), rows)


def labels() -> list[str]:
    """The suite's rows, in its order."""
    suite = tomllib.loads(SUITE.read_text(encoding="utf-8"))
    return [each.get("label", each["name"]) for each in suite["representation"]]


def _titled(boards: Leaderboards, title: str) -> Table:
    return next(each for each in boards.tables if each.title == title)


def _measured(table: Table, label: str) -> Row:
    return next(row for row in table.rows if row.name == label and row.keys)


def _cells(table: Table, row: Row, names: Iterable[str]) -> list[str]:
    metrics = {metric.name: metric for metric in table.metrics}
    return [format_cell(row.cells.get(name), metrics[name]) for name in names]


def _change(value: float | None, whole: float | None) -> str:
    return "" if value is None or whole is None else signed_text(value - whole, "1", 3)


def _difference(row: DifferenceRow | None) -> str:
    """With its interval."""
    if row is None or row.difference is None or row.low is None or row.high is None:
        return ""
    low, high = (number_text(bound, "1", 3) for bound in (row.low, row.high))
    return f"{signed_text(row.difference, '1', 3)} [{low}, {high}]"
