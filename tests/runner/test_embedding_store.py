from __future__ import annotations

import json
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.api import StoreError
from mmbench.runner.keys import digest_rows
from mmbench.runner.vectors import Price, Space, SpaceWriter, VectorStore, storage_error

KEY = "ab" * 16


def digests(*names: str) -> np.ndarray:
    return digest_rows([list(names)])[0]


def vectors(count: int, *shape: int, start: float = 0.0) -> np.ndarray:
    size = count * int(np.prod(shape))
    return (np.arange(size, dtype=np.float32) + np.float32(start)).reshape(count, *shape)


def write(space: Space, names: list[str], array: np.ndarray, seconds: float = 1.0) -> None:
    writer = SpaceWriter(space)
    writer.add(digests(*names), array, seconds)
    writer.flush()


@pytest.fixture
def store(tmp_path) -> VectorStore:
    return VectorStore(tmp_path)


@pytest.fixture
def space(store) -> Space:
    return store.space(KEY)


def reopened(space: Space) -> Space:
    again = Space(space.folder)
    again.refresh()
    return again


def shard(space: Space, suffix: str):
    found = [
        path for path in space.folder.glob(f"*{suffix}")
        if suffix != ".npy" or not path.name.endswith(".keys.npy")
    ]  # fmt: skip
    assert len(found) == 1
    return found[0]


@settings(deadline=None)
@given(
    st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=64),
    st.lists(st.integers(0, 63), max_size=64),
    st.integers(1, 5),
)
def test_what_was_written_is_found_in_any_order(tmp_path_factory, names, asked, rows) -> None:
    space = VectorStore(tmp_path_factory.mktemp("s")).space(KEY)
    values = {name: float(n) for n, name in enumerate(sorted(set(names)))}
    writer = SpaceWriter(space, rows=rows)
    for name in names:
        writer.add(digests(name), np.full((1, 3), values[name], np.float32), 0.5)
    writer.flush()

    again = reopened(space)
    wanted = [names[row % len(names)] for row in asked]
    places = again.find(digests(*wanted))
    assert (places >= 0).all()
    if wanted:
        assert again.gather(places)[:, 0].tolist() == [values[name] for name in wanted]
        assert again.price(places).seconds == pytest.approx(0.5 * len(set(wanted)))
        assert again.price(places).items == len(set(wanted))
    assert (again.find(digests("x", "y")) == -1).all()
    assert not again.damage


@pytest.mark.parametrize("shape", [(4,), (2, 3, 4), (5, 2), (1,)])
def test_vectors_of_every_kind_come_back_bit_for_bit(space, shape) -> None:
    array = np.random.default_rng(0).standard_normal((3, *shape)).astype(np.float32)
    write(space, ["a", "b", "c"], array)

    again = reopened(space)
    assert len(again) == 3
    np.testing.assert_array_equal(again.gather(again.find(digests("c", "a"))), array[[2, 0]])


def test_an_empty_space_knows_nothing(space) -> None:
    space.refresh()

    assert len(space) == 0
    assert space.find(digests("a")).tolist() == [-1]


def test_half_a_digest_is_no_hit(space) -> None:
    write(space, ["a"], vectors(1, 2))
    again = reopened(space)
    for column in (0, 1):
        near = digests("a").copy()
        near[0, column] ^= np.uint64(1)
        assert again.find(near).tolist() == [-1]


def test_two_items_that_share_half_a_digest_are_told_apart(space) -> None:
    pair = np.array([[7, 1], [7, 2]], dtype=np.uint64)
    writer = SpaceWriter(space)
    writer.add(pair, vectors(2, 1), 0.0)
    writer.flush()

    again = reopened(space)
    assert again.gather(again.find(pair[::-1])).ravel().tolist() == [1.0, 0.0]


def test_two_writers_of_one_space_lose_nothing(store) -> None:
    first, second = store.space(KEY), store.space(KEY)
    one, two = SpaceWriter(first), SpaceWriter(second)
    one.add(digests("a", "b"), vectors(2, 2), 1.0)
    two.add(digests("b", "c"), vectors(2, 2, start=2), 1.0)
    one.flush()
    two.flush()

    again = reopened(first)
    got = again.gather(again.find(digests("a", "b", "c")))
    assert got.tolist() == [[0, 1], [2, 3], [4, 5]]


def test_refresh_sees_what_another_published(store) -> None:
    reader, writer = store.space(KEY), store.space(KEY)
    reader.refresh()
    write(writer, ["a"], vectors(1, 2))
    assert reader.find(digests("a")).tolist() == [-1]

    reader.refresh()

    assert reader.find(digests("a")).tolist() == [0]
    reader.refresh()
    assert len(reader) == 1


def test_nothing_is_seen_before_it_is_flushed(space) -> None:
    writer = SpaceWriter(space, rows=3)
    writer.add(digests("a", "b"), vectors(2, 2), 1.0)
    assert len(reopened(space)) == 0

    writer.add(digests("c"), vectors(1, 2), 1.0)

    assert len(reopened(space)) == 3  # a full shard is published by itself
    writer.flush()
    assert len(list(space.folder.glob("*.json"))) == 1


def test_cost_is_shared_by_rows(space) -> None:
    write(space, ["a", "b"], vectors(2, 2), seconds=4.0)
    write(space, ["c"], vectors(1, 2), seconds=10.0)

    again = reopened(space)
    price = again.price(again.find(digests("a", "c", "a")))
    assert price == Price(pytest.approx(12.0), 2, ())


def test_the_price_is_of_what_was_timed_and_names_every_device(space) -> None:
    for names, seconds, device in (("ab", 4.0, "cuda:0"), ("cd", 0.0, "cpu"), ("e", 1.0, "mps")):
        writer = SpaceWriter(space, device=device)
        writer.add(digests(*names), vectors(len(names), 2), seconds)
        writer.flush()

    again = reopened(space)
    assert again.price(again.find(digests("a", "b", "c", "d"))) == Price(4.0, 2, ("cpu", "cuda:0"))
    assert again.price(again.find(digests("d"))) == Price(0.0, 0, ("cpu",))
    assert again.price(np.empty(0, np.int64)) == Price()


def test_different_shapes_in_one_space_are_refused(space) -> None:
    write(space, ["a"], vectors(1, 2))
    write(space, ["b"], vectors(1, 3))

    again = reopened(space)
    assert again.gather(again.find(digests("a"))).shape == (1, 2)
    with pytest.raises(StoreError, match="different shapes"):
        again.gather(again.find(digests("a", "b")))


def flip(path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0x10
    path.write_bytes(bytes(content))


def resealed(path, **fields) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


DAMAGE = {
    "a flipped byte of a vector": lambda s: flip(shard(s, ".npy"), -1),
    "a flipped byte of a key": lambda s: flip(shard(s, ".keys.npy"), -1),
    "a truncated shard": lambda s: os.truncate(shard(s, ".npy"), 140),
    "a truncated header": lambda s: os.truncate(shard(s, ".npy"), 30),
    "an empty shard": lambda s: os.truncate(shard(s, ".npy"), 0),
    "truncated keys": lambda s: os.truncate(shard(s, ".keys.npy"), 140),
    "empty keys": lambda s: os.truncate(shard(s, ".keys.npy"), 0),
    "missing keys": lambda s: shard(s, ".keys.npy").unlink(),
    "missing vectors": lambda s: shard(s, ".npy").unlink(),
    "a truncated description": lambda s: os.truncate(shard(s, ".json"), 20),
    "an empty description": lambda s: os.truncate(shard(s, ".json"), 0),
    "a description that is no table": lambda s: shard(s, ".json").write_text("5"),
    "a description of fewer rows": lambda s: resealed(shard(s, ".json"), rows=2),
    "a description of another shape": lambda s: resealed(shard(s, ".json"), shape=[4]),
    "other checksums": lambda s: resealed(shard(s, ".json"), checksum=1),
    "another dtype in the header": lambda s: shard(s, ".npy").write_bytes(
        shard(s, ".npy").read_bytes().replace(b"<f4", b"<i4")
    ),
    "another byte order in the header": lambda s: shard(s, ".npy").write_bytes(
        shard(s, ".npy").read_bytes().replace(b"<f4", b">f4")
    ),
    "another order in the header": lambda s: shard(s, ".npy").write_bytes(
        shard(s, ".npy").read_bytes().replace(b"False, 's", b"True,  's")
    ),
    "a folder in its place": lambda s: (
        shard(s, ".npy").unlink(), shard(s, ".json").with_suffix(".npy").mkdir()
    ),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_shard_is_a_miss_and_never_a_wrong_hit(store, damage, caplog) -> None:
    caplog.set_level("INFO", logger="mmbench.store")
    space = store.space(KEY)
    write(space, ["a", "b", "c"], vectors(3, 3))
    DAMAGE[damage](space)
    write(store.space(KEY), ["d"], vectors(1, 3, start=50))

    again = reopened(space)

    assert again.find(digests("a", "b", "c")).tolist() == [-1, -1, -1]
    assert again.gather(again.find(digests("d"))).tolist() == [[50, 51, 52]]
    assert len(again.damage) == 1
    assert again.damage[0].reason
    assert "damaged shard" in caplog.text
    assert {record.levelname for record in caplog.records} == {"INFO"}  # the screen says it once


@settings(deadline=None)
@given(st.sampled_from([".npy", ".keys.npy"]), st.integers(0, 2000), st.integers(1, 255))
def test_no_flipped_byte_anywhere_gives_a_wrong_vector(
    tmp_path_factory, suffix, position, bits
) -> None:
    space = VectorStore(tmp_path_factory.mktemp("s")).space(KEY)
    array = vectors(5, 3)
    write(space, list("abcde"), array)
    path = shard(space, suffix)
    content = bytearray(path.read_bytes())
    content[position % len(content)] ^= bits
    path.write_bytes(bytes(content))

    again = reopened(space)
    places = again.find(digests(*"abcde"))

    assert (places < 0).all() or (again.gather(places) == array).all()


def test_files_without_a_description_are_not_there(space) -> None:
    write(space, ["a"], vectors(1, 2))
    shard(space, ".json").unlink()

    again = reopened(space)
    assert len(again) == 0
    assert not again.damage


def test_damage_is_removed_once_it_is_made_good(space) -> None:
    write(space, ["a"], vectors(1, 2))
    flip(shard(space, ".npy"), -1)
    again = reopened(space)
    write(space, ["a"], vectors(1, 2))

    again.discard_damaged()

    last = reopened(space)
    assert not last.damage
    assert last.find(digests("a")).tolist() == [0]
    assert len(list(space.folder.iterdir())) == 3


def test_a_note_is_left_once(space) -> None:
    space.describe({"representation": "a"})
    space.describe({"representation": "b"})

    assert json.loads((space.folder / "space.json").read_text()) == {"representation": "a"}
    assert len(reopened(space)) == 0


def test_spaces_are_listed(store) -> None:
    assert store.spaces() == []
    for key in ("ab" * 16, "cd" * 16):
        write(store.space(key), ["a"], vectors(1, 2))

    assert [space.folder.name for space in store.spaces()] == ["ab" * 16, "cd" * 16]


def test_a_full_disk_is_said_and_leaves_no_shard(space, monkeypatch) -> None:
    def full(file, array, **options) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    writer = SpaceWriter(space)
    writer.add(digests("a"), vectors(1, 2), 1.0)
    with monkeypatch.context() as patch:
        patch.setattr(np, "save", full)
        with pytest.raises(StoreError, match="the disk is full") as caught:
            writer.flush()

    assert "mmbench cache prune" in caught.value.fix
    assert list(space.folder.iterdir()) == []
    writer.flush()  # there is room again: nothing was lost
    assert len(reopened(space)) == 1


def test_a_folder_that_is_a_file_is_said(tmp_path) -> None:
    (tmp_path / "vectors").write_text("")
    writer = SpaceWriter(VectorStore(tmp_path).space(KEY))
    writer.add(digests("a"), vectors(1, 2), 1.0)

    with pytest.raises(StoreError, match="can't write"):
        writer.flush()


def test_every_other_fault_is_named(tmp_path) -> None:
    assert "Permission denied" in str(
        storage_error(PermissionError(13, "Permission denied"), tmp_path)
    )
