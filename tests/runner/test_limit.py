from __future__ import annotations

from typing import TYPE_CHECKING

from mmbench_faulty.world import pairs

from mmbench.api import DerivedCollection, MemoryCollection, Stream, Text, View
from mmbench.runner.limit import Subset, limited

if TYPE_CHECKING:
    from mmbench.api import Collection


def children(name: str, parent: Collection, each: int = 2, *, first: int = 0) -> DerivedCollection:
    rows = [row for row in range(first, len(parent)) for _ in range(each)]
    views = [[View("noise", {"level": 0.1}, seed)] for seed in range(len(rows))]
    return DerivedCollection(name, parent, "left", rows, views)


def prompts() -> MemoryCollection:
    texts = {"text": [Text(word) for word in "abcdefgh"]}
    streams = {"text": Stream("text", "text", "Text")}
    return MemoryCollection("prompts", list("abcdefgh"), streams, texts, auxiliary=True)


def test_a_subset_is_those_rows_in_that_order() -> None:
    parent = pairs("test", 6, seed=0)
    subset = Subset(parent, [4, 1])

    assert subset.ids == ["test-004", "test-001"]
    assert subset.columns["label"] == [1, 1]
    assert subset.load(0, "left") is parent.load(4, "left")
    assert subset.content_keys("left")[1] == parent.content_keys("left")[1]
    assert subset.fingerprint() != parent.fingerprint()


def test_the_first_items_stay_and_prompts_stay_whole() -> None:
    given = {"items": pairs("test", 6, seed=0), "prompts": prompts()}

    kept = limited(given, 3)

    assert kept["items"].ids == ["test-000", "test-001", "test-002"]
    assert kept["prompts"] is given["prompts"]
    assert list(kept) == ["items", "prompts"]


def test_what_is_short_enough_stays_itself() -> None:
    given = {"items": pairs("test", 6, seed=0)}

    assert limited(given, 6)["items"] is given["items"]
    assert len(limited(given, 1)["items"]) == 1


def test_children_stay_where_their_parent_does() -> None:
    parent = pairs("test", 6, seed=0)
    child = children("crops", parent)
    grandchild = children("noisy", child)

    kept = limited({"noisy": grandchild, "crops": child, "items": parent}, 2)

    assert kept["crops"].columns["parent"] == ["test-000"] * 2 + ["test-001"] * 2
    assert len(kept["noisy"]) == 8
    assert set(kept["noisy"].columns["parent"]) == set(kept["crops"].ids)


def test_children_follow_their_own_parent_though_it_is_not_asked_for() -> None:
    test, train = pairs("items", 4, seed=0), pairs("items", 8, seed=1)  # with equal ids

    kept = limited({"crops": children("crops", train), "items": test}, 5)

    assert len(kept["crops"]) == 10
    assert len(kept["items"]) == 4
