"""Flickr-SoundNet (Senocak et al., CVPR 2018): Flickr frames with three annotators' boxes each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from xml.etree import ElementTree as ET

from mmbench.api import DataMissing, DatasetInfo, ItemError
from mmbench_audiovisual.clips import Clip, Part, Short
from mmbench_audiovisual.files import Shelf, first_file, ids_of, shelve, shown
from mmbench_audiovisual.layouts import FLICKR_MISSPELT
from mmbench_audiovisual.media import (
    Media,
    MediaCollection,
    MediaDataset,
    Picture,
    Sound,
    Unusable,
)
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
    from mmbench_audiovisual.boxes import Box

__all__ = ["LISTS", "FlickrSoundnet", "read_boxes"]

NAME = "flickr_soundnet"
VERSION = "1"
#: Collection to the files that may list it.
LISTS = {
    "test": ("flickr_test.csv", "test_flickr_250.txt"),
    "five-thousand": ("test_flickr_5k.txt",),
    "supervised": ("flickr_sup_train.txt",),
}
SILENT = "flickr_test_plus_silent.csv"
_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read_boxes(path: Path) -> list[Box]:
    """The annotators' boxes of one item: xmin, ymin, xmax, ymax on a frame of 256 x 256.

    They are read by name, where the elements are called so; else as the papers' codes read them: of
    each ``bbox`` the first element is passed over, and the next four are the corners. What is no
    ``bbox`` is passed over.

    Raises:
        ItemError: It is not there, is no XML, or a box has no four whole numbers.
    """
    try:
        root = ET.fromstring(path.read_bytes())  # noqa: S314 - the user's own data
    except FileNotFoundError as error:
        raise ItemError("has no annotation", where=shown(path)) from error
    except (OSError, ET.ParseError, ValueError, LookupError) as error:
        raise ItemError(f"its annotation is no XML: {error}", where=shown(path)) from error
    elements = [element for child in root for element in child if element.tag == "bbox"]
    return [_corners(element, path) for element in elements]


def _corners(element: ET.Element, path: Path) -> Box:
    """By name or by position."""
    named = {each.tag.lower(): each for each in element}
    corners = [named[name] for name in _CORNERS if name in named]
    if len(corners) < 4:
        corners = list(element)[1:5]
    try:
        found = [float(int((each.text or "").strip())) for each in corners]
    except ValueError:
        found = []
    if len(found) < 4:
        texts = [each.text for each in element]
        raise ItemError(f"a box of its annotation can't be read: {texts}", where=shown(path))
    return found


class FlickrSoundnet(MediaDataset):
    """Flickr-SoundNet: 5,000 annotated frames with their sounds, 250 of them for tests.

    Collections ``test`` (250), ``test-249`` (without the id that is often misspelt),
    ``five-thousand`` and ``supervised`` (4,750 for training), as their lists are there; with the
    streams ``image`` and ``audio`` and, with ``annotations="required"``, the columns ``boxes`` (one
    list an item, xmin, ymin, xmax, ymax on 256 x 256: ``box_extent=256``,
    ``ground_truth="consensus"``) and ``annotators`` (how many boxes). ``silent`` holds
    Ex-FlickrNet's negatives, columns ``image_id`` and ``audio_id``.

    Args:
        annotations: ``required``: an item without a readable annotation is dropped, and listed.
            ``unused``: annotations are not looked at, for retrieval.
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
        "https://github.com/ardasnck/learning_to_localize_sound_source has Annotations/ID.xml and "
        "Data/0..9/ID.jpg, ID.wav; the lists flickr_test.csv, test_flickr_5k.txt and others are in "
        "metadata/ of https://github.com/stoneMo/SLAVC and github.com/jinxiang-liu/SSL-TIE; put "
        "them into <data root>/flickr_soundnet; `mmbench data sample flickr_soundnet --root DIR` "
        "makes some up"
    )

    def __init__(
        self,
        *,
        annotations: Literal["required", "unused"] = "required",
        clip: Part = "full",
        clip_seconds: float = 10.0,
        short: Short = "keep",
        framing: Framing = "whole",
        proposals: str = "",
        proposal_score: float = 0.0,
        proposal_limit: int = 0,
    ) -> None:
        self.annotations = annotations
        self.clip = Clip(clip, clip_seconds, short)
        self.framing: Framing = framing
        self.proposals = ProposalFile(proposals, proposal_score, proposal_limit)

    @property
    def info(self) -> DatasetInfo:
        """What it is."""
        return DatasetInfo(
            name=NAME,
            version=VERSION,
            licence="unknown (research purposes; pictures and sounds are Flickr users')",
            citation="Senocak, Oh, Kim, Yang, Kweon: Learning to Localize Sound Source in Visual "
            "Scenes, CVPR 2018; silent pairs: Mo, Morgado, NeurIPS 2022 (SLAVC)",
            url="https://github.com/ardasnck/learning_to_localize_sound_source",
        )

    def collections(self, source: DataSource) -> Mapping[str, Collection]:
        """The lists that are there."""
        lists, silent = _listed(source.root)
        proposals = self.proposals.read(source.root)
        pictures, sounds = _media(source.root)
        notes = shelve(_folders(source.root, "Annotations", "annotations"), (".xml",))
        truth: dict[str, list[Box] | ItemError] = {}
        found: dict[str, Collection] = {}
        for name, (path, ids) in lists.items():
            if self.annotations == "required":
                for item in ids:
                    if item not in truth:
                        truth[item] = _boxes(notes[item])
            found[name] = self._annotated(
                name, path, ids, truth, notes, pictures, sounds, source, proposals
            )
        if silent:
            reader = f"{NAME}-{VERSION}"
            found["silent"] = silent_collection(
                silent, pictures, sounds, self.clip, source, reader, self.framing
            )
        return found

    def facts(self, source: DataSource) -> tuple[str, ...]:
        """How much of each list is there."""
        lists, silent = _listed(source.root)
        pictures, sounds = _media(source.root)
        notes = shelve(_folders(source.root, "Annotations", "annotations"), (".xml",))
        found = [
            f"{name}: {pictures.count(ids)} frames, {sounds.count(ids)} sounds and "
            f"{notes.count(ids)} annotations of {len(ids)}"
            for name, (_, ids) in lists.items()
        ]
        if silent:
            found.append(silent_facts(silent, pictures, sounds))
        if "test" in lists and "test-249" not in lists:
            found.append(f"test lacks {FLICKR_MISSPELT}, which some lists misspell 3908875357")
        return tuple(found)

    def write_sample(self, root: Path, *, items: int, seed: int) -> None:
        """Write frames, sounds, annotations and their lists."""
        from mmbench_audiovisual.sample_scenes import write_flickr

        write_flickr(root, items=items, seed=seed)

    def _annotated(
        self,
        name: str,
        listed: Path,
        ids: Sequence[str],
        truth: Mapping[str, list[Box] | ItemError],
        notes: Shelf,
        pictures: Shelf,
        sounds: Shelf,
        source: DataSource,
        proposals: Mapping[str, list[Box]] | None,
    ) -> MediaCollection:
        seen: list[Media] = []
        boxes: list[list[Box]] = []
        for item in ids:
            known = truth.get(item, [])
            if isinstance(known, ItemError):
                seen.append(Unusable(notes[item], known))
                boxes.append([])
            else:
                seen.append(Picture(pictures[item], self.framing))
                boxes.append(known)
        columns: dict[str, list[object]] = {}
        if self.annotations == "required":
            columns = {"boxes": list(boxes), "annotators": [len(each) for each in boxes]}
        heard = [Sound(sounds[item], self.clip) for item in ids]
        return MediaCollection(
            name,
            ids,
            {"image": seen, "audio": heard},
            columns,
            source,
            f"{NAME}-{VERSION}",
            listed,
            proposals,
        )


def _boxes(path: Path) -> list[Box] | ItemError:
    """An item's boxes, or why there are none."""
    try:
        return read_boxes(path)
    except ItemError as error:
        return error


def _listed(root: Path) -> tuple[dict[str, tuple[Path, list[str]]], list[SilentPair]]:
    """The list's file and its ids by collection, and the silent pairs.

    Raises:
        DataMissing: There is no list.
        DataError: A list is broken.
    """
    lists: dict[str, tuple[Path, list[str]]] = {}
    for name, places in LISTS.items():
        candidates = [f"{folder}{place}" for place in places for folder in ("metadata/", "")]
        path = first_file(root, *candidates)
        if path is not None:
            lists[name] = (path, [item for _, item in ids_of(path)])
    if "test" in lists and FLICKR_MISSPELT in lists["test"][1]:
        path, ids = lists["test"]
        lists["test-249"] = (path, [item for item in ids if item != FLICKR_MISSPELT])
    if not lists:
        where = shown(root / "metadata" / LISTS["test"][0])
        raise DataMissing("no list is there", where=where, fix=FlickrSoundnet.advice)
    silent = first_file(root, f"metadata/{SILENT}", SILENT)
    return lists, [] if silent is None else read_silent(silent)


def _folders(root: Path, *names: str) -> list[Path]:
    """Where a kind of file may lie: in a folder of its own, also nested as ACL has it."""
    return [root / nest / name for nest in ("", "test") for name in names]


def _media(root: Path) -> tuple[Shelf, Shelf]:
    """Pictures and sounds, as they are unpacked (``Data/0..9``) or sorted into two folders.

    Raises:
        DataMissing: There is no folder of them.
    """
    data = _folders(root, *(f"Data/{digit}" for digit in range(10)))
    seen = [*_folders(root, "frames", "frame"), *data]
    heard = [*_folders(root, "audio"), *data]
    for what, folders in (("frames", seen), ("sounds", heard)):
        if not any(folder.is_dir() for folder in folders):
            raise DataMissing(
                f"the {what} are not there",
                where=f"{shown(folders[0])} or {shown(root / 'Data')}",
                fix=FlickrSoundnet.advice,
            )
    return shelve(seen, (".jpg", ".jpeg", ".png")), shelve(heard, SOUND_SUFFIXES)
