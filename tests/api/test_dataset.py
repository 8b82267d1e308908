"""Checking a dataset decodes every item and lists what is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmbench.api import (
    BrokenItem,
    Dataset,
    DatasetInfo,
    DataSource,
    DataStatus,
    ItemError,
    MemoryCollection,
    Stream,
    Text,
)


class Fragile(MemoryCollection):
    def load(self, row, stream):
        if self.ids[row] == "corrupt":
            raise ItemError("too short", where="corrupt.wav")
        if self.ids[row] == "gone":
            raise FileNotFoundError("gone.wav")
        if self.ids[row] == "cut":
            raise EOFError("cut.npy ends early")
        return super().load(row, stream)


class Words(Dataset):
    @property
    def info(self):
        return DatasetInfo("words", "1")

    def collections(self, source):
        texts = [Text("a"), Text("b"), None, Text("d"), Text("e")]
        streams = {"text": Stream("text", "text", "Text")}
        return {
            "test": Fragile(
                "test", ["ok", "corrupt", "absent", "gone", "cut"], streams, {"text": texts}
            )
        }

    def status(self, source):
        return DataStatus(True)


SOURCE = DataSource(Path("nowhere"), lambda path: "")


def test_what_cannot_be_decoded_is_listed_and_what_is_absent_is_not():
    assert Words().check(SOURCE) == [
        BrokenItem("test", "corrupt", "text", "corrupt.wav: too short"),
        BrokenItem("test", "gone", "text", "gone.wav"),
        BrokenItem("test", "cut", "text", "cut.npy ends early"),
    ]


def test_progress_is_reported():
    seen = []
    Words().check(SOURCE, lambda done, total, what: seen.append((done, total, what)))
    assert seen == [(row, 5, "test/text") for row in range(5)]


def test_a_sample_needs_a_writer():
    with pytest.raises(NotImplementedError):
        Words().write_sample(Path("nowhere"), items=1, seed=0)
