"""Computational sequences (.csd) of the CMU Multimodal SDK: read by segment, aligned to words.

A file holds one modality: ``<root>/data/<video>/{intervals [n, 2], features [n, d]}``. Before the
labels' alignment keys are videos; after it they are segments, ``<video>[3]``. Both are read: a
segment's steps are those whose interval overlaps the segment's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mmbench.api import DataError, ItemError
from mmbench_affect.features import negative_infinities
from mmbench_affect.files import shown
from mmbench_affect.folds import SPLITS, video_of
from mmbench_affect.segments import Segments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from mmbench_affect.features import Features

    Floats = NDArray[np.float64]

__all__ = ["CsdStream", "Segment", "Timed", "read_csd", "segments_of"]

#: What the SDK writes for a pause.
_PAUSE = "sp"


@dataclass(frozen=True)
class Segment:
    """A labelled part of a video.

    Attributes:
        name: As the SDK calls it: ``video[3]``.
        video: The video.
        start: In seconds.
        end: In seconds.
    """

    name: str
    video: str
    start: float
    end: float


@dataclass(frozen=True)
class Timed:
    """Features with their times.

    Attributes:
        intervals: [n, 2] seconds.
        features: [n, d] numbers, or words.
    """

    intervals: Floats
    features: NDArray[Any]

    def within(self, segment: Segment) -> Timed:
        """The steps whose interval overlaps the segment's."""
        start, end = self.intervals[:, 0], self.intervals[:, 1]
        there = (start < segment.end) & (end > segment.start)
        return Timed(self.intervals[there], self.features[there])


def _opened(path: Path, take: Callable[[Any], Any]) -> Any:
    """What ``take`` gets from the group ``<root>/data``.

    Raises:
        ItemError: The file can't be read, or has no such group.
    """
    import h5py

    if not path.is_file():
        raise ItemError("the file is not there", where=shown(path))
    try:
        with h5py.File(path, "r") as file:
            roots = [name for name in file if isinstance(file[name], h5py.Group)]
            roots = [name for name in roots if "data" in file[name]]
            if len(roots) == 1:
                return take(file[roots[0]]["data"])
    except ItemError:
        raise
    except Exception as error:  # a damaged file raises all kinds of things
        what = f"can't be read, or is cut off: {error}"
        raise ItemError(what.splitlines()[0][:200], where=shown(path)) from error
    raise ItemError("is no .csd file: it has no one group <root>/data", where=shown(path))


def read_csd(path: Path, segment: Segment) -> Timed:
    """The steps within a segment, of the entry of its own or of its video's.

    Raises:
        ItemError: The file has neither, or it holds no intervals and features of one length.
    """
    import numpy as np

    def take(data: Any) -> tuple[str, Any, Any] | None:
        key = segment.name if segment.name in data else segment.video
        if key not in data:
            return None
        entry = data[key]
        return key, np.asarray(entry["intervals"][...], dtype=np.float64), entry["features"][...]

    found = _opened(path, take)
    if found is None:
        raise ItemError("is not in the file", where=f"{shown(path)}[{segment.name}]")
    key, times, features = found
    where = f"{shown(path)}[{key}]"
    if times.ndim != 2 or times.shape[1] != 2 or features.ndim != 2 or len(times) != len(features):
        what = f"intervals {times.shape} and features {features.shape} are not [n, 2] and [n, d]"
        raise ItemError(what, where=where)
    return Timed(times, features).within(segment)


@dataclass(frozen=True)
class CsdStream:
    """One modality of labelled segments.

    Attributes:
        path: Its file.
        file: Hash of the file's bytes.
        segments: One a row.
        words: The file of timestamped words, for ``aligned``; and its hash.
        kind: ``Text``: the features are words.
        cleaned: Values of -inf become 0 before a word's mean is taken, or it would be -inf: audio.
    """

    path: Path
    file: str
    segments: Sequence[Segment]
    words: tuple[Path, str] | None = None
    kind: Literal["Sequence", "Array", "Text"] = "Sequence"
    cleaned: bool = False

    @property
    def shape(self) -> tuple[int | None, ...] | None:
        """The number of features, as the file's first entry has it."""
        if self.kind == "Text":
            return None
        wide = _opened(
            self.path, lambda data: next((data[key]["features"].shape[1] for key in data), 0)
        )
        return (None, int(wide))

    def keys(self) -> list[str | None]:
        """The file and the segment; None where the file lacks the video."""
        there = _opened(self.path, set)
        aligned = "" if self.words is None else f"/words {self.words[1]}"
        return [
            f"{self.file}{aligned}/{each.name}/{each.start!r}-{each.end!r}"
            if each.name in there or each.video in there
            else None
            for each in self.segments
        ]

    def length(self, row: int) -> int | None:
        """Nothing is padded."""
        return None

    def negative_infinities(self, row: int) -> int:
        """How many of the segment's values are -inf, before any mean is taken; reads them."""
        try:
            return int(negative_infinities(read_csd(self.path, self.segments[row]).features).sum())
        except ItemError:  # what can't be read is said when it is
            return 0

    def values(self, row: int) -> Any:
        """The segment's steps [n, d], by word if words are given; its words as one text.

        Raises:
            ItemError: The file has no step within the segment.
        """
        segment = self.segments[row]
        found = read_csd(self.path, segment)
        if not len(found.features):
            raise ItemError(
                f"has no step within {segment.start:g}..{segment.end:g} s",
                where=f"{shown(self.path)}[{segment.name}]",
            )
        if self.kind == "Text":
            return " ".join(word for word in map(_word, found.features) if word != _PAUSE)
        if self.words is None:
            return found.features
        if self.cleaned:
            features = found.features.copy()
            features[negative_infinities(features)] = 0.0
            found = Timed(found.intervals, features)
        return by_word(found, read_csd(self.words[0], segment).intervals)


def _word(row: NDArray[Any]) -> str:
    word = row[0]
    return word.decode("utf-8", "replace") if isinstance(word, bytes) else str(word)


def by_word(frames: Timed, words: Floats) -> NDArray[Any]:
    """The mean of the frames that overlap each word, [words, d]; zeros where none does.

    Raises:
        ItemError: There are no words.
    """
    import numpy as np

    if not len(words):
        raise ItemError("has no words to align to")
    values = frames.features
    found = np.zeros((len(words), values.shape[1]))
    for row, (start, end) in enumerate(words):
        there = (frames.intervals[:, 0] < end) & (frames.intervals[:, 1] > start)
        if there.any():
            found[row] = values[there].mean(axis=0)
    return found


def segments_of(
    labels: Path,
    folds: Mapping[str, str],
    streams: Mapping[str, Callable[[list[Segment]], Features]],
) -> tuple[dict[str, Segments], int]:
    """The labelled segments of all videos, split by a fold list.

    Args:
        labels: The file of labels: sentiment comes first of them.
        folds: Video to split.
        streams: Makes each stream for a list of segments.

    Returns:
        The splits, and how many segments are of a video that no list names.

    Raises:
        DataError: The labels can't be read, or a split is empty.
    """
    chosen: dict[str, list[tuple[Segment, float]]] = {split: [] for split in SPLITS}
    left_out = 0
    for segment, label in _labelled(labels):
        if segment.video in folds:
            chosen[folds[segment.video]].append((segment, label))
        else:
            left_out += 1
    found = {}
    for split, each in chosen.items():
        if not each:
            raise DataError(f"labels no segment of a video of {split}", where=shown(labels))
        parts = [segment for segment, _ in each]
        found[split] = Segments(
            [segment.name for segment in parts],
            [segment.video for segment in parts],
            [label for _, label in each],
            {name: make(parts) for name, make in streams.items()},
        )
    return found, left_out


def _labelled(path: Path) -> list[tuple[Segment, float]]:
    """Segments and their sentiment, video by video."""

    def take(data: Any) -> list[tuple[str, Any, Any]]:
        return [(key, data[key]["intervals"][...], data[key]["features"][...]) for key in data]

    try:
        entries = _opened(path, take)
    except ItemError as error:
        raise DataError(error.what, where=error.where, fix=error.fix) from error
    found = []
    for key, times, values in entries:
        where = f"{shown(path)}[{key}]"
        if len(times.shape) != 2 or len(values.shape) != 2 or len(times) != len(values):
            raise DataError(f"intervals {times.shape} and labels {values.shape}", where=where)
        video = video_of(key)
        for row, (time, value) in enumerate(zip(times, values, strict=True)):
            label = float(value[0])
            if not abs(label) <= 3.0 + 1e-6:
                raise DataError(
                    f"the label {label:g} is out of range: sentiment is -3..3",
                    where=f"{where}[{row}]",
                )
            name = key if video != key else f"{video}[{row}]"
            found.append((Segment(name, video, float(time[0]), float(time[1])), label))
    return found
