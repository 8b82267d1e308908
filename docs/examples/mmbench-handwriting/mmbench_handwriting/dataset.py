"""The reader: a list `items.csv`, and one picture a file in `pictures/`."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from mmbench.api import (
    Collection,
    DataError,
    DataMissing,
    Dataset,
    DatasetInfo,
    DataStatus,
    Image,
    ItemError,
    Stream,
    Text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mmbench.api import DataSource, Payload

NAME = "handwriting"
#: YOUR CODE: raise it when the same files are read as something else.
VERSION = "1"
LIST = "items.csv"
COLUMNS = ["id", "split", "label", "caption"]
#: YOUR CODE: where to get the data, shown to those who don't have it.
ADVICE = f"`mmbench data sample {NAME} --root DIR` makes some up"


@dataclass(frozen=True)
class Item:
    """One line of the list."""

    id: str
    split: str
    label: str
    caption: str


class Split(Collection):
    """The items of one split, in the order of the list; pictures are read when asked for."""

    def __init__(self, name: str, items: Sequence[Item], source: DataSource) -> None:
        self.name = name
        self.ids = [item.id for item in items]
        # Name, modality, kind of payload. What has been synthesised says provenance="generated".
        self.streams = {
            "image": Stream("image", "image", "Image"),
            "text": Stream("text", "text", "Text"),
        }
        self.columns = {"label": [item.label for item in items]}
        self._items = items
        self._source = source

    def load(self, row: int, stream: str) -> Payload:
        """Decode one stream of one item; what can't be decoded raises `ItemError`."""
        if stream == "text":
            return Text(self._items[row].caption)
        path = self._path(row)
        try:
            pixels = np.load(path, allow_pickle=False)  # YOUR CODE: Pillow, soundfile, ...
        except Exception as error:  # decoders raise all kinds of things at damaged files
            raise ItemError(f"can't be read: {error}", where=str(path)) from error
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
            raise ItemError("is no picture: uint8 [height, width, 3]", where=str(path))
        return Image(pixels)

    def content_keys(self, stream: str) -> list[str | None]:
        """A key an item that names exactly what `load` returns; None where there is no stream."""
        if stream == "text":
            return [f"{NAME}-{VERSION}:{item.caption}" for item in self._items]
        hashes = (self._source.hash_file(self._path(row)) for row in range(len(self._items)))
        return [f"{NAME}-{VERSION}:{each}" for each in hashes]

    def _path(self, row: int) -> Path:
        return self._source.root / "pictures" / f"{self.ids[row]}.npy"


class HandwritingDataset(Dataset):
    """Pictures with a label and a caption each."""

    @property
    def info(self) -> DatasetInfo:
        """What it is."""
        return DatasetInfo(
            name=NAME,
            version=VERSION,
            licence="CC0-1.0",  # YOUR CODE: the licence of the data
            citation="",  # YOUR CODE: the paper
            url="",  # YOUR CODE: where a user gets it
        )

    def collections(self, source: DataSource) -> Mapping[str, Collection]:
        """The splits that the list names."""
        path = source.root / LIST
        if not path.is_file():
            raise DataMissing("the data is not there", where=str(path), fix=ADVICE)
        items = _read_list(path)
        splits = dict.fromkeys(item.split for item in items)
        return {
            split: Split(split, [item for item in items if item.split == split], source)
            for split in splits
        }

    def status(self, source: DataSource) -> DataStatus:
        """What is there and what is not, without decoding anything."""
        path = source.root / LIST
        if path.is_file():
            return DataStatus(True, found=(str(path),))
        return DataStatus(False, missing=(str(path),), advice=ADVICE)

    def write_sample(self, root: Path, *, items: int, seed: int) -> None:
        """Write made-up data in the layout of the real one, for tests and to see the layout."""
        rng = np.random.default_rng(seed)
        (root / "pictures").mkdir(parents=True, exist_ok=True)
        with (root / LIST).open("w", newline="", encoding="utf-8") as file:
            lines = csv.writer(file)
            lines.writerow(COLUMNS)
            for number in range(items):
                name, split = f"item-{number:04d}", ("test", "train")[number // 4 % 2]
                label = ("left", "right", "upper", "lower")[number % 4]
                pixels = rng.integers(0, 100, (16, 16, 3), dtype=np.uint8)
                half = {"left": (0, 8, 0, 16), "right": (8, 16, 0, 16), "upper": (0, 16, 0, 8)}
                left, right, top, bottom = half.get(label, (0, 16, 8, 16))
                pixels[top:bottom, left:right] += 120
                np.save(root / "pictures" / f"{name}.npy", pixels)
                lines.writerow([name, split, label, f"bright in the {label} half"])


def _read_list(path: Path) -> list[Item]:
    """The lines of the list; what is wrong with one is said with its number."""
    try:
        with path.open(newline="", encoding="utf-8") as file:  # a quoted field may hold newlines
            reader = csv.reader(file, strict=True)
            lines = [(reader.line_num, line) for line in reader]
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"can't be read: {error}", where=str(path)) from error
    if not lines or lines[0][1] != COLUMNS:
        raise DataError(f"must begin with the line {','.join(COLUMNS)}", where=str(path))
    seen: set[str] = set()
    for number, line in lines[1:]:
        if len(line) != len(COLUMNS):
            raise DataError(f"has {len(line)} columns, not 4", where=f"{path}, line {number}")
        if line[0] in seen:
            raise DataError(f"the id {line[0]!r} is there twice", where=f"{path}, line {number}")
        seen.add(line[0])
    return [Item(*line) for _, line in lines[1:]]
