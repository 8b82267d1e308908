from __future__ import annotations

import threading

import numpy as np
import pytest

from mmbench.api import (
    Array,
    MemoryCollection,
    Offer,
    Representation,
    RepresentationInfo,
    Slot,
    Stream,
)
from mmbench.runner.encoding import Encoder
from mmbench.runner.keys import digest_rows
from mmbench.runner.matching import Group
from mmbench.runner.vectors import SpaceWriter, VectorStore


class Seen(Representation):
    """Remembers which items came in which batch."""

    def __init__(self) -> None:
        self.batches: list[list[float]] = []

    @property
    def info(self) -> RepresentationInfo:
        slot = Slot("x", "feature", ("Array",))
        return RepresentationInfo(
            "seen", "1", (slot,), frozenset({Offer("global", frozenset("x"))})
        )

    def encode(self, batch):
        self.batches.append([float(payload.values[0]) for payload in batch["x"]])
        return np.stack([payload.values for payload in batch["x"]])


def numbers(values) -> MemoryCollection:
    payloads = [Array(np.array([value, 1.0], dtype=np.float32)) for value in values]
    streams = {"x": Stream("x", "feature", "Array")}
    return MemoryCollection("m", [f"i{n}" for n in range(len(payloads))], streams, {"x": payloads})


def fill(space, collection, size):
    digests, _ = digest_rows([collection.content_keys("x")])
    group = Group(("x",), np.arange(len(collection)), digests)
    representation = Seen()
    encoder = Encoder(representation, "seen", "global", size, lambda *_: None)
    done = encoder.fill(space, collection, {"x": "x"}, group)
    places = space.find(digests)
    return done, representation.batches, space.gather(places)[:, 0].tolist(), group


@pytest.fixture
def space(tmp_path):
    return VectorStore(tmp_path).space("ab" * 16)


def test_what_a_kill_left_over_comes_in_the_batches_of_a_whole_run(space, tmp_path):
    collection = numbers(range(10))
    _, whole, _, group = fill(VectorStore(tmp_path / "other").space("ab" * 16), collection, 4)
    writer = SpaceWriter(space)
    writer.add(group.digests[4:8], np.ones((4, 2), dtype=np.float32), 0.0)  # the second batch
    writer.flush()
    done, batches, _, _ = fill(space, collection, 4)
    assert (done.encoded, done.reused) == (6, 4)
    # the one-item batch is the check that the first item does not depend on its batch
    assert [b for b in whole if len(b) > 1] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert [b for b in batches if len(b) > 1] == [[0, 1, 2, 3], [8, 9]]


def test_equal_content_is_encoded_once(space):
    done, batches, values, _ = fill(space, numbers([3, 5, 3, 3, 5, 7]), 64)
    assert (done.encoded, done.reused) == (3, 3)
    assert batches[0] == [3, 5, 7]
    assert values == [3, 5, 3, 3, 5, 7]


def test_a_collection_that_can_bear_it_is_decoded_by_several_threads_in_order(space, monkeypatch):
    monkeypatch.setattr("mmbench.runner.encoding._DECODE_THREADS", 4)
    threads = set()

    class Parallel(MemoryCollection):
        parallel_loads = True

        def load(self, row, stream):
            threads.add(threading.get_ident())
            barrier.wait(timeout=5)
            return super().load(row, stream)

    made = numbers(range(8))
    barrier = threading.Barrier(4)
    collection = Parallel(made.name, made.ids, made.streams, made.payloads)
    _, _, values, _ = fill(space, collection, 8)
    assert values == list(range(8))
    assert len(threads) == 4
