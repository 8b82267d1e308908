"""Which items of one collection are in another: by their rows, content keys and origins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmbench.api import Collection
from mmbench.runner.limit import Subset

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mmbench.api import FitSpec, Request
    from mmbench.runner.matching import Match

__all__ = ["NAMES", "judged", "origin", "overlap_notes", "shared_rows"]

#: Kinds that name an item rather than show it: two items may be called alike.
NAMES = frozenset({"Text", "Tokens", "Table"})


def origin(collection: Collection) -> tuple[Collection, list[int]]:
    """The collection that this one was made from in the end, and each item's row there.

    -1 where an item names a parent that is not there.
    """
    rows = list(range(len(collection)))
    while isinstance(parent := getattr(collection, "parent", None), Collection):
        if isinstance(collection, Subset):
            above: Sequence[int] = collection.rows
        elif "parent" in collection.columns:
            places = {item: row for row, item in enumerate(parent.ids)}
            above = [places.get(item, -1) for item in collection.columns["parent"]]
        else:
            break
        rows = [above[row] if row >= 0 else -1 for row in rows]
        collection = parent
    return collection, rows


def shared_rows(learnt: Collection, other: Collection) -> dict[int, tuple[str, int]]:
    """The rows of ``other`` that are in ``learnt`` too, each with what says so, and the row there.

    Items are the same if they were made from one item, or if they or what they were made from have
    one content key in a stream other than text.
    """
    found: dict[int, tuple[str, int]] = {}
    (source, here), (target, there) = origin(learnt), origin(other)
    if source is target:
        places = {above: row for row, above in enumerate(here) if above >= 0}
        found |= {row: ("origin", places[each]) for row, each in enumerate(there) if each in places}
    for stream, first, second in _keys(learnt, other, source, target, here, there):
        known = {key: row for row, key in enumerate(first) if key}
        for row, key in enumerate(second):
            if key in known:
                found.setdefault(row, (stream, known[key]))
    return found


def _keys(
    learnt: Collection,
    other: Collection,
    source: Collection,
    target: Collection,
    here: Sequence[int],
    there: Sequence[int],
) -> Iterator[tuple[str, Sequence[str | None], Sequence[str | None]]]:
    """Streams that both have, with the content keys of both; of what they were made from too."""
    for name in _streams(learnt, other):
        yield name, learnt.content_keys(name), other.content_keys(name)
    if source is learnt and target is other:
        return
    for name in _streams(source, target):
        ours, theirs = source.content_keys(name), target.content_keys(name)
        yield (
            name,
            [ours[row] if row >= 0 else None for row in here],
            [theirs[row] if row >= 0 else None for row in there],
        )


def _streams(first: Collection, second: Collection) -> list[str]:
    """Streams that both have and that show an item."""
    return [
        name
        for name, stream in first.streams.items()
        if name in second.streams and stream.kind not in NAMES
    ]


def judged(
    collections: Mapping[str, Collection], requests: Sequence[Request], spec: FitSpec | None
) -> list[str]:
    """Keys of the collections whose items are judged: encoded, no prompts, not for training.

    Where nothing else is encoded, training items are what is judged.
    """
    wanted = dict.fromkeys(request.collection for request in requests)
    items = [key for key in wanted if not collections[key].auxiliary]
    learnt = (spec.train, spec.valid) if spec else ()
    return [key for key in items if key not in learnt] or items


def overlap_notes(match: Match) -> tuple[str, ...]:
    """What a reader must know of items that are both learnt from and judged; empty if none are."""
    learnt = {(each.name, id(each.collection)): each for each in match.subject.learnt()}
    if not learnt:
        return ()
    notes = []
    for key in judged(match.opened.collections, match.requests, match.opened.task.fit_spec()):
        collection = match.opened.collections[key]
        for each in learnt.values():
            count = len(shared_rows(each.collection, collection))
            if count:
                notes.append(
                    f"trained on items that are judged: {count} of {len(collection)} items of "
                    f"{key!r} are in {each.name!r}, which it learnt from"
                )
    return tuple(notes)
