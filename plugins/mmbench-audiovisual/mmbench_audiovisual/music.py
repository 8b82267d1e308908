"""MUSIC (Zhao et al., ECCV 2018) with the boxes of DSOL: where is the instrument that is played?"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mmbench.api import DataError, DataMissing, DatasetInfo, UsageError
from mmbench_audiovisual.boxes import Box, box_of
from mmbench_audiovisual.clips import WHOLE, Clip, Short
from mmbench_audiovisual.files import first_file, read_text, shelve, shown
from mmbench_audiovisual.layouts import MUSIC_INSTRUMENTS
from mmbench_audiovisual.media import MediaCollection, MediaDataset, Picture, Sound
from mmbench_audiovisual.proposals import ProposalFile
from mmbench_audiovisual.sound import SOUND_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mmbench.api import Collection, DataSource

__all__ = ["LISTS", "BoxedFrame", "FramePolicy", "Music", "kept", "read_frames"]

NAME = "music"
VERSION = "1"
#: Collection to the file of its boxes.
LISTS = {"solo": "solotest.json", "duet": "duettest.json"}
FramePolicy = Literal["one-box", "one-per-second"]

_PLACE = re.compile(r"(?P<stem>[^/]+)/frame_(?P<second>\d+)/(?P<number>\d+)\.jpg")
_FRAMES = ("video_frames", "solo/video_frames", "frames")
_SOUNDS = ("audio", "solo/audio", "audio_segments")


@dataclass(frozen=True)
class BoxedFrame:
    """A frame with its boxes.

    Attributes:
        place: ``<video>_0_1000/frame_<second>/<number>.jpg``.
        stem: Its first part.
        second: Whose sound belongs to it.
        boxes: x, y, width, height as shares of the frame.
        categories: Of each box, a key of :data:`MUSIC_INSTRUMENTS`.
    """

    place: str
    stem: str
    second: int
    boxes: tuple[Box, ...]
    categories: tuple[int, ...]

    @property
    def labels(self) -> list[str]:
        """The instruments."""
        return [MUSIC_INSTRUMENTS.get(each, f"instrument {each}") for each in self.categories]


def read_frames(path: Path) -> list[BoxedFrame]:
    """All frames of DSOL's ``solotest.json`` or ``duettest.json``, by their place.

    Raises:
        DataError: It is no such file; names the line of broken JSON, or the frame.
    """
    try:
        entries = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise DataError(f"is no JSON: {error.msg}", where=f"{shown(path)}:{error.lineno}") from None
    except RecursionError:
        raise DataError("is no JSON that can be read", where=shown(path)) from None
    if not isinstance(entries, dict) or not entries:
        raise DataError("must be a table of frames", where=shown(path))
    return [_frame(place, entries[place], f"{shown(path)}, {place}") for place in sorted(entries)]


def _frame(place: str, entry: Any, where: str) -> BoxedFrame:
    matched = _PLACE.fullmatch(place)
    if matched is None or matched["stem"] in (".", ".."):
        raise DataError("is not VIDEO/frame_SSS/NNNNN.jpg", where=where)
    try:
        boxes = [(each["normbox"], each["category_id"]) for each in entry["bbox"]]
    except (TypeError, KeyError):
        raise DataError("must have bbox: normbox and category_id of each", where=where) from None
    if not all(isinstance(category, int) for _, category in boxes):
        raise DataError("a category_id must be a whole number", where=where)
    return BoxedFrame(
        place,
        matched["stem"],
        int(matched["second"]),
        tuple(box_of(box, where) for box, _ in boxes),
        tuple(category for _, category in boxes),
    )


def kept(frames: Sequence[BoxedFrame], policy: FramePolicy) -> list[BoxedFrame]:
    """The frames with one box, or the first of them in every second of a video."""
    single = [frame for frame in frames if len(frame.boxes) == 1]
    if policy == "one-box":
        return single
    firsts: dict[tuple[str, int], BoxedFrame] = {}
    for frame in single:
        firsts.setdefault((frame.stem, frame.second), frame)
    return list(firsts.values())


class Music(MediaDataset):
    """MUSIC: frames of 27 solo (and 16 duet) videos of the tests of DSOL, with detected boxes.

    Collections ``solo`` (frames with one box) and, if its file is there, ``duet`` (frames with one
    or two), with the streams ``image`` and ``audio`` (the second around the frame) and the columns
    ``boxes`` (x, y, width, height as shares of the frame: ``box_format="xywh"``), ``labels`` (one a
    box), ``video`` and ``second``; ``solo`` has ``label``, too.

    Args:
        frame_policy: Of solos all frames with one box (12,356), or the first a second (3,134).
        audio_seconds: Length of the sound, around the middle of the frame's second; DSOL's is 1.
            Others need whole sound tracks.
        short: What is done where a track ends before: kept, repeated, filled up with zeros.
        proposals: Name of a file of box proposals in ``proposals/``: a JSON table of ids to lists
            of [x1, y1, x2, y2, score], as shares of the frame; it becomes a column.
        proposal_score: Proposals with a lower score are left out.
        proposal_limit: At most so many proposals an item, those of highest score; 0 = all.
    """

    advice = (
        "solotest.json is in music-exp/ of "
        "https://github.com/DTaoo/Discriminative-Sounding-Objects-Localization; the videos are "
        "listed by https://github.com/roudimit/MUSIC_dataset; its data/cut_videos.py makes "
        "video_frames/VIDEO_0_1000/frame_SSS/NNNNN.jpg; audio/VIDEO_0_1000.wav is the sound; put "
        "them into <data root>/music; `mmbench data sample music --root DIR` makes some up"
    )

    def __init__(
        self,
        *,
        frame_policy: FramePolicy = "one-box",
        audio_seconds: float = 1.0,
        short: Short = "keep",
        proposals: str = "",
        proposal_score: float = 0.0,
        proposal_limit: int = 0,
    ) -> None:
        self.frame_policy: FramePolicy = frame_policy
        self.clip = Clip("first", audio_seconds, short)
        self.proposals = ProposalFile(proposals, proposal_score, proposal_limit)

    @property
    def info(self) -> DatasetInfo:
        """What it is."""
        return DatasetInfo(
            name=NAME,
            version=VERSION,
            licence="unknown (research; boxes: MIT, DSOL; the videos are YouTube users')",
            citation="Zhao et al.: The Sound of Pixels, ECCV 2018; boxes: Hu et al.: "
            "Discriminative Sounding Objects Localization via Self-supervised Audiovisual "
            "Matching, NeurIPS 2020",
            url="https://github.com/DTaoo/Discriminative-Sounding-Objects-Localization",
        )

    def collections(self, source: DataSource) -> Mapping[str, Collection]:
        """Solos, and duets if their boxes are there."""
        lists = self._lists(source.root)
        folder, sounds = _media(source.root)
        proposals = self.proposals.read(source.root)
        return {
            name: self._collection(name, frames, folder, sounds, source, proposals)
            for name, frames in lists.items()
        }

    def facts(self, source: DataSource) -> tuple[str, ...]:
        """How many frames and sounds are there."""
        lists = self._lists(source.root)
        folder, sounds = _media(source.root)
        found = []
        for name, frames in lists.items():
            seen = sum((folder / frame.place).is_file() for frame in frames)
            heard = sum(self._sound(frame, sounds).path.is_file() for frame in frames)
            videos = len({frame.stem for frame in frames})
            found.append(
                f"{name}: {seen} of {len(frames)} frames of {videos} videos, sounds of {heard}"
            )
        return tuple(found)

    def write_sample(self, root: Path, *, items: int, seed: int) -> None:
        """Write frames, sound tracks and the boxes."""
        from mmbench_audiovisual.sample_scenes import write_music

        write_music(root, items=items, seed=seed)

    def _lists(self, root: Path) -> dict[str, list[BoxedFrame]]:
        """The frames to be scored, by collection.

        Raises:
            DataMissing: There are no boxes.
            DataError: They are broken, or no frame has one.
        """
        lists = {}
        for name, place in LISTS.items():
            path = first_file(root, place, f"music-exp/{place}", f"metadata/{place}")
            if path is None:
                continue
            frames = read_frames(path)
            lists[name] = (
                kept(frames, self.frame_policy)
                if name == "solo"
                else [frame for frame in frames if frame.boxes]
            )
            if not lists[name]:
                raise DataError("holds no frame with a box", where=shown(path))
        if not lists:
            where = shown(root / LISTS["solo"])
            raise DataMissing("the boxes are not there", where=where, fix=self.advice)
        return lists

    def _collection(
        self,
        name: str,
        frames: Sequence[BoxedFrame],
        folder: Path,
        sounds: Tracks,
        source: DataSource,
        proposals: Mapping[str, list[Box]] | None,
    ) -> MediaCollection:
        columns: dict[str, list[object]] = {
            "boxes": [list(frame.boxes) for frame in frames],
            "labels": [frame.labels for frame in frames],
            "video": [frame.stem.removesuffix("_0_1000") for frame in frames],
            "second": [frame.second for frame in frames],
        }
        if name == "solo":
            columns["label"] = [frame.labels[0] for frame in frames]
        return MediaCollection(
            name,
            [frame.place.removesuffix(".jpg") for frame in frames],
            {
                "image": [Picture(folder / frame.place) for frame in frames],
                "audio": [self._sound(frame, sounds) for frame in frames],
            },
            columns,
            source,
            f"{NAME}-{VERSION}",
            proposals=proposals,
        )

    def _sound(self, frame: BoxedFrame, sounds: Tracks) -> Sound:
        """The second around a frame, out of a track, or a file of that second.

        Raises:
            UsageError: Files of one second each, and another length is asked for.
        """
        segment = sounds.segment(frame)
        if segment is not None:
            if self.clip.seconds != 1:
                raise UsageError(
                    f"audio_seconds={self.clip.seconds:g} needs whole sound tracks, and the sounds "
                    "are cut into seconds",
                    where=shown(segment.parent),
                )
            return Sound(segment, WHOLE)
        seconds = self.clip.seconds
        start = max(frame.second + 0.5 - seconds / 2, 0.0)
        clip = Clip(self.clip.part, seconds, self.clip.short, start, seconds)
        return Sound(sounds.track(frame), clip)


class Tracks:
    """Sound tracks of whole videos (``STEM.wav``), or cut into seconds (``STEM/SSS.wav``)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._whole = shelve([folder], SOUND_SUFFIXES)
        self._cut = {path.name for path in folder.iterdir() if path.is_dir()}

    def track(self, frame: BoxedFrame) -> Path:
        """The whole track of a frame's video, or where it should be."""
        names = (frame.stem, frame.stem.removesuffix("_0_1000"))
        return self._whole[next((name for name in names if name in self._whole), frame.stem)]

    def segment(self, frame: BoxedFrame) -> Path | None:
        """The file of a frame's second, where tracks are cut up."""
        if frame.stem not in self._cut:
            return None
        places = [self._folder / frame.stem / f"{frame.second:03d}{end}" for end in SOUND_SUFFIXES]
        return next((path for path in places if path.is_file()), places[0])


def _media(root: Path) -> tuple[Path, Tracks]:
    """The folder of frames, and the sounds.

    Raises:
        DataMissing: One of them is not there.
    """
    frames = next((root / name for name in _FRAMES if (root / name).is_dir()), None)
    if frames is None:
        where = shown(root / _FRAMES[0])
        raise DataMissing("the frames are not there", where=where, fix=Music.advice)
    sounds = next((root / name for name in _SOUNDS if (root / name).is_dir()), None)
    if sounds is None:
        where = shown(root / _SOUNDS[0])
        raise DataMissing("the sounds are not there", where=where, fix=Music.advice)
    return frames, Tracks(sounds)
