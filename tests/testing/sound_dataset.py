"""A dataset that passes every check; mutants break one thing of it each."""

from __future__ import annotations

import csv
from typing import ClassVar

import numpy as np

from mmbench.api import (
    Array,
    Collection,
    DataError,
    DataMissing,
    Dataset,
    DatasetInfo,
    DataStatus,
    ItemError,
    Stream,
    Text,
)

FIELDS = ["id", "split", "label", "caption"]
COLOURS = ("red", "green", "blue")
SHAPE = (4, 3)


class Rows(Collection):
    """The items of one split, in the order of the list."""

    parallel_loads = True

    def __init__(self, name, rows, source, scale):
        self.name = name
        self.ids = [row["id"] for row in rows]
        self.streams = {
            "array": Stream("array", "image", "Array", SHAPE),
            "text": Stream("text", "text", "Text", provenance="generated"),
        }
        self.columns = {"label": [int(row["label"]) for row in rows]}
        self.rows = rows
        self.source = source
        self.scale = scale

    def path(self, row):
        return self.source.root / "arrays" / f"{self.rows[row]['id']}.npy"

    def load(self, row, stream):
        if stream == "text":
            return Text(self.rows[row]["caption"])
        return Array(self.decode(row) * np.float32(self.scale))

    def decode(self, row):
        """The numbers of one item's file."""
        path = self.path(row)
        try:
            values = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise ItemError(f"can't be read: {error}", where=str(path)) from error
        if values.shape != SHAPE or values.dtype != np.float32:
            raise ItemError(f"is no float32 {SHAPE}", where=str(path))
        return values

    def content_keys(self, stream):
        return [self.key(row, stream) for row in range(len(self.rows))]

    def key(self, row, stream):
        """The content key of one item."""
        if stream == "text":
            return f"sound-1:{self.rows[row]['caption']}"
        return f"sound-1:{self.scale}:{self.source.hash_file(self.path(row))}"


class Sound(Dataset):
    """``items.csv`` and ``arrays/<id>.npy``, in two splits.

    Args:
        scale: The numbers are multiplied by it.
    """

    rows_class: ClassVar[type[Rows]] = Rows

    def __init__(self, *, scale: float = 1.0) -> None:
        self.scale = scale

    @property
    def info(self):
        return DatasetInfo(
            name=type(self).__name__.lower(),
            version="1",
            licence="CC0-1.0",
            citation="Sound et al.",
            url="https://example.org/sound",
            leaks=("one scene is in both splits",),
        )

    def list_of(self, source):
        """Where the list is."""
        return source.root / "items.csv"

    def collections(self, source):
        rows = self.read(self.list_of(source))
        return {
            split: self.rows_class(
                split, [row for row in rows if row["split"] == split], source, self.scale
            )
            for split in sorted({row["split"] for row in rows})
        }

    def read(self, path):
        """The lines of the list."""
        if not path.is_file():
            raise DataMissing("the list is not there", where=str(path), fix="paint some")
        try:
            lines = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
        except (OSError, ValueError, csv.Error) as error:
            raise DataError(f"can't be read: {error}", where=str(path)) from error
        if len(lines) < 2 or lines[0] != FIELDS:
            raise DataError("lists no items", where=str(path))
        for number, line in enumerate(lines, 1):
            if len(line) != len(FIELDS) or not (number == 1 or line[2].isdigit()):
                raise DataError(f"expected {','.join(FIELDS)}", where=f"{path}:{number}")
        return [dict(zip(FIELDS, line, strict=True)) for line in lines[1:]]

    def status(self, source):
        path = self.list_of(source)
        if path.is_file():
            return DataStatus(True, found=(f"the list {path}",))
        return DataStatus(False, missing=(str(path),), advice="paint some, and put them there")

    def write_sample(self, root, *, items, seed):
        rng = np.random.default_rng(seed)
        (root / "arrays").mkdir()
        lines = [FIELDS]
        for item in range(items):
            label = item % len(COLOURS)
            values = rng.normal(label, 0.1, SHAPE).astype(np.float32)
            name = f"item-{item:03d}"
            np.save(root / "arrays" / f"{name}.npy", values)
            split = ("train", "test")[item % 2]
            lines.append([name, split, str(label), f"a {COLOURS[label]} swatch, number {item}"])
        with (root / "items.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(lines)
