"""Utterances of a split as a reader hands them over, and what is done to whole splits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mmbench.api import DataError
from mmbench_affect.features import Chosen, Packed
from mmbench_affect.folds import SPLITS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmbench_affect.features import Features

__all__ = ["Segments", "by_folds", "cleaned_values", "empty_streams", "unique", "without_empty"]


@dataclass(frozen=True)
class Segments:
    """Utterances of one split.

    Attributes:
        ids: One a row.
        videos: The video that each is a part of; empty where the file does not say.
        labels: Sentiment, -3..3.
        features: By stream name, row-aligned.
    """

    ids: list[str]
    videos: list[str]
    labels: list[float]
    features: Mapping[str, Features]

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: Sequence[int]) -> Segments:
        """Some of them."""
        return _joined([self], [(0, row) for row in rows])


def _joined(parts: Sequence[Segments], rows: list[tuple[int, int]]) -> Segments:
    """Rows of several splits."""
    names = parts[0].features
    return Segments(
        unique([parts[part].ids[row] for part, row in rows]),
        [parts[part].videos[row] for part, row in rows],
        [parts[part].labels[row] for part, row in rows],
        {name: Chosen([part.features[name] for part in parts], rows) for name in names},
    )


def unique(ids: Sequence[str]) -> list[str]:
    """Ids; the second of a name is ``name#2``."""
    seen: dict[str, int] = {}
    found = []
    for item in ids:
        seen[item] = seen.get(item, 0) + 1
        found.append(item if seen[item] == 1 else f"{item}#{seen[item]}")
    return found


def by_folds(
    splits: Mapping[str, Segments], folds: Mapping[str, str], *, where: str
) -> tuple[dict[str, Segments], int]:
    """The utterances of all splits, split anew by their videos.

    Returns:
        The splits, and how many utterances are of a video that no list names.

    Raises:
        DataError: The utterances name no videos, or a split would be empty.
    """
    parts = list(splits.values())
    if not all(video for part in parts for video in part.videos):
        raise DataError(
            "the utterances name no videos, so they can't be split by a fold list",
            where=where,
            fix="leave folds away: the pickle's own splits are used",
        )
    chosen: dict[str, list[tuple[int, int]]] = {split: [] for split in SPLITS}
    left_out = 0
    for number, part in enumerate(parts):
        for row, video in enumerate(part.videos):
            if video in folds:
                chosen[folds[video]].append((number, row))
            else:
                left_out += 1
    empty = [split for split in SPLITS if not chosen[split]]
    if empty:
        raise DataError(f"no utterance is of a video of {empty[0]}", where=where)
    return {split: _joined(parts, rows) for split, rows in chosen.items()}, left_out


def cleaned_values(segments: Segments) -> list[int]:
    """How many audio values of each utterance are -inf, which become 0."""
    audio = segments.features["audio"]
    return [audio.negative_infinities(row) for row in range(len(segments))]


def empty_streams(features: Mapping[str, Features]) -> list[str]:
    """Of each row, the streams that hold nothing but zeros, such as ``audio+vision``."""
    found: list[list[str]] = []
    for name, each in features.items():
        if each.kind == "Text":
            continue
        for row, values in enumerate(_arrays(each)):
            if row == len(found):
                found.append([])
            if not values.any():
                found[row].append(name)
    return ["+".join(names) for names in found]


def without_empty(segments: Segments) -> Segments:
    """The same utterances; a stream of nothing but zeros is one that they lack."""
    empty = empty_streams(segments.features)
    features: dict[str, Features] = {}
    for name, each in segments.features.items():
        rows = frozenset(row for row, names in enumerate(empty) if name in names.split("+"))
        if isinstance(each, (Packed, Chosen)):
            features[name] = replace(each, absent=each.absent | rows)
        else:
            features[name] = each
    return replace(segments, features=features)


def _arrays(features: Features) -> list[Any]:
    if isinstance(features, Chosen):
        parts = [_arrays(part) for part in features.parts]
        return [parts[part][row] for part, row in features.rows]
    return list(features.content) if isinstance(features, Packed) else []
