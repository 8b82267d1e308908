"""``--limit N``: the first N items of each collection, for a quick try off the leaderboards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmbench.api import Collection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmbench.api import Payload

__all__ = ["Subset", "limited"]


class Subset(Collection):
    """Some rows of a collection."""

    def __init__(self, parent: Collection, rows: Sequence[int]) -> None:
        self.parent = parent
        self.rows = list(rows)
        self.name = parent.name
        self.streams = parent.streams
        self.auxiliary = parent.auxiliary
        self.ids = [parent.ids[row] for row in self.rows]
        self.columns: Mapping[str, Sequence[Any]] = {
            name: [values[row] for row in self.rows] for name, values in parent.columns.items()
        }

    def load(self, row: int, stream: str) -> Payload:
        """The parent's payload."""
        return self.parent.load(self.rows[row], stream)

    def content_keys(self, stream: str) -> Sequence[str | None]:
        """The parent's keys."""
        keys = self.parent.content_keys(stream)
        return [keys[row] for row in self.rows]


def limited(collections: Mapping[str, Collection], limit: int) -> dict[str, Collection]:
    """Each collection's first ``limit`` items; prompts and other auxiliary ones stay whole.

    Children (crops of a frame) are kept exactly where their parent is.
    """
    kept: dict[str, Collection] = {}
    for name, collection in collections.items():
        rows = _first(collection, limit)
        kept[name] = collection if len(rows) == len(collection) else Subset(collection, rows)
    return kept


def _first(collection: Collection, limit: int) -> Sequence[int]:
    """The rows to keep."""
    parent = getattr(collection, "parent", None)
    if parent is None:
        return range(len(collection) if collection.auxiliary else min(limit, len(collection)))
    alive = {parent.ids[row] for row in _first(parent, limit)}
    return [row for row, each in enumerate(collection.columns["parent"]) if each in alive]
