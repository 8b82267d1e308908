"""Tables of C-MCR's ablation, from its published leaderboard; `make_tables.py` puts them in."""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from mmbench.results.display import format_cell
from mmbench.results.formats import from_json_text
from mmbench.results.numerals import decimals, number_text, signed_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mmbench.results.boards import DifferenceRow, Differences, Leaderboards, Row, Table

    Maker = Callable[[Iterable[str], Iterable[Iterable[str]]], str]

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "results" / "cmcr-ablation"
SUITE = ROOT / "benchmarks" / "cmcr-ablation.toml"
RETRIEVAL, ALIGNMENT = "numbers-retrieval-audio-image", "numbers-alignment-audio-image"
FIGURES = {
    RETRIEVAL: ("audio→image R@1", "image→audio R@1", "audio→image R@10"),
    ALIGNMENT: ("alignment", "modality gap", "uniformity audio", "uniformity image"),
}
#: What all others are compared with, after the name of its spaces.
FULL = "c-mcr"


def published() -> Leaderboards:
    """The leaderboard in `results/`."""
    return from_json_text((RESULTS / "leaderboard.json").read_text(encoding="utf-8"))


def ablation_table(spaces: str, table: Maker) -> str:
    """One world: every variant with its figures, what it costs, and its distance to C-MCR."""
    boards = published()
    tables = {each.title: each for each in boards.tables}
    compared = {row.name: row for row in _against(boards, spaces).rows}
    parameters = {row.label: row.parameters for row in boards.representations}
    seconds = _seconds()
    rows = []
    for label in [*_labels(spaces), "random"]:
        count = parameters[label]
        took = seconds.get(label)
        rows.append(
            (
                label.removeprefix(f"{spaces} "),
                *_figures(tables[RETRIEVAL], label)[:1],
                _difference(compared.get(label)),
                *_figures(tables[RETRIEVAL], label)[1:],
                *_figures(tables[ALIGNMENT], label),
                "" if count is None else f"{count:,}",
                "" if took is None else f"{took:.1f}",
            )
        )
    names = [name for figures in FIGURES.values() for name in figures]
    head = ("", names[0], "c-mcr minus it", *names[1:], "parameters", "seconds")
    return table(head, rows)


def ablation_claim(spaces: str) -> str:
    """What C-MCR reaches, by the numbers."""
    boards = published()
    table = next(each for each in boards.tables if each.title == RETRIEVAL)
    metric = next(each for each in table.metrics if each.name == table.primary)
    rows = {row.name: row for row in table.rows if row.keys}
    chance = next(row for row in table.rows if row.kind == "reference" and row.name == "chance")
    cell, by_chance = rows[f"{spaces} {FULL}"].cells[metric.name], chance.cells[metric.name].value
    assert cell.low is not None
    assert by_chance
    distances = {row.name: row for row in _against(boards, spaces).rows}
    reached = f"{metric.name} {format_cell(cell, metric)}"
    said = [
        f"minus {other}: {_difference(distances[f'{spaces} {other}'])}"
        for other in ("bridge", "paired", "trained on pairs")
    ]
    times = cell.low / by_chance
    return f"{reached}: the lower bound is {times:.0f} times chance; {'; '.join(said)}.\n"


def _against(boards: Leaderboards, spaces: str) -> Differences:
    wanted = (RETRIEVAL, f"{spaces} {FULL}")
    return next(each for each in boards.differences if (each.title, each.against) == wanted)


def _labels(spaces: str) -> list[str]:
    """The suite's rows of these spaces, in its order."""
    suite = tomllib.loads(SUITE.read_text(encoding="utf-8"))
    labels = [each.get("label", each["name"]) for each in suite["representation"]]
    return [label for label in labels if label.startswith(f"{spaces} ")]


def _figures(table: Table, label: str) -> list[str]:
    row: Row = next(each for each in table.rows if each.name == label)
    metrics = {metric.name: metric for metric in table.metrics}
    return [format_cell(row.cells.get(name), metrics[name]) for name in FIGURES[table.title]]


def _difference(row: DifferenceRow | None) -> str:
    """In points, with its interval."""
    if row is None or row.difference is None or row.low is None or row.high is None:
        return ""
    places = min(1, decimals(row.difference, "share"))
    low, high = (number_text(bound, "share", places) for bound in (row.low, row.high))
    return f"{signed_text(row.difference, 'share', places)} [{low}, {high}]"


def _seconds() -> dict[str, float]:
    """Of each row, what one training took: the median over seeds, its bases' trainings apart."""
    found: dict[str, list[float]] = {}
    with (RESULTS / "cost.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["task"] == RETRIEVAL and row["fit (s)"]:
                found.setdefault(row["representation"], []).append(float(row["fit (s)"]))
    return {name: median(values) for name, values in found.items()}
