"""AVE: its lists, its ids, its frames."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mmbench.api import DataError, DataMissing, DataSource, ItemError
from mmbench_audiovisual.ave import Ave, read_events
from mmbench_audiovisual.layouts import AVE_HEADER, AVE_SPLITS
from mmbench_audiovisual.sample_media import save_mp4

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Sources = Callable[..., DataSource]

LINES = ["Bark&aaaaaaaaaaa&good&2&4", "Violin, fiddle&bbbbbbbbbbb&good&0&10"]


def write(path: Path, *lines: str, end: str = "\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(end.join(lines), newline="")
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("header", [[], [AVE_HEADER]])
def test_lists_with_and_without_a_header(tmp_path: Path, header: list[str], end: str) -> None:
    events = read_events(write(tmp_path / "a.txt", *header, *LINES, end=end))
    assert [(e.category, e.video, e.start, e.end, e.centre) for e in events] == [
        ("Bark", "aaaaaaaaaaa", 2, 4, 3),
        ("Violin, fiddle", "bbbbbbbbbbb", 0, 10, 5),
    ]


@pytest.mark.parametrize(
    "broken",
    [
        "Bark&ccccccccccc&good&2",
        "Bark&ccccccccccc&good&2&4&5",
        "Bark&ccccccccccc&good&two&4",
        "Bark&ccccccccccc&good&4&2",
        "Bark&ccccccccccc&good&0&11",
        "Bark&ccccccccccc&good&nan&4",
        "Bark&../ccccc&good&0&4",
        "Bark&&good&0&4",
        LINES[0],
        "",
        AVE_HEADER,
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, broken: str) -> None:
    path = write(tmp_path / "a.txt", LINES[0], broken)
    if broken in ("", AVE_HEADER):
        assert len(read_events(path)) == 1
    else:
        with pytest.raises(DataError, match=r"a\.txt:2"):
            read_events(path)


@pytest.mark.parametrize("content", [b"", b"\n\n", AVE_HEADER.encode(), b"caf\xe9", b"a\0b"])
def test_what_is_no_list_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.txt"):
        read_events(tmp_path / "a.txt")


@pytest.fixture
def folder(source: Sources) -> DataSource:
    """Two videos, one of them with two events; frame k has the brightness 8 k, one a second."""
    found = source("ave")
    frames = [np.full((48, 64, 3), 8 * second, dtype=np.uint8) for second in range(10)]
    sound = np.sin(np.arange(160_000) / 10).astype(np.float32)[None] / 2
    for video in ("aaaaaaaaaaa", "bbbbbbbbbbb"):
        save_mp4(found.root / "AVE" / f"{video}.mp4", frames, 1, sound, 16_000)
    second = "Bark&bbbbbbbbbbb&good&6&8"
    write(found.root / "Annotations.txt", AVE_HEADER, *LINES, second)
    write(found.root / "testSet.txt", second, LINES[0])
    return found


def test_ids_are_the_same_in_every_collection(folder: DataSource) -> None:
    found = Ave().collections(folder)
    assert list(found["all"].ids) == ["aaaaaaaaaaa", "bbbbbbbbbbb", "bbbbbbbbbbb#2"]
    assert list(found["test"].ids) == ["bbbbbbbbbbb#2", "aaaaaaaaaaa"]
    assert found["test"].columns == {
        "label": ["Bark", "Bark"],
        "video": ["bbbbbbbbbbb", "aaaaaaaaaaa"],
        "start": [6.0, 2.0],
        "end": [8.0, 4.0],
        "quality": ["good", "good"],
    }


@pytest.mark.parametrize(
    ("frame", "numbers"), [("event-centre", [3, 5, 7]), ("t=5.0", [5] * 3), ("first", [0] * 3)]
)
def test_which_frame_is_taken(folder: DataSource, frame: str, numbers: list[int]) -> None:
    every = Ave(frame=frame).collections(folder)["all"]
    means = [every.load(row, "image").pixels.mean() / 8 for row in range(3)]
    assert np.round(means).astype(int).tolist() == numbers


def test_one_frame_has_one_key_and_options_are_in_it(folder: DataSource) -> None:
    every = Ave().collections(folder)["all"]
    keys = every.content_keys("image")
    assert len(set(keys)) == 3
    assert every.content_keys("audio")[1] == every.content_keys("audio")[2]
    assert Ave(frame="t=5.0").collections(folder)["all"].content_keys("image")[1] == keys[1]
    short = Ave(clip="centre", clip_seconds=3.0, short="tile").collections(folder)["all"]
    assert set(short.content_keys("audio")).isdisjoint(every.content_keys("audio"))
    assert short.load(0, "audio").samples.shape == (1, 48_000)


def test_missing_videos_are_listed_with_the_reason(folder: DataSource) -> None:
    (folder.root / "AVE" / "bbbbbbbbbbb.mp4").unlink()
    every = Ave().collections(folder)["all"]
    assert None not in every.content_keys("image")
    with pytest.raises(ItemError, match=r"bbbbbbbbbbb\.mp4: the video is not there"):
        every.load(1, "image")
    broken = Ave().check(folder)
    assert {(each.collection, each.item, each.stream) for each in broken} == {
        (collection, item, stream)
        for collection, item in (
            ("all", "bbbbbbbbbbb"),
            ("all", "bbbbbbbbbbb#2"),
            ("test", "bbbbbbbbbbb#2"),
        )
        for stream in ("image", "audio")
    }
    assert "all: 3 events, 1 of 2 videos" in Ave().status(folder).found


def test_nothing_there(source: Sources) -> None:
    empty = source("ave")
    status = Ave().status(empty)
    assert not status.present
    assert "AVE_Dataset.zip" in status.advice
    with pytest.raises(DataMissing):
        Ave().collections(empty)
    write(empty.root / "testSet.txt", *LINES)
    with pytest.raises(DataMissing, match="videos are not there"):
        Ave().collections(empty)


def test_real_lists(assets: Path, source: Sources) -> None:
    with_header = read_events(assets / "ave" / "Annotations.txt")
    assert with_header == read_events(assets / "ave" / "Annotations_github_noheader.txt")
    assert len(with_header) == 4143
    assert len({event.video for event in with_header}) == 4097
    assert len({event.category for event in with_header}) == 28
    assert sum((event.start, event.end) == (0, 10) for event in with_header) == 2750
    assert [event.video for event in with_header if event.start == event.end] == ["VWi2ENBuTbw"]
    found = source("ave")
    (found.root / "AVE").mkdir()
    for place in ("Annotations.txt", *AVE_SPLITS.values()):
        shutil.copy(assets / "ave" / place, found.root)
    every = Ave().collections(found)
    assert {name: len(each) for name, each in every.items()} == {
        "train": 3339,
        "valid": 402,
        "test": 402,
        "all": 4143,
    }
    videos = {name: set(each.columns["video"]) for name, each in every.items()}
    assert {name: len(each) for name, each in videos.items()} == {
        "train": 3312,
        "valid": 401,
        "test": 402,
        "all": 4097,
    }
    for each in every.values():
        assert len(set(each.ids)) == len(each)
    assert {item for name in AVE_SPLITS for item in every[name].ids} == set(every["all"].ids)
    leaks = len(videos["train"] & videos["test"]), len(videos["train"] & videos["valid"])
    assert leaks == (8, 10)
    assert "8 video ids are in train and test, 10 in train and valid" in Ave().info.leaks[0]


def test_real_order_files_are_the_splits(assets: Path) -> None:
    h5py = pytest.importorskip("h5py")
    events = read_events(assets / "ave" / "Annotations.txt")
    for split, place in (("train", "trainSet.txt"), ("val", "valSet.txt"), ("test", "testSet.txt")):
        with h5py.File(assets / "ave" / f"{split}_order.h5") as file:
            order = file["order"][:]
        assert [events[row] for row in order] == read_events(assets / "ave" / place)
