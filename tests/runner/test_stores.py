from __future__ import annotations

import os
import sqlite3
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest

from mmbench.api import ItemTable, PluginError, State, StoreError
from mmbench.results.record import Record, RepresentationEntry, TaskEntry
from mmbench.runner.artifacts import ArtifactStore
from mmbench.runner.bundle import Bundle, BundleStore, VectorRefs
from mmbench.runner.file_hashes import MISSING, FileHashes
from mmbench.runner.keys import digest_rows
from mmbench.runner.suite import TaskChoice
from mmbench.runner.vectors import SpaceWriter, VectorStore

RECIPE = "c" * 32


def state(value: float = 1.0) -> State:
    arrays = {"w": np.full(3, value, np.float64), "steps": np.array([7], np.int32)}
    return State(arrays, {"name": "x", "value": value})


# Artifacts


def test_a_state_comes_back_bit_for_bit(tmp_path) -> None:
    store = ArtifactStore(tmp_path)
    assert store.find(RECIPE) is None

    content = store.publish(RECIPE, state(1 / 3), {"seconds": 2.5})

    assert store.find(RECIPE) == content
    assert store.seconds(RECIPE) == 2.5
    back = store.load(content)
    assert dict(back.meta) == {"name": "x", "value": 1 / 3}
    assert back.arrays["w"].tolist() == [1 / 3] * 3
    assert back.arrays["steps"].dtype == np.int32


def test_the_first_published_wins(tmp_path) -> None:
    first = ArtifactStore(tmp_path).publish(RECIPE, state(1.0), {"seconds": 1.0})
    second = ArtifactStore(tmp_path).publish(RECIPE, state(2.0), {"seconds": 9.0})

    assert second == first
    assert ArtifactStore(tmp_path).find(RECIPE) == first
    assert ArtifactStore(tmp_path).load(second).meta["value"] == 1.0
    assert ArtifactStore(tmp_path).seconds(RECIPE) == 1.0


def test_equal_states_have_one_name_and_others_another(tmp_path) -> None:
    store = ArtifactStore(tmp_path)
    names = [
        store.publish(key * 32, state(v), {}) for key, v in (("a", 1.0), ("b", 1.0), ("d", 2.0))
    ]

    assert names[0] == names[1] != names[2]


def _truncate(path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _flip(path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", [_truncate, _flip, os.remove], ids=["cut", "flipped", "gone"])
@pytest.mark.parametrize("part", ["states", "recipes"])
def test_a_damaged_state_is_a_miss_and_can_be_fitted_again(tmp_path, damage, part) -> None:
    store = ArtifactStore(tmp_path)
    first = store.publish(RECIPE, state(1.0), {})
    damage(next((store.root / part).iterdir()))

    assert store.find(RECIPE) is None
    if (part, damage) != ("recipes", os.remove):
        (line,) = store.damage
        assert line == f"{store.root / 'recipes' / f'{RECIPE}.json'}: a trained state"
    second = store.publish(RECIPE, state(2.0), {})
    assert store.find(RECIPE) == second != first
    assert store.load(second).meta["value"] == 2.0


def test_publishing_over_a_damaged_state_replaces_it(tmp_path) -> None:
    store = ArtifactStore(tmp_path)
    store.publish(RECIPE, state(1.0), {})
    _flip(next((store.root / "states").iterdir()))

    content = ArtifactStore(tmp_path).publish(RECIPE, state(2.0), {})

    assert ArtifactStore(tmp_path).find(RECIPE) == content
    assert ArtifactStore(tmp_path).load(content).meta["value"] == 2.0


def test_loading_what_is_damaged_or_gone_is_refused(tmp_path) -> None:
    store = ArtifactStore(tmp_path)
    content = store.publish(RECIPE, state(), {})
    _flip(next((store.root / "states").iterdir()))
    with pytest.raises(StoreError, match="damaged"):
        store.load(content)
    with pytest.raises(StoreError, match="can't read a trained state"):
        store.load("0" * 32)


@pytest.mark.parametrize(
    ("said", "kind"), [({}, "a trained state"), ({"task": "t"}, "what an interaction gave")]
)
def test_what_was_damaged_is_named(tmp_path, said, kind) -> None:
    store = ArtifactStore(tmp_path)
    store.publish(RECIPE, state(), said)
    _flip(next((store.root / "states").iterdir()))
    assert store.find(RECIPE) is None
    (line,) = store.damage
    assert line.endswith(f"{RECIPE}.json: {kind}")


def test_python_objects_are_no_state(tmp_path) -> None:
    with pytest.raises(PluginError, match="Python objects in 'bad'"):
        ArtifactStore(tmp_path).publish(RECIPE, State({"bad": np.array([object()])}), {})


def test_an_unwritable_place_is_said(tmp_path) -> None:
    (tmp_path / "artifacts").write_text("")
    with pytest.raises(StoreError, match="can't write"):
        ArtifactStore(tmp_path).publish(RECIPE, state(), {})


# Bundles


def bundle(**fields) -> Bundle:
    draft = Record(
        key="k" * 32,
        status="ok",
        suite="s",
        created="2026-01-01T00:00:00+00:00",
        representation=RepresentationEntry(
            name="r", label="r", version="1", fingerprint="f", options={}, similarity="dot"
        ),
        task=TaskEntry(
            name="t", label="t", version="1", protocol="p", primary="m", metrics=(), options={}
        ),
    )
    digests = digest_rows([["a", "b", "c"]])[0]
    made = Bundle(
        task=TaskChoice("t", "t", {"ties": "expected"}),
        draft=draft,
        tables={
            "items": ItemTable(
                ["a", "b", "c"],
                {"label": np.array([1, 2, 3]), "boxes": [[np.float32(0.5)], [], [1.0]]},
            )
        },
        vectors={"v": VectorRefs(("s0", "s1"), np.array([0, 1, 0]), digests)},
        seed=4,
        resamples=99,
    )
    return replace(made, **fields)


def test_a_bundle_comes_back(tmp_path) -> None:
    store = BundleStore(tmp_path)
    store.write(bundle())

    back = store.read("k" * 32)

    assert back.task == bundle().task
    assert replace(back.draft, checksum="") == bundle().draft
    assert (back.seed, back.resamples) == (4, 99)
    assert back.tables["items"].ids == ["a", "b", "c"]
    assert back.tables["items"]["label"] == [1, 2, 3]
    assert back.tables["items"]["boxes"] == [[0.5], [], [1.0]]
    assert back.vectors["v"].spaces == ("s0", "s1")
    assert back.vectors["v"].space_of_row.tolist() == [0, 1, 0]
    np.testing.assert_array_equal(back.vectors["v"].digests, bundle().vectors["v"].digests)


@pytest.mark.parametrize("suffix", ["json", "npz"])
@pytest.mark.parametrize("damage", [_truncate, _flip, os.remove], ids=["cut", "flipped", "gone"])
def test_a_damaged_bundle_is_refused(tmp_path, suffix, damage) -> None:
    store = BundleStore(tmp_path)
    store.write(bundle())
    damage(store.root / f"{'k' * 32}.{suffix}")

    with pytest.raises(StoreError, match="can't be read") as caught:
        store.read("k" * 32)

    assert "mmbench run" in caught.value.fix


def test_writing_again_replaces_it(tmp_path) -> None:
    store = BundleStore(tmp_path)
    store.write(bundle())
    store.write(bundle(seed=5))

    assert store.read("k" * 32).seed == 5
    assert sorted(path.suffix for path in store.root.iterdir()) == [".json", ".npz"]


def test_vectors_of_several_spaces_are_put_in_order(tmp_path) -> None:
    store = VectorStore(tmp_path)
    digests = digest_rows([["a", "b", "c"]])[0]
    for key, rows, values in (("s0", [0, 2], [[1.0], [3.0]]), ("s1", [1], [[2.0]])):
        writer = SpaceWriter(store.space(key))
        writer.add(digests[rows], np.array(values, np.float32), 0.0)
        writer.flush()

    inputs = bundle().inputs(store)

    assert inputs.arrays["v"].ravel().tolist() == [1.0, 2.0, 3.0]
    assert (inputs.similarity, inputs.seed) == ("dot", 4)


def test_vectors_that_are_gone_are_said(tmp_path) -> None:
    with pytest.raises(StoreError, match="2 of 2 vectors are not in the store"):
        bundle().inputs(VectorStore(tmp_path))


def test_no_rows_are_no_vectors(tmp_path) -> None:
    none = VectorRefs((), np.empty(0, np.int64), np.empty((0, 2), np.uint64))

    assert none.gather(VectorStore(tmp_path)).shape == (0, 0)


# File hashes


@pytest.fixture
def hashes(tmp_path):
    made = FileHashes(tmp_path / "cache")
    yield made
    made.close()


def test_a_hash_is_that_of_the_bytes(tmp_path, hashes) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"some bytes")

    assert hashes(path) == sha256(b"some bytes").hexdigest()
    assert hashes(path) == sha256(b"some bytes").hexdigest()


def test_it_is_remembered_by_size_and_time(tmp_path, hashes) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"one")
    os.utime(path, ns=(10**18, 10**18))
    first = hashes(path)

    path.write_bytes(b"two")  # same size; and the same time, as a cheat
    os.utime(path, ns=(10**18, 10**18))
    assert FileHashes(tmp_path / "cache")(path) == first  # so it was not read again

    os.utime(path, ns=(10**18, 10**18 + 1))
    assert hashes(path) == sha256(b"two").hexdigest()
    path.write_bytes(b"three")
    os.utime(path, ns=(10**18, 10**18 + 1))
    assert hashes(path) == sha256(b"three").hexdigest()


def test_another_path_is_another_file(tmp_path, hashes) -> None:
    for name, content in (("x", b"one"), ("y", b"two")):
        (tmp_path / name).write_bytes(content)
        os.utime(tmp_path / name, ns=(10**18, 10**18))

    assert hashes(tmp_path / "x") != hashes(tmp_path / "y")


@pytest.mark.parametrize("kind", ["garbage", "folder", "other table"])
def test_a_database_that_cannot_be_read_costs_time_only(tmp_path, kind) -> None:
    database = tmp_path / "cache" / "hashes.sqlite3"
    database.parent.mkdir()
    if kind == "garbage":
        database.write_bytes(b"not a database" * 1000)
    elif kind == "folder":
        database.mkdir()
    else:
        connection = sqlite3.connect(database)
        connection.execute("CREATE TABLE hashes (other TEXT)")
        connection.commit()
        connection.close()
    path = tmp_path / "x"
    path.write_bytes(b"one")
    hashes = FileHashes(tmp_path / "cache")

    assert hashes(path) == hashes(path) == sha256(b"one").hexdigest()
    hashes.close()


def test_a_cache_that_cannot_be_made_costs_time_only(tmp_path) -> None:
    (tmp_path / "cache").write_text("a file")
    path = tmp_path / "x"
    path.write_bytes(b"one")

    assert FileHashes(tmp_path / "cache")(path) == sha256(b"one").hexdigest()


def test_a_missing_file_has_a_hash_of_its_own_until_it_comes(tmp_path, hashes) -> None:
    path = tmp_path / "x" / "late"
    assert hashes(path) == MISSING
    path.parent.write_text("a file where a folder should be")
    assert hashes(path) == MISSING
    path.parent.unlink()
    path.parent.mkdir()
    path.write_bytes(b"one")
    assert hashes(path) == sha256(b"one").hexdigest()
