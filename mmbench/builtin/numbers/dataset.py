"""The dataset ``numbers``: collections that are generated item by item and need no folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mmbench.api.collection import Collection
from mmbench.api.dataset import Dataset, DatasetInfo, DataStatus
from mmbench.api.errors import DataMissing, UsageError
from mmbench.api.payloads import Audio, Image, PointCloud, Sequence, Text
from mmbench.api.streams import Stream
from mmbench.builtin.numbers import dtmf, glyphs, scenes, strokes, words
from mmbench.builtin.numbers.seeding import VERSION, draw_int, draw_rng, pick
from mmbench.builtin.numbers.splits import SPLITS, Split, split_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Sequence as Rows
    from pathlib import Path

    from mmbench.api.dataset import DataSource
    from mmbench.api.payloads import Payload

#: Renditions of each training number.
RENDITIONS = 3
#: Scenes by collection.
SCENES: dict[str, tuple[Split, int]] = {
    "scenes-valid": ("valid", 100),
    "scenes-test": ("test", 200),
    "scenes-silent": ("test", 200),
}


@dataclass(frozen=True)
class Source:
    """The handwriting that all collections share.

    Attributes:
        path: scikit-learn's digits file.
        digest: Of its bytes; part of every content key.
    """

    path: Path
    digest: str

    @property
    def glyphs(self) -> glyphs.Glyphs:
        """The handwriting, read once a process."""
        return glyphs.read_glyphs(self.path)


@dataclass(frozen=True)
class Item:
    """A number or a digit, said once.

    Attributes:
        id: Its id; all of its randomness comes from it.
        digits: What it says, digit by digit.
        phrasing: How its text is worded.
        glyph: Row of the handwriting, for a single digit; a number draws its own.
    """

    id: str
    digits: tuple[int, ...]
    phrasing: str
    glyph: int | None = None


class GeneratedCollection(Collection):
    """Items whose content follows from the world's version, the handwriting and their id."""

    cheap_loads = True

    def __init__(self, name: str, ids: Rows[str], streams: Rows[Stream], source: Source) -> None:
        self.name = name
        self.ids = ids
        self.streams: Mapping[str, Stream] = {stream.name: stream for stream in streams}
        self._source = source

    def content_keys(self, stream: str) -> list[str | None]:
        """Version, digest of the handwriting, stream and id: all that an item is made from."""
        prefix = f"numbers-{VERSION}:{self._source.digest}:{self.streams[stream].name}:"
        return [prefix + item for item in self.ids]


class SaidCollection(GeneratedCollection):
    """Numbers or single digits as handwriting, tones, words, strokes and point clouds."""

    def __init__(self, name: str, split: Split, items: Rows[Item], source: Source) -> None:
        count = len(items[0].digits)
        super().__init__(name, [item.id for item in items], _said_streams(count), source)
        self.columns = _said_columns(items)
        self._split: Split = split
        self._items = items

    def load(self, row: int, stream: str) -> Payload:
        """Generate one stream of one item."""
        item = self._items[row]
        if stream == "image":
            return Image(glyphs.strip(self._source.glyphs, self.glyph_rows(row)))
        if stream == "text":
            if len(item.digits) == 1:
                return Text(words.say_digit(item.digits[0], item.phrasing))
            return Text(words.say_number(_number(item.digits), item.phrasing))
        rng = draw_rng(item.id, self.streams[stream].name)
        if stream == "audio":
            return Audio(dtmf.dial(item.digits, rng), dtmf.RATE)
        if stream == "trajectory":
            return Sequence(strokes.draw_trajectory(item.digits, rng))
        return PointCloud(strokes.draw_cloud(item.digits, rng))

    def glyph_rows(self, row: int) -> list[int]:
        """Which handwritten digits an item shows, as rows of scikit-learn's table."""
        item = self._items[row]
        if item.glyph is not None:
            return [item.glyph]
        rng = draw_rng(item.id, "glyphs")
        pools = [self._source.glyphs.rows[self._split][digit] for digit in item.digits]
        return [pool[pick(rng, len(pool))] for pool in pools]


class SceneCollection(GeneratedCollection):
    """Scenes with one digit sounding, which is to be found (or, in silent scenes, missed)."""

    def __init__(self, name: str, split: Split, count: int, source: Source) -> None:
        ids = [f"{name}/{row:03d}" for row in range(count)]
        super().__init__(name, ids, _scene_streams(), source)
        self._split: Split = split
        self._plans: dict[int, scenes.Scene] = {}

    # Boxes need the handwriting and every scene's layout, so they wait until somebody asks.
    @cached_property
    def columns(self) -> Mapping[str, Rows[Any]]:  # type: ignore[override]
        """Per scene: the sounding digit, its name, its boxes, all boxes and what they show."""
        plans = [self.plan(row) for row in range(len(self.ids))]
        tiles = [tile for scene in plans for tile in scene.tiles]
        boxes = iter(scenes.ink_boxes(tiles, self._source.glyphs))
        objects = [[next(boxes) for _ in scene.tiles] for scene in plans]
        shown = [[tile.digit for tile in scene.tiles] for scene in plans]
        sounding = [scene.sounding for scene in plans]
        return {
            "digit": sounding,
            "label": [words.DIGITS[digit] for digit in sounding],
            "boxes": [
                [box for box, digit in zip(found, digits, strict=True) if digit == wanted]
                for found, digits, wanted in zip(objects, shown, sounding, strict=True)
            ],
            "objects": objects,
            "shown": shown,
        }

    def plan(self, row: int) -> scenes.Scene:
        """What lies where in one scene."""
        if row not in self._plans:
            self._plans[row] = scenes.plan_scene(
                self._source.glyphs.rows[self._split],
                draw_rng(self.ids[row], "plan"),
                silent=self.name == "scenes-silent",
            )
        return self._plans[row]

    def load(self, row: int, stream: str) -> Payload:
        """Generate one stream of one scene."""
        scene = self.plan(row)
        rng = draw_rng(self.ids[row], self.streams[stream].name)
        if stream == "image":
            return Image(scenes.paint(scene, self._source.glyphs, rng))
        return Audio(dtmf.dial([scene.sounding], rng), dtmf.RATE)


class Numbers(Dataset):
    """Three-digit numbers 000 to 999 in five modalities; see ``docs/numbers-world.md``."""

    @property
    def info(self) -> DatasetInfo:
        """What it is."""
        return DatasetInfo(
            name="numbers",
            version=VERSION,
            licence="handwriting: CC BY 4.0 (UCI, as bundled by scikit-learn); the rest: mmbench's",
            citation="https://archive.ics.uci.edu/dataset/80 (handwriting); docs/numbers-world.md",
            bundled=True,
        )

    def collections(self, source: DataSource) -> Mapping[str, Collection]:
        """Numbers, single digits and scenes, each split by itself."""
        path = glyphs.digits_file()
        shared = Source(path, source.hash_file(path))
        found: dict[str, Collection] = {}
        numbers = split_numbers()
        for split in SPLITS:
            found[split] = SaidCollection(
                split, split, _number_items(split, numbers[split]), shared
            )
        for place, half in enumerate(("train-first", "train-second")):
            kept = _number_items("train", numbers["train"][place::2])
            found[half] = SaidCollection(half, "train", kept, shared)
        for split in SPLITS:
            name = f"digits-{split}"
            found[name] = SaidCollection(name, split, _digit_items(name, split, shared), shared)
        for name, (split, count) in SCENES.items():
            found[name] = SceneCollection(name, split, count, shared)
        return found

    def status(self, source: DataSource) -> DataStatus:
        """Present wherever scikit-learn is."""
        try:
            path = glyphs.digits_file()
        except DataMissing as error:
            return DataStatus(False, missing=(error.where or "scikit-learn",), advice=error.fix)
        return DataStatus(True, found=(f"bundled; handwriting from {path}",))

    def write_sample(self, root: Path, *, items: int, seed: int) -> None:
        """Refuse: there is no layout on disk to show.

        Raises:
            UsageError: Always.
        """
        raise UsageError(
            "the numbers world is bundled with mmbench and reads no folder, so it needs no sample",
            where="numbers",
            fix="use it as it is: mmbench run quickstart",
        )


def _number(digits: tuple[int, ...]) -> int:
    return int("".join(map(str, digits)))


def _number_items(split: Split, numbers: list[int]) -> list[Item]:
    """One rendition a number, in training three, each worded differently."""
    phrasings = list(words.NUMBER_PHRASINGS)
    items = []
    for number in numbers:
        digits = (number // 100, number // 10 % 10, number % 10)
        first = draw_int(split, number, "phrasing")
        for rendition in range(RENDITIONS if split == "train" else 1):
            name = f"{split}/{number:03d}" + (f"/{rendition}" if split == "train" else "")
            phrasing = phrasings[(first + rendition) % len(phrasings)]
            items.append(Item(name, digits, phrasing))
    return items


def _digit_items(name: str, split: Split, source: Source) -> list[Item]:
    """One item a handwritten digit of the split, in the file's order."""
    phrasings = list(words.DIGIT_PHRASINGS)
    rows = sorted(
        (row, digit) for digit, mine in enumerate(source.glyphs.rows[split]) for row in mine
    )
    items = []
    for row, digit in rows:
        item = f"{name}/{row:04d}"
        phrasing = phrasings[draw_int(item, "phrasing") % len(phrasings)]
        items.append(Item(item, (digit,), phrasing, row))
    return items


def _said_columns(items: Rows[Item]) -> dict[str, Rows[Any]]:
    """Plain values a row: what is said, and how it is worded."""
    columns: dict[str, Rows[Any]] = {"phrasing": [item.phrasing for item in items]}
    if len(items[0].digits) == 1:
        return {"digit": [item.digits[0] for item in items], **columns}
    numbers = [_number(item.digits) for item in items]
    return {
        "number": numbers,
        "hundreds": [number // 100 for number in numbers],
        "tens": [number // 10 % 10 for number in numbers],
        "ones": [number % 10 for number in numbers],
        "value": [number * 6 / 999 - 3 for number in numbers],
        **columns,
    }


def _said_streams(count: int) -> list[Stream]:
    """The streams of ``count`` digits said in a row."""
    side = glyphs.SIDE
    samples, points, dots = (
        count * each for each in (dtmf.SLOT, strokes.PEN_POINTS, strokes.CLOUD_POINTS)
    )
    return [
        Stream("image", "image", "Image", (side, side * count, 3)),
        Stream("audio", "audio", "Audio", (1, samples), dtmf.RATE, "generated"),
        Stream("text", "text", "Text", provenance="generated"),
        Stream("trajectory", "trajectory", "Sequence", (points, 3), provenance="generated"),
        Stream("pointcloud", "pointcloud", "PointCloud", (dots, 3), provenance="generated"),
    ]


def _scene_streams() -> list[Stream]:
    """A composed picture (real handwriting on a synthetic canvas, so: generated) and a tone."""
    side = scenes.CANVAS
    return [
        Stream("image", "image", "Image", (side, side, 3), provenance="generated"),
        Stream("audio", "audio", "Audio", (1, dtmf.SLOT), dtmf.RATE, "generated"),
    ]
