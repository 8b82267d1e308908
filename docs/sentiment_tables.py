"""Tables of the sentiment studies, from what is published; `make_tables.py` puts them in."""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from mmbench.results.display import format_cell
from mmbench.results.formats import from_json_text
from mmbench.results.numerals import number_text, signed_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mmbench.results.boards import Leaderboards, Row, Table

    Maker = Callable[[Iterable[str], Iterable[Iterable[str]]], str]

ROOT = Path(__file__).resolve().parents[1]
UTTERANCES, FOLDS = "sentiment-utterances", "sentiment-folds"
DIFFERENCES = ROOT / "results" / UTTERANCES / "differences.csv"
#: Of the streams of an utterance, the sets that are shown; the first is the mean over all but one.
SUBSETS = ("missing", "text", "audio", "vision", "complete")
#: Table and baseline of each way to read a figure.
BASELINES = {"by a probe": "pooled", "predicted": "pooled-linear"}
#: The metric of each dataset in folds, and how many decimals its tables have.
MEASURES = {"mmmo": "mae", "youtube": "accuracy"}
NOT_YET = "Not published yet.\n"


def published(suite: str) -> Leaderboards:
    """A leaderboard in `results/`."""
    return from_json_text(_board(suite).read_text(encoding="utf-8"))


def utterance_table(title: str, table: Maker) -> str:
    """Every row's error in each subset, and what else the papers print of all streams."""
    if not _board(UTTERANCES).is_file():
        return NOT_YET
    board = _table(published(UTTERANCES), title)
    metrics = {metric.name: metric for metric in board.metrics}
    names = [f"{subset} mae" for subset in SUBSETS]
    names += ["complete pearson", "complete acc2_non0", "complete f1_non0", "complete acc7"]
    rows = [
        (row.name, *(format_cell(row.cells.get(name), metrics[name]) for name in names))
        for row in board.rows
        if row.name != "ceiling"
    ]
    return table(("", *names), rows)


def difference_table(title: str, table: Maker) -> str:
    """GMC's error less the baseline's, and the same of two-class accuracy."""
    if not DIFFERENCES.is_file():
        return NOT_YET
    baseline = BASELINES[title]
    rows = []
    for name, unit in (("mae", "1"), ("acc2_non0", "share")):
        found = differences(title, name)
        places = 3 if unit == "1" else 1
        cells = []
        for subset in SUBSETS:
            low, value, high = (-found[subset][key] for key in ("high", "difference", "low"))
            bounds = ", ".join(number_text(bound, unit, places) for bound in (low, high))
            cells.append(f"{signed_text(value, unit, places)} [{bounds}]")
        rows.append((f"`{name}`", *cells))
    return table((f"gmc-affect minus {baseline}", *SUBSETS), rows)


def differences(title: str, metric: str) -> Mapping[str, Mapping[str, float]]:
    """The baseline's figure less GMC's in each subset, as published: value, bounds and p."""
    with DIFFERENCES.open(encoding="utf-8", newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if (row["table"], row["against"]) == (title, BASELINES[title])
            and row["row"] == "gmc-affect"
        ]
    names = ("difference", "low", "high", "p")
    return {
        subset: {name: float(row[name]) for name in names}
        for subset in SUBSETS
        for row in rows
        if row["metric"] == f"{subset} {metric}"
    }


def fold_table(dataset: str, table: Maker) -> str:
    """Means over the folds, and the lowest and highest of them."""
    if not _board(FOLDS).is_file():
        return NOT_YET
    measure = MEASURES[dataset]
    figures = fold_figures(dataset)
    rows = []
    for name, found in figures.items():
        cells = []
        for subset in SUBSETS:
            values = found.get(f"{subset} {measure}", [])
            cells.append(_spread(values, measure) if values else "")
        rows.append((name, *cells))
    return table(("", *(f"{subset} {measure}" for subset in SUBSETS)), rows)


def fold_figures(dataset: str) -> dict[str, dict[str, list[float]]]:
    """By row and metric the figures of the folds."""
    boards = published(FOLDS)
    suite = tomllib.loads((ROOT / "benchmarks" / f"{FOLDS}.toml").read_text(encoding="utf-8"))
    labels = [each.get("label", each["name"]) for each in suite["representation"]]
    tables = [each for each in boards.tables if each.title.startswith(f"{dataset}, fold ")]
    found: dict[str, dict[str, list[float]]] = {}
    for label in (*labels, "chance", "majority"):
        for board in tables:
            row = next((row for row in board.rows if row.name == label), None)
            if row is not None:
                _add(found.setdefault(label, {}), row)
    return found


def _add(found: dict[str, list[float]], row: Row) -> None:
    for name, cell in row.cells.items():
        if cell.value is not None:
            found.setdefault(name, []).append(cell.value)


def _spread(values: list[float], measure: str) -> str:
    unit, places = ("1", 2) if measure == "mae" else ("share", 0)
    mean, low, high = (
        number_text(each, unit, places) for each in (fmean(values), min(values), max(values))
    )
    return f"{mean} ({low} to {high})"


def _board(suite: str) -> Path:
    return ROOT / "results" / suite / "leaderboard.json"


def _table(boards: Leaderboards, title: str) -> Table:
    return next(each for each in boards.tables if each.title == title)
