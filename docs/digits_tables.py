"""Tables of the paired digits, from their published leaderboard; `make_tables.py` puts them in."""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from mmbench.results.display import format_cell
from mmbench.results.formats import from_json_text
from mmbench.results.numerals import number_text, signed_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mmbench.results.boards import Cell, Leaderboards, Row, Table

    Maker = Callable[[Iterable[str], Iterable[Iterable[str]]], str]

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "results" / "paired-digits"
SUITE = ROOT / "benchmarks" / "paired-digits.toml"
MISSING, DCA = "paired-digits-missing", "paired-digits-dca"
#: What all others are compared with.
FULL = "gmc"
#: The streams; with the last one a subset holds the answer.
STREAMS, ANSWER = ("image", "sound", "trajectory"), "label"
#: Marks subsets that hold the answer.
MARK = " *"


def published() -> Leaderboards:
    """The leaderboard in `results/`."""
    return from_json_text((RESULTS / "leaderboard.json").read_text(encoding="utf-8"))


def digits_table(which: str, table: Maker) -> str:
    """One of the page's tables, by its name."""
    if not (RESULTS / "leaderboard.json").is_file():
        return "Not published yet.\n"
    makers = {
        "singles": _singles,
        "several": _several,
        "answered": _answered,
        "dca": _dca,
        "training": _training,
    }
    return makers[which](published(), table)


def _singles(boards: Leaderboards, table: Maker) -> str:
    """Accuracy from one stream and from all, and the distance of each model to GMC."""
    wanted = (*STREAMS, ANSWER, "complete")
    (differences,) = (
        each for each in boards.differences if (each.title, each.against) == (MISSING, FULL)
    )
    compared = {row.name: row for row in differences.rows}
    rows = []
    for row in _rows(boards, MISSING):
        gap = compared.get(row.name)
        distance = ""
        if gap and gap.difference is not None and gap.low is not None and gap.high is not None:
            low, high = (number_text(bound, "share", 1) for bound in (gap.low, gap.high))
            distance = f"{signed_text(gap.difference, 'share', 1)} [{low}, {high}]"
        first, *others = _accuracies(boards, row, ("missing", *wanted))
        rows.append((row.name, first, distance, *others))
    head = ("", "missing accuracy", f"{FULL} minus it", *map(_marked, wanted))
    return table(head, rows)


def _several(boards: Leaderboards, table: Maker) -> str:
    """Accuracy from two and three streams, none of which is the label."""
    wanted = ("image+sound", "image+trajectory", "sound+trajectory", "image+sound+trajectory")
    return _subsets(boards, wanted, table)


def _answered(boards: Leaderboards, table: Maker) -> str:
    """Accuracy from the label and some of the others."""
    pairs = [f"{stream}+{ANSWER}" for stream in STREAMS]
    threes = ["image+sound", "image+trajectory", "sound+trajectory"]
    return _subsets(boards, (*pairs, *(f"{each}+{ANSWER}" for each in threes)), table)


def _subsets(boards: Leaderboards, wanted: Iterable[str], table: Maker) -> str:
    wanted = tuple(wanted)
    rows = [(row.name, *_accuracies(boards, row, wanted)) for row in _rows(boards, MISSING)]
    return table(("", *map(_marked, wanted)), rows)


def _dca(boards: Leaderboards, table: Maker) -> str:
    """DCA scores with their three parts: precision, recall, quality."""
    rows = []
    for row in _rows(boards, DCA):
        cells = [_spread(row.cells["mean DCA"])]
        for name in (*STREAMS, ANSWER, "halves"):
            parts = [
                _two(row.cells[f"{name} {part}"]) for part in ("precision", "recall", "quality")
            ]
            cells.append(f"{_spread(row.cells[f'{name} DCA'])} ({', '.join(parts)})")
        rows.append((row.name, *cells))
    return table(("", "mean DCA", *STREAMS, _marked(ANSWER), "halves"), rows)


def _training(boards: Leaderboards, table: Maker) -> str:
    """How many parameters were trained, and what a step of it takes."""
    parameters = {row.label: row.parameters for row in boards.representations}
    steps = {row.label: row.options.get("steps", 0) for row in boards.representations}
    took = _milliseconds()
    rows = []
    for row in _rows(boards, MISSING):
        count, step = parameters[row.name], took.get(row.name)
        if count is None or step is None:  # the yardstick is not trained
            continue
        seconds = f"{steps[row.name] * step / 1000:.0f}"
        rows.append((row.name, f"{count:,}", f"{step:.0f}", seconds))
    return table(("", "parameters", "ms a step", "seconds in all"), rows)


def _rows(boards: Leaderboards, title: str) -> list[Row]:
    """The suite's rows, in its order, yardsticks last."""
    suite = tomllib.loads(SUITE.read_text(encoding="utf-8"))
    found = {row.name: row for row in _table(boards, title).rows if row.keys}
    rows = [found[each.get("label", each["name"])] for each in suite["representation"]]
    return sorted(rows, key=lambda row: row.kind == "yardstick")


def _table(boards: Leaderboards, title: str) -> Table:
    (found,) = (each for each in boards.tables if each.title == title)
    return found


def _accuracies(boards: Leaderboards, row: Row, subsets: Iterable[str]) -> list[str]:
    metrics = {metric.name: metric for metric in _table(boards, MISSING).metrics}
    names = [f"{subset} accuracy" for subset in subsets]
    return [format_cell(row.cells.get(name), metrics[name]) for name in names]


def _marked(subset: str) -> str:
    """A subset's name, marked where it holds the answer."""
    holds = subset == "complete" or ANSWER in subset.split("+")
    return subset + MARK if holds else subset


def _spread(cell: Cell) -> str:
    """A score, and its standard deviation over seeds."""
    return _two(cell) if cell.sd is None else f"{_two(cell)} ± {cell.sd:.2f}"


def _two(cell: Cell) -> str:
    return "" if cell.value is None else f"{cell.value:.2f}"


def _milliseconds() -> dict[str, float]:
    """Of each model, the processor time of a training step, by `digits_training.py`."""
    with (RESULTS / "training.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["representation"]: float(row["milliseconds a step"]) for row in csv.DictReader(file)
        }
