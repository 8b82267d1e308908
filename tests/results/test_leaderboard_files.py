from __future__ import annotations

import errno
import os
import threading
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from record_samples import make_record, make_tables, make_task

from mmbench.api.errors import StoreError
from mmbench.results import atomic, leaderboard_files
from mmbench.results.boards import Leaderboards
from mmbench.results.formats import TIDY, from_json_text
from mmbench.results.leaderboard import build_leaderboards
from mmbench.results.leaderboard_files import refresh_leaderboards, write_leaderboards
from mmbench.results.record import Cost, ErrorEntry
from mmbench.results.store import RecordStore

SCORES = ("leaderboard.md", "leaderboard.csv", "leaderboard.json", "leaderboard.parquet")


def fill(store: RecordStore, order: np.random.Generator | None = None) -> RecordStore:
    """The same cells, in another order, at another time and at another cost."""
    rng = np.random.default_rng(1)
    cells = []
    for task in ("retrieval", "数字"):
        for label, seed in (("cca", None), ("zufällig", 0), ("zufällig", 1)):
            tables = make_tables(np.maximum(1, np.round(rng.exponential(3, 40))))
            cells.append((make_record(label, tables, task=make_task(task), seed=seed), tables))
    failed = make_record("bad", status="failed", error=ErrorEntry(type="E", message="m"))
    cells.append((failed, None))
    if order is not None:
        order.shuffle(cells)
    for number, (record, tables) in enumerate(cells):
        if order is not None:
            cost = Cost(seconds={"encode": float(order.random())})
            created = f"2026-12-0{1 + number}T00:00:00+00:00"
            record = replace(record, cost=cost, created=created)  # noqa: PLW2901 - another run's
        store.write(record, tables)
    return store


def build(store: RecordStore) -> Leaderboards:
    return build_leaderboards(store.records(), store.tables, resamples=100)


def contents(folder) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in SCORES}


def test_score_files_are_byte_identical_for_the_same_scores(tmp_path):
    found = []
    for run in range(3):
        folder = tmp_path / str(run)
        store = fill(RecordStore(folder), np.random.default_rng(run) if run else None)
        write_leaderboards(build(store), folder)
        found.append(contents(folder))
    assert found[0] == found[1] == found[2]
    costs = {(tmp_path / str(run) / "cost.csv").read_bytes() for run in range(3)}
    assert len(costs) == 3


def test_all_formats_tell_the_same(tmp_path):
    boards = build(fill(RecordStore(tmp_path)))
    write_leaderboards(boards, tmp_path)
    assert from_json_text((tmp_path / "leaderboard.json").read_text("utf-8")) == replace(
        boards, costs=()
    )
    parquet = pd.read_parquet(tmp_path / "leaderboard.parquet")
    table = pd.read_csv(tmp_path / "leaderboard.csv")
    assert list(parquet.columns) == list(table.columns) == list(TIDY)
    np.testing.assert_array_equal(parquet["value"].to_numpy(float), table["value"].to_numpy(float))
    assert list(parquet["row"]) == list(table["row"])
    assert "zufällig" in (tmp_path / "leaderboard.md").read_text("utf-8")
    for name in SCORES[:3]:
        assert "2026-" not in (tmp_path / name).read_text("utf-8")


def test_no_rows(tmp_path):
    write_leaderboards(Leaderboards(coverage="report"), tmp_path)
    assert len(pd.read_parquet(tmp_path / "leaderboard.parquet")) == 0
    assert (tmp_path / "leaderboard.csv").read_text("utf-8") == ",".join(TIDY) + "\n"


def test_refresh_builds_once(tmp_path, monkeypatch):
    store = fill(RecordStore(tmp_path))
    first = refresh_leaderboards(store.records(), store.tables, tmp_path, resamples=100)
    assert first == build(store)
    before = contents(tmp_path)

    def forbidden(*args, **kwargs):
        raise AssertionError("built again")

    with monkeypatch.context() as patch:
        patch.setattr(leaderboard_files, "build_leaderboards", forbidden)
        again = refresh_leaderboards(store.records(), forbidden, tmp_path, resamples=100)
    assert again == first
    assert contents(tmp_path) == before


@pytest.mark.parametrize("change", ["record", "damage", "missing", "coverage", "stamp"])
def test_refresh_builds_again_when_anything_changed(tmp_path, change):
    store = fill(RecordStore(tmp_path))
    refresh_leaderboards(store.records(), store.tables, tmp_path, resamples=100)
    coverage = "report"
    if change == "record":
        tables = make_tables(np.ones(40))
        store.write(make_record("new", tables), tables)
    elif change == "damage":
        (tmp_path / "leaderboard.csv").write_text("edited", encoding="utf-8")
    elif change == "missing":
        (tmp_path / "leaderboard.md").unlink()
    elif change == "coverage":
        coverage = "strict"
    else:
        (tmp_path / ".leaderboard.stamp").write_text("[]", encoding="utf-8")
    boards = refresh_leaderboards(
        store.records(), store.tables, tmp_path, coverage=coverage, resamples=100
    )
    assert boards.coverage == coverage
    fresh = tmp_path / "fresh"
    write_leaderboards(boards, fresh)
    assert contents(tmp_path) == contents(fresh)
    assert ("| new |" in contents(tmp_path)["leaderboard.md"].decode().replace("*", "")) == (
        change == "record"
    )


def test_files_of_an_older_layout_are_made_again(tmp_path, monkeypatch):
    store = fill(RecordStore(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(leaderboard_files, "_LAYOUT", 1)
        patch.setattr(leaderboard_files, "to_markdown", lambda _: "as it was")
        refresh_leaderboards(store.records(), store.tables, tmp_path, resamples=100)
    assert (tmp_path / "leaderboard.md").read_text("utf-8") == "as it was"
    refresh_leaderboards(store.records(), store.tables, tmp_path, resamples=100)
    assert (tmp_path / "leaderboard.md").read_text("utf-8").startswith("# Leaderboard")


def test_full_disk_leaves_the_old_files(tmp_path, monkeypatch):
    boards = build(fill(RecordStore(tmp_path)))
    write_leaderboards(boards, tmp_path)
    before = contents(tmp_path)

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(StoreError, match="disk is full") as caught:
        write_leaderboards(Leaderboards(coverage="report"), tmp_path)
    assert caught.value.where == str(tmp_path)
    assert contents(tmp_path) == before


def test_two_runs_may_rebuild_at_once(tmp_path):
    store = fill(RecordStore(tmp_path))
    boards = build(store)
    empty = Leaderboards(coverage="report")
    runs = [
        threading.Thread(target=write_leaderboards, args=(each, tmp_path))
        for each in (boards, empty) * 3
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    found = contents(tmp_path)
    options = []
    for name, each in (("full", boards), ("empty", empty)):
        write_leaderboards(each, tmp_path / name)
        options.append(contents(tmp_path / name))
    assert found in options
