"""The SDK's files: segments of labelled videos, aligned to words or not, split by a fold list."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from mmbench.api import DataError, DataMissing, ItemError, Text
from mmbench_affect.csd import Timed, by_word
from mmbench_affect.folds import deal, read_folds, video_of
from mmbench_affect.layouts import MOSI
from mmbench_affect.sentiment import CmuMosei, CmuMosi

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mmbench.api import DataSource

    Source = Callable[..., DataSource]
    Table = dict[str, tuple[Any, Any]]

FOLDS = {"train": ["a"], "valid": ["b"], "test": ["c"]}


def write(path: Path, table: Table, root: str = "features") -> None:
    with h5py.File(path, "w") as file:
        for key, (times, values) in table.items():
            group = file.create_group(f"{root}/data/{key}")
            group.create_dataset("intervals", data=np.array(times, dtype=float))
            group.create_dataset("features", data=np.array(values))


@pytest.fixture
def small(source: Source) -> DataSource:
    """Three videos of two segments: 0..2 s and 2..4 s, one word a second, two frames a second."""
    here = source()
    words = [(at, at + 1.0) for at in range(4)]
    frames = [(at / 2, at / 2 + 0.5) for at in range(8)]
    tables: dict[str, Table] = {name: {} for name in MOSI.csd}
    for number, video in enumerate("abc"):
        tables["labels"][video] = [(0, 2), (2, 4)], [[-1.5], [2.0]]
        tables["text"][video] = words, [[number, at] for at in range(4)]
        tables["audio"][video] = frames, [[10.0 * number + at] for at in range(8)]
        tables["vision"][video] = frames, [[at, -at] for at in range(8)]
        tables["words"][video] = words, np.array([[b"sp"], [b"good"], [b"film"], [b"sp"]])
    for name, table in tables.items():
        write(here.root / MOSI.csd[name][0], table)
    (here.root / "cmu_mosi_standard_folds.json").write_text(json.dumps(FOLDS))
    return here


def values(collection: Any, row: int, stream: str) -> Any:
    return collection.load(row, stream).values.tolist()


def test_segments_are_cut_out_and_averaged_over_words(small: DataSource) -> None:
    found = CmuMosi().collections(small)
    test = found["test"]
    assert {name: len(each) for name, each in found.items()} == {"train": 2, "valid": 2, "test": 2}
    assert list(test.ids) == ["c[0]", "c[1]"]
    assert list(test.columns["sentiment"]) == [-1.5, 2.0]
    assert set(test.columns["video"]) == {"c"}
    assert set(test.columns["variant"]) == {"csd"}
    assert values(test, 1, "text") == [[2, 2], [2, 3]]
    assert values(test, 1, "audio") == [[24.5], [26.5]]  # two frames a word
    assert test.streams["audio"].shape == (None, 1)
    said = test.load(0, "raw_text")
    assert isinstance(said, Text)
    assert said.text == "good"  # pauses are none
    every = CmuMosi(variant="csd-unaligned").collections(small)["test"]
    assert values(every, 1, "audio") == [[24], [25], [26], [27]]
    assert every.content_keys("audio")[1] != test.content_keys("audio")[1]
    assert list(every.content_keys("text")) == list(test.content_keys("text"))
    assert CmuMosi().check(small) == []


def test_keys_may_be_segments(small: DataSource) -> None:
    path = small.root / MOSI.csd["vision"][0]
    write(
        path,
        {f"{video}[{n}]": ([(2 * n, 2 * n + 2)], [[7.0, n]]) for video in "abc" for n in (0, 1)},
    )
    write(
        small.root / MOSI.csd["labels"][0],
        {f"{video}[{n}]": ([(2 * n, 2 * n + 2)], [[n]]) for video in "abc" for n in (0, 1)},
    )
    test = CmuMosi(variant="csd-unaligned").collections(small)["test"]
    assert list(test.ids) == ["c[0]", "c[1]"]
    assert values(test, 1, "vision") == [[7, 1]]
    assert values(test, 1, "audio") == [[24], [25], [26], [27]]


def test_frames_of_minus_infinity_are_zero_before_the_mean_and_counted(small: DataSource) -> None:
    frames = Timed(np.array([[0, 0.5], [0.5, 1], [3, 4]]), np.array([[0.0], [4.0], [9.0]]))
    assert by_word(frames, np.array([[0.0, 1.0], [1.0, 3.0]])).tolist() == [[2.0], [0.0]]
    path = small.root / MOSI.csd["audio"][0]
    with h5py.File(path, "r+") as file:
        file["features/data/c/features"][2, 0] = -np.inf
    assert "test: 1 audio values of -inf in 1 utterances become 0" in CmuMosi().remarks(small)
    every = CmuMosi(variant="csd-unaligned").collections(small)["test"]
    assert values(every, 0, "audio") == [[20], [21], [0], [23]]
    write(small.root / MOSI.csd["vision"][0], {"c": ([(0, 4)], [[-np.inf, 1.0]])})
    by_words, every = (
        CmuMosi(variant=each).collections(small)["test"] for each in ("csd", "csd-unaligned")
    )
    assert np.isfinite(values(by_words, 0, "audio")).all()
    for found in (by_words, every):  # of audio alone it is known what it means
        with pytest.raises(ItemError, match="vision holds NaN or infinity"):
            found.load(0, "vision")


def test_a_video_without_a_stream_lacks_it_and_one_without_frames_is_broken(
    small: DataSource,
) -> None:
    frames = [(at / 2, at / 2 + 0.5) for at in range(2)]
    path = small.root / MOSI.csd["vision"][0]
    write(path, {"a": (frames, [[1.0, 1], [2, 2]]), "c": (frames, [[1.0, 1], [2, 2]])})
    found = CmuMosi(variant="csd-unaligned").collections(small)
    assert found["valid"].content_keys("vision") == [None, None]
    assert values(found["test"], 0, "vision") == [[1, 1], [2, 2]]
    with pytest.raises(ItemError, match=r"has no step within 2..4 s") as caught:
        found["test"].load(1, "vision")
    assert "[c[1]]" in caught.value.where


def test_what_is_missing_or_broken_is_named(small: DataSource) -> None:
    labels = small.root / MOSI.csd["labels"][0]
    write(labels, {"c": ([(0, 2)], [[3.5]])})
    with pytest.raises(DataError, match=r"label 3.5 is out of range") as caught:
        CmuMosi().collections(small)
    assert caught.value.where == f"{labels}[c][0]"
    write(labels, {"c": ([(0, 2)], [[1.0]])})
    with pytest.raises(DataError, match="labels no segment of a video of train"):
        CmuMosi().collections(small)
    labels.write_bytes(b"no hdf5")
    with pytest.raises(DataError, match="can't be read"):
        CmuMosi().collections(small)
    (small.root / MOSI.csd["audio"][0]).unlink()
    assert not CmuMosi().status(small).present
    (small.root / "cmu_mosi_standard_folds.json").unlink()
    with pytest.raises(DataMissing, match="list of folds is not there") as missing:
        CmuMosi().collections(small)
    assert "cmu_mosi_std_folds.py" in missing.value.fix


def test_an_item_that_can_not_be_read_is_named(small: DataSource) -> None:
    path = small.root / MOSI.csd["audio"][0]
    with h5py.File(path, "r+") as file:
        del file["features/data/c/intervals"]
        file["features/data/c/intervals"] = np.zeros((3, 2))
    broken = CmuMosi().check(small)
    assert {(each.item, each.stream) for each in broken} == {("c[0]", "audio"), ("c[1]", "audio")}
    assert "[c]: intervals (3, 2) and features (8, 1)" in broken[0].reason
    with h5py.File(path, "w") as file:
        file["something"] = np.zeros(3)
    with pytest.raises(ItemError, match="it has no one group"):
        CmuMosi().collections(small)


def test_fold_lists(small: DataSource, tmp_path: Path) -> None:
    module = tmp_path / "cmu_mosi_std_folds.py"
    ran = tmp_path / "ran"
    lists = "\n".join(f"standard_{split}_fold={videos}" for split, videos in FOLDS.items())
    module.write_text(f"open({str(ran)!r}, 'w')\n{lists}\n")
    assert read_folds(module) == {"a": "train", "b": "valid", "c": "test"}
    assert not ran.exists()
    path = tmp_path / "folds.json"
    for text, said in (
        ('{"train": ["a"], "valid": ["b"]}', "has no lists train, valid and test"),
        ('{"train": ["a"], "valid": ["b"], "test": ["a"]}', "'a' is in train and in test"),
        ('{"train": ["a"], "valid": ["b"], "test": [3]}', "test holds 3, no video id"),
        ("[1", "is no JSON"),
    ):
        path.write_text(text)
        with pytest.raises(DataError, match=said):
            read_folds(path)
    module.write_text("standard_train_fold = open('x')\n")
    with pytest.raises(DataError, match="is no list of video ids"):
        read_folds(module)
    assert [video_of(name) for name in ("a_b[3]", "a$_$12", "a-c")] == ["a_b", "a", "a-c"]


def test_a_pickle_is_split_anew_by_videos(mosei: DataSource, tmp_path: Path) -> None:
    place = tmp_path / "here"
    place.mkdir()
    shutil.copy(mosei.root / "mosei_senti_data.pkl", place)
    here = type(mosei)(place, mosei.hash_file)
    own = mosei_splits(here)
    videos = sorted({video for each in own.values() for video in each.columns["video"]})
    folds = {"train": videos[:2], "valid": videos[2:3], "test": videos[3:6]}
    (place / "mine.json").write_text(json.dumps(folds))
    found = mosei_splits(here, folds="mine.json")
    for split, listed in folds.items():
        assert set(found[split].columns["video"]) == set(listed)
    stored = {
        item: each.load(row, "audio").values
        for each in own.values()
        for row, item in enumerate(each.ids)
    }
    for row, item in enumerate(found["test"].ids):
        np.testing.assert_array_equal(found["test"].load(row, "audio").values, stored[item])
    left = 16 - sum(len(each) for each in found.values())
    assert left > 0
    said = CmuMosei(folds="mine.json").remarks(here)
    assert f"{left} utterances are of videos in no fold, and left out" in said


def mosei_splits(here: DataSource, **options: Any) -> Any:
    return CmuMosei(**options).collections(here)


def test_the_official_lists(shared: Path) -> None:
    for name, sizes in (("mosei", (2249, 300, 678)), ("mosi", (52, 10, 31))):
        found = read_folds(shared / "data" / "mosei_folds" / f"cmu_{name}_standard_folds.json")
        counts = [list(found.values()).count(split) for split in ("train", "valid", "test")]
        assert tuple(counts) == sizes


def test_dealing_keeps_labels_and_sizes_even() -> None:
    labels = [0] * 23 + [1] * 17 + [2] * 8
    folds = deal(labels, 5)
    assert folds == deal(labels, 5)
    assert folds != deal(labels, 5, seed=1)
    sizes = [folds.count(fold) for fold in range(5)]
    assert max(sizes) - min(sizes) <= 1
    for label in set(labels):
        each = [
            sum(f == fold and y == label for f, y in zip(folds, labels, strict=True))
            for fold in range(5)
        ]
        assert max(each) - min(each) <= 1
