"""Training sets that are unlike the usual one: tiny, with gaps, with other targets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from mmbench.api import BoundCollection, FitData, MemoryCollection
from mmbench.testing.items import MEANINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CLASSES", "first_items", "summary_of", "with_gaps", "with_target", "without_validation"]

#: Classes of :func:`with_target`, in the order of their appearance: sorted, none keeps its place.
CLASSES = ("oak", "ash", "birch", "maple")


def without_validation(data: FitData) -> FitData:
    """The same, but the task names no validation items."""
    return FitData(data.train, None, replace(data.spec, valid=None))


def first_items(data: FitData, count: int) -> FitData:
    """Only the first training and validation items."""
    valid = None if data.valid is None else _changed(data.valid, rows=range(count))
    return FitData(_changed(data.train, rows=range(count)), valid, data.spec)


def with_gaps(data: FitData) -> FitData:
    """Every fourth training item lacks one stream: the first, the next one the second, and so on.

    Where there is one stream only, these items have none.
    """
    collection = _memory(data.train)
    payloads = {name: list(values) for name, values in collection.payloads.items()}
    names = list(payloads)
    for number, row in enumerate(range(1, len(collection), 4)):
        payloads[names[number % len(names)]][row] = None
    gappy = replace(collection, payloads=payloads)
    return FitData(BoundCollection(gappy, data.train.binding), data.valid, data.spec)


def with_target(data: FitData, kind: Literal["class", "value"]) -> FitData:
    """Learn a target of a kind: which fourth of the meanings an item is of, or which meaning."""
    column = {"class": "kit class", "value": "kit value"}[kind]
    valid = None if data.valid is None else _changed(data.valid)
    spec = replace(data.spec, target=column, target_kind=kind)
    return FitData(_changed(data.train), valid, spec)


def summary_of(data: FitData) -> list[Any]:
    """What is in a training set: equal for equal content."""
    return [
        None
        if part is None
        else (dict(part.binding), part.collection.fingerprint(), len(part.collection))
        for part in (data.train, data.valid)
    ] + [data.spec]


def _changed(bound: BoundCollection, rows: Sequence[int] | None = None) -> BoundCollection:
    """Some rows, with the columns of :func:`with_target` besides the others."""
    collection = _memory(bound)
    kept = [row for row in (rows or range(len(collection))) if row < len(collection)]
    meanings = [row % MEANINGS for row in range(len(collection))]
    columns = {
        **collection.columns,
        "kit class": [CLASSES[meaning * len(CLASSES) // MEANINGS] for meaning in meanings],
        "kit value": [meaning / MEANINGS for meaning in meanings],
    }
    made = MemoryCollection(
        name=collection.name,
        ids=[collection.ids[row] for row in kept],
        streams=collection.streams,
        payloads={
            name: [values[row] for row in kept] for name, values in collection.payloads.items()
        },
        columns={name: [values[row] for row in kept] for name, values in columns.items()},
    )
    return BoundCollection(made, bound.binding)


def _memory(bound: BoundCollection) -> MemoryCollection:
    """The kit's collections are in memory."""
    assert isinstance(bound.collection, MemoryCollection)
    return bound.collection
