from __future__ import annotations

import errno
import os
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_samples import make_record, make_tables

from mmbench.api import ItemTable
from mmbench.api.errors import StoreError
from mmbench.results import atomic
from mmbench.results.items import read_tables, tables_to_parquet
from mmbench.results.merging import merge
from mmbench.results.record import seal
from mmbench.results.store import RecordStore, file_stem

TABLES = make_tables(np.array([1, 2, 1, 7]))


def test_write_then_read(tmp_path):
    store = RecordStore(tmp_path)
    assert store.records() == []
    assert store.read("nothing") is None
    record = make_record(tables=TABLES, seed=2)
    stored = store.write(record, TABLES)
    assert stored.items_file is not None
    assert store.read(record.key) == stored
    assert store.records() == [stored]
    assert store.damaged == []
    names = sorted(path.name for path in store.folder.iterdir() if path.name != ".lock")
    assert names == sorted([f"{file_stem(record)}.json", stored.items_file])
    tables = store.tables(stored)
    assert list(tables["items"].ids) == TABLES["items"].ids
    np.testing.assert_array_equal(tables["items"]["rank"], [1, 2, 1, 7])


def test_record_without_items(tmp_path):
    store = RecordStore(tmp_path)
    stored = store.write(make_record(status="failed"))
    assert store.tables(stored) == {}
    assert store.records() == [stored]


def test_unicode_and_hostile_labels_make_plain_file_names():
    assert file_stem(make_record("../Zähl→音 x", seed=None)).startswith(
        "Zahl-x--retrieval--snone--"
    )
    assert file_stem(make_record("音")).startswith("unnamed--")
    assert len(file_stem(make_record("a" * 500))) < 160


def test_better_record_stays_and_its_items_with_it(tmp_path):
    store = RecordStore(tmp_path)
    good = make_record(tables=TABLES)
    stored = store.write(good, TABLES)
    failed = replace(
        make_record(status="failed"), key=good.key, created="2027-01-01T00:00:00+00:00"
    )
    assert store.write(failed) == stored
    assert store.records() == [stored]
    later_tables = make_tables(np.array([1, 1, 1, 7]))
    later = replace(make_record(tables=later_tables), created="2027-01-01T00:00:00+00:00")
    rewritten = store.write(later, later_tables)
    assert store.records() == [rewritten]
    assert [path.name for path in store.folder.glob("*.parquet")] == [rewritten.items_file]


def test_a_worse_record_replaces_a_better_one_where_asked(tmp_path):
    store = RecordStore(tmp_path)
    good = make_record(tables=TABLES)
    store.write(good, TABLES)
    failed = replace(make_record(status="failed"), key=good.key)
    skipped = replace(
        make_record(status="skipped", reason="no audio"),
        key=good.key,
        created="2020-01-01T00:00:00+00:00",
    )
    for record in (failed, skipped):
        written = store.write(record, replace=True)
        assert written.status == record.status
        assert store.records() == [written]
        names = {path.name for path in store.folder.iterdir()} - {".lock"}
        assert names == {f"{file_stem(record)}.json"}
    again = store.write(good, TABLES, replace=True)
    assert (store.records(), store.damaged) == ([again], [])


def test_impossible_values_are_refused(tmp_path):
    record = make_record()
    metrics = {**record.metrics, "R@5": replace(record.metrics["R@5"], value=0.1, low=0, high=0.2)}
    with pytest.raises(StoreError, match=r"impossible values: R@5: 0\.1 is less than R@1"):
        RecordStore(tmp_path).write(replace(record, metrics=metrics))
    assert not list(tmp_path.rglob("*.json"))


def test_a_published_record_may_have_one_metric(tmp_path):
    record = make_record(source="published", verified=True)
    one = {"R@1": replace(record.metrics["R@1"], low=None, high=None, no_interval="not published")}
    store = RecordStore(tmp_path)
    stored = store.write(replace(record, metrics=one))
    assert store.records() == [stored]
    with pytest.raises(StoreError, match="missing"):
        store.write(replace(record, metrics=one, source="measured"))


@pytest.mark.parametrize("damage", ["truncated", "altered", "newer", "binary", "no items", "items"])
def test_damaged_files_are_left_out_and_named(tmp_path, damage):
    store = RecordStore(tmp_path)
    bad = store.write(make_record("bad", tables=TABLES), TABLES)
    good = store.write(make_record("good", tables=TABLES), TABLES)
    path = store.folder / f"{file_stem(bad)}.json"
    items = store.folder / str(bad.items_file)
    text = path.read_text(encoding="utf-8")
    if damage == "truncated":
        path.write_text(text[: len(text) // 2], encoding="utf-8")
    elif damage == "altered":
        path.write_text(text.replace('"value": 0.5', '"value": 0.9', 1), encoding="utf-8")
    elif damage == "newer":
        path.write_text(text.replace('"schema": 1', '"schema": 99'), encoding="utf-8")
    elif damage == "binary":
        path.write_bytes(b"\xff\xfe\x00")
    elif damage == "no items":
        items.unlink()
    else:
        items.write_bytes(items.read_bytes()[:-10])
    assert store.records() == [good]
    assert [entry[0] for entry in store.damaged] == [path]
    reason = store.damaged[0][1]
    assert str(path) not in reason
    assert (str(items) in reason) == ("items" in damage)
    advice = {
        "newer": "pip install -U mmbench",
        "no items": "`mmbench run` or `mmbench score` makes it again",
        "items": "`mmbench run` or `mmbench score` makes it again",
    }.get(damage, "`mmbench run` makes it again")
    assert reason.splitlines()[-1].strip().endswith(advice)
    assert store.read(bad.key) is None
    # Scoring needs the record only, not its items.
    assert store.records(whole=False) == merge([good], [bad] if "items" in damage else [])
    assert len(store.damaged) == ("items" not in damage)
    # The next run writes it again, and all is well.
    assert store.write(make_record("bad", tables=TABLES), TABLES) == bad
    assert len(store.records()) == 2
    assert store.damaged == []


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_full_disk_names_the_folder_and_leaves_nothing_half_written(tmp_path, monkeypatch):
    store = RecordStore(tmp_path)
    kept = store.write(make_record("kept", tables=TABLES), TABLES)
    monkeypatch.setattr(atomic.os, "fsync", full_disk)
    with pytest.raises(StoreError) as caught:
        store.write(make_record(tables=TABLES), TABLES)
    monkeypatch.undo()
    assert caught.value.where == str(store.folder)
    assert "disk is full" in caught.value.what
    assert "--results" in caught.value.fix
    assert store.records() == [kept]
    assert not list(store.folder.glob(".*.tmp"))


def test_unwritable_folder_is_named(tmp_path):
    blocked = tmp_path / "results"
    blocked.write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(StoreError, match="can't be written to") as caught:
        RecordStore(blocked).write(make_record())
    assert caught.value.where == str(blocked / "records")


def test_leftovers_of_killed_writers_are_swept(tmp_path):
    store = RecordStore(tmp_path)
    stored = store.write(make_record(status="failed"))
    old, young = store.folder / ".a.json.1.tmp", store.folder / ".b.json.2.tmp"
    for path in (old, young):
        path.write_text("{", encoding="utf-8")
    os.utime(old, (time.time() - 7200,) * 2)
    assert store.records() == [stored]
    assert store.sweep() == 1
    assert young.exists()
    assert not old.exists()


def test_many_writers_at_once_lose_nothing(tmp_path):
    def write(worker: int) -> None:
        store = RecordStore(tmp_path)
        for number in range(4):
            ranks = make_tables(np.array([1, 1 + worker]))
            store.write(make_record("same", tables=ranks, seed=number), ranks)
            store.write(make_record(f"own{worker}", tables=ranks, seed=number), ranks)

    workers = [threading.Thread(target=write, args=(index,)) for index in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    store = RecordStore(tmp_path)
    assert len(store.records()) == 16
    assert store.damaged == []


def test_tables_that_cannot_be_stored(tmp_path):
    store = RecordStore(tmp_path)
    for columns in ({"x": [1, 2, 3]}, {"x": [object(), 1]}):
        with pytest.raises(StoreError, match="can't be stored: table 'items': column 'x'"):
            store.write(make_record(), {"items": ItemTable(["a", "b"], columns)})


def test_several_tables_round_trip():
    tables = {
        "items": ItemTable(
            ["a", "b", "c"],
            {
                "score": np.array([0.5, np.nan, 1.0], dtype=np.float32),
                "hit": np.array([True, False, True]),
                "label": ["x", "y", "ü"],
                "boxes": [[[0.0, 1.0]], [], [[2.0, 3.0], [4.0, 5.0]]],
                "maybe": ["p", None, "q"],
                "vector": np.arange(6, dtype=np.float64).reshape(3, 2),
                "table": [1, 2, 3],
            },
        ),
        "text→image": ItemTable(np.array(["a", "d"]), {"score": np.array([1, 2]), "hit": [1, 0]}),
        "empty": ItemTable([], {"score": []}),
    }
    content = tables_to_parquet(tables)
    assert content == tables_to_parquet(tables)
    back = read_tables(content)
    assert list(back) == list(tables)
    items = back["items"]
    assert items.ids == ["a", "b", "c"]
    np.testing.assert_array_equal(items["score"], tables["items"]["score"])
    assert items["score"].dtype == np.float32
    assert items["hit"].dtype == np.bool_
    assert items["label"].dtype.kind == "U"
    assert items["boxes"] == tables["items"]["boxes"]
    assert items["maybe"] == ["p", None, "q"]
    assert items["vector"] == [[0, 1], [2, 3], [4, 5]]
    assert items["table"].tolist() == [1, 2, 3]
    assert back["text→image"]["score"].dtype == np.int64
    assert back["text→image"]["hit"].tolist() == [1, 0]
    assert len(back["empty"]) == 0
    assert read_tables(tables_to_parquet({})) == {}


BARE = {status: make_record(status=status, metrics={}) for status in ("ok", "failed", "skipped")}
records = st.builds(
    lambda key, status, day, note: seal(
        replace(
            BARE[status],
            key=key,
            created=f"2026-01-0{day}T00:00:00+00:00",
            notes=(note,),
        )
    ),
    key=st.sampled_from("abc"),
    status=st.sampled_from(["ok", "failed", "skipped"]),
    day=st.integers(1, 2),
    note=st.sampled_from("xy"),
)
lists = st.lists(records, max_size=6)


@settings(deadline=None)
@given(lists, lists, lists)
def test_merge_is_commutative_associative_and_idempotent(a, b, c):
    assert merge(a, b) == merge(b, a)
    assert merge(merge(a, b), c) == merge(a, merge(b, c)) == merge(a, b, c)
    once = merge(a, b)
    assert merge(once, once) == merge(once) == once
    assert sorted({r.key for r in a + b}) == [r.key for r in once]


def test_merge_order():
    failed = replace(make_record(status="failed"), created="2027-01-01T00:00:00+00:00", key="k")
    early = replace(make_record(), key="k")
    late = replace(early, created="2026-11-22T06:00:00+01:00")  # an hour east: the same moment
    later = replace(early, created="2026-11-22T07:00:00+01:00")
    assert [r.status for r in merge([failed], [early])] == ["ok"]
    assert merge([early], [later])[0].created == later.created
    smaller = min(seal(early), seal(late), key=lambda r: r.checksum)
    assert merge([early], [late]) == [smaller]
