"""The claim about C-MCR: what is published holds it, and a run of the suite finds it again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SUITE = ROOT / "benchmarks" / "cmcr-ablation.toml"
PUBLISHED = ROOT / "results" / "cmcr-ablation" / "leaderboard.json"
TASK, METRIC = "numbers-retrieval-audio-image", "audio→image R@1"
#: `cca` of `cca c-mcr`, which the suite compares all others with.
SPACES = [label.partition(" ")[0] for label in tomllib.loads(SUITE.read_text("utf-8"))["against"]]
#: Times chance that the lower 95 % bound must reach.
CLAIM = 20

pytestmark = pytest.mark.skipif(not PUBLISHED.is_file(), reason="this is no checkout")


@pytest.fixture(scope="module")
def suite():
    return tomllib.loads(SUITE.read_text("utf-8"))


@pytest.fixture(scope="module")
def board():
    return json.loads(PUBLISHED.read_text("utf-8"))


def rows_of(board, title=TASK):
    (table,) = (table for table in board["tables"] if table["title"] == title)
    return {(row["kind"], row["name"]): row for row in table["rows"]}


def times_chance(board, label):
    """The lower bound of a row's R@1, and chance, as a ratio."""
    rows = rows_of(board)
    chance = rows["reference", "chance"]["cells"][METRIC]["value"]
    assert chance == pytest.approx(1 / 400)
    return rows["measured", label]["cells"][METRIC]["low"] / chance


def labels(suite):
    return [each.get("label", each["name"]) for each in suite["representation"]]


@pytest.mark.parametrize("spaces", SPACES)
def test_without_a_pair_seen_c_mcr_is_far_above_chance(board, spaces):
    assert times_chance(board, f"{spaces} c-mcr") >= CLAIM
    assert times_chance(board, f"{spaces} unconnected") < CLAIM / 4


@pytest.mark.parametrize("spaces", SPACES)
def test_c_mcr_is_compared_with_every_row_over_five_seeds(board, suite, spaces):
    (compared,) = (
        each
        for each in board["differences"]
        if (each["against"], each["title"]) == (f"{spaces} c-mcr", TASK)
    )
    found = {row["name"]: row for row in compared["rows"]}
    assert set(found) == set(labels(suite)) - {f"{spaces} c-mcr"}
    assert {row["seeds"] for row in found.values()} == {5}
    assert {row["n"] for row in found.values()} == {400}
    rows = rows_of(board)
    own = rows["measured", f"{spaces} c-mcr"]["cells"][METRIC]["value"]
    for name in (f"{spaces} bridge", f"{spaces} paired"):
        other = rows["measured", name]["cells"][METRIC]["value"]
        assert found[name]["difference"] == pytest.approx(own - other)
        assert found[name]["low"] <= found[name]["difference"] <= found[name]["high"]


def test_what_is_published_is_the_suite_as_it_is_now(board, suite):
    published = {row["label"]: row for row in board["representations"]}
    assert set(published) == set(labels(suite))
    for entry in suite["representation"]:
        row = published[entry.get("label", entry["name"])]
        assert row["name"] == entry["name"]
        for option, value in entry.get("options", {}).items():
            assert row["options"][option] == value, (row["label"], option)
    seeds = {row["seeds"] for row in rows_of(board).values() if row["kind"] == "measured"}
    assert seeds <= {1, len(suite["seeds"])}
    assert not board["not_ranked"]


@pytest.mark.parametrize("spaces", SPACES)
def test_no_image_and_sound_of_one_number_are_learnt_from(suite, spaces):
    """Neither by the bases nor by what connects them, but where the row is there to do so."""
    apart = {"train-first": "image", "train-second": "audio"}
    for entry in suite["representation"]:
        options = entry.get("options", {})
        if entry["name"] not in ("c-mcr", "bridge") or not entry["label"].startswith(spaces):
            continue
        assert options["first_fit_on"]["train"] == "train-first"
        assert options["second_fit_on"]["train"] == "train-second"
        assert options["shared_corpus"] == ["numbers/train/text"]
        for memory in ("first_memory", "second_memory"):
            for corpus in options.get(memory, ()):
                _, collection, stream = corpus.split("/")
                assert apart[collection] == stream


@pytest.mark.slow
def test_a_run_of_one_seed_finds_the_claim_again(tmp_path):
    pytest.importorskip("mmbench_cmcr")
    script = shutil.which("mmbench", path=str(Path(sys.executable).parent))
    assert script, "mmbench is not installed beside this Python"
    spaces = SPACES[0]  # the linear ones: they are trained in seconds
    rows = [f"{spaces} c-mcr", f"{spaces} unconnected"]
    chosen = [argument for row in (*rows, "random") for argument in ("-r", row)]
    done = subprocess.run(
        [script, "run", SUITE, *chosen, "-t", TASK, "--seeds", "0", "--offline"],
        cwd=tmp_path,
        env={**os.environ, "MMBENCH_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    written = tmp_path / "results" / "cmcr-ablation" / "leaderboard.json"
    again = json.loads(written.read_text("utf-8"))
    assert times_chance(again, f"{spaces} c-mcr") >= CLAIM
    assert times_chance(again, f"{spaces} unconnected") < CLAIM / 4
    assert f"{spaces} c-mcr minus the others: {TASK}" in done.stdout
