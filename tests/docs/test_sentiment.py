"""The sentiment studies: what is published is the suites, and what the page says of it holds."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STUDIES = ("sentiment-utterances", "sentiment-folds")
pytestmark = pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="this is no checkout")


def suite(name):
    return tomllib.loads((ROOT / "benchmarks" / f"{name}.toml").read_text("utf-8"))


def board(name):
    path = ROOT / "results" / name / "leaderboard.json"
    if not path.is_file():
        pytest.skip(f"{name} is not published")
    return json.loads(path.read_text("utf-8"))


def rows_of(title):
    (table,) = (each for each in board(STUDIES[0])["tables"] if each["title"] == title)
    return {row["name"]: row for row in table["rows"]}


@pytest.mark.parametrize("name", STUDIES)
def test_what_is_published_is_the_suite_as_it_is_now(name):
    published = {row["label"]: row for row in board(name)["representations"]}
    wanted = {each.get("label", each["name"]): each for each in suite(name)["representation"]}
    assert set(published) <= set(wanted)
    for label, row in published.items():
        assert row["name"] == wanted[label]["name"]
        for option, value in wanted[label].get("options", {}).items():
            assert row["options"][option] == value, (label, option)
    titles = {each["title"] for each in board(name)["tables"]}
    assert titles == {each["label"] for each in suite(name)["task"]}
    assert not [each for each in board(name)["not_ranked"] if each["status"] != "skipped"]


def test_every_seed_is_there_and_gmc_has_the_papers_schedule():
    for title in ("by a probe", "predicted"):
        row = rows_of(title)["gmc-affect"]
        assert row["seeds"] == len(suite(STUDIES[0])["seeds"])
        assert (row["used"], row["total"]) == (751, 751)
    (gmc,) = (e for e in board(STUDIES[0])["representations"] if e["label"] == "gmc-affect")
    assert (gmc["options"]["epochs"], gmc["options"]["steps"]) == (40, 0)


def test_both_ways_have_the_same_baseline():
    one, two = rows_of("by a probe")["pooled"], rows_of("predicted")["pooled-linear"]
    for name, cell in one["cells"].items():
        if name.endswith((" mae", " pearson")):
            assert two["cells"][name]["value"] == pytest.approx(cell["value"], abs=1e-5)
        elif "acc" in name:  # a prediction on the border of two classes
            assert two["cells"][name]["value"] == pytest.approx(cell["value"], abs=2 / 751)


@pytest.fixture
def differences(monkeypatch):
    """The linear baseline's figure less GMC's."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import sentiment_tables

    return sentiment_tables.differences


def test_gmc_is_behind_ridge_where_the_page_says_so(differences):
    found = differences("predicted", "mae")
    behind = {subset for subset, each in found.items() if each["high"] < 0}
    assert behind == {"missing", "audio", "vision", "complete"}
    assert found["text"]["low"] < 0 < found["text"]["high"]
    for subset in ("text", "complete"):
        even = differences("by a probe", "mae")[subset]
        assert even["low"] < 0 < even["high"]
    assert differences("predicted", "acc2_non0")["audio"]["high"] < 0  # here higher is better


def test_gmc_is_worse_than_the_mean_where_text_is_missing():
    rows = rows_of("predicted")
    chance, gmc = rows["chance"]["cells"], rows["gmc-affect"]["cells"]
    for stream in ("audio", "vision"):
        assert gmc[f"{stream} mae"]["low"] > chance[f"{stream} mae"]["value"]
    assert gmc["text mae"]["value"] < gmc["complete mae"]["value"] < gmc["text+audio mae"]["value"]


def test_differences_are_those_of_the_rows(differences):
    for title, baseline in (("by a probe", "pooled"), ("predicted", "pooled-linear")):
        rows = rows_of(title)
        for subset, found in differences(title, "mae").items():
            one, two = (rows[n]["cells"][f"{subset} mae"] for n in (baseline, "gmc-affect"))
            assert found["difference"] == pytest.approx(one["value"] - two["value"], abs=1e-9)


def test_the_summary_beside_the_files_is_theirs():
    said = (ROOT / "results" / STUDIES[0] / "README.md").read_text("utf-8")
    rows = rows_of("predicted")
    for words, subset in (("all streams", "complete"), *((n, n) for n in ("text", "audio"))):
        ridge, gmc = (rows[name]["cells"] for name in ("pooled-linear", "gmc-affect"))
        figures = [f"{each[f'{subset} mae']['value']:.3f}" for each in (ridge, gmc)]
        assert f"| {words} | {figures[0]} | {figures[1]} |" in said
