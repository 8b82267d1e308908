"""MulT's, GMC's and MMSA's pickles: what is read, what is cleaned, what is refused."""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mmbench.api import DataError, DataMissing, ItemError, Sequence, Text, UsageError
from mmbench_affect.sentiment import CmuMosei, CmuMosi

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mmbench.api import DataSource

    Source = Callable[..., DataSource]


def split(count: int, seed: int = 0, **changed: Any) -> dict[str, Any]:
    """One split of MulT's pickle."""
    rng = np.random.default_rng(seed)
    found: dict[str, Any] = {
        name: rng.normal(size=(count, 4, width)).astype(np.float32)
        for name, width in (("text", 6), ("audio", 3), ("vision", 2))
    }
    found["labels"] = rng.uniform(-3, 3, (count, 1, 1)).astype(np.float32)
    return {key: value for key, value in {**found, **changed}.items() if value is not None}


def written(source: DataSource, table: Any = None, name: str = "mosei_senti_data.pkl") -> Path:
    table = table or {"train": split(4), "valid": split(2, 1), "test": split(3, 2)}
    path = source.root / name
    path.write_bytes(pickle.dumps(table, 4))
    return path


def values(collection: Any, row: int, stream: str) -> Any:
    payload = collection.load(row, stream)
    assert isinstance(payload, Sequence)
    return payload.values


def test_mults_pickle_is_read_as_it_is(source: Source) -> None:
    here = source()
    path = written(here)
    stored = pickle.loads(path.read_bytes())
    found = CmuMosei().collections(here)
    assert {name: len(each) for name, each in found.items()} == {"train": 4, "valid": 2, "test": 3}
    test = found["test"]
    assert list(test.ids) == ["test/00000", "test/00001", "test/00002"]  # it has no ids
    assert list(test.columns["sentiment"]) == [
        pytest.approx(float(each)) for each in stored["test"]["labels"].ravel()
    ]
    assert set(test.columns["variant"]) == {"mult"}
    assert {name: each.shape for name, each in test.streams.items()} == {
        "text": (4, 6), "audio": (4, 3), "vision": (4, 2),
    }  # fmt: skip
    for stream in test.streams:
        np.testing.assert_array_equal(values(test, 1, stream), stored["test"][stream][1])


def test_ids_are_bytes_in_mosi_and_text_in_mosei(source: Source) -> None:
    here = source()
    rows = [("abc", "1.0", "2.5"), ("abc", "1.0", "2.5"), ("x-_y", "0", "1")]
    wanted = ["abc[1.0-2.5]", "abc[1.0-2.5]#2", "x-_y[0-1]"]
    for ids in (
        np.array([[part.encode() for part in row] for row in rows], dtype=object),
        np.array(rows),
        [list(row) for row in rows],
    ):
        table = {"train": split(4), "valid": split(2), "test": split(3, id=ids)}
        written(here, table, "mosi_data.pkl")
        test = CmuMosi().collections(here)["test"]
        assert list(test.ids) == wanted
        assert list(test.columns["video"]) == ["abc", "abc", "x-_y"]


def test_minus_infinity_in_audio_becomes_zero_and_is_counted(source: Source) -> None:
    here = source()
    tables = {"train": split(4), "valid": split(2), "test": split(3)}
    clean = tables["test"]["audio"].copy()
    tables["test"]["audio"][1, 2, :2] = -np.inf
    tables["test"]["audio"][2, 0, 0] = -np.inf
    written(here, tables)
    dataset = CmuMosei()
    test = dataset.collections(here)["test"]
    assert list(test.columns["cleaned"]) == [0, 2, 1]
    clean[1, 2, :2] = clean[2, 0, 0] = 0
    for row in range(3):
        np.testing.assert_array_equal(values(test, row, "audio"), clean[row])
    assert dataset.check(here) == []
    assert "test: 3 audio values of -inf in 2 utterances become 0" in dataset.remarks(here)


@pytest.mark.parametrize(
    ("stream", "value"), [("audio", np.nan), ("audio", np.inf), ("text", -np.inf)]
)
def test_whatever_else_is_not_finite_breaks_its_item(
    source: Source, stream: str, value: float
) -> None:
    here = source()
    tables = {"train": split(4), "valid": split(2), "test": split(3)}
    tables["test"][stream][1, 0, 0] = value
    written(here, tables)
    dataset = CmuMosei()
    with pytest.raises(ItemError, match=f"{stream} holds NaN or infinity: 1 values"):
        dataset.collections(here)["test"].load(1, stream)
    (broken,) = dataset.check(here)
    assert (broken.collection, broken.item, broken.stream) == ("test", "test/00001", stream)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"audio": split(5)["audio"]}, r"unequal lengths: 3 of text, 5 of audio, 3 of vision"),
        ({"labels": np.zeros((2, 1, 1))}, "unequal lengths.*2 of labels"),
        ({"id": ["a", "b"]}, "unequal lengths.*2 of id"),
        ({"raw_text": ["a", "b"]}, "unequal lengths.*2 of raw_text"),
        ({"labels": np.full((3, 1, 1), 3.5)}, r"the label 3.5 is out of range: sentiment is -3..3"),
        ({"labels": np.full((3, 1, 1), np.nan)}, "the label nan is out of range"),
        ({"labels": ["good"] * 3}, "are no numbers"),
        ({"labels": None}, "has no 'labels' .MulT. and no 'regression_labels' .MMSA."),
        ({"vision": None}, "has no 'vision'"),
        ({"vision": np.zeros((3, 4))}, "is no array of numbers .items, steps, features."),
        ({"vision": np.zeros((3, 0, 4))}, "has no steps or no features"),
        ({"vision": [[1]] * 3}, "is no array of numbers .* list"),
        ({"text_lengths": [1, 2]}, "is no list of 3 lengths"),
        ({"id": [b"", b"a", b"b"]}, "is no id"),
    ],
)
def test_what_does_not_fit_is_named(source: Source, changed: dict[str, Any], said: str) -> None:
    here = source()
    path = written(here, {"train": split(4), "valid": split(2), "test": split(3, **changed)})
    with pytest.raises(DataError, match=said) as caught:
        CmuMosei().collections(here)
    assert caught.value.where.startswith(f"{path}[test]")


def test_what_is_no_such_table_is_named(source: Source) -> None:
    here = source()
    for table, said in (
        ([1], "is no table of splits but a list"),
        ({"train": split(2), "test": split(2)}, "has no split 'valid'"),
        ({"train": [], "valid": split(2), "test": split(2)}, "has no split 'train'"),
    ):
        path = written(here, table)
        with pytest.raises(DataError, match=said) as caught:
            CmuMosei().collections(here)
        assert caught.value.where == str(path)
    path = written(here)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match="cut off"):
        CmuMosei().collections(here)
    path.write_bytes(b"")
    with pytest.raises(DataError, match="is empty: 0 bytes"):
        CmuMosei().collections(here)


class Trap:
    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.place}",)


def test_a_pickle_that_names_a_function_runs_nothing_and_says_which(
    source: Source, tmp_path: Path
) -> None:
    here, made = source(), tmp_path / "made"
    for table in (
        {"train": split(4), "valid": split(2), "test": split(3, id=[Trap(made)] * 3)},
        Trap(made),
    ):
        path = written(here, table)
        with pytest.raises(
            DataError, match=r"names posix.system.* refused, nothing was run"
        ) as caught:
            CmuMosei().collections(here)
        assert str(path) in str(caught.value)
    assert not made.exists()


def test_gmcs_cache_is_refused_with_what_to_put_there(source: Source) -> None:
    here = source()
    (here.root / "mosei_test_a.dt").write_bytes(b"whatever")
    with pytest.raises(DataMissing, match="but GMC's cache is") as caught:
        CmuMosei().collections(here)
    assert "put mosei_senti_data.pkl here" in caught.value.fix
    status = CmuMosei().status(here)
    assert not status.present
    assert "made mosei_test_a.dt from" in status.advice
    assert "is refused" in status.advice
    written(here)  # beside the pickle it is passed over
    assert len(CmuMosei().collections(here)["test"]) == 3


def test_mmsas_pickles(mosi: DataSource) -> None:
    aligned = CmuMosi(variant="mmsa").collections(mosi)["test"]
    assert aligned.streams["text"].shape == (50, 768)
    assert aligned.streams["raw_text"].kind == "Text"
    said = aligned.load(0, "raw_text")
    assert isinstance(said, Text)
    assert aligned.ids[0].split("$_$")[0] == aligned.columns["video"][0]
    unaligned = CmuMosi(variant="mmsa-unaligned", padding="trim").collections(mosi)["test"]
    assert unaligned.streams["audio"].shape == (None, 5)
    stored = pickle.loads((mosi.root / "unaligned_50.pkl").read_bytes())["test"]
    for row in range(len(unaligned)):
        length = stored["audio_lengths"][row]
        np.testing.assert_array_equal(
            values(unaligned, row, "audio"), stored["audio"][row][:length]
        )
    assert list(unaligned.columns["sentiment"]) == list(aligned.columns["sentiment"])
    keys = {
        name: each.content_keys("audio")[0] for name, each in (("a", aligned), ("u", unaligned))
    }
    assert keys["a"] != keys["u"]


def test_auto_takes_mults_and_says_what_else_is_there(mosei: DataSource) -> None:
    status = CmuMosei().status(mosei)
    assert status.found[0].startswith("variant mult: mosei_senti_data.pkl (the version whose test")
    assert "mmsa, mult-noalign, mmsa-unaligned, csd" in status.found[1]
    with pytest.raises(DataMissing, match="the variant mmsa is not there"):
        CmuMosei(variant="mmsa").collections(type(mosei)(mosei.root / "none", mosei.hash_file))


def test_padding_and_steps(source: Source) -> None:
    here = source()
    tables = {"train": split(4), "valid": split(2), "test": split(3)}
    tables["test"]["text"][0, :2] = 0  # in front, as MulT pads
    tables["test"]["text"][1] = 0
    stored = tables["test"]["text"].copy()
    written(here, tables)
    trimmed = CmuMosei(padding="trim").collections(here)["test"]
    np.testing.assert_array_equal(values(trimmed, 0, "text"), stored[0, 2:])
    np.testing.assert_array_equal(values(trimmed, 1, "text"), stored[1, :1])
    longer = CmuMosei(padding="trim", steps=3).collections(here)["test"]
    assert longer.streams["text"].shape == (3, 6)
    np.testing.assert_array_equal(values(longer, 0, "text"), stored[0, 1:])
    np.testing.assert_array_equal(values(longer, 2, "text"), stored[2, :3])
    with pytest.raises(UsageError, match="steps=-1"):
        CmuMosei(steps=-1)


def test_a_stream_of_zeros_is_counted_kept_missing_or_dropped(source: Source) -> None:
    here = source()
    tables = {"train": split(4), "valid": split(2), "test": split(3)}
    tables["test"]["text"][1] = 0
    tables["test"]["vision"][:2] = 0
    written(here, tables)
    kept = CmuMosei().collections(here)["test"]
    assert list(kept.columns["empty"]) == ["vision", "text+vision", ""]
    assert "test: 2 utterances have nothing but zeros for vision" in CmuMosei().remarks(here)
    assert None not in kept.content_keys("vision")
    missing = CmuMosei(empty="missing").collections(here)["test"]
    assert [key is None for key in missing.content_keys("vision")] == [True, True, False]
    with pytest.raises(ItemError, match="has no vision"):
        missing.load(0, "vision")
    dropped = CmuMosei(empty_text="drop").collections(here)["test"]
    assert list(dropped.ids) == ["test/00000", "test/00002"]
    both = CmuMosei(empty_text="drop", empty="missing").collections(here)["test"]
    assert [key is None for key in both.content_keys("vision")] == [True, False]
