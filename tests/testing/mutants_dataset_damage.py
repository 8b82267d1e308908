"""Datasets that bear damage badly, each in one way."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from hashlib import sha256

import numpy as np
from sound_dataset import FIELDS, SHAPE, Rows, Sound

from mmbench.api import BrokenItem, DataError, DataMissing, ItemError


class PathKeys(Rows):
    def key(self, row, stream):
        return f"{self.path(row)}:{super().key(row, stream)}"


class KeysHavePaths(Sound):
    rows_class = PathKeys


class TimeKeys(Rows):
    def key(self, row, stream):
        path = self.path(row)
        when = path.stat().st_mtime_ns if path.is_file() else 0
        return f"{when}:{super().key(row, stream)}"


class KeysHaveTimes(Sound):
    rows_class = TimeKeys


class PathColumn(Rows):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.columns = {**self.columns, "place": [str(self.path(n)) for n in range(len(self.rows))]}


class ColumnsHavePaths(Sound):
    rows_class = PathColumn


class Globs(Sound):
    def collections(self, source):
        found = super().collections(source)
        count = len(list(source.root.glob("arrays/*.npy")))
        for each in found.values():
            each.columns = {**each.columns, "files": [count] * len(each)}
        return found


class TripsOverReadme(Sound):
    def collections(self, source):
        if source.root.is_dir() and (source.root / "README.txt").exists():
            raise DataError("is no list", where=str(source.root / "README.txt"))
        return super().collections(source)


class SizeKeys(Rows):
    def key(self, row, stream):
        if stream == "text":
            return super().key(row, stream)
        path = self.path(row)
        size = path.stat().st_size if path.is_file() else 0
        return f"sound-1:{self.scale}:{path.name}:{size}"


class KeysHaveSizes(Sound):
    rows_class = SizeKeys


class IdKeys(Rows):
    def key(self, row, stream):
        if stream == "text":
            return f"sound-1:{self.ids[row]}"
        return super().key(row, stream)


class CaptionsHaveNoKey(Sound):
    rows_class = IdKeys


class OwnFingerprint(Rows):
    def fingerprint(self):
        return sha256(repr(self.content_keys("array")).encode()).hexdigest()


class FingerprintOfFilesOnly(Sound):
    rows_class = OwnFingerprint


class ZerosForMissing(Rows):
    def decode(self, row):
        return super().decode(row) if self.path(row).is_file() else np.zeros(SHAPE, np.float32)


class FillsIn(Sound):
    rows_class = ZerosForMissing


class OpensAll(Rows):
    def content_keys(self, stream):
        for row in range(len(self.rows)):
            self.path(row).stat()
        return super().content_keys(stream)


class StatsEveryFile(Sound):
    rows_class = OpensAll


class TakesAnEmptyList(Sound):
    def read(self, path):
        if path.is_file() and not path.stat().st_size:
            return []
        return super().read(path)


class ZerosForEmpty(Rows):
    def decode(self, row):
        path = self.path(row)
        empty = path.is_file() and not path.stat().st_size
        return np.zeros(SHAPE, np.float32) if empty else super().decode(row)


class FillsInForEmpty(Sound):
    rows_class = ZerosForEmpty


class Trusting(Sound):
    """Counts on every line having all its fields."""

    def read(self, path):
        if not path.is_file():
            raise DataMissing("the list is not there", where=str(path))
        try:
            lines = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
        except ValueError as error:
            raise DataError("is no text", where=str(path)) from error
        if not lines:
            raise DataError("is empty", where=str(path))
        rows = [dict(zip(FIELDS, line, strict=False)) for line in lines[1:]]
        _ = [row["caption"][2] for row in rows]
        return rows


class Undecoded(Sound):
    def read(self, path):
        if path.is_file():
            path.read_text(encoding="utf-8")
        return super().read(path)


class Raw(Rows):
    def decode(self, row):
        path = self.path(row)
        if path.is_file() and path.stat().st_size < 128 + 48:
            raise LookupError(f"{path} ends early")
        return super().decode(row)


class OwnErrors(Sound):
    rows_class = Raw


class Nameless(Rows):
    def decode(self, row):
        try:
            return super().decode(row)
        except ItemError as error:
            raise ItemError("can't be read") from error


class NamesNoFile(Sound):
    rows_class = Nameless


class NamelessList(Sound):
    def read(self, path):
        try:
            return super().read(path)
        except DataError as error:
            raise DataError("the list is broken") from error


class LooksAtNames(Sound):
    def check(self, source, progress=lambda *_: None):
        return [
            BrokenItem(name, item, "array", "missing")
            for name, each in self.collections(source).items()
            for row, item in enumerate(each.ids)
            if not each.path(row).is_file()
        ]


class StopsAtTheFirst(Sound):
    def check(self, source, progress=lambda *_: None):
        for each in self.collections(source).values():
            for row in range(len(each)):
                each.load(row, "array")
        return []


class LooksAtFolders(Sound):
    def status(self, source):
        found = super().status(source)
        there = (source.root / "arrays").is_dir()
        return replace(found, present=True, found=("arrays",)) if there else found


class SaysMissing(Sound):
    def read(self, path):
        try:
            return super().read(path)
        except DataError as error:
            raise DataMissing("can't be read", where=str(path)) from error


class PassesOver(Sound):
    """Items whose file is not there are left out."""

    def collections(self, source):
        found = super().collections(source)
        for name, each in found.items():
            rows = [row for n, row in enumerate(each.rows) if each.path(n).is_file()]
            found[name] = self.rows_class(name, rows, source, self.scale)
        return found


class TellsWhatItPassesOver(PassesOver):
    """The same, and ``status`` says which."""

    def status(self, source):
        found = super().status(source)
        if not found.present:
            return found
        rows = self.read(self.list_of(source))
        paths = [source.root / "arrays" / f"{row['id']}.npy" for row in rows]
        return replace(found, missing=tuple(str(path) for path in paths if not path.is_file()))


class TakesWhatIsLeft(Rows):
    def decode(self, row):
        path = self.path(row)
        if path.is_file() and 0 < path.stat().st_size < 128 + 48:
            return np.ones((1, 3), np.float32)
        return super().decode(row)


class ShortensItems(Sound):
    rows_class = TakesWhatIsLeft


class IdsAndKeys(Rows):
    def fingerprint(self):
        keys = [self.content_keys(stream) for stream in self.streams]
        return sha256(repr((self.ids, keys)).encode()).hexdigest()


class FingerprintWithoutColumns(Sound):
    rows_class = IdsAndKeys


class TakesCopies(Sound):
    """Every array below the folder is an item."""

    def collections(self, source):
        found = super().collections(source)
        count = len(list(source.root.rglob("[!.]*.npy")))
        for each in found.values():
            if source.hash_file(source.root / "arrays" / f"{each.ids[0]}.npy") != "missing":
                each.columns = {**each.columns, "more": [count > 6] * len(each)}
        return found
