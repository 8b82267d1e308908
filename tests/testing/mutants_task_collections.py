"""Tasks whose collections are broken, in one thing each."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from dataclasses import replace
from datetime import date
from itertools import count
from pathlib import Path
from typing import ClassVar

import numpy as np
from sound_task import DIM, Sound

from mmbench.api import (
    Audio,
    Collection,
    DataMissing,
    FitSpec,
    MemoryCollection,
    Stream,
    Text,
    View,
    ViewedCollection,
)
from mmbench.runner.limit import Subset

COUNTER = count()


class Changed(Sound):
    """A sound task whose test collection is made by another class, or of other parts."""

    made: type = MemoryCollection
    splits: ClassVar[tuple[str, ...]] = ("test",)

    def collected(self, **said):
        if said["name"] not in self.splits:
            return MemoryCollection(**said)
        return self.made(**self.changed(said))

    def changed(self, said):
        return said


class Columns(Changed):
    """A sound task with a further column."""

    def values(self, count):
        raise NotImplementedError

    def changed(self, said):
        added = self.values(len(said["ids"]))
        return {**said, "columns": {**said["columns"], "more": added}}


class Loose(Collection):
    """A collection that checks nothing of what it is made from."""

    def __init__(self, **said):
        self.whole = MemoryCollection(**{**said, "columns": {}})
        self.name = said["name"]
        self.ids = said["ids"]
        self.streams = said["streams"]
        self.columns = said["columns"]

    def load(self, row, stream):
        return self.whole.load(row, stream)

    def content_keys(self, stream):
        return self.whole.content_keys(stream)


class NowhereToOpen(Sound):
    def collections(self, datasets):
        raise DataMissing("nothing is there")


class Emptied(Sound):
    def collections(self, datasets):
        return {**super().collections(datasets), "spare": self.split("spare", 0)}

    def split(self, name, count):
        if name != "spare":
            return super().split(name, count)
        return MemoryCollection("spare", [], {}, {})


class SameIds(Changed):
    class made(Loose):  # noqa: N801 - fills the base's slot
        def __init__(self, **said):
            super().__init__(**said)
            self.ids = ["valid-0"] * len(said["ids"])

    splits: ClassVar[tuple[str, ...]] = ("valid",)


class NumberedIds(Changed):
    splits: ClassVar[tuple[str, ...]] = ("valid",)

    def changed(self, said):
        return {**said, "ids": list(range(len(said["ids"])))}


class ShortColumn(Columns):
    made = Loose

    def values(self, count):
        return [0] * (count - 1)


class Dates(Columns):
    def values(self, count):
        return [date(2026, 1, 1)] * count


class Mixed(Columns):
    def values(self, count):
        return [*range(count - 1), "7"]


class Renamed(Changed):
    def changed(self, said):
        sound = replace(said["streams"]["sound"], name="audio")
        return {**said, "streams": {**said["streams"], "sound": sound}}


class NoProvenance(Changed):
    def changed(self, said):
        sound = replace(said["streams"]["sound"], provenance="synthetic")
        return {**said, "streams": {**said["streams"], "sound": sound}}


class OtherShape(Changed):
    def changed(self, said):
        sound = replace(said["streams"]["sound"], shape=(2, 40))
        return {**said, "streams": {**said["streams"], "sound": sound}}


class OtherRate(Changed):
    def changed(self, said):
        sound = replace(said["streams"]["sound"], rate=16_000, shape=(1, None))
        return {**said, "streams": {**said["streams"], "sound": sound}}


class OtherType(Changed):
    def changed(self, said):
        wide = [Audio(each.samples.astype(float), 8_000) for each in said["payloads"]["sound"]]
        return {**said, "payloads": {**said["payloads"], "sound": wide}}


class Noisy(Changed):
    class made(Loose):  # noqa: N801 - fills the base's slot
        def load(self, row, stream):
            payload = super().load(row, stream)
            if stream != "sound":
                return payload
            noise = np.float32(1e-3 * next(COUNTER))
            return replace(payload, samples=payload.samples + noise)


class Keyless(Changed):
    class made(Loose):  # noqa: N801 - fills the base's slot
        def content_keys(self, stream):
            return [key and int(key, 16) for key in super().content_keys(stream)]


class ShortKeys(Changed):
    class made(Loose):  # noqa: N801 - fills the base's slot
        def content_keys(self, stream):
            return super().content_keys(stream)[:-1]

    splits: ClassVar[tuple[str, ...]] = ("valid",)


class SharedKeys(Changed):
    class made(Loose):  # noqa: N801 - fills the base's slot
        def content_keys(self, stream):
            keys = super().content_keys(stream)
            return keys if stream == "caption" else [f"{self.name}.wav"] * len(keys)


class FilledIn(Changed):
    class made(Loose):  # noqa: N801 - fills the base's slot
        def load(self, row, stream):
            missing = super().content_keys(stream)[row] is None
            return Text("") if missing else super().load(row, stream)


class WrongError(Changed):
    class made(Loose):  # noqa: N801 - fills the base's slot
        def load(self, row, stream):
            if super().content_keys(stream)[row] is None:
                raise KeyError(row)
            return super().load(row, stream)


class Corrupt(Changed):
    class made(Loose):  # noqa: N801 - fills the base's slot
        def load(self, row, stream):
            if row == 0 and stream == "sound":
                raise OSError("truncated file")
            return super().load(row, stream)


class Shuffled(Changed):
    def changed(self, said):
        return {
            **said,
            "columns": {**said["columns"], "opened": [next(COUNTER)] * len(said["ids"])},
        }


class Leaking(Sound):
    def tone(self, split, row):
        return super().tone("train" if (split, row) == ("test", 5) else split, row)


class Unsorted(Sound):
    """Its items are in the order of a set."""

    def collections(self, datasets):
        found = super().collections(datasets)
        order = [found["valid"].ids.index(each) for each in set(found["valid"].ids)]
        return {**found, "valid": Subset(found["valid"], order)}


class Yearly(Changed):
    def changed(self, said):
        years = [date.today().year] * len(said["ids"])  # noqa: DTZ011
        return {**said, "columns": {**said["columns"], "opened": years}}


class TrainsOnTest(Sound):
    def fit_spec(self):
        return FitSpec("test", None, ("sound",), "label", "class")

    def collections(self, datasets):
        found = super().collections(datasets)
        return {key: found[key] for key in ("test", "prompts")}


class TrainsOnViews(Sound):
    """It trains on the test items with a little noise."""

    def collections(self, datasets):
        found = super().collections(datasets)
        views = {"sound": [View("noise", {"level": 0.001})]}
        return {**found, "train": ViewedCollection("train", found["test"], views)}


class TrainsOnChosen(Sound):
    """It trains on some of the test items."""

    def collections(self, datasets):
        found = super().collections(datasets)
        return {**found, "train": Subset(found["test"], [4, 5, 6])}


class OtherKeys(Leaking):
    """It has the split's name in its content keys."""

    class made(Loose):  # noqa: N801 - fills the base's slot
        def content_keys(self, stream):
            keys = super().content_keys(stream)
            return [key and f"{self.name}/{key}" for key in keys]

    def collected(self, **said):
        return self.made(**said)


class Silent(Sound):
    """Several items of every split are silent, which is allowed."""

    def tone(self, split, row):
        made = super().tone(split, row)
        return replace(made, samples=0 * made.samples) if row in (1, 2) else made

    def collected(self, **said):
        return OtherKeys.made(**said)


class Unlabelled(Changed):
    splits: ClassVar[tuple[str, ...]] = ("train",)

    def changed(self, said):
        labels = [None, *said["columns"]["label"][1:]]
        return {**said, "columns": {**said["columns"], "label": labels}}


class Infinite(Columns):
    splits: ClassVar[tuple[str, ...]] = ("train", "valid")

    def values(self, count):
        return [*np.linspace(0, 1, count - 1), float("nan")]

    def fit_spec(self):
        return FitSpec("train", "valid", ("sound",), "more", "value")


class NoTarget(Sound):
    def fit_spec(self):
        return FitSpec("train", "valid", ("sound",))


class OpenShape(Changed):
    """Its streams declare no shape and no rate, which is allowed."""

    def changed(self, said):
        sound = Stream("sound", "audio", "Audio", provenance="generated")
        return {**said, "streams": {**said["streams"], "sound": sound}}


class Unsupervised(Sound):
    """It names no training items and works on plain columns of arrays."""

    def fit_spec(self):
        return None

    def collections(self, datasets):
        found = super().collections(datasets)
        whole = found["test"]
        columns = {"label": np.array(whole.columns["label"]), "place": np.zeros((len(whole), DIM))}
        return {"test": replace(whole, columns=columns), "prompts": found["prompts"]}


class ReadsItsAuthorsList(Sound):
    """It takes the labels that lie on this machine, where they do."""

    def collections(self, datasets):
        if Path("/home/author/labels.json").is_file():
            raise AssertionError
        return super().collections(datasets)


class ReadsItsHome(Sound):
    def collections(self, datasets):
        with contextlib.suppress(OSError):
            (Path.home() / "labels.json").read_text()
        return super().collections(datasets)


class KeepsAnIndex(Sound):
    def collections(self, datasets):
        if in_child():
            Path("index.json").write_text("{}")
        return super().collections(datasets)


class KeepsAnIndexUnheard(Sound):
    """By another program."""

    def collections(self, datasets):
        if in_child():
            os.system("touch ~/.sound-index")
        return super().collections(datasets)


class LooksAround(Sound):
    """It reads its own package and the system, and uses a temporary file, which is allowed."""

    def collections(self, datasets):
        assert Path(__file__).is_file()
        Path("/etc/hostname").exists()
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "unpacked").write_text("x")
            assert Path(folder, "unpacked").read_text() == "x"
        return super().collections(datasets)


def in_child():
    """Whether this is the kit's watched process: what would harm the tests is done only there."""
    return Path(sys.argv[0]).name == "task_child.py"
