"""The utterance vectors of CMU-MOSI, and the sequences of YouTube and MMMO."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from mmbench.api import DataError, DataMissing, ItemError, UsageError
from mmbench_affect.sequences import MmmoSentiment, WordSequences, YoutubeSentiment
from mmbench_affect.utterance import JOINED, MosiUtterance

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mmbench.api import DataSource

    Source = Callable[..., DataSource]

SPLITS = ("train", "valid", "test")


def content(collection: Any, stream: str) -> Any:
    return np.stack([collection.load(row, stream).values for row in range(len(collection))])


def test_utterances_of_a_video_stay_together(source: Source) -> None:
    here = source()
    MosiUtterance().write_sample(here.root, items=40, seed=0)
    for options in ({}, {"split": "official"}):
        found = MosiUtterance(**options).collections(here)
        assert tuple(found) == SPLITS
        assert sum(len(each) for each in found.values()) == 40
    videos = [set(each.columns["video"]) for each in MosiUtterance().collections(here).values()]
    assert not videos[0] & videos[1] | videos[0] & videos[2] | videos[1] & videos[2]
    assert tuple(MosiUtterance(valid_share=0.0).collections(here)) == ("train", "test")
    with pytest.raises(UsageError, match="is no share of the videos"):
        MosiUtterance(valid_share=1.0)


def test_only_the_official_split_leaks(source: Source) -> None:
    assert MosiUtterance().info.leaks == ()
    assert (
        "figures on the official split are inflated"
        in MosiUtterance(split="official").info.leaks[0]
    )


def test_broken_tables_are_named(source: Source) -> None:
    here = source()
    MosiUtterance().write_sample(here.root, items=16, seed=0)
    folder = here.root / "utterance"

    def refused(path: Path, text: str, said: str) -> None:
        before = path.read_text()
        path.write_text(text)
        with pytest.raises(DataError, match=said) as caught:
            MosiUtterance().collections(here)
        assert str(path) in caught.value.where or "unequal" in said
        path.write_text(before)

    label = here.root / "label.csv"
    refused(label, "id,text,label,mode\na_1,words,4.2,train\n", "label 4.2 is out of range")
    refused(label, "id,text\na_1,words\n", "is no line with id, label and mode")
    refused(folder / "text" / "text_test0.csv", "1,2\n", "has 2 numbers, not 100")
    refused(folder / "text_train.csv", "99999\n", "names a line that transcripts.csv lacks")
    audio = folder / "audio" / "audio_test0.csv"
    refused(audio, audio.read_text().rsplit("\n", 2)[0] + "\n", "unequal lengths")
    audio.unlink()
    with pytest.raises(DataMissing) as missing:
        MosiUtterance().collections(here)
    assert missing.value.where == str(audio)
    (here.root / JOINED).write_bytes(b"no zip")
    with pytest.raises(DataError, match="can't be read"):
        MosiUtterance().collections(here)


def test_the_repositorys_tables_and_the_joined_file_are_the_same(
    source: Source, shared: Path
) -> None:
    tables, joined = source("tables"), source("joined")
    real = shared / "data" / "mosi"
    shutil.copytree(real / "utterance", tables.root / "utterance")
    shutil.copy(real / "label.csv", tables.root)
    shutil.copy(real / JOINED, joined.root)
    for split in ("repo", "official"):
        dataset = MosiUtterance(split=split)  # type: ignore[arg-type]
        one, other = dataset.collections(tables), dataset.collections(joined)
        for name in SPLITS:
            assert list(one[name].ids) == list(other[name].ids)
            assert one[name].columns["sentiment"] == other[name].columns["sentiment"]
            for stream in ("text", "audio", "vision"):
                np.testing.assert_allclose(
                    content(one[name], stream), content(other[name], stream), rtol=1e-6
                )
    sizes = [len(each) for each in MosiUtterance().collections(joined).values()]
    assert sizes == [1148, 296, 751]
    assert MosiUtterance().remarks(joined)[1] == "4 utterances without a score are left out"


def test_five_folds_are_each_item_once(source: Source) -> None:
    here = source("mmmo-sentiment")
    MmmoSentiment().write_sample(here.root, items=23, seed=0)
    tested: list[str] = []
    for fold in range(5):
        found = MmmoSentiment(fold=fold).collections(here)
        parts = [list(found[name].ids) for name in SPLITS]
        assert len({*parts[0], *parts[1], *parts[2]}) == 23 == sum(map(len, parts))
        tested += parts[2]
        following = MmmoSentiment(fold=(fold + 1) % 5).collections(here)
        assert list(following["valid"].ids) == parts[2]
    assert len(set(tested)) == 23 == len(tested)
    with pytest.raises(UsageError, match="fold=5: there are folds 0 to 4"):
        MmmoSentiment(fold=5)


def test_ratings_and_classes(source: Source) -> None:
    for dataset, column, wanted in (
        (MmmoSentiment(), "sentiment", [-1.7, -0.3, 1.7]),
        (YoutubeSentiment(), "label", [0, 1, 2]),
    ):
        here = source(dataset.name)
        dataset.write_sample(here.root, items=30, seed=0)
        found = dataset.collections(here)
        values = {each for split in found.values() for each in split.columns[column]}
        assert sorted(values) == pytest.approx(wanted)
        assert found["test"].streams["vision"].shape == (20, 36)


@pytest.mark.parametrize(
    ("name", "array", "said"),
    [
        ("y_test.h5", np.full(20, 6.0), "label 6 is out of range: ratings are 1..5"),
        (
            "audio_valid.h5",
            np.zeros((4, 20, 74)),
            "another length than the labels: 4, and 10",
        ),
        ("video_test.h5", np.zeros((20, 36)), "is no array .items, steps, features."),
        ("video_test.h5", np.zeros((20, 19, 36)), "is no array .items, steps, features."),
    ],
)
def test_what_does_not_fit_is_named(source: Source, name: str, array: Any, said: str) -> None:
    here = source()
    MmmoSentiment().write_sample(here.root, items=30, seed=0)
    with h5py.File(here.root / name, "w") as file:
        file["d1"] = array
    with pytest.raises(DataError, match=said):
        MmmoSentiment().collections(here)


def test_a_missing_or_broken_file_is_named(source: Source) -> None:
    here = source()
    YoutubeSentiment().write_sample(here.root, items=12, seed=0)
    path = here.root / "text_valid_emb.h5"
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(DataError, match="can't be read") as caught:
        YoutubeSentiment().collections(here)
    assert caught.value.where == str(path)
    path.unlink()
    with pytest.raises(DataMissing) as missing:
        YoutubeSentiment().collections(here)
    assert missing.value.where == str(path)
    assert not YoutubeSentiment().status(here).present
    with h5py.File(path, "w") as file:
        file["one"] = file["two"] = np.zeros(3)
    with pytest.raises(DataError, match="holds no one array"):
        YoutubeSentiment().collections(here)


@pytest.mark.parametrize(
    ("dataset", "sizes", "empty"),
    [(YoutubeSentiment(), 96, (1, 66, 70)), (MmmoSentiment(), 120, (0, 0, 0))],
    ids=["youtube", "mmmo"],
)
def test_real_sequences(
    source: Source, shared: Path, dataset: WordSequences, sizes: int, empty: tuple[int, ...]
) -> None:
    here = type(source())(shared / "data" / "affect_sequences", source().hash_file)
    found = dataset.collections(here)
    assert sum(len(each) for each in found.values()) == sizes
    names = [name for each in found.values() for name in each.columns["empty"]]
    counts = tuple(
        sum(stream in name.split("+") for name in names) for stream in ("text", "audio", "vision")
    )
    assert counts == empty
    assert dataset.check(here) == []


def test_empty_streams_may_be_missing(source: Source, shared: Path) -> None:
    here = type(source())(shared / "data" / "affect_sequences", source().hash_file)
    found = YoutubeSentiment(empty="missing").collections(here)
    keys = [key for each in found.values() for key in each.content_keys("vision")]
    assert keys.count(None) == 70
    test = found["test"]
    row = test.content_keys("vision").index(None)
    with pytest.raises(ItemError, match="has no vision"):
        test.load(row, "vision")
