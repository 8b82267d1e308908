"""Frames and sound tracks of videos."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmbench.api import ItemError
from mmbench_audiovisual.clips import Clip
from mmbench_audiovisual.sample_media import Thing, paint, save_mp4
from mmbench_audiovisual.video import load_frame, load_track

FPS = 10
RATE = 16_000
THING = Thing(hue=0.3, stripes=4, light=0.8, box=(0.25, 0.25, 0.75, 0.75), seed=1)


def grey(level: int) -> np.ndarray:
    return np.full((48, 64, 3), level, dtype=np.uint8)


def tone(seconds: float, channels: int = 1, hertz: int = 440) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return np.tile(np.sin(2 * np.pi * hertz * time) / 2, (channels, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds; frame k is of brightness 8 k, so that a frame says which it is."""
    path = tmp_path_factory.mktemp("video") / "a.mp4"
    save_mp4(path, [grey(8 * number) for number in range(3 * FPS)], FPS, tone(3.0), RATE)
    return path


def number_at(path: Path, at: float) -> int:
    return round(float(load_frame(path, at).pixels.mean()) / 8)


@pytest.mark.parametrize(
    ("at", "number"),
    [(0.0, 0), (0.099, 0), (0.1, 1), (0.15, 1), (1.25, 12), (1.3, 13), (2.9, 29), (2.999, 29)],
)
def test_the_frame_is_the_one_that_a_player_shows(clip: Path, at: float, number: int) -> None:
    assert number_at(clip, at) == number


def test_slow_videos_whose_frame_is_long_past(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    save_mp4(path, [grey(8 * number) for number in range(12)], 1, None, RATE)
    assert [number_at(path, number + 0.9) for number in range(12)] == list(range(12))


def test_soon_after_the_end_the_last_frame_stands(clip: Path) -> None:
    assert number_at(clip, 3.5) == 29


def test_long_after_the_end_there_is_nothing(clip: Path) -> None:
    with pytest.raises(ItemError, match=r"a\.mp4: the video ends at 2\.90 s, before 5 s"):
        load_frame(clip, 5.0)


def test_frames_are_rgb(tmp_path: Path) -> None:
    red = np.zeros((48, 64, 3), dtype=np.uint8)
    red[..., 0] = 250
    save_mp4(tmp_path / "a.mp4", [red] * 5, FPS, None, RATE)
    pixels = load_frame(tmp_path / "a.mp4", 0.2).pixels
    assert pixels.shape == (48, 64, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.mean((0, 1)) - [250, 0, 0]).max() < 6


@pytest.mark.parametrize("channels", [1, 2])
def test_the_track_keeps_rate_and_channels(tmp_path: Path, channels: int) -> None:
    save_mp4(tmp_path / "a.mp4", [grey(9)] * 5, FPS, tone(2.0, channels), RATE)
    sound = load_track(tmp_path / "a.mp4")
    assert sound.rate == RATE
    assert len(sound.samples) == channels
    assert abs(sound.samples.shape[1] - 2 * RATE) <= 2048  # whole blocks of AAC
    assert sound.samples.dtype == np.float32
    spectrum = np.abs(np.fft.rfft(sound.samples[-1, :RATE]))
    assert spectrum.argmax() == 440


def test_parts_of_the_track_are_parts_of_it(clip: Path) -> None:
    whole = load_track(clip).samples
    first = load_track(clip, Clip("first", 1.0)).samples
    np.testing.assert_array_equal(first, whole[:, :RATE])
    centre = load_track(clip, Clip("centre", 1.0)).samples
    start = (whole.shape[1] - RATE) // 2
    np.testing.assert_array_equal(centre, whole[:, start : start + RATE])
    tiled = load_track(clip, Clip("centre", 5.0, "tile")).samples
    np.testing.assert_array_equal(tiled, np.tile(whole, 2)[:, : 5 * RATE])


def test_no_track_is_said(tmp_path: Path) -> None:
    save_mp4(tmp_path / "a.mp4", [grey(9)] * 5, FPS, None, RATE)
    with pytest.raises(ItemError, match=r"a\.mp4: has no audio track"):
        load_track(tmp_path / "a.mp4")


@pytest.mark.parametrize("load", [load_track, lambda path: load_frame(path, 1.0)])
@pytest.mark.parametrize("damage", ["gone", "empty", "text", "cut"])
def test_what_is_no_video_is_named(clip: Path, tmp_path: Path, damage: str, load) -> None:
    path = tmp_path / "b.mp4"
    content = clip.read_bytes()
    if damage != "gone":
        path.write_bytes(
            {"empty": b"", "text": b"no video", "cut": content[: len(content) // 2]}[damage]
        )
    with pytest.raises(ItemError, match=r"b\.mp4: the video (is not there|can't be)") as said:
        load(path)
    assert str(said.value).count("b.mp4") == 1
    assert "Errno" not in str(said.value)


def test_a_video_is_read_by_several_threads(clip: Path) -> None:
    times = [number / FPS for number in range(3 * FPS)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda at: number_at(clip, at), times)) == list(range(3 * FPS))


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux alone")
def test_names_that_are_no_utf8_are_opened(clip: Path, tmp_path: Path) -> None:
    name = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mp4"))
    name.write_bytes(clip.read_bytes())
    assert number_at(name, 1.0) == 10
    assert load_track(name).rate == RATE


@pytest.mark.parametrize("name", ["3YOH4c9HXpo_290000_300000", "-_gaZzFfzDQ_517000_527000"])
def test_real_clips(assets: Path, name: str) -> None:
    folder = assets / "av_pairs" / "vggsound_clips"
    path = folder / "video" / f"{name}.mp4"
    # frame 150 of 30 a second, as OpenCV wrote it to a jpg
    with Image.open(folder / "frames" / f"{name}.jpg") as picture:
        wanted = np.asarray(picture.convert("RGB")).astype(int)
    near = load_frame(path, 5.0).pixels.astype(int)
    far = load_frame(path, 5.5).pixels.astype(int)
    assert near.shape == wanted.shape
    assert np.abs(near - wanted).mean() < 3
    assert np.abs(near - wanted).mean() < np.abs(far - wanted).mean() / 2
    sound = load_track(path)
    assert sound.samples.shape[0] in (1, 2)
    assert abs(sound.samples.shape[1] / sound.rate - 10) < 0.2
    assert 0.01 < np.abs(sound.samples).max() <= 1.5


def test_a_video_is_the_same_bytes_whatever_lay_in_memory_before(tmp_path: Path) -> None:
    rng = np.random.default_rng()
    frames = [paint(THING, 160, 112, seed) for seed in range(12)]
    written = set()
    for _ in range(20):
        churn = [rng.bytes(int(rng.integers(1, 50)) * 1000) for _ in range(5)]
        save_mp4(tmp_path / "a.mp4", frames, FPS, tone(0.5), RATE)
        written.add((tmp_path / "a.mp4").read_bytes())
        del churn
    assert len(written) == 1
