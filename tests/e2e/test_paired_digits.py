"""GMC and its rivals on recorded digits: what is published is the suite, and what the page says."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SUITE = ROOT / "benchmarks" / "paired-digits.toml"
PUBLISHED = ROOT / "results" / "paired-digits" / "leaderboard.json"
MISSING, DCA = "paired-digits-missing", "paired-digits-dca"
STREAMS = ("image", "sound", "trajectory")

pytestmark = pytest.mark.skipif(not PUBLISHED.is_file(), reason="it is not published")


@pytest.fixture(scope="module")
def suite():
    return tomllib.loads(SUITE.read_text("utf-8"))


@pytest.fixture(scope="module")
def board():
    return json.loads(PUBLISHED.read_text("utf-8"))


def rows_of(board, title):
    """The measured rows and the yardstick of one task, by name."""
    (table,) = (table for table in board["tables"] if table["title"] == title)
    return {row["name"]: row for row in table["rows"] if row["keys"]}


def labels(suite):
    return [each.get("label", each["name"]) for each in suite["representation"]]


def test_what_is_published_is_the_suite_as_it_is_now(board, suite):
    published = {row["label"]: row for row in board["representations"]}
    assert set(published) == set(labels(suite))
    for entry in suite["representation"]:
        row = published[entry.get("label", entry["name"])]
        assert row["name"] == entry["name"]
        for option, value in entry.get("options", {}).items():
            assert row["options"][option] == value, (row["label"], option)
    assert not board["not_ranked"]


@pytest.mark.parametrize("title", [MISSING, DCA])
def test_every_row_has_five_seeds_and_says_that_this_is_not_mhd(board, suite, title):
    found = rows_of(board, title)
    assert set(found) == set(labels(suite))
    for row in found.values():
        assert (row["seeds"], row["used"], row["total"]) == (5, 1000, 1000)
        assert any(note.endswith("not MHD") for note in row["notes"])


def test_gmc_is_compared_with_every_row_over_the_same_items_and_seeds(board, suite):
    (compared,) = (each for each in board["differences"] if each["title"] == MISSING)
    assert compared["against"] == "gmc"
    found = {row["name"]: row for row in compared["rows"]}
    assert set(found) == set(labels(suite)) - {"gmc"}
    rows = rows_of(board, MISSING)
    own = rows["gmc"]["cells"]["missing accuracy"]["value"]
    for name, row in found.items():
        assert (row["seeds"], row["n"]) == (5, 1000)
        other = rows[name]["cells"]["missing accuracy"]["value"]
        assert row["difference"] == pytest.approx(own - other)
        assert row["low"] <= row["difference"] <= row["high"]


def test_the_mean_leaves_out_subsets_that_hold_the_answer(board):
    cells = rows_of(board, MISSING)["gmc"]["cells"]
    honest = [
        cells[name]["value"]
        for name in cells
        if "label" not in name and not name.startswith(("complete", "missing"))
    ]
    assert len(honest) == 7
    assert cells["missing accuracy"]["value"] == pytest.approx(sum(honest) / 7)


def test_gmc_keeps_images_and_trajectories_and_is_not_the_only_one(board):
    rows = rows_of(board, MISSING)
    for stream in ("image", "trajectory"):
        own = rows["gmc"]["cells"][f"{stream} accuracy"]
        for fallen in ("mvae", "nexus", "muse"):
            assert rows[fallen]["cells"][f"{stream} accuracy"]["high"] < own["low"]
        kept = rows["mmvae"]["cells"][f"{stream} accuracy"]
        assert kept["low"] < own["high"]
        assert own["low"] < kept["high"]
    (compared,) = (each for each in board["differences"] if each["title"] == MISSING)
    found = {row["name"]: (row["low"], row["high"]) for row in compared["rows"]}
    for alike in ("mmvae", "mfm", "mvae + gmc"):
        assert found[alike][0] < 0 < found[alike][1]
    for below in ("mvae", "nexus", "muse", "random"):
        assert found[below][0] > 0


def test_a_poor_stream_spoils_a_good_one_in_gmc(board):
    cells = rows_of(board, MISSING)["gmc"]["cells"]
    assert cells["image+sound accuracy"]["high"] < cells["image accuracy"]["low"]
    assert cells["complete accuracy"]["high"] < cells["image+label accuracy"]["low"]
    assert (
        max(row["cells"]["sound accuracy"]["high"] for row in rows_of(board, MISSING).values())
        < 0.5
    )


def test_only_gmc_puts_single_streams_where_all_are(board):
    rows = {name: row for name, row in rows_of(board, DCA).items() if row["kind"] == "measured"}
    for stream in STREAMS:
        scores = {name: row["cells"][f"{stream} DCA"]["value"] for name, row in rows.items()}
        own = scores.pop("gmc")
        assert own > 1.5 * max(scores.values())


def test_gmcs_term_helps_a_vae(board):
    rows = rows_of(board, MISSING)
    with_it, without = (rows[name]["cells"]["missing accuracy"] for name in ("mvae + gmc", "mvae"))
    assert without["high"] < with_it["low"]
