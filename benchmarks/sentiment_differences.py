"""Paired differences of sentiment-utterances in every subset, not only in the primary metric.

    python benchmarks/sentiment_differences.py results/sentiment-utterances

reads the records of a run there and writes ``differences.csv`` beside them, by the bootstrap that
makes a leaderboard's differences: one draw of items, and of seeds, serves both rows.
"""
# ruff: noqa: INP001 - a script

from __future__ import annotations

import csv
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mmbench.results.leaderboard import build_leaderboards
from mmbench.results.store import RecordStore

if TYPE_CHECKING:
    from mmbench.results.boards import Differences

SUITE = Path(__file__).with_name("sentiment-utterances.toml")
SUBSETS = ("missing", "text", "audio", "vision", "complete")
METRICS = tuple(f"{subset} {name}" for name in ("mae", "acc2_non0") for subset in SUBSETS)
FIELDS = ("table", "metric", "against", "row", "difference", "low", "high", "p", "items", "seeds")


def differences(folder: Path, metric: str) -> tuple[Differences, ...]:
    """The suite's comparisons, by this metric."""
    store = RecordStore(folder)
    records = {record.key: record for record in store.records() if record.source == "measured"}
    changed = [
        replace(record, task=replace(task, primary=metric, metrics=(task.metric(metric),)))
        for record in records.values()
        if record.status == "ok"
        for task in (record.task,)
    ]
    against = tomllib.loads(SUITE.read_text(encoding="utf-8"))["against"]
    return build_leaderboards(
        changed, lambda record: store.tables(records[record.key]), against=against
    ).differences


def main(folder: Path) -> None:
    """Write them."""
    with (folder / "differences.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(FIELDS)
        for metric in METRICS:
            for each in differences(folder, metric):
                for row in each.rows:
                    figures = (row.difference, row.low, row.high, row.p_value)
                    said = ("" if figure is None else repr(figure) for figure in figures)
                    writer.writerow(
                        (each.title, metric, each.against, row.name, *said, row.n, row.seeds)
                    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
