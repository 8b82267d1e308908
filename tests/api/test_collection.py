"""Collections: keys, fingerprints, and what a memory collection refuses."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from mmbench.api import (
    Array,
    BoundCollection,
    DataError,
    ItemError,
    MemoryCollection,
    Stream,
    Text,
    payload_digest,
)

TEXT, VALUES = Stream("text", "text", "Text"), Stream("values", "array", "Array")


def made(**changes):
    fields = {
        "name": "test",
        "ids": ["a", "b", "c"],
        "streams": {"text": TEXT, "values": VALUES},
        "payloads": {
            "text": [Text("one"), None, Text("three")],
            "values": [Array(np.full(2, i, np.float32)) for i in range(3)],
        },
        "columns": {"label": [0, 1, 1], "boxes": [[], [[0.0, 0.5]], []]},
    }
    return MemoryCollection(**fields | changes)


def test_it_gives_what_it_was_given():
    collection = made()
    assert len(collection) == 3
    assert collection.load(2, "text").text == "three"
    with pytest.raises(ItemError, match=r"test\[b\]: has no 'text'"):
        collection.load(1, "text")


def test_content_keys_name_the_content_and_nothing_else():
    keys = made().content_keys("text")
    assert keys == [payload_digest(Text("one")).hex(), None, payload_digest(Text("three")).hex()]
    renamed = made(name="other", ids=["x", "y", "z"])
    assert renamed.content_keys("text") == keys


def test_the_fingerprint_stays_where_nothing_changed():
    fingerprint = made().fingerprint()
    assert made().fingerprint() == fingerprint
    assert pickle.loads(pickle.dumps(made())).fingerprint() == fingerprint
    reordered = made(
        columns={"boxes": [[], [[0.0, 0.5]], []], "label": np.array([0, 1, 1])},
        streams={"values": VALUES, "text": TEXT},
    )
    assert reordered.fingerprint() == fingerprint
    scalars = made(
        columns={"label": [np.int64(0), 1, np.int32(1)], "boxes": ((), [(0.0, 0.5)], [])}
    )
    assert scalars.fingerprint() == fingerprint


CHANGES = {
    "id": {"ids": ["a", "b", "d"]},
    "order": {"ids": ["b", "a", "c"]},
    "name": {"name": "train"},
    "label": {"columns": {"label": [0, 1, 2], "boxes": [[], [[0.0, 0.5]], []]}},
    "nested value": {"columns": {"label": [0, 1, 1], "boxes": [[], [[0.0, 0.6]], []]}},
    "column name": {"columns": {"class": [0, 1, 1], "boxes": [[], [[0.0, 0.5]], []]}},
    "one column less": {"columns": {"label": [0, 1, 1]}},
    "provenance": {"streams": {"text": TEXT, "values": replace(VALUES, provenance="generated")}},
    "one stream less": {"streams": {"text": TEXT}},
    "content": {
        "payloads": {
            "text": [Text("one"), None, Text("3")],
            "values": [Array(np.full(2, i, np.float32)) for i in range(3)],
        }
    },
    "one more missing": {
        "payloads": {
            "text": [Text("one"), None, None],
            "values": [Array(np.full(2, i, np.float32)) for i in range(3)],
        }
    },
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_the_fingerprint_changes_with_every_change(changes):
    assert made(**changes).fingerprint() != made().fingerprint()


def test_keys_cannot_run_into_each_other():
    class Keyed(MemoryCollection):
        keys: tuple = ()

        def content_keys(self, stream):
            return self.keys

    def fingerprint(*keys):
        collection = Keyed("n", ["a", "b"], {"text": TEXT}, {"text": [None, None]})
        object.__setattr__(collection, "keys", keys)
        return collection.fingerprint()

    assert fingerprint("x\n", "y") != fingerprint("x", "\ny")
    assert fingerprint("x", "") != fingerprint("x", None)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ids": ["a", "b", "a"]}, "the id 'a' occurs more than once"),
        ({"ids": ["a", "b"]}, "'text' has 3 values for 2 items"),
        ({"columns": {"label": [0]}}, "'label' has 1 values for 3 items"),
        ({"payloads": {"text": [None] * 3}}, "the stream 'values' has no payloads"),
    ],
)
def test_rows_that_do_not_line_up_are_refused(changes, said):
    with pytest.raises(DataError, match=f"test: {said}"):
        made(**changes)


def test_a_bound_collection_speaks_in_slots():
    bound = BoundCollection(made(), {"words": "text", "numbers": "values"})
    assert len(bound) == 3
    batch = bound.batch([2, 0])
    assert [each.text for each in batch["words"]] == ["three", "one"]
    assert [each.values[0] for each in batch["numbers"]] == [2, 0]
    assert set(bound.batch([1], ["numbers"])) == {"numbers"}
    assert bound.column("label") == [0, 1, 1]


def test_complete_rows_have_every_slot():
    text = [Text("one"), None, Text("three"), None]
    values = [Array(np.zeros(1, np.float32))] * 3 + [None]
    items = MemoryCollection(
        name="test",
        ids=["a", "b", "c", "d"],
        streams={"text": Stream("text", "text", "Text"), "v": Stream("v", "array", "Array")},
        payloads={"text": text, "v": values},
    )
    assert BoundCollection(items, {"words": "text", "numbers": "v"}).complete_rows() == [0, 2]
    assert BoundCollection(items, {"numbers": "v"}).complete_rows() == [0, 1, 2]
