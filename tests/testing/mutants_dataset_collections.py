"""Datasets whose collections break their contract, one thing each."""

from __future__ import annotations

import os
import time
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from sound_dataset import Rows, Sound

from mmbench.api import Array, Audio, BrokenItem, Stream, Text, UsageError


class LosesOne(Rows):
    def load(self, row, stream):
        if row == len(self.ids) - 1 and stream == "text":
            raise IndexError("list index out of range")
        return super().load(row, stream)


class LastFails(Sound):
    rows_class = LosesOne


class CriesWolf(Sound):
    def check(self, source, progress=lambda *_: None):
        return [BrokenItem("train", "item-000", "array", "too bright"), *super().check(source)]


class Capitals(Rows):
    def __init__(self, name, *arguments):
        super().__init__(name.title(), *arguments)


class NamedOtherwise(Sound):
    rows_class = Capitals


class Renamed(Rows):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.streams = {**self.streams, "text": replace(self.streams["text"], name="caption")}


class StreamNamedOtherwise(Sound):
    rows_class = Renamed


class Repeating(Rows):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.ids[-1] = self.ids[0]


class RepeatsAnId(Sound):
    rows_class = Repeating


class Numbered(Rows):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.ids = list(range(len(self.rows)))


class IdsAreNumbers(Sound):
    rows_class = Numbered


class Classes(Rows):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.columns = {**self.columns, "classes": ["red", "green"]}


class ColumnOfClasses(Sound):
    rows_class = Classes


class Paths(Rows):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.columns = {**self.columns, "place": [Path("arrays") / item for item in self.ids]}


class ColumnOfPaths(Sound):
    rows_class = Paths


class FewKeys(Rows):
    def content_keys(self, stream):
        return super().content_keys(stream)[:-1]


class KeyTooFew(Sound):
    rows_class = FewKeys


class BareKeys(Rows):
    def content_keys(self, stream):
        return [zlib.crc32(key.encode()) for key in super().content_keys(stream)]


class KeysAreNumbers(Sound):
    rows_class = BareKeys


class Raising(Rows):
    def content_keys(self, stream):
        raise KeyError(stream)


class KeysRaise(Sound):
    rows_class = Raising


class Doubles(Rows):
    def load(self, row, stream):
        payload = super().load(row, stream)
        return payload if stream == "text" else Array(payload.values.astype(np.float64))


class OfDoubles(Sound):
    rows_class = Doubles


class Tall(Rows):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.streams = {**self.streams, "array": replace(self.streams["array"], shape=(5, 3))}


class OfAnotherShape(Sound):
    rows_class = Tall


class Strings(Rows):
    def load(self, row, stream):
        payload = super().load(row, stream)
        return payload.text if stream == "text" else payload


class NotAPayload(Sound):
    rows_class = Strings


class Noisy(Rows):
    def decode(self, row):
        return super().decode(row) + np.float32(time.perf_counter() % 1)


class Augments(Sound):
    rows_class = Noisy


class Sharing(Rows):
    def decode(self, row):
        self.at = row  # as ``seek`` does on a shared file
        time.sleep(0.0005)
        return super().decode(self.at)


class SharesAFile(Sound):
    rows_class = Sharing


class OneKeyAFile(Rows):
    def key(self, row, stream):
        if stream == "text":
            return f"sound-1:{self.source.hash_file(self.source.root / 'items.csv')}"
        return super().key(row, stream)


class KeysByFile(Sound):
    rows_class = OneKeyAFile


class NoScale(Rows):
    def key(self, row, stream):
        if stream == "text":
            return super().key(row, stream)
        return f"sound-1:{self.source.hash_file(self.path(row))}"


class ForgetsAnOption(Sound):
    rows_class = NoScale


class Cased(Rows):
    case = "lower"

    def load(self, row, stream):
        payload = super().load(row, stream)
        if stream == "text" and self.case == "upper":
            return Text(payload.text.upper())
        return payload


class ForgetsAChoice(Sound):
    """A dataset with a choice.

    Args:
        scale: The numbers are multiplied by it.
        case: Of the captions.
    """

    rows_class = Cased

    def __init__(self, *, scale: float = 1.0, case: Literal["lower", "upper"] = "lower") -> None:
        super().__init__(scale=scale)
        self.case = case

    def collections(self, source):
        found = super().collections(source)
        for each in found.values():
            each.case = self.case
        return found


class Hashed(Rows):
    def key(self, row, stream):
        return f"{hash(self.rows[row]['caption'])}:{super().key(row, stream)}"


class HashesTexts(Sound):
    rows_class = Hashed


class Counted(Rows):
    opened = 0

    def __init__(self, *arguments):
        super().__init__(*arguments)
        type(self).opened += 1
        self.columns = {**self.columns, "opened": [type(self).opened] * len(self.rows)}


class CountsItsOpenings(Sound):
    rows_class = Counted


class AsListed(Sound):
    """Items in the order in which the file system lists them."""

    def collections(self, source):
        found = super().collections(source)
        folder = source.root / "arrays"
        names = os.listdir(folder) if folder.is_dir() else []  # noqa: PTH208
        for name, each in found.items():
            paths = [each.path(row).name for row in range(len(each.rows))]
            known = [row for row, path in enumerate(paths) if path in names]
            unknown = [row for row, path in enumerate(paths) if path not in names]
            order = [*sorted(known, key=lambda row, paths=paths: names.index(paths[row])), *unknown]
            rows = [each.rows[row] for row in order]
            found[name] = self.rows_class(name, rows, source, self.scale)
        return found


class AsScanned(AsListed):
    """The same, of ``pathlib``."""

    def collections(self, source):
        found = Sound.collections(self, source)
        names = [path.name for path in source.root.glob("arrays/[!.]*.npy")]
        for each in found.values():
            own = [name for name in names if name.removesuffix(".npy") in each.ids]
            first = own[0] if len(own) == len(each.ids) else ""
            each.columns = {**each.columns, "first": [first] * len(each.ids)}
        return found


class Louder(Rows):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        audio = Stream("audio", "audio", "Audio", (1, None))
        self.streams = {**self.streams, "audio": audio}

    def load(self, row, stream):
        if stream == "audio":
            return Audio(self.decode(row).reshape(1, -1) * np.float32(30), 8000)
        return super().load(row, stream)


class TooLoud(Sound):
    rows_class = Louder


class Named(Rows):
    by = "plain"

    def load(self, row, stream):
        payload = super().load(row, stream)
        if stream == "text" and self.by != "plain":
            return Text(f"{payload.text} {float(self.by)}")
        return payload


class ForgetsAText(Sound):
    """A dataset with an option that is a text.

    Args:
        scale: The numbers are multiplied by it.
        by: A number that is written behind the captions.
    """

    rows_class = Named

    def __init__(self, *, scale: float = 1.0, by: str = "plain") -> None:
        super().__init__(scale=scale)
        self.by = by

    def collections(self, source):
        found = super().collections(source)
        for each in found.values():
            each.by = self.by
        return found


class ForgetsAWord(ForgetsAText):
    """A dataset with a text of which nobody guesses another.

    Args:
        scale: The numbers are multiplied by it.
        by: Nothing, or "1e3".
    """

    def __init__(self, *, scale: float = 1.0, by: str = "plain") -> None:
        if by not in ("plain", "1e3"):
            raise UsageError(f"knows no {by!r}")
        super().__init__(scale=scale, by=by)
