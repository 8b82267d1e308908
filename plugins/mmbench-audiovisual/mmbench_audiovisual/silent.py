"""Lists of pictures with a sound that is not theirs: SLAVC's ``*_test_plus_silent.csv``."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmbench.api import DataError
from mmbench_audiovisual.files import Shelf, read_text, shown
from mmbench_audiovisual.media import MediaCollection, Picture, Sound

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mmbench.api import DataSource
    from mmbench_audiovisual.clips import Clip
    from mmbench_audiovisual.picture import Framing

__all__ = ["SilentPair", "read_silent", "silent_collection", "silent_facts"]

_HEADER = ["video", "audio", "label"]


@dataclass(frozen=True)
class SilentPair:
    """A picture, and a sound whose source it does not show.

    Attributes:
        image: Id of the picture.
        audio: Id of the sound. Equal ids are one clip, whose source is not visible.
    """

    image: str
    audio: str

    @property
    def id(self) -> str:
        """Both ids, or the one."""
        return self.image if self.image == self.audio else f"{self.image}+{self.audio}"


def read_silent(path: Path) -> list[SilentPair]:
    """The pairs of a list with the header ``video,audio,label``; each is ``non-sounding``.

    Raises:
        DataError: Another header, a line that is none, or a pair that is there twice.
    """
    lines = list(csv.reader(read_text(path).splitlines()))
    if not lines or [field.strip() for field in lines[0]] != _HEADER:
        raise DataError(f"must begin with the line {','.join(_HEADER)}", where=f"{shown(path)}:1")
    pairs: dict[SilentPair, int] = {}
    for number, fields in enumerate(lines[1:], 2):
        if not any(field.strip() for field in fields):
            continue
        where = f"{shown(path)}:{number}"
        if len(fields) != len(_HEADER) or fields[2].strip() != "non-sounding":
            raise DataError(f"{','.join(fields)!r} is not id,id,non-sounding", where=where)
        pair = SilentPair(fields[0].strip(), fields[1].strip())
        if not pair.image or not pair.audio or "/" in pair.image + pair.audio:
            raise DataError(f"{','.join(fields)!r} has no id", where=where)
        if pair in pairs:
            raise DataError(f"the pair is in line {pairs[pair]} already", where=where)
        pairs[pair] = number
    if not pairs:
        raise DataError("lists no pair", where=shown(path))
    return list(pairs)


def silent_collection(
    pairs: Sequence[SilentPair],
    pictures: Shelf,
    sounds: Shelf,
    clip: Clip,
    source: DataSource,
    reader: str,
    framing: Framing = "whole",
) -> MediaCollection:
    """The pairs as the collection ``silent``, with both ids as columns."""
    return MediaCollection(
        "silent",
        [pair.id for pair in pairs],
        {
            "image": [Picture(pictures[pair.image], framing) for pair in pairs],
            "audio": [Sound(sounds[pair.audio], clip) for pair in pairs],
        },
        {
            "image_id": [pair.image for pair in pairs],
            "audio_id": [pair.audio for pair in pairs],
        },
        source,
        reader,
    )


def silent_facts(pairs: Sequence[SilentPair], pictures: Shelf, sounds: Shelf) -> str:
    """How much of them is there."""
    seen = pictures.count([pair.image for pair in pairs])
    heard = sounds.count([pair.audio for pair in pairs])
    return f"silent: {seen} frames and {heard} sounds of {len(pairs)}"
