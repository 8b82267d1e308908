"""Each protocol on the numbers world, through the command line, to records and leaderboards."""

from __future__ import annotations

import csv
import json
import platform
from importlib.metadata import version
from pathlib import Path

import jsonschema
import numpy as np
import pyarrow.parquet as pq
import pytest

import mmbench as package
from mmbench.registry import load_registry

TASKS = {
    name: entry.spec
    for name, entry in load_registry().tasks.items()
    if name.startswith("numbers-") and entry.plugin.distribution == "mmbench"
}
#: What a reader must be able to compare a figure with, by protocol.
LEVELS = {
    "retrieval": {"chance", "ceiling"},
    "localization": {"all ones", "centre square", "ceiling"},
    "counterfactual": {"chance", "ceiling"},
    "zero-shot": {"chance"},
    "missing": {"chance", "ceiling"},
    "alignment": {"chance", "ceiling"},
}
SCHEMA = json.loads(
    (Path(package.__file__).parent / "results" / "record.schema.json").read_text(encoding="utf-8")
)
RESAMPLES = 50


@pytest.fixture(scope="module")
def results(mmbench, tmp_path_factory):
    """One run of random vectors on every task, in one process."""
    home = tmp_path_factory.mktemp("protocols")
    tasks = [word for name in TASKS for word in ("-t", name)]
    mmbench("run", "-r", "random", *tasks, "--resamples", RESAMPLES, "--seeds", "3", cwd=home)
    return home / "results" / "adhoc"


@pytest.fixture(scope="module")
def records(results):
    read = [json.loads(path.read_text()) for path in results.glob("records/*.json")]
    return {record["task"]["name"]: record for record in read}


@pytest.fixture(scope="module")
def boards(results):
    return json.loads((results / "leaderboard.json").read_text())


def test_all_six_protocols_are_there():
    assert {spec.protocol for spec in TASKS.values()} == set(LEVELS)


@pytest.mark.parametrize("name", TASKS)
def test_record(records, name):
    record = records[name]
    jsonschema.Draft202012Validator(SCHEMA).validate(record)
    assert record["status"] == "ok"
    assert record["seed"] == 3
    assert record["partial"] is False
    assert record["items_used"] == record["items_total"] > 0
    assert record["task"]["protocol"] == TASKS[name].protocol
    assert TASKS[name].options.items() <= _tuples(record["task"]["options"]).items()
    assert record["representation"]["fingerprint"]
    assert record["representation"]["distribution"] == "mmbench"


@pytest.mark.parametrize("name", TASKS)
def test_what_was_generated_is_named(records, name):
    record = records[name]
    streams = {
        f"{part['name']}/{stream}": (entry["provenance"], part["auxiliary"])
        for part in record["data"]
        for stream, entry in part["streams"].items()
    }
    assert record["generated_streams"]
    for stream in record["generated_streams"]:
        assert streams[stream][0] == "generated"
    evaluated = [s for s in record["generated_streams"] if not streams[s][1]]
    assert record["provenance"] == ("generated" if evaluated else "real")
    assert all(part["fingerprint"] for part in record["data"])


@pytest.mark.parametrize("name", TASKS)
def test_metrics_with_intervals(records, name):
    record = records[name]
    assert set(record["metrics"]) == {metric["name"] for metric in record["task"]["metrics"]}
    for metric in record["metrics"].values():
        if metric["no_interval"]:
            assert metric["low"] is None
            assert metric["high"] is None
        else:
            assert metric["low"] <= metric["value"] <= metric["high"]
            assert metric["level"] == 0.95
            assert metric["resamples"] == RESAMPLES
        if metric["value"] is not None and metric["unit"] == "share":
            assert 0 <= metric["value"] <= 1
        assert metric["n"] > 0
    primary = record["metrics"][record["task"]["primary"]]
    assert primary["value"] is not None
    assert not primary["no_interval"]


@pytest.mark.parametrize("name", TASKS)
def test_reference_levels(records, name):
    record = records[name]
    levels = record["references"]
    assert set(levels) >= LEVELS[TASKS[name].protocol]
    primary = next(m for m in record["task"]["metrics"] if m["name"] == record["task"]["primary"])
    value = record["metrics"][primary["name"]]["value"]
    if "ceiling" in levels:
        ceiling = levels["ceiling"][primary["name"]]
        assert value <= ceiling if primary["higher_is_better"] else value >= ceiling


@pytest.mark.parametrize("name", TASKS)
def test_random_vectors_score_near_chance(records, name):
    record = records[name]
    primary = record["task"]["primary"]
    levels = record["references"]
    named = next(level for level in ("chance", "random maps", "random boxes") if level in levels)
    chance = levels[named][primary]
    metric = record["metrics"][primary]
    width = max(metric["high"] - metric["low"], 0.02)
    assert abs(metric["value"] - chance) < 3 * width


@pytest.mark.parametrize("name", TASKS)
def test_where_the_number_comes_from(records, name):
    record = records[name]
    environment = record["environment"]
    assert environment["python"] == platform.python_version()
    assert environment["mmbench"] == package.__version__
    for library in ("numpy", "scipy", "scikit-learn", "pyarrow", "pandas"):
        assert environment["packages"][library] == version(library)
    cost = record["cost"]
    assert cost["seconds"]["score"] > 0
    assert cost["items_encoded"] + cost["items_reused"] > 0
    assert (cost["device"], cost["dtype"]) == ("cpu", "fp32")
    assert cost["peak_memory_mb"] > 0


@pytest.mark.parametrize("name", TASKS)
def test_per_item_scores_lie_beside_the_record(results, records, name):
    record = records[name]
    table = pq.read_table(results / "records" / record["items_file"])
    assert table.num_rows >= record["items_used"]


def test_four_formats_agree(results, boards):
    cells = [
        ((table["title"], row["name"], row["kind"], metric["name"]), row["cells"][metric["name"]])
        for table in boards["tables"]
        for row in table["rows"]
        for metric in table["metrics"]
        if metric["name"] in row["cells"]
    ]
    assert {table["name"] for table in boards["tables"]} == set(TASKS)
    with (results / "leaderboard.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    frame = pq.read_table(results / "leaderboard.parquet").to_pylist()
    assert len(cells) > 100
    for (name, cell), line, row in zip(cells, lines, frame, strict=True):
        assert (line["task"], line["row"], line["kind"], line["metric"]) == name
        assert (row["task"], row["row"], row["kind"], row["metric"]) == name
        for column in ("value", "low", "high"):
            written = float(line[column]) if line[column] else None
            assert written == row[column] == cell[column]
    shown = _markdown_tables((results / "leaderboard.md").read_text(encoding="utf-8"))
    for table in boards["tables"]:
        title = table["title"] + " (generated data)" * (table["provenance"] == "generated")
        head, rows = shown[title.replace("_", "\\_")]
        for row, shown_row in zip(table["rows"], rows, strict=True):
            for metric in table["metrics"]:
                column = next(
                    i for i, text in enumerate(head) if _plain(text).rstrip(" ↑↓") == metric["name"]
                )
                cell = row["cells"].get(metric["name"])
                assert _plain(shown_row[column]) == _figure(cell, metric["unit"])


def _markdown_tables(text):
    """Title to (head, rows) of every table of a Markdown document."""
    found = {}
    for part in text.split("\n## ")[1:]:
        title, _, body = part.partition("\n")
        lines = [
            [cell.strip() for cell in line.strip("| ").split(" | ")]
            for line in body.splitlines()
            if line.startswith("|")
        ]
        if lines:
            found[title] = (lines[0], _padded(body))
    return found


def _padded(body):
    """The rows of a table, empty cells kept."""
    lines = [line for line in body.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]


def _plain(text):
    return text.replace("\\", "").replace("**", "")


def _figure(cell, unit):
    """A cell as a reader expects it: percent of shares (two decimals below 10 %), ranks, others."""
    if cell is None:
        return ""
    if cell["value"] is None:
        return "-"
    fine = unit == "share" and abs(float(f"{100 * cell['value']:.10g}")) < 9.995
    places = {"share": 2 if fine else 1, "rank": 1}.get(unit, 3)

    def number(value):
        scaled = float(f"{100 * value if unit == 'share' else value:.12g}")
        text = f"{scaled:.{places}f}"
        return text.removeprefix("-") if float(text) == 0 else text

    if cell["low"] is None:
        return number(cell["value"])
    return f"{number(cell['value'])} [{number(cell['low'])}, {number(cell['high'])}]"


def _tuples(options):
    """JSON has lists where options have tuples."""
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in options.items()
    }


def test_figures_are_formatted_as_the_test_expects():
    assert _figure({"value": 0.5, "low": None}, "share") == "50.0"
    assert np.isclose(float(_figure({"value": -0.00001, "low": None}, "1")), 0)
