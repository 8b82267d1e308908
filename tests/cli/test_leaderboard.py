from __future__ import annotations

import json
import shutil

import pytest

FILES = ("leaderboard.md", "leaderboard.csv", "leaderboard.json", "leaderboard.parquet")


def test_one_folder(call, finished):
    said = call("leaderboard", finished / "results" / "small")
    assert said.code == 0
    for word in (
        "numbers-retrieval-image-text (generated data)",
        "cca-image-text",
        "chance",
        "ranked by image→text R@1",
    ):
        assert word in said.out
    assert "Summary" not in said.out  # of one representation: there is nothing to compare
    assert "skipped  cca-image-text on numbers-retrieval-audio-image: " in said.err
    assert max(map(len, said.out.splitlines())) <= 120


def test_the_same_as_the_run_wrote(call, finished, tmp_path):
    results = finished / "results" / "small"
    said = call("leaderboard", results, "--out", tmp_path / "out")
    assert said.code == 0
    assert str(tmp_path / "out" / "leaderboard.md") in said.err
    for name in FILES:
        assert (tmp_path / "out" / name).read_bytes() == (results / name).read_bytes()


def test_json_is_the_file(call, finished):
    results = finished / "results" / "small"
    said = call("leaderboard", results, "--json")
    assert said.out == (results / "leaderboard.json").read_text()


def test_several_folders_are_merged(call, finished, tmp_path):
    results = finished / "results" / "small"
    halves = []
    for half in ("random", "cca-image-text"):
        folder = tmp_path / half
        shutil.copytree(results / "records", folder / "records")
        for path in (folder / "records").iterdir():
            if not path.name.startswith(f"{half}--"):
                path.unlink()
        halves.append(folder)
    assert call("leaderboard", *halves, "--json").out == (results / "leaderboard.json").read_text()
    assert call("leaderboard", *reversed(halves), results, "--json").out == (
        (results / "leaderboard.json").read_text()
    )


def test_a_damaged_record_is_named_and_left_out(call, copied):
    results = copied / "results" / "small"
    (path,) = results.glob("records/cca-image-text--numbers-retrieval-image-text-*.json")
    path.write_text(path.read_text()[:500])
    said = call("leaderboard", results)
    assert said.code == 0
    assert said.err.startswith(f"damaged  {path}: not JSON")
    assert said.err.count(str(path)) == 1
    assert "random" in said.out
    boards = json.loads(call("leaderboard", results, "--json").out)
    names = [row["name"] for table in boards["tables"] for row in table["rows"]]
    assert "random" in names
    assert "cca-image-text" not in names


def test_an_altered_figure_is_noticed(call, copied):
    results = copied / "results" / "small"
    (path,) = results.glob("records/random--numbers-retrieval-image-text-*.json")
    said = json.loads(path.read_text())
    said["metrics"]["image→text R@1"]["value"] = 0.99
    path.write_text(json.dumps(said))
    assert "checksum does not match" in call("leaderboard", results).err


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_without_records_is_misuse(call, tmp_path, there):
    folder = tmp_path / "nothing"
    if there:
        folder.mkdir()
    said = call("leaderboard", folder)
    assert (said.code, said.out) == (2, "")
    assert f"Error: {folder}: holds no records" in said.err
    assert "results/quickstart" in said.err


def test_records_of_which_none_is_finished(call, copied):
    results = copied / "results" / "small"
    for path in results.glob("records/*"):
        if not path.name.startswith("cca-image-text--numbers-retrieval-audio-image"):
            path.unlink()
    said = call("leaderboard", results)
    assert said.code == 0
    assert "No cell has been measured yet." in said.out
    assert said.err.startswith("skipped")


@pytest.mark.parametrize("coverage", ["report", "strict", "intersect"])
def test_each_coverage_rule(call, finished, coverage):
    said = call("leaderboard", finished / "results" / "small", "--coverage", coverage, "--json")
    assert json.loads(said.out)["coverage"] == coverage


def test_an_unwritable_out_folder(call, finished, tmp_path):
    (tmp_path / "file").write_text("")
    said = call("leaderboard", finished / "results" / "small", "--out", tmp_path / "file" / "out")
    assert said.code == 1
    assert said.err.count("Error:") == 1
    assert "file" in said.err
    assert "Traceback" not in said.err


def test_one_row_against_the_others(call, finished, tmp_path):
    results = finished / "results" / "small"
    out = tmp_path / "out"
    said = call("leaderboard", results, "--against", "cca-image-text", "--out", out)
    assert said.code == 0
    assert "cca-image-text minus the others: numbers-retrieval-image-text" in said.out
    assert "## cca-image-text minus the others" in (out / "leaderboard.md").read_text()
    (compared,) = json.loads((out / "leaderboard.json").read_text())["differences"]
    (row,) = compared["rows"]
    assert row["name"] == "random"
    assert 0.5 < row["low"] < row["difference"] < row["high"] < 1.0


def test_what_a_leaderboard_compares_is_compared_again(call, copied):
    results = copied / "results" / "small"
    assert call("leaderboard", results, "--against", "random", "--out", results).code == 0
    again = call("leaderboard", results, "--json")
    assert again.out == (results / "leaderboard.json").read_text()
    assert [each["against"] for each in json.loads(again.out)["differences"]] == ["random"]
    assert call("score", results, "--cache", copied / "cache").code == 0
    assert (results / "leaderboard.json").read_text() == again.out


def test_a_row_that_is_not_there_is_misuse(call, finished):
    said = call("leaderboard", finished / "results" / "small", "--against", "cca")
    assert (said.code, said.out) == (2, "")
    assert "no row of the leaderboard is called 'cca'" in said.err
    assert "the rows are: cca-image-text, random" in said.err


def test_a_suite_says_what_its_run_compares(call, copied, monkeypatch):
    monkeypatch.chdir(copied)
    suite = copied / "small.toml"
    suite.write_text(suite.read_text().replace("\n", '\nagainst = ["random"]\n', 1))
    said = call("run", "small.toml", "--cache", "cache", "--resamples", "200")
    assert said.code == 0
    assert "random minus the others: numbers-retrieval-image-text" in said.out
    assert "3 ok (3 kept from before)" in said.err
    board = json.loads((copied / "results" / "small" / "leaderboard.json").read_text())
    assert [each["against"] for each in board["differences"]] == ["random"]
