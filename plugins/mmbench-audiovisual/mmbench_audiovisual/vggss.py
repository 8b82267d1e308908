"""VGG-SS (Chen et al., CVPR 2021): where in a VGGSound frame is what is heard?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmbench.api import DataError, DataMissing, DatasetInfo
from mmbench_audiovisual.boxes import Box, box_of, has_garbage, is_empty
from mmbench_audiovisual.clips import Clip, Part, Short
from mmbench_audiovisual.files import Shelf, first_file, ids_of, read_text, shelve, shown
from mmbench_audiovisual.media import MediaCollection, MediaDataset, Picture, Sound
from mmbench_audiovisual.picture import Framing  # noqa: TC001 - options are read by hint
from mmbench_audiovisual.proposals import ProposalFile
from mmbench_audiovisual.silent import (
    SilentPair,
    read_silent,
    silent_collection,
    silent_facts,
)
from mmbench_audiovisual.sound import SOUND_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mmbench.api import Collection, DataSource

__all__ = ["LISTS", "Scene", "Vggss", "read_scenes"]

NAME = "vggss"
VERSION = "1"
ANNOTATIONS = "vggss.json"
SILENT = "vggss_test_plus_silent.csv"
#: Collection to the file that lists it; without the first all of the annotations are ``test``.
LISTS = {
    "test": "vggss_test.csv",
    "heard": "vggss_heard_test.csv",
    "unheard": "vggss_unheard_test.csv",
    "test-4911": "test_vggss_4911.txt",
    "test-4692": "vggss_test_4692.csv",
}
#: Where the codes of the papers keep pictures and sounds; ACL keeps Ex-VGGSS's apart.
_FRAMES = ("frames", "frame", "extend_frames")
_SOUNDS = ("audio", "extend_audio")
_LISTED = 12


@dataclass(frozen=True)
class Scene:
    """An annotated frame.

    Attributes:
        id: YouTube id and start second, such as ``zpWuikVorYg_000032``.
        label: One of 221 of VGGSound's classes.
        boxes: x1, y1, x2, y2 as shares of the whole frame, as the file says it.
    """

    id: str
    label: str
    boxes: tuple[Box, ...]


def read_scenes(path: Path) -> dict[str, Scene]:
    """The annotations by id, in the file's order.

    Raises:
        DataError: It is no such list; names the line of broken JSON, or the entry.
    """
    text = read_text(path)
    try:
        entries = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"is no JSON: {error.msg}", where=f"{shown(path)}:{error.lineno}") from None
    except RecursionError:
        raise DataError("is no JSON that can be read", where=shown(path)) from None
    if not isinstance(entries, list) or not entries:
        raise DataError("must be a list of annotations", where=shown(path))
    scenes: dict[str, Scene] = {}
    for number, entry in enumerate(entries):
        where = f"{shown(path)}, entry {number}"
        try:
            item, label, boxes = entry["file"], entry["class"], entry["bbox"]
        except (TypeError, KeyError):
            raise DataError("must have file, class and bbox", where=where) from None
        if not all(isinstance(each, str) and each for each in (item, label)) or "/" in item:
            raise DataError(f"file {item!r} and class {label!r} must be names", where=where)
        if not isinstance(boxes, list):
            raise DataError(f"bbox must be a list of boxes, not {boxes!r}", where=where)
        if item in scenes:
            raise DataError(f"{item!r} is there twice", where=where)
        kept = tuple(box_of(box, f"{where} ({item})") for box in boxes)
        scenes[item] = Scene(item, label, kept)
    return scenes


class Vggss(MediaDataset):
    """VGG-SS: 5,158 VGGSound frames of 221 classes, with boxes around what sounds.

    Collections ``test`` and, where their lists are there, ``heard``, ``unheard``, ``test-4911``
    (SSL-TIE's), ``test-4692`` (SSPL's), each with the streams ``image`` and ``audio`` and the
    columns ``label``, ``boxes`` (x1, y1, x2, y2 as shares of the frame), ``garbage`` (a coordinate
    is none: 12 items) and ``empty`` (no box covers a pixel: 2 items). ``silent`` holds Ex-VGGSS's
    negatives: pictures with a sound that is not theirs, columns ``image_id`` and ``audio_id``.

    Args:
        clip: Part of the sound: all of it, or so many seconds from its start or its centre.
        clip_seconds: How many.
        short: What is done with a sound that is shorter: kept, repeated, filled up with zeros.
        framing: All of a frame, or the square in its middle, as LVS, SSL-TIE and TURN have it. The
            boxes stay those of the whole frame, so the square is for reproduction alone.
        proposals: Name of a file of box proposals in ``proposals/``: a JSON table of ids to lists
            of [x1, y1, x2, y2, score], as shares of the frame; it becomes a column.
        proposal_score: Proposals with a lower score are left out.
        proposal_limit: At most so many proposals an item, those of highest score; 0 = all.
    """

    advice = (
        "the annotations are vggss.json of https://www.robots.ox.ac.uk/~vgg/research/lvs; the "
        "lists are in metadata/ of https://github.com/stoneMo/SLAVC; frames and sounds of "
        "VGGSound have to be cut from YouTube: frames/ID.jpg at 5 s of the clip, audio/ID.wav; put "
        "them into <data root>/vggss; `mmbench data sample vggss --root DIR` makes some up"
    )

    def __init__(
        self,
        *,
        clip: Part = "full",
        clip_seconds: float = 10.0,
        short: Short = "keep",
        framing: Framing = "whole",
        proposals: str = "",
        proposal_score: float = 0.0,
        proposal_limit: int = 0,
    ) -> None:
        self.clip = Clip(clip, clip_seconds, short)
        self.framing: Framing = framing
        self.proposals = ProposalFile(proposals, proposal_score, proposal_limit)

    @property
    def info(self) -> DatasetInfo:
        """What it is."""
        return DatasetInfo(
            name=NAME,
            version=VERSION,
            licence="unknown (research; VGGSound's lists are CC BY 4.0, its videos YouTube users')",
            citation="Chen, Xie, Afouras, Nagrani, Vedaldi, Zisserman: Localizing Visual Sounds "
            "the Hard Way, CVPR 2021; silent pairs: Mo, Morgado, NeurIPS 2022 (SLAVC)",
            url="https://www.robots.ox.ac.uk/~vgg/research/lvs",
        )

    def collections(self, source: DataSource) -> Mapping[str, Collection]:
        """The lists that are there."""
        lists, silent = _listed(source.root)
        proposals = self.proposals.read(source.root)
        frames, sounds = _media(source.root)
        found: dict[str, Collection] = {
            name: self._scenes(name, scenes, frames, sounds, source, proposals)
            for name, scenes in lists.items()
        }
        if silent:
            reader = f"{NAME}-{VERSION}"
            found["silent"] = silent_collection(
                silent, frames, sounds, self.clip, source, reader, self.framing
            )
        return found

    def facts(self, source: DataSource) -> tuple[str, ...]:
        """How much of each list is there, and what its boxes are known to have wrong."""
        lists, silent = _listed(source.root)
        frames, sounds = _media(source.root)
        found = []
        for name, scenes in lists.items():
            ids = [scene.id for scene in scenes]
            found.append(
                f"{name}: {frames.count(ids)} frames and {sounds.count(ids)} sounds of {len(ids)}"
            )
        if silent:
            found.append(silent_facts(silent, frames, sounds))
        for what, wrong in (("hold garbage", has_garbage), ("cover no pixel", is_empty)):
            ids = [scene.id for scene in lists["test"] if wrong(scene.boxes)]
            if ids:
                more = " ..." if len(ids) > _LISTED else ""
                named = ", ".join(ids[:_LISTED])
                found.append(f"{len(ids)} items whose boxes {what}: {named}{more}")
        return tuple(found)

    def write_sample(self, root: Path, *, items: int, seed: int) -> None:
        """Write frames, sounds and their lists."""
        from mmbench_audiovisual.sample_scenes import write_vggss

        write_vggss(root, items=items, seed=seed)

    def _scenes(
        self,
        name: str,
        scenes: Sequence[Scene],
        frames: Shelf,
        sounds: Shelf,
        source: DataSource,
        proposals: Mapping[str, list[Box]] | None,
    ) -> MediaCollection:
        return MediaCollection(
            name,
            [scene.id for scene in scenes],
            {
                "image": [Picture(frames[scene.id], self.framing) for scene in scenes],
                "audio": [Sound(sounds[scene.id], self.clip) for scene in scenes],
            },
            {
                "label": [scene.label for scene in scenes],
                "boxes": [list(scene.boxes) for scene in scenes],
                "garbage": [has_garbage(scene.boxes) for scene in scenes],
                "empty": [is_empty(scene.boxes) for scene in scenes],
            },
            source,
            f"{NAME}-{VERSION}",
            proposals=proposals,
        )


def _listed(root: Path) -> tuple[dict[str, list[Scene]], list[SilentPair]]:
    """Scenes by collection, and the silent pairs.

    Raises:
        DataMissing: There are no annotations.
        DataError: A list is broken, or names an item that is not annotated.
    """
    annotations = first_file(root, f"metadata/{ANNOTATIONS}", ANNOTATIONS)
    if annotations is None:
        where = shown(root / "metadata" / ANNOTATIONS)
        raise DataMissing("the annotations are not there", where=where, fix=Vggss.advice)
    scenes = read_scenes(annotations)
    lists = {"test": list(scenes.values())}
    for name, place in LISTS.items():
        path = first_file(root, f"metadata/{place}", place)
        if path is not None:
            lists[name] = [_annotated(scenes, *line, path) for line in ids_of(path)]
    silent = first_file(root, f"metadata/{SILENT}", SILENT)
    return lists, [] if silent is None else read_silent(silent)


def _annotated(scenes: Mapping[str, Scene], line: int, item: str, path: Path) -> Scene:
    if item not in scenes:
        raise DataError(
            f"{item!r} is not in {ANNOTATIONS}",
            where=f"{shown(path)}:{line}",
            fix="take both files from one place, such as SLAVC's metadata/",
        )
    return scenes[item]


def _media(root: Path) -> tuple[Shelf, Shelf]:
    """Frames and sounds.

    Raises:
        DataMissing: There is no folder of one of them.
    """
    shelves = []
    for what, names, suffixes in (
        ("frames", _FRAMES, (".jpg", ".jpeg", ".png")),
        ("sounds", _SOUNDS, SOUND_SUFFIXES),
    ):
        if not any((root / name).is_dir() for name in names):
            raise DataMissing(
                f"the {what} are not there", where=shown(root / names[0]), fix=Vggss.advice
            )
        shelves.append(shelve([root / name for name in names], suffixes))
    return shelves[0], shelves[1]
