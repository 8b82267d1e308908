"""Bring your own embeddings: the layout, the lookup, and one clear message for each mistake."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from mmbench.api import DataError, DataMissing, Stream, UsageError
from mmbench.builtin.representations.arrays import Arrays

IMAGE = Stream("image", "image", "Image")
AUDIO = Stream("audio", "audio", "Audio")
TEXT = Stream("text", "text", "Text")
GUIDE = Path(__file__).parents[2] / "docs" / "bring-your-own-embeddings.md"


def write(folder, ids="abc", **arrays):
    """Write a folder; ``image__dense`` stands for ``image.dense``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ids.txt").write_text("".join(f"{item}\n" for item in ids), encoding="utf-8")
    for name, array in arrays.items():
        np.save(folder / f"{name.replace('__', '.')}.npy", array)
    return str(folder)


def vectors(rows=3, dim=2, offset=0.0, dtype=np.float32):
    return (np.arange(rows * dim).reshape(rows, dim) + offset).astype(dtype)


def test_vectors_are_found_by_id_in_the_order_asked_for(tmp_path):
    model = Arrays(folder=write(tmp_path, image=vectors(), audio=vectors(offset=10.0)))
    model.bind([IMAGE, AUDIO, TEXT])
    info = model.info
    assert [slot.name for slot in info.slots] == ["image", "audio"]
    assert {(o.kind, *o.slots, o.dim) for o in info.offers} == {
        ("global", "image", 2),
        ("global", "audio", 2),
    }
    found, known = model.lookup("test", ["c", "?", "a"], "global", frozenset({"audio"}))
    assert found.dtype == np.float32
    assert found.tolist() == [[14, 15], [10, 11]]
    assert known.tolist() == [True, False, True]
    found, known = model.lookup("test", ["?"], "global", frozenset({"audio"}))
    assert found.shape == (0, 2)
    assert not known.any()


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_precisions_become_float32(tmp_path, dtype):
    model = Arrays(folder=write(tmp_path, image=vectors(dtype=dtype)))
    model.bind([IMAGE])
    found, _ = model.lookup("test", list("abc"), "global", frozenset({"image"}))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, vectors())


def test_dense_maps_and_joint_vectors(tmp_path):
    maps = np.arange(3 * 4 * 5 * 2, dtype=np.float32).reshape(3, 4, 5, 2)
    folder = write(
        tmp_path, **{"image__dense": maps, "audio+image": vectors(dim=7), "image": vectors()}
    )
    model = Arrays(folder=folder)
    model.bind([IMAGE, AUDIO])
    both = frozenset({"image", "audio"})
    assert model.info.offer("dense", frozenset({"image"})).dim == 2
    assert model.info.offer("global", both).dim == 7
    found, _ = model.lookup("test", ["b"], "dense", frozenset({"image"}))
    np.testing.assert_array_equal(found, maps[1:2])
    found, _ = model.lookup("test", ["b"], "global", both)
    np.testing.assert_array_equal(found, vectors(dim=7)[1:2])


def test_a_collection_may_have_a_folder_of_its_own(tmp_path):
    write(tmp_path, image=vectors())
    write(tmp_path / "train", ids="ab", image=vectors(2, offset=50.0))
    model = Arrays(folder=str(tmp_path))
    model.bind([IMAGE])
    found, known = model.lookup("train", ["a", "c"], "global", frozenset({"image"}))
    assert found.tolist() == [[50, 51]]
    assert known.tolist() == [True, False]
    found, _ = model.lookup("test", ["a"], "global", frozenset({"image"}))
    assert found.tolist() == [[0, 1]]


def test_folders_by_collection_alone(tmp_path):
    write(tmp_path / "train", image=vectors())
    write(tmp_path / "test", audio=vectors())
    model = Arrays(folder=str(tmp_path))
    model.bind([IMAGE, AUDIO])
    with pytest.raises(DataMissing, match=r"no image\.npy for collection 'test'"):
        model.lookup("test", ["a"], "global", frozenset({"image"}))
    with pytest.raises(DataMissing, match=r"no ids\.txt"):
        model.lookup("valid", ["a"], "global", frozenset({"image"}))


def test_the_fingerprint_follows_the_bytes_and_not_the_place(tmp_path):
    one = Arrays(folder=write(tmp_path / "one", image=vectors())).fingerprint()
    assert one == Arrays(folder=write(tmp_path / "two", image=vectors())).fingerprint()
    assert one != Arrays(folder=write(tmp_path / "two", image=vectors(offset=1.0))).fingerprint()
    assert one != Arrays(folder=write(tmp_path / "three", ids="acb", image=vectors())).fingerprint()
    assert one != Arrays(folder=write(tmp_path / "four", audio=vectors())).fingerprint()


def test_similarity_is_the_users(tmp_path):
    assert Arrays(folder=str(tmp_path)).info.similarity == "cosine"
    assert Arrays(folder=str(tmp_path), similarity="dot").info.similarity == "dot"


def test_an_empty_option_is_a_usage_error():
    with pytest.raises(UsageError, match="-o folder=PATH"):
        Arrays(folder="")


def broken(tmp_path, **options):
    model = Arrays(folder=write(tmp_path, **options))
    model.bind([IMAGE])


MISTAKES = [
    ({"image": vectors(4)}, r"image\.npy: has 4 rows, but ids\.txt beside it names 3 ids"),
    ({"ids": "aba", "image": vectors()}, r"ids\.txt:3: id 'a' stands in line 1 already"),
    ({"ids": ["a", "", "c"], "image": vectors()}, r"ids\.txt:2: the line is empty"),
    ({"image": vectors(dtype=np.int64)}, "holds int64 instead of floating-point"),
    ({"image": vectors().astype(complex)}, "holds complex128"),
    ({"image": np.zeros(3, np.float32)}, r"has shape \(3,\) instead of \[items, dim\]"),
    ({"image__dense": vectors()}, r"instead of \[items, rows, columns, dim\]"),
    ({"image": np.array([{}, {}, {}])}, "is not a plain .npy array"),
]


@pytest.mark.parametrize(("options", "message"), MISTAKES)
def test_a_broken_folder_is_a_data_error(tmp_path, options, message):
    with pytest.raises(DataError, match=message):
        broken(tmp_path, **options)


def test_a_truncated_or_foreign_file_is_a_data_error(tmp_path):
    path = tmp_path / "image.npy"
    for content in (b"", b"not an array"):
        write(tmp_path, image=vectors())
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"image\.npy: is not a plain"):
            Arrays(folder=str(tmp_path)).bind([IMAGE])
    np.save(path, vectors())
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(DataError, match=r"image\.npy: is not a plain"):
        Arrays(folder=str(tmp_path)).bind([IMAGE])


def test_an_id_list_in_another_encoding_is_a_data_error(tmp_path):
    write(tmp_path, image=vectors())
    (tmp_path / "ids.txt").write_bytes("a\né\nc\n".encode("latin-1"))
    with pytest.raises(DataError, match="is not UTF-8"):
        Arrays(folder=str(tmp_path)).bind([IMAGE])


def test_collections_must_agree_in_length(tmp_path):
    write(tmp_path / "train", image=vectors(dim=2))
    write(tmp_path / "test", image=vectors(dim=3))
    with pytest.raises(DataError, match=r"length 2, but 3 in .*test.image\.npy"):
        Arrays(folder=str(tmp_path)).bind([IMAGE])


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(UsageError, match="nowhere: there is no such folder"):
        Arrays(folder=str(tmp_path / "nowhere")).bind([IMAGE])
    with pytest.raises(DataMissing, match=r"no ids\.txt in it"):
        Arrays(folder=str(tmp_path)).bind([IMAGE])
    with pytest.raises(DataMissing, match=r"no image\.npy or audio\.npy"):
        Arrays(folder=write(tmp_path, text=vectors())).bind([IMAGE, AUDIO])


def test_the_file_to_add_is_named(tmp_path):
    model = Arrays(folder=write(tmp_path, image=vectors()))
    model.bind([IMAGE, TEXT])
    assert f"add text.npy to {tmp_path};" in model.missing_offer("global", frozenset({"text"}))
    assert "add image.dense.npy to" in model.missing_offer("dense", frozenset({"image"}))
    both = frozenset({"text", "image"})
    assert "add image+text.npy to" in model.missing_offer("global", both)


@pytest.mark.parametrize("value", [np.nan, -np.inf, 1e300])
def test_what_is_not_finite_is_named_by_its_item(tmp_path, value):
    array = vectors(4, dtype=np.float64)
    array[1, 1] = array[3, 0] = value
    model = Arrays(folder=write(tmp_path, ids="abcd", image=array))
    model.bind([IMAGE])
    with pytest.raises(DataError, match=r"image\.npy: the vector of 'd', row 3, holds NaN or inf"):
        model.lookup("test", ["a", "d"], "global", frozenset({"image"}))
    with pytest.raises(DataError, match=r"vector of 'd', row 3, .* \(as do 1 more of 3\)"):
        model.lookup("test", ["d", "?", "b", "c"], "global", frozenset({"image"}))
    found, _ = model.lookup("test", ["a", "c"], "global", frozenset({"image"}))
    assert found.tolist() == [[0, 1], [4, 5]]


def test_one_broken_map_is_named_too(tmp_path):
    maps = np.zeros((3, 4, 5, 2), np.float32)
    maps[2, 1, 1, 1] = np.inf
    model = Arrays(folder=write(tmp_path, image__dense=maps))
    model.bind([IMAGE])
    with pytest.raises(DataError, match=r"image\.dense\.npy: the vector of 'c'"):
        model.lookup("test", ["a", "c"], "dense", frozenset({"image"}))


def test_foreign_ids_are_told_with_how_the_list_begins(tmp_path):
    write(tmp_path, ids=["x0", "x1", "x2"], image=vectors())
    write(tmp_path / "train", ids=["y0"], image=vectors(1))
    model = Arrays(folder=str(tmp_path))
    model.bind([IMAGE])
    said = model.unknown_ids("test", ["test/004", "test/005", "test/006"])
    assert said == (
        "none of the 3 ids of 'test' has a vector: asked for 'test/004', 'test/005', ...; "
        f"{tmp_path / 'ids.txt'} begins with 'x0', 'x1'"
    )
    assert f"{tmp_path / 'train' / 'ids.txt'} begins with 'y0'" in model.unknown_ids("train", ["a"])


def test_the_guides_example_works(tmp_path, monkeypatch, world):
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, str(GUIDE), "exec"), {})
    model = Arrays(folder="my-vectors")
    model.bind(list(world["test"].streams.values()))
    assert {(o.kind, *o.slots, o.dim) for o in model.info.offers} == {
        ("global", "image", 192),
        ("global", "audio", 192),
    }
    found, known = model.lookup("test", world["test"].ids, "global", frozenset({"image"}))
    assert known.all()
    np.testing.assert_allclose(
        found[7],
        world["test"]
        .load(7, "image")
        .pixels[:, :, 0]
        .reshape(8, 4, 24, 4)
        .mean(axis=(1, 3))
        .ravel(),
    )
