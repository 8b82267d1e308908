"""AVE (Tian et al., ECCV 2018): ten-second clips with one annotated audio-visual event each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mmbench.api import DataError, DataMissing, DatasetInfo
from mmbench_audiovisual.clips import Clip, Part, Short
from mmbench_audiovisual.files import Shelf, first_file, numbered_lines, shelve, shown
from mmbench_audiovisual.layouts import AVE_ANNOTATIONS, AVE_HEADER, AVE_SPLITS
from mmbench_audiovisual.media import Frame, MediaCollection, MediaDataset, Track

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mmbench.api import Collection, DataSource

__all__ = ["Ave", "Event", "read_events"]

NAME = "ave"
VERSION = "1"

_LEAK = "ave: of the official split 8 video ids are in train and test, 10 in train and valid"


@dataclass(frozen=True)
class Event:
    """One line of the annotations: an event in a video.

    Attributes:
        category: One of 28; names hold commas and spaces.
        video: YouTube id; 45 of them have two or three events.
        quality: ``good`` in all lines.
        start: Second at which the event starts, 0 to 10.
        end: And ends; in one line (``VWi2ENBuTbw``) it is the start.
    """

    category: str
    video: str
    quality: str
    start: float
    end: float

    @property
    def centre(self) -> float:
        """The middle of the event, in seconds."""
        return (self.start + self.end) / 2


def read_events(path: Path) -> list[Event]:
    """The events of ``Annotations.txt`` or of a split's list, with or without a header.

    Raises:
        DataError: A line that is none, with its number.
    """
    events: dict[Event, int] = {}
    for number, line in numbered_lines(path):
        if line == AVE_HEADER:
            continue
        fields = line.split("&")
        try:
            category, video, quality = fields[:3]
            start, end = (float(field) for field in fields[3:])
        except ValueError:
            raise DataError(
                f"{line!r} is not {AVE_HEADER}, five fields", where=f"{shown(path)}:{number}"
            ) from None
        if not video or "/" in video or not 0 <= start <= end <= 10:
            raise DataError(
                f"{line!r} names no event within ten seconds of a video",
                where=f"{shown(path)}:{number}",
            )
        event = Event(category, video, quality, start, end)
        if event in events:
            raise DataError(
                f"the event is in line {events[event]} already", where=f"{shown(path)}:{number}"
            )
        events[event] = number
    if not events:
        raise DataError("lists no event", where=shown(path))
    return list(events)


class Ave(MediaDataset):
    """AVE: 4,143 events in 4,097 YouTube clips of ten seconds, in 28 categories.

    Collections ``train``, ``valid``, ``test`` and ``all``, each with the streams ``image`` (a
    frame) and ``audio`` (the sound track) and the columns ``label`` (the category), ``video``,
    ``start``, ``end`` and ``quality``. A row's id is its video's; of a video's further rows
    ``<video>#2`` and so on, in the order of ``Annotations.txt``.

    Args:
        frame: The frame at the centre of the event, at 5 s, or the first one. No paper says which;
            the centre shows the event.
        clip: Part of the sound track: all of it, or so many seconds from its start or its centre.
        clip_seconds: How many.
        short: What is done with a track that is shorter: kept, repeated, filled up with zeros.
    """

    advice = (
        "AVE_Dataset.zip from https://github.com/YapengTian/AVE-ECCV18 unpacks to AVE/*.mp4, "
        "Annotations.txt, trainSet.txt, valSet.txt and testSet.txt: put them into <data root>/ave; "
        "`mmbench data sample ave --root DIR` makes some up"
    )

    def __init__(
        self,
        *,
        frame: Literal["event-centre", "t=5.0", "first"] = "event-centre",
        clip: Part = "full",
        clip_seconds: float = 10.0,
        short: Short = "keep",
    ) -> None:
        self.frame = frame
        self.clip = Clip(clip, clip_seconds, short)

    @property
    def info(self) -> DatasetInfo:
        """What it is."""
        return DatasetInfo(
            name=NAME,
            version=VERSION,
            licence="unknown (research; the videos are YouTube's users')",
            citation="Tian, Shi, Li, Duan, Xu: Audio-Visual Event Localization in Unconstrained "
            "Videos, ECCV 2018",
            url="https://github.com/YapengTian/AVE-ECCV18",
            leaks=(_LEAK,),
        )

    def collections(self, source: DataSource) -> Mapping[str, Collection]:
        """The splits whose lists are there, and ``all``."""
        lists, videos = _listed(source)
        named = _named(lists)
        return {
            name: self._collection(name, events, named, videos, source)
            for name, events in lists.items()
        }

    def facts(self, source: DataSource) -> tuple[str, ...]:
        """How many videos of each list are there."""
        lists, videos = _listed(source)
        found = []
        for name, events in lists.items():
            wanted = list(dict.fromkeys(event.video for event in events))
            found.append(
                f"{name}: {len(events)} events, {videos.count(wanted)} of {len(wanted)} videos"
            )
        return tuple(found)

    def write_sample(self, root: Path, *, items: int, seed: int) -> None:
        """Write videos with sound and their lists."""
        from mmbench_audiovisual.sample_ave import write_ave

        write_ave(root, items=items, seed=seed)

    def _collection(
        self,
        name: str,
        events: Sequence[Event],
        named: Mapping[Event, str],
        videos: Shelf,
        source: DataSource,
    ) -> MediaCollection:
        times = [self._time(event) for event in events]
        paths = [videos[event.video] for event in events]
        return MediaCollection(
            name,
            [named[event] for event in events],
            {
                "image": [Frame(path, at) for path, at in zip(paths, times, strict=True)],
                "audio": [Track(path, self.clip) for path in paths],
            },
            {
                "label": [event.category for event in events],
                "video": [event.video for event in events],
                "start": [event.start for event in events],
                "end": [event.end for event in events],
                "quality": [event.quality for event in events],
            },
            source,
            f"{NAME}-{VERSION}",
        )

    def _time(self, event: Event) -> float:
        return {"event-centre": event.centre, "t=5.0": 5.0, "first": 0.0}[self.frame]


def _listed(source: DataSource) -> tuple[dict[str, list[Event]], Shelf]:
    """Events by collection, and the videos.

    Raises:
        DataMissing: There is no list, or no folder of videos.
        DataError: A list is broken.
    """
    root = source.root
    found = {name: first_file(root, place, f"data/{place}") for name, place in AVE_SPLITS.items()}
    whole = first_file(root, AVE_ANNOTATIONS, f"data/{AVE_ANNOTATIONS}", "annotations.txt")
    lists = {name: read_events(path) for name, path in found.items() if path}
    if whole:
        lists["all"] = read_events(whole)
    if not lists:
        raise DataMissing("no list is there", where=shown(root / AVE_ANNOTATIONS), fix=Ave.advice)
    folder = root / "AVE"
    if not folder.is_dir():
        raise DataMissing("the videos are not there", where=shown(folder), fix=Ave.advice)
    return lists, shelve([folder], (".mp4", ".mkv", ".webm"))


def _named(lists: Mapping[str, list[Event]]) -> dict[Event, str]:
    """An id for each event, the same in every collection: numbered as the annotations are."""
    names: dict[Event, str] = {}
    seen: dict[str, int] = {}
    for name in ("all", *AVE_SPLITS):
        for event in lists.get(name, ()):
            if event not in names:
                count = seen[event.video] = seen.get(event.video, 0) + 1
                names[event] = event.video if count == 1 else f"{event.video}#{count}"
    return names
