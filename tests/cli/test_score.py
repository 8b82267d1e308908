"""Scoring again reads the store and nothing else."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from mmbench.results.store import RecordStore


def _metrics(folder):
    return {
        record.key: {name: metric.value for name, metric in record.metrics.items()}
        for record in RecordStore(folder).records()
        if record.status == "ok"
    }


def test_the_same_numbers_as_the_run(call, copied):
    results = copied / "results" / "small"
    before, board = _metrics(results), (results / "leaderboard.json").read_bytes()
    created = {r.key: r.created for r in RecordStore(results).records() if r.status == "ok"}
    said = call("score", results, "--cache", copied / "cache")
    assert said.code == 0
    assert "3 cells scored again, 0 failed" in said.err
    assert "numbers-retrieval-image-text" in said.out
    assert _metrics(results) == before
    assert (results / "leaderboard.json").read_bytes() == board
    again = {r.key: r.created for r in RecordStore(results).records() if r.status == "ok"}
    assert all(again[key] > created[key] for key in created)


def test_a_changed_metric_arrives_in_the_records(call, copied, monkeypatch):
    from mmbench.builtin.tasks.retrieval import NumbersRetrieval

    real = NumbersRetrieval.reference_levels
    monkeypatch.setattr(
        NumbersRetrieval,
        "reference_levels",
        lambda self, inputs: {**real(self, inputs), "a new level": {}},
    )
    results = copied / "results" / "small"
    assert call("score", results, "--cache", copied / "cache").code == 0
    for record in RecordStore(results).records():
        if record.status == "ok":
            assert "a new level" in record.references


def test_lost_and_damaged_per_item_scores_are_made_again(call, copied):
    results = copied / "results" / "small"
    before = _metrics(results)
    items = sorted((results / "records").glob("*.parquet"))
    whole = {path.name: path.read_bytes() for path in items}
    assert len(items) == 3
    items[0].write_bytes(b"nothing")
    for path in items[1:]:
        path.unlink()

    said = call("score", results, "--cache", copied / "cache")

    assert said.code == 0
    assert "3 cells scored again, 0 failed" in said.err
    assert "damaged" not in said.err
    assert _metrics(results) == before
    assert {p.name: p.read_bytes() for p in (results / "records").glob("*.parquet")} == whole


def test_what_can_not_be_mended_is_said(call, copied):
    results = copied / "results" / "small"
    (lost,) = (results / "records").glob("cca-image-text--*.parquet")
    lost.unlink()
    said = call("score", results, "-r", "random", "--cache", copied / "cache")
    assert said.code == 0
    assert said.err.count("damaged") == 1
    assert lost.name in said.err


def test_as_json(call, copied):
    results = copied / "results" / "small"
    before = _metrics(results)
    key = next(iter(before))
    (copied / "cache" / "bundles" / f"{key}.json").unlink()
    said = call("score", results, "--json", "--cache", copied / "cache")
    assert (said.code, said.err) == (1, "")
    facts = json.loads(said.out)
    assert (facts["scored"], facts["failed"], facts["results"]) == (2, 1, str(results))
    assert {cell["key"]: cell["metrics"] for cell in facts["cells"]} == before
    failed = {cell["key"]: cell["error"] for cell in facts["cells"] if cell["status"] != "ok"}
    assert list(failed) == [key]
    assert "`mmbench run` makes them again" in failed[key]


def test_one_cell_only(call, copied):
    results = copied / "results" / "small"
    chosen = ("-r", "random", "-t", "numbers-retrieval-image-text")
    said = call("score", results, *chosen, "--cache", copied / "cache")
    assert (
        said.err.splitlines()[0] == "[1/1] ok      random on numbers-retrieval-image-text, seed 0"
    )


def test_without_the_model(start, copied, tmp_path):
    vectors = tmp_path / "vectors"
    _write_vectors(vectors)
    run = ("run", "-r", "arrays", "-t", "numbers-retrieval-image-text", "--resamples", "50")
    said = start(*run, "-o", f"folder={vectors}", cwd=copied)
    assert said.code == 0, said.err
    before = _metrics(copied / "results" / "adhoc")
    shutil.rmtree(vectors)
    said = start("score", "results/adhoc", cwd=copied)
    assert said.code == 0, said.err
    assert _metrics(copied / "results" / "adhoc") == before
    assert len(before) == 1


def _write_vectors(folder):
    from mmbench.api import DataSource
    from mmbench.builtin.numbers.dataset import Numbers

    folder.mkdir()
    source = DataSource(folder, lambda _path: "")
    ids = {i for c in Numbers().collections(source).values() for i in c.ids}
    (folder / "ids.txt").write_text("".join(f"{item}\n" for item in sorted(ids)))
    rng = np.random.default_rng(0)
    for stream in ("image", "text"):
        np.save(folder / f"{stream}.npy", rng.standard_normal((len(ids), 8), dtype=np.float32))


def test_another_cache_has_nothing_of_it(call, copied, tmp_path):
    results = copied / "results" / "small"
    before = _metrics(results)
    said = call("score", results, "--cache", tmp_path / "other")
    assert said.code == 1
    assert said.err.count("failed  ") == 3
    assert "`mmbench run` makes them again" in said.err
    assert "0 cells scored again, 3 failed" in said.err
    assert _metrics(results) == before


def test_a_moved_cache_will_do(call, copied, tmp_path):
    shutil.move(copied / "cache", tmp_path / "moved")
    said = call("score", copied / "results" / "small", "--cache", tmp_path / "moved")
    assert said.code == 0


def test_a_missing_bundle_is_named_and_the_others_are_scored(call, copied):
    results = copied / "results" / "small"
    key = next(iter(_metrics(results)))
    (copied / "cache" / "bundles" / f"{key}.json").unlink()
    said = call("score", results, "--cache", copied / "cache")
    assert said.code == 1
    assert f"{key}.json" in said.err
    assert "2 cells scored again, 1 failed" in said.err


def test_vectors_that_were_pruned_are_named(call, copied):
    shutil.rmtree(copied / "cache" / "vectors")
    said = call("score", copied / "results" / "small", "--cache", copied / "cache")
    assert said.code == 1
    assert "vectors are not in the store" in said.err
    assert "`mmbench run` encodes them again" in said.err


def test_another_version_of_the_task_is_not_mixed_in(call, copied, monkeypatch):
    from dataclasses import replace

    from mmbench.builtin.tasks.retrieval import NumbersRetrieval

    real = NumbersRetrieval.info.fget
    monkeypatch.setattr(
        NumbersRetrieval, "info", property(lambda self: replace(real(self), version="99"))
    )
    said = call("score", copied / "results" / "small", "--cache", copied / "cache")
    assert said.code == 1
    assert "99 is installed" in said.err


@pytest.mark.parametrize("choice", [("-r", "nobody"), ("-t", "nothing")])
def test_nothing_matches(call, finished, choice):
    said = call("score", finished / "results" / "small", *choice)
    assert said.code == 2
    assert "no finished cell matches" in said.err
    assert "3 finished cells are there" in said.err


def test_no_such_folder(call, tmp_path):
    said = call("score", tmp_path / "none")
    assert said.code == 2
    assert "no finished cell matches" in said.err
    assert not (tmp_path / "none").exists()


def test_a_rerun_after_scoring_has_nothing_to_do(call, copied):
    results = copied / "results" / "small"
    call("score", results, "--cache", copied / "cache")
    said = call(
        *("run", copied / "small.toml", "--cache", copied / "cache", "--resamples", "200"),
        *("--results", copied / "results", "--json"),
    )
    counters = json.loads(said.out)["counters"]
    assert (counters["encodes"], counters["fits"], counters["scores"]) == (0, 0, 0)
