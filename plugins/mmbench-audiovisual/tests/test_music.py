"""MUSIC: DSOL's boxes, frames and seconds."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile

from mmbench.api import DataError, DataMissing, DataSource, UsageError
from mmbench_audiovisual.layouts import MUSIC_INSTRUMENTS
from mmbench_audiovisual.music import Music, kept, read_frames
from mmbench_audiovisual.sample_media import save_jpg

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Sources = Callable[..., DataSource]

RATE = 8_000


def entry(*categories: int) -> dict[str, Any]:
    box = {"box": [10, 0, 20, 30], "normbox": [0.1, 0.0, 0.2, 0.5]}
    return {"bbox": [{**box, "category_id": k} for k in categories], "wdith": 100, "height": 60}


FRAMES = {
    "v_0_1000/frame_002/00067.jpg": entry(1),
    "v_0_1000/frame_002/00060.jpg": entry(1),
    "v_0_1000/frame_000/00000.jpg": entry(),
    "v_0_1000/frame_000/00007.jpg": entry(3),
    "v_0_1000/frame_001/00030.jpg": entry(1, 3),
}


@pytest.fixture
def folder(source: Sources) -> DataSource:
    """One video; in the sound track every second is of a loudness of its own."""
    found = source("music")
    (found.root / "solotest.json").write_text(json.dumps(FRAMES))
    for place in FRAMES:
        save_jpg(found.root / "video_frames" / place, np.zeros((60, 100, 3), dtype=np.uint8))
    (found.root / "audio").mkdir()
    track = np.repeat([0.1, 0.2, 0.3], RATE)
    soundfile.write(found.root / "audio" / "v_0_1000.flac", track, RATE)
    return found


def test_frames_with_one_box(folder: DataSource) -> None:
    solo = Music().collections(folder)["solo"]
    assert list(solo.ids) == [
        "v_0_1000/frame_000/00007",
        "v_0_1000/frame_002/00060",
        "v_0_1000/frame_002/00067",
    ]
    assert solo.columns == {
        "boxes": [[[0.1, 0.0, 0.2, 0.5]]] * 3,
        "labels": [["acoustic guitar"], ["cello"], ["cello"]],
        "video": ["v"] * 3,
        "second": [0, 2, 2],
        "label": ["acoustic guitar", "cello", "cello"],
    }
    assert Music().check(folder) == []


def test_one_frame_a_second(folder: DataSource) -> None:
    solo = Music(frame_policy="one-per-second").collections(folder)["solo"]
    assert list(solo.ids) == ["v_0_1000/frame_000/00007", "v_0_1000/frame_002/00060"]


def test_the_sound_is_the_frames_second(folder: DataSource) -> None:
    solo = Music().collections(folder)["solo"]
    for row, loudness in enumerate([0.1, 0.3, 0.3]):
        samples = solo.load(row, "audio").samples
        assert samples.shape == (1, RATE)
        np.testing.assert_allclose(samples, loudness, atol=1e-3)
    assert solo.content_keys("audio")[1] == solo.content_keys("audio")[2]
    assert solo.content_keys("audio")[0] != solo.content_keys("audio")[1]


def test_a_longer_sound_is_around_the_second(folder: DataSource) -> None:
    solo = Music(audio_seconds=2.0).collections(folder)["solo"]
    first = solo.load(0, "audio").samples[0]  # nothing before the start: 0 to 2 s
    np.testing.assert_allclose(first, np.repeat([0.1, 0.2], RATE), atol=1e-3)
    last = solo.load(1, "audio").samples[0]  # 1.5 to 3 s, and no more
    np.testing.assert_allclose(last, np.repeat([0.2, 0.3, 0.3], RATE // 2), atol=1e-3)
    tiled = Music(audio_seconds=2.0, short="tile").collections(folder)["solo"].load(1, "audio")
    assert tiled.samples.shape == (1, 2 * RATE)


def test_sounds_may_be_cut_into_seconds(folder: DataSource) -> None:
    (folder.root / "audio" / "v_0_1000.flac").unlink()
    cut = folder.root / "audio" / "v_0_1000"
    cut.mkdir()
    for second in (0, 2):
        soundfile.write(cut / f"{second:03d}.wav", np.full(RATE, (second + 1) / 10), RATE)
    solo = Music().collections(folder)["solo"]
    assert solo.load(1, "audio").samples.mean() == pytest.approx(0.3, abs=1e-3)
    with pytest.raises(UsageError, match="audio_seconds=3 needs whole sound tracks"):
        Music(audio_seconds=3.0).collections(folder)


def test_duets(folder: DataSource) -> None:
    (folder.root / "duettest.json").write_text(json.dumps(FRAMES))
    duet = Music().collections(folder)["duet"]
    assert len(duet) == 4
    assert duet.columns["labels"][1] == ["cello", "acoustic guitar"]
    assert "label" not in duet.columns


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        ({"v/00000.jpg": entry(1)}, "is not VIDEO/frame_SSS/NNNNN.jpg"),
        ({"../frame_000/00000.jpg": entry(1)}, "is not VIDEO/frame_SSS/NNNNN.jpg"),
        ({"v/frame_000/00000.jpg": {"bbox": [{"box": [1, 2, 3, 4]}]}}, "must have bbox"),
        ({"v/frame_000/00000.jpg": {}}, "must have bbox"),
        (
            {"v/frame_000/00000.jpg": {"bbox": [{"normbox": [1, 2], "category_id": 1}]}},
            "four numbers",
        ),
        ({"v/frame_000/00000.jpg": entry()}, "no frame with a box"),
        ({}, "must be a table"),
        ([], "must be a table"),
    ],
)
def test_broken_boxes_are_named(folder: DataSource, frames: Any, said: str) -> None:
    (folder.root / "solotest.json").write_text(json.dumps(frames))
    with pytest.raises(DataError, match=f"solotest.json.*{said}"):
        Music().collections(folder)


@pytest.mark.parametrize(
    ("place", "said"),
    [("solotest.json", "boxes"), ("video_frames", "frames"), ("audio", "sounds")],
)
def test_what_is_not_there_is_named(folder: DataSource, place: str, said: str) -> None:
    (folder.root / place).rename(folder.root / "elsewhere")
    with pytest.raises(DataMissing, match=f"the {said} are not there"):
        Music().collections(folder)
    assert not Music().status(folder).present


def test_real_boxes(assets: Path, source: Sources) -> None:
    frames = read_frames(assets / "music" / "dsol_solotest.json")
    assert len(frames) == 13_472
    assert len({frame.stem for frame in frames}) == 27
    assert len({(frame.stem, frame.second) for frame in frames}) == 3_368
    assert len(kept(frames, "one-box")) == 12_356
    assert sum(not frame.boxes for frame in frames) == 1_116
    assert {category for frame in frames for category in frame.categories} == set(MUSIC_INSTRUMENTS)
    duets = read_frames(assets / "music" / "dsol_duettest.json")
    assert len(duets) == 11_512
    assert len({frame.stem for frame in duets}) == 16
    found = source("music")
    for name in ("video_frames", "audio"):
        (found.root / name).mkdir()
    shutil.copy(assets / "music" / "dsol_solotest.json", found.root / "solotest.json")
    assert len(Music().collections(found)["solo"]) == 12_356
    assert len(Music(frame_policy="one-per-second").collections(found)["solo"]) == 3_134


def test_real_categories_are_the_instruments_of_the_videos(assets: Path) -> None:
    videos = json.loads((assets / "music" / "MUSIC_solo_videos.json").read_text())["videos"]
    instrument = {video: name.replace("_", " ") for name in videos for video in videos[name]}
    for frame in kept(read_frames(assets / "music" / "dsol_solotest.json"), "one-box"):
        assert frame.labels == [instrument[frame.stem.removesuffix("_0_1000")]]
