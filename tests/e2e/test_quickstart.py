"""The first command of the README: from nothing to a leaderboard, and again for nothing."""

from __future__ import annotations

import json

import pytest

FILES = ("leaderboard.md", "leaderboard.csv", "leaderboard.json", "leaderboard.parquet")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def twice(mmbench, tmp_path_factory):
    """The folder, what both runs said, and the leaderboards after the first."""
    home = tmp_path_factory.mktemp("quickstart")
    first = json.loads(mmbench("run", "quickstart", "--json", "--offline", cwd=home))
    results = home / "results" / "quickstart"
    written = {name: (results / name).read_bytes() for name in FILES}
    second = json.loads(mmbench("run", "quickstart", "--json", cwd=home))
    return home, first, second, written


def test_the_first_run_does_everything(twice):
    _, first, _, _ = twice
    assert (first["failed"], first["not_run"]) == (0, 0)
    assert first["ok"] > 0
    assert first["counters"]["fits"] > 0
    assert first["counters"]["encodes"] > 0
    protocols = {cell["task"].split("-")[1] for cell in first["cells"] if cell["status"] == "ok"}
    expected = {"retrieval", "localization", "counterfactual", "zeroshot", "missing", "alignment"}
    assert protocols == expected
    assert all(cell["reason"] for cell in first["cells"] if cell["status"] == "skipped")


def test_the_second_does_nothing_and_says_the_same(twice):
    home, first, second, written = twice
    counters = second["counters"]
    assert (counters["encodes"], counters["fits"], counters["scores"]) == (0, 0, 0)
    assert counters["cached"] == first["ok"]
    assert second["cells"] == first["cells"]
    results = home / "results" / "quickstart"
    assert {name: (results / name).read_bytes() for name in FILES} == written


def test_other_results_with_the_same_store_encode_nothing(mmbench, twice):
    home, first, _, written = twice
    third = json.loads(mmbench("run", "quickstart", "--json", "--results", "else", cwd=home))
    assert (third["counters"]["encodes"], third["counters"]["fits"]) == (0, 0)
    assert third["counters"]["scores"] == first["ok"]
    results = home / "else" / "quickstart"
    assert {name: (results / name).read_bytes() for name in FILES} == written


def test_an_empty_folder_and_an_empty_store_give_the_same_bytes(mmbench, twice, tmp_path):
    _, _, _, written = twice
    mmbench("run", "quickstart", "--json", cwd=tmp_path)
    results = tmp_path / "results" / "quickstart"
    assert {name: (results / name).read_bytes() for name in FILES} == written
