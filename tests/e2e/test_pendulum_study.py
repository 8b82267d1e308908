"""The Pendulum study as it is published: the suite's rows and seeds, reduced, on generated data."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SUITE = ROOT / "benchmarks" / "pendulum.toml"
PUBLISHED = ROOT / "results" / "pendulum" / "leaderboard.json"
CONTROL, DCA = "pendulum-control-reduced", "pendulum-dca"
REWARDS = ("image+sound reward", "image reward", "sound reward")

pytestmark = pytest.mark.skipif(not PUBLISHED.is_file(), reason="it is not published here")


@pytest.fixture(scope="module")
def suite():
    return tomllib.loads(SUITE.read_text("utf-8"))


@pytest.fixture(scope="module")
def board():
    return json.loads(PUBLISHED.read_text("utf-8"))


def table_of(board, title):
    (table,) = (each for each in board["tables"] if each["title"] == title)
    return table


def value(board, label, metric, title=CONTROL):
    (row,) = (each for each in table_of(board, title)["rows"] if each["name"] == label)
    return row["cells"][metric]["value"]


def test_what_is_published_is_the_suite_as_it_is_now(board, suite):
    published = {row["label"]: row for row in board["representations"]}
    assert set(published) == {entry["name"] for entry in suite["representation"]}
    for entry in suite["representation"]:
        for option, given in entry.get("options", {}).items():
            assert published[entry["name"]]["options"][option] == given, (entry["name"], option)
    assert {table["title"] for table in board["tables"]} == {CONTROL, DCA}
    assert not board["not_ranked"]
    for table in board["tables"]:
        measured = {row["name"]: row["seeds"] for row in table["rows"] if row["keys"]}
        assert measured == dict.fromkeys(published, len(suite["seeds"])), table["title"]


def test_it_is_labelled_reduced_and_generated(board):
    assert {table["provenance"] for table in board["tables"]} == {"generated"}
    table = table_of(board, CONTROL)
    notes = [note for row in table["rows"] if row["keys"] for note in row["notes"]]
    said = "reduced budget: 2,000 of 20,000 frames, 20,000 of 150,000 steps of the controller"
    assert notes.count(said) == len([row for row in table["rows"] if row["keys"]])
    assert {row["used"] for row in table["rows"] if row["keys"]} == {100}


def test_gmc_is_compared_with_every_row(board, suite):
    for title in (CONTROL, DCA):
        (compared,) = (each for each in board["differences"] if each["title"] == title)
        assert compared["against"] == suite["against"][0] == "gmc-pendulum"
        names = {entry["name"] for entry in suite["representation"]} - {"gmc-pendulum"}
        assert {row["name"] for row in compared["rows"]} == names


def test_the_primary_metric_is_the_mean_of_both_single_streams(board, suite):
    for entry in suite["representation"]:
        _, image, sound = (value(board, entry["name"], metric) for metric in REWARDS)
        missing = value(board, entry["name"], "missing reward")
        assert missing == pytest.approx((image + sound) / 2)
