"""Which items a cell loses: who falls with whom, and how the record tells each loss once."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np

from mmbench.results.record import DroppedItem
from mmbench.runner.limit import Subset

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mmbench.api import Collection

    Reasons = dict[str, dict[str, str]]

__all__ = ["depth", "dropped_items", "fall_together", "is_derived"]

_UNTOLD = "lacks a stream, or fell with its parent"


def fall_together(
    collections: Mapping[str, Collection],
    keep: Mapping[str, NDArray[np.bool_]],
    reasons: Mapping[str, Mapping[str, str]],
) -> Reasons:
    """Let children fall with their parents, and items with the last of their parts.

    Parts are auxiliary children (crops of a frame): an item that lost all of them can't be judged.

    Args:
        collections: The cell's, by key.
        keep: Which rows of each are left; changed in place.
        reasons: Item id to the reason it could not be decoded, by collection key.

    Returns:
        The reasons, with those of the items that fell with their parts.
    """
    said = {name: dict(reasons.get(name, {})) for name in collections}
    by_depth = sorted(collections, key=lambda each: depth(collections[each]))
    parents = {name: _parent_key(collections[name], collections) for name in by_depth}
    for name in reversed(by_depth):
        parent = parents[name]
        if parent is not None and collections[name].auxiliary and not keep[name].all():
            _fall_with_parts(collections, keep, said, name, parent)
    for name in by_depth:
        parent = parents[name]
        if parent is not None and not keep[parent].all():
            alive = {collections[parent].ids[row] for row in np.flatnonzero(keep[parent])}
            of = collections[name].columns["parent"]
            keep[name][:] &= np.fromiter((each in alive for each in of), np.bool_, len(of))
    return said


def _fall_with_parts(
    collections: Mapping[str, Collection],
    keep: Mapping[str, NDArray[np.bool_]],
    said: Reasons,
    name: str,
    parent: str,
) -> None:
    """Let the items fall that had children in a collection, and have none left."""
    child, alive, why = collections[name], set[str](), dict[str, str]()
    for item, of, kept in zip(child.ids, child.columns["parent"], keep[name], strict=True):
        if kept:
            alive.add(of)
        else:
            why.setdefault(of, said[name].get(item, _UNTOLD))
    for row, item in enumerate(collections[parent].ids):
        if item in why and item not in alive:
            keep[parent][row] = False
            said[parent].setdefault(item, why[item])


def dropped_items(
    collections: Mapping[str, Collection],
    kept: Mapping[str, NDArray[np.int64]],
    reasons: Mapping[str, Mapping[str, str]],
) -> dict[str, tuple[DroppedItem, ...]]:
    """The lost items of each collection; children of a lost item are counted there.

    Args:
        collections: Those that the record lists, by key.
        kept: Rows that are left.
        reasons: Item id to the reason, by collection key.
    """
    lost = {name: np.ones(len(each), dtype=np.bool_) for name, each in collections.items()}
    for name, rows in lost.items():
        rows[kept[name]] = False
    gone = {
        name: {each.ids[row] for row in np.flatnonzero(lost[name])}
        for name, each in collections.items()
    }
    fallen: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    told: dict[str, tuple[DroppedItem, ...]] = {}
    for name in sorted(collections, key=lambda each: -depth(collections[each])):
        collection, mine = collections[name], []
        parent = _parent_key(collection, collections)
        for row in np.flatnonzero(lost[name]):
            item = collection.ids[row]
            with_it = fallen.pop((name, item), Counter())
            of = collection.columns["parent"][row] if parent is not None else ""
            if parent is not None and of in gone[parent]:
                fallen[parent, of] += with_it + Counter([name])
            else:
                reason = reasons.get(name, {}).get(item, _UNTOLD)
                mine.append(DroppedItem(item, _and_its(with_it, reason)))
        told[name] = tuple(mine)
    return told


def _and_its(fallen: Counter[str], reason: str) -> str:
    """A reason that also says what fell with the item."""
    if not fallen:
        return reason
    first, newline, rest = reason.partition("\n")
    more = " and ".join(f"its {count} {name}" for name, count in sorted(fallen.items()))
    return f"{first}; and {more}{newline}{rest}"


def is_derived(collection: Collection, collections: Mapping[str, Collection]) -> bool:
    """Whether it, or a parent of it, was derived from one of these."""
    parent = getattr(_root(collection), "parent", None)
    if parent is None:
        return False
    return _parent_key(collection, collections) is not None or is_derived(parent, collections)


def depth(collection: Collection) -> int:
    """How many times it is derived."""
    parent = getattr(_root(collection), "parent", None)
    return 0 if parent is None else 1 + depth(parent)


def _parent_key(collection: Collection, collections: Mapping[str, Collection]) -> str | None:
    """The key of the collection that this one was derived from, if it is among these."""
    parent = getattr(_root(collection), "parent", None)
    for name, other in collections.items():
        if parent is not None and _root(other) is _root(parent):
            return name
    return None


def _root(collection: Collection) -> Collection:
    """The collection under any ``--limit``."""
    return collection.parent if isinstance(collection, Subset) else collection
