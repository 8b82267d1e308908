from __future__ import annotations

import json
import os
import time

import numpy as np
import pytest

from mmbench.runner.folders import cache_root, data_root
from mmbench.runner.housekeeping import Pruned, others, prune, summarise, verify
from mmbench.runner.keys import digest_rows
from mmbench.runner.vectors import SpaceWriter, VectorStore

OLD, NEW = "aa" * 16, "bb" * 16


@pytest.fixture
def cache(tmp_path):
    store = VectorStore(tmp_path)
    for key, count in ((OLD, 2), (NEW, 5)):
        space = store.space(key)
        writer = SpaceWriter(space)
        digests = digest_rows([[str(n) for n in range(count)]])[0]
        writer.add(digests, np.zeros((count, 8), np.float32), 1.0)
        writer.flush()
        space.describe({"representation": key[:2], "kind": "global"})
    age(store.space(OLD).folder, days=10)
    return tmp_path


def age(folder, *, days: float) -> None:
    then = time.time() - days * 86400
    for path in folder.iterdir():
        os.utime(path, (then, then))


def folder(cache, key):
    return VectorStore(cache).space(key).folder


def test_a_summary_a_space_the_largest_first(cache) -> None:
    new, old = summarise(cache)

    assert (new.about["representation"], new.items) == ("bb", 5)
    assert (old.about["representation"], old.items) == ("aa", 2)
    assert new.bytes == sum(path.stat().st_size for path in new.folder.iterdir())
    assert old.used == pytest.approx(10 * 86400, abs=60)


def test_an_empty_cache(tmp_path) -> None:
    assert summarise(tmp_path) == []
    assert verify(tmp_path) == []
    assert prune(tmp_path, older_than_days=0) == Pruned()
    assert [(each.count, each.bytes) for each in others(tmp_path)] == [(0, 0)] * 6


def test_a_broken_note_is_no_reason_to_stop(cache) -> None:
    (folder(cache, NEW) / "space.json").write_text("{")
    (folder(cache, OLD) / "space.json").write_text("[]")

    assert [space.about for space in summarise(cache)] == [{}, {}]


def test_verify_finds_damage_and_mends_it(cache) -> None:
    assert verify(cache) == []
    shard = next(p for p in folder(cache, NEW).glob("*.npy") if "keys" not in p.name)
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(bytes(content))

    (found,) = verify(cache, mend=False)
    assert (found.damage.shard.stem, found.mended) == (shard.stem, False)
    assert shard.exists()

    assert [each.mended for each in verify(cache)] == [True]
    assert verify(cache) == []
    assert [path.name for path in folder(cache, NEW).iterdir()] == ["space.json"]


def test_prune_takes_what_is_old(cache) -> None:
    size = sum(path.stat().st_size for path in folder(cache, OLD).iterdir())

    assert prune(cache, older_than_days=5, dry_run=True) == Pruned(spaces=1, bytes=size)
    assert folder(cache, OLD).exists()
    assert prune(cache, older_than_days=5) == Pruned(spaces=1, bytes=size)
    assert not folder(cache, OLD).exists()
    assert folder(cache, NEW).exists()
    assert prune(cache, older_than_days=5) == Pruned()


def test_a_shard_that_can_not_be_read_may_be_whole_and_stays(cache) -> None:
    shard = next(p for p in folder(cache, NEW).glob("*.npy") if "keys" not in p.name)
    shard.rename(shard.with_suffix(".hidden"))
    shard.mkdir()  # even root can't read a folder as a file

    assert [each.mended for each in verify(cache)] == [False]
    assert shard.exists()


def fill(cache, name: str, days: float) -> None:
    """A trained state, a cell's inputs, a checkpoint and a temporary, so old."""
    for path, content in {
        f"artifacts/states/{name}.npz": b"s" * 100,
        f"artifacts/recipes/{name}1.json": json.dumps({"content": name}).encode(),
        f"artifacts/recipes/{name}2.json": json.dumps({"content": name}).encode(),
        f"bundles/{name}.json": b"b" * 10,
        f"bundles/{name}.npz": b"b" * 20,
        f"bundles/.1234.{name}.npz": b"t" * 5,
        f"checkpoints/{name}/inner/last.npz": b"c" * 1000,
    }.items():
        (cache / path).parent.mkdir(parents=True, exist_ok=True)
        (cache / path).write_bytes(content)
    then = time.time() - days * 86400
    for path in [*cache.rglob(f"*{name}*"), *(cache / "checkpoints" / name).rglob("*")]:
        os.utime(path, (then, then))


def test_what_is_not_vectors_is_counted(tmp_path) -> None:
    fill(tmp_path, "old", days=9)
    fill(tmp_path, "new", days=0)
    (tmp_path / "hashes.sqlite3").write_bytes(b"h" * 7)

    found = {each.name: (each.count, each.bytes) for each in others(tmp_path)}

    recipes = 4 * len('{"content": "old"}')
    assert found == {
        "trained states": (2, 200 + recipes),
        "interactions": (0, 0),
        "scoring inputs": (2, 70),
        "checkpoints": (2, 2000),
        "decoded items": (0, 0),
        "file hashes": (1, 7),
    }


def test_prune_takes_old_states_inputs_and_checkpoints_too(tmp_path) -> None:
    fill(tmp_path, "old", days=9)
    fill(tmp_path, "new", days=0)
    before = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())

    planned = prune(tmp_path, older_than_days=5, dry_run=True)
    assert (planned.states, planned.bundles, planned.checkpoints) == (1, 1, 1)
    assert len(list(tmp_path.rglob("*old*"))) == 7
    done = prune(tmp_path, older_than_days=5)

    assert done == planned
    assert list(tmp_path.rglob("*old*")) == []
    after = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert before - after == done.bytes
    assert len(list(tmp_path.rglob("*new*"))) == 7
    assert prune(tmp_path, older_than_days=5) == Pruned()


def test_a_state_with_a_recipe_that_is_new_stays(tmp_path) -> None:
    fill(tmp_path, "old", days=9)
    os.utime(tmp_path / "artifacts/recipes/old2.json")

    assert prune(tmp_path, older_than_days=5).states == 0
    assert (tmp_path / "artifacts/states/old.npz").exists()


def test_what_interactions_gave_is_no_trained_state(tmp_path) -> None:
    fill(tmp_path, "old", days=9)
    fill(tmp_path, "game", days=9)
    said = json.dumps({"content": "game", "task": "control"})
    for number in (1, 2):
        recipe = tmp_path / f"artifacts/recipes/game{number}.json"
        recipe.write_text(said)
        os.utime(recipe, (0, 0))

    found = {each.name: (each.count, each.bytes) for each in others(tmp_path)}
    assert found["trained states"] == (1, 100 + 2 * len('{"content": "old"}'))
    assert found["interactions"] == (1, 100 + 2 * len(said))
    done = prune(tmp_path, older_than_days=5)
    assert (done.states, done.interactions) == (1, 1)
    assert not list((tmp_path / "artifacts").rglob("*game*"))


def test_prune_sweeps_leftovers_of_killed_runs_but_not_of_living_ones(cache) -> None:
    place = folder(cache, NEW)
    for name in ("dead.npy", "dead.keys.npy", ".space.json.1234"):
        (place / name).write_bytes(b"12345")
    assert prune(cache, older_than_days=50) == Pruned()
    whole = {path.name for path in place.iterdir()}

    age(place, days=1)
    assert prune(cache, older_than_days=50, dry_run=True) == Pruned(bytes=15)
    assert {path.name for path in place.iterdir()} == whole
    assert prune(cache, older_than_days=50) == Pruned(bytes=15)
    left = {path.name for path in place.iterdir()}
    assert len(left) == 4
    assert not verify(cache)


def test_where_things_are_kept(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("MMBENCH_CACHE", str(tmp_path / "env"))
    monkeypatch.setenv("MMBENCH_DATA", str(tmp_path / "data"))
    assert cache_root() == tmp_path / "env"
    assert cache_root(tmp_path / "given") == tmp_path / "given"
    assert data_root() == tmp_path / "data"
    monkeypatch.delenv("MMBENCH_CACHE")
    monkeypatch.delenv("MMBENCH_DATA")
    monkeypatch.chdir(tmp_path)
    assert cache_root().name == "mmbench"
    assert cache_root().is_absolute()
    assert data_root() == tmp_path / "data"
