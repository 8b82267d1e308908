"""ESC-50 and ESC-10 (Piczak, ACM MM 2015): five-second recordings of environmental sounds."""

from __future__ import annotations

import csv
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmbench.api import DataError, DataMissing, DatasetInfo
from mmbench_audiovisual.clips import Clip, Part, Short
from mmbench_audiovisual.files import first_file, read_text, shown
from mmbench_audiovisual.layouts import ESC50_HEADER
from mmbench_audiovisual.media import MediaCollection, MediaDataset, Sound
from mmbench_audiovisual.sound import SOUND_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mmbench.api import Collection, DataSource

__all__ = ["ESC10", "Esc50", "Recording", "read_folders", "read_meta"]

NAME = "esc50"
VERSION = "1"
META = "esc50.csv"
#: The classes of ESC-10, as ESC-50 and (in folders of their own) as ESC-10 calls them.
ESC10 = {
    "dog": "dog bark",
    "rain": "rain",
    "sea waves": "sea waves",
    "crying baby": "baby cry",
    "clock tick": "clock tick",
    "sneezing": "person sneeze",
    "helicopter": "helicopter",
    "chainsaw": "chainsaw",
    "rooster": "rooster",
    "crackling fire": "fire crackling",
}
_RENAMED = {folder: label for label, folder in ESC10.items()}
#: Names of the folder that the zip files of the repositories unpack to.
_NESTS = ("", "ESC-50-master", "ESC-50", "ESC-10-master", "ESC-10")


@dataclass(frozen=True)
class Recording:
    """One sound.

    Attributes:
        id: Its file's name without the ending; in folders with the folder's name before it.
        path: The file.
        label: ESC-50's name of its class, in words: ``crying baby``.
        fold: 1 to 5, of the official cross-validation; 0 where its name does not say it.
        esc10: Whether it belongs to ESC-10.
    """

    id: str
    path: Path
    label: str
    fold: int
    esc10: bool


def read_meta(path: Path, audio: Path) -> list[Recording]:
    """The recordings that ``meta/esc50.csv`` lists.

    Raises:
        DataError: A line that is none, with its number.
    """
    lines = list(csv.reader(read_text(path).splitlines()))
    if not lines or lines[0] != ESC50_HEADER:
        raise DataError(
            f"must begin with the line {','.join(ESC50_HEADER)}", where=f"{shown(path)}:1"
        )
    found: dict[str, Recording] = {}
    for number, fields in enumerate(lines[1:], 2):
        if not fields:
            continue
        where = f"{shown(path)}:{number}"
        sound = dict(zip(ESC50_HEADER, fields, strict=False))
        good = (
            len(fields) == len(ESC50_HEADER) and sound["category"] and "/" not in sound["filename"]
        )
        if not good or not sound["fold"].isdecimal() or sound["esc10"] not in ("True", "False"):
            raise DataError(f"{','.join(fields)!r} is not {','.join(ESC50_HEADER)}", where=where)
        name = sound["filename"]
        item = name.rsplit(".", 1)[0]
        if not item or item in found:
            raise DataError(f"the file name {name!r} is empty or there twice", where=where)
        label = sound["category"].replace("_", " ")
        esc10 = sound["esc10"] == "True"
        found[item] = Recording(item, audio / name, label, int(sound["fold"]), esc10)
    if not found:
        raise DataError("lists no sound", where=shown(path))
    return list(found.values())


def read_folders(root: Path) -> list[Recording]:
    """The recordings in folders of their classes, such as ``001 - Dog bark/1-100032-A.ogg``."""
    found = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        if folder.name.startswith((".", "__")) or folder.name in ("audio", "meta"):
            continue
        words = re.sub(r"^\d+\s*[-_.]\s*", "", shown(folder.name)).replace("_", " ").strip().lower()
        label = _RENAMED.get(words, words)
        for name in sorted(os.listdir(folder)):  # noqa: PTH208 - names that are no UTF-8, too
            if name.startswith(".") or not name.lower().endswith(SOUND_SUFFIXES):
                continue
            fold = int(name[0]) if re.match(r"[1-5]-", name) else 0
            item = f"{shown(folder.name)}/{shown(name).rsplit('.', 1)[0]}"
            found.append(Recording(item, folder / name, label, fold, label in ESC10))
    return found


class Esc50(MediaDataset):
    """ESC-50: 2,000 recordings of 50 classes; ESC-10: 400 of ten of them.

    Collections ``esc50`` and ``esc10``, with the stream ``audio`` and the columns ``label`` (words,
    as ESC-50 names the class) and ``fold``. Read from ``audio/`` and ``meta/esc50.csv``, or from
    folders of classes; folders of ten classes or fewer give ``esc10`` alone.

    Args:
        clip: Part of the sound: all of it, or so many seconds from its start or its centre.
        clip_seconds: How many.
        short: What is done with a sound that is shorter: kept, repeated, filled up with zeros.
    """

    advice = (
        "https://github.com/karolpiczak/ESC-50 unpacks to audio/ and meta/esc50.csv, ESC-10 to "
        "folders of classes: put them into <data root>/esc50; `mmbench data sample esc50 --root "
        "DIR` makes some up"
    )

    def __init__(
        self, *, clip: Part = "full", clip_seconds: float = 10.0, short: Short = "keep"
    ) -> None:
        self.clip = Clip(clip, clip_seconds, short)

    @property
    def info(self) -> DatasetInfo:
        """What it is."""
        return DatasetInfo(
            name=NAME,
            version=VERSION,
            licence="CC BY-NC 3.0 (ESC-10: CC BY 3.0)",
            citation="Piczak: ESC: Dataset for Environmental Sound Classification, ACM MM 2015",
            url="https://github.com/karolpiczak/ESC-50",
        )

    def collections(self, source: DataSource) -> Mapping[str, Collection]:
        """ESC-50 and its part ESC-10, or ESC-10 alone."""
        return {
            name: MediaCollection(
                name,
                [sound.id for sound in sounds],
                {"audio": [Sound(sound.path, self.clip) for sound in sounds]},
                {
                    "label": [sound.label for sound in sounds],
                    "fold": [sound.fold for sound in sounds],
                },
                source,
                f"{NAME}-{VERSION}",
            )
            for name, sounds in _listed(source.root).items()
        }

    def facts(self, source: DataSource) -> tuple[str, ...]:
        """How many sounds of each collection are there."""
        return tuple(
            f"{name}: {sum(sound.path.is_file() for sound in sounds)} of {len(sounds)} sounds of "
            f"{len({sound.label for sound in sounds})} classes"
            for name, sounds in _listed(source.root).items()
        )

    def write_sample(self, root: Path, *, items: int, seed: int) -> None:
        """Write sounds and their list."""
        from mmbench_audiovisual.sample_scenes import write_esc50

        write_esc50(root, items=items, seed=seed)


def _listed(root: Path) -> dict[str, list[Recording]]:
    """Recordings by collection.

    Raises:
        DataMissing: There is no list and no folder of sounds.
        DataError: The list is broken.
    """
    for nest in _NESTS:
        base = root / nest
        meta = first_file(base, f"meta/{META}", META)
        if meta is not None:
            if not (base / "audio").is_dir():
                where = shown(base / "audio")
                raise DataMissing("the sounds are not there", where=where, fix=Esc50.advice)
            sounds = read_meta(meta, base / "audio")
        elif base.is_dir():
            sounds = read_folders(base)
        else:
            continue
        if not sounds:
            continue
        ten = [sound for sound in sounds if sound.esc10]
        if meta is None and len({sound.label for sound in sounds}) <= len(ESC10):
            return {"esc10": sounds}
        return {"esc50": sounds, "esc10": ten} if ten else {"esc50": sounds}
    raise DataMissing("the sounds are not there", where=shown(root / "audio"), fix=Esc50.advice)
