"""Datasets that break what a dataset says of itself, one thing each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sound_dataset import Sound

from mmbench.api import DataError, Dataset, DatasetInfo, DataStatus, MemoryCollection, Stream, Text


class LeaksText(Sound):
    @property
    def info(self):
        return replace(super().info, leaks=("the splits share a scene"))


class NeedsDataForInfo(Sound):
    @property
    def info(self):
        raise FileNotFoundError("items.csv")


class NoLicence(Sound):
    @property
    def info(self):
        return replace(super().info, licence="")


class InfoFromFiles(Sound):
    leaks = ()

    @property
    def info(self):
        return replace(super().info, leaks=self.leaks)

    def collections(self, source):
        found = super().collections(source)
        self.leaks = (f"{len(found['train'])} items",)
        return found


class OtherName(Sound):
    @property
    def info(self):
        return replace(super().info, name="sound")


class AlwaysPresent(Sound):
    def status(self, source):
        if not source.root.exists():
            return DataStatus(True, found=("the list",))
        return super().status(source)


class NamesNoPath(Sound):
    def status(self, source):
        return replace(super().status(source), missing=())


class NamesAnotherFolder(Sound):
    def status(self, source):
        found = super().status(source)
        return found if found.present else replace(found, missing=("/data/sound/items.csv",))


class NoAdvice(Sound):
    def status(self, source):
        return replace(super().status(source), advice=" ")


class TakesAnyFolder(Sound):
    def status(self, source):
        if source.root.is_dir() and not list(source.root.iterdir()):
            return DataStatus(True, found=("a folder",))
        return super().status(source)


class TripsOverAFile(Sound):
    def status(self, source):
        if source.root.exists():
            list(source.root.iterdir())
        return super().status(source)


class FindsNothing(Sound):
    def status(self, source):
        return replace(super().status(source), found=())


class DecodesInStatus(Sound):
    def status(self, source):
        found = super().status(source)
        if found.present:
            count = 0
            for path in source.root.glob("arrays/*.npy"):
                count += np.load(path).size
            return replace(found, found=(f"{count} numbers",))
        return found


class OpensNothing(Sound):
    def collections(self, source):
        if not source.root.exists():
            raise DataError("there is no such folder", where=str(source.root))
        return super().collections(source)


class NamesNoFolder(Sound):
    def collections(self, source):
        if not source.root.exists():
            raise type(self).missing()
        return super().collections(source)

    @staticmethod
    def missing():
        from mmbench.api import DataMissing

        return DataMissing("the data is not there", fix="get it")


class EmptyIsEmpty(Sound):
    def collections(self, source):
        if source.root.is_dir() and not list(source.root.iterdir()):
            return {}
        return super().collections(source)


class Bundled(Dataset):
    """Words that come with the package: sound, without a folder."""

    words = ("one", "two", "three")

    @property
    def info(self):
        return DatasetInfo(type(self).__name__.lower(), "1", "CC0-1.0", bundled=True)

    def collections(self, source):
        return {
            "test": MemoryCollection(
                "test",
                [f"word-{row}" for row in range(len(self.words))],
                {"text": Stream("text", "text", "Text")},
                {"text": [Text(word) for word in self.words]},
                {"label": list(range(len(self.words)))},
            )
        }

    def status(self, source):
        return DataStatus(True, found=("three words",))


class BundledElsewhere(Bundled):
    def collections(self, source):
        if not source.root.is_dir():
            raise FileNotFoundError(source.root)
        return super().collections(source)
