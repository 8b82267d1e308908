"""Folders with a fifth of their files broken: all of it is listed, and nothing else."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from mmbench_audiovisual.ave import Ave
from mmbench_audiovisual.media import MediaCollection
from mmbench_audiovisual.sample_media import save_mp4
from mmbench_audiovisual.vggss import Vggss

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mmbench.api import Dataset, DataSource

    Sources = Callable[..., DataSource]


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def rename_badly(path: Path) -> None:
    path.rename(os.fsdecode(os.fsencode(path.parent) + b"/\xff" + os.fsencode(path.name)))


def listed(dataset: Dataset, source: DataSource, collection: str) -> dict[tuple[str, str], str]:
    """What ``check`` says of a collection; and that the other ways to read it agree."""
    said = {
        (each.item, each.stream): each.reason
        for each in dataset.check(source)
        if each.collection == collection
    }
    found = dataset.collections(source)[collection]
    assert isinstance(found, MediaCollection)
    found.fingerprint().encode()
    for stream in found.streams:
        keys = found.content_keys(stream)
        assert None not in keys
        broken = [key for key, item in zip(keys, found.ids, strict=True) if (item, stream) in said]
        assert len(set(broken)) == len(broken)  # no reason hides behind another item's
    for text in said.values():
        text.encode()
    return said


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux alone")
def test_scenes(source: Sources) -> None:
    found = source("vggss")
    Vggss().write_sample(found.root, items=40, seed=0)
    ids = list(Vggss().collections(found)["test"].ids)
    frames, audio = found.root / "frames", found.root / "audio"
    halve(frames / f"{ids[0]}.jpg")
    (audio / f"{ids[1]}.wav").write_bytes(b"")
    soundfile.write(audio / f"{ids[2]}.wav", np.zeros(1), 16_000)
    (frames / f"{ids[3]}.jpg").unlink()
    rename_badly(audio / f"{ids[4]}.wav")
    halve(audio / f"{ids[5]}.wav")
    (frames / f"{ids[6]}.jpg").write_text("<html>404</html>")
    soundfile.write(audio / f"{ids[7]}.wav", np.zeros(16_000), 1)
    (frames / os.fsdecode(b"\xfe\xff.jpg")).write_bytes(b"")
    said = listed(Vggss(), found, "test")
    wanted = {
        (ids[0], "image"): "truncated",
        (ids[1], "audio"): "the sound is empty: a file of 0 bytes",
        (ids[2], "audio"): "the sound is too short: 1 samples at 16000 Hz",
        (ids[3], "image"): "the picture is not there",
        (ids[4], "audio"): "the sound is not there",
        (ids[5], "audio"): "the sound is cut off",
        (ids[6], "image"): "the picture can't be decoded",
        (ids[7], "audio"): "the sound's rate is said to be 1 Hz",
    }
    assert said.keys() == wanted.keys()
    for place, reason in wanted.items():
        assert reason in said[place]
    assert "test: 39 frames and 39 sounds of 40" in Vggss().status(found).found


def test_other_rates_and_channels_are_delivered_as_they_are(source: Sources) -> None:
    found = source("vggss")
    Vggss().write_sample(found.root, items=4, seed=0)
    test = Vggss().collections(found)["test"]
    path = found.root / "audio" / f"{test.ids[0]}.wav"
    soundfile.write(path, np.zeros((22_050, 2)), 22_050)
    assert Vggss().check(found) == []
    sound = test.load(0, "audio")
    assert (sound.rate, sound.samples.shape) == (22_050, (2, 22_050))


def test_videos(source: Sources) -> None:
    found = source("ave")
    Ave().write_sample(found.root, items=20, seed=0)
    every = Ave().collections(found)["all"]
    videos = list(dict.fromkeys(every.columns["video"]))
    once = [video for video in videos if every.columns["video"].count(video) == 1]
    paths = [found.root / "AVE" / f"{video}.mp4" for video in once]
    halve(paths[0])
    paths[1].write_bytes(b"")
    save_mp4(paths[2], [np.zeros((48, 64, 3), dtype=np.uint8)] * 40, 4, None, 16_000)
    paths[3].unlink()
    said = listed(Ave(), found, "all")
    both = [(once[number], stream) for number in (0, 1, 3) for stream in ("image", "audio")]
    assert set(said) == {*both, (once[2], "audio")}
    assert "has no audio track" in said[once[2], "audio"]
    assert "the video is not there" in said[once[3], "image"]
