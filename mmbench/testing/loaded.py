"""Items of a dataset as they were loaded, or why they could not be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from mmbench.api import payload_digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mmbench.api import Collection, Payload

__all__ = ["Loaded", "load_all", "load_one"]


@dataclass(frozen=True)
class Loaded:
    """One stream of one item, as it was loaded.

    Attributes:
        collection: Its collection's key.
        row: Its row there.
        item: Its id.
        stream: Which stream.
        key: Its content key.
        payload: What ``load`` returned.
        error: What it raised instead.
    """

    collection: str
    row: int
    item: str
    stream: str
    key: str
    payload: Payload | None = None
    error: BaseException | None = None

    @property
    def place(self) -> tuple[str, str, str]:
        """Collection, item and stream."""
        return (self.collection, self.item, self.stream)

    @property
    def label(self) -> str:
        """The same in words."""
        return f"{self.stream!r} of {self.collection}[{self.item}]"

    @cached_property
    def digest(self) -> bytes | None:
        """Of the payload; None where there is none."""
        return None if self.payload is None else payload_digest(self.payload)


def load_all(collections: Mapping[str, Collection], spread: int | None = None) -> Iterator[Loaded]:
    """Load every stream of every item that has it; exceptions are kept, not raised.

    Args:
        collections: Of a dataset.
        spread: At most so many rows a collection, spread over it.
    """
    for name, collection in collections.items():
        step = 1 if spread is None else max(len(collection) // spread, 1)
        for stream in collection.streams:
            keys = list(collection.content_keys(stream))
            for row in range(0, len(collection), step):
                key = keys[row]
                if key is not None:
                    yield load_one(collection, Loaded(name, row, collection.ids[row], stream, key))


def load_one(collection: Collection, what: Loaded) -> Loaded:
    """The same, with what ``load`` returns or raises."""
    try:
        return replace(what, payload=collection.load(what.row, what.stream))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin raises
        return replace(what, error=error)
