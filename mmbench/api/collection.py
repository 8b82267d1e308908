"""Collections: ordered, finite lists of items with stable ids, lazy streams and plain columns."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, ClassVar

from mmbench.api.errors import DataError, ItemError
from mmbench.api.payloads import payload_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mmbench.api.payloads import Payload
    from mmbench.api.streams import Binding, Stream

__all__ = ["BoundCollection", "Collection", "MemoryCollection"]


class Collection(ABC):
    """Items of a dataset that belong together: a split, a list of prompts, a set of scenes.

    Attributes:
        name: Unique within its dataset, such as ``"test"``.
        ids: One stable, unique id a row.
        streams: What each item has, by stream name.
        columns: Row-aligned plain values (labels, boxes, relevance, parent ids): lists or arrays
            of numbers, strings, or nested lists of them.
        auxiliary: True for prompts, proposals and corpora: listed in the record, but the record
            counts as ``generated`` only if a stream that is *evaluated* is.
        parallel_loads: True if :meth:`load` may be called from several threads at once; then the
            runner decodes in parallel.
        cheap_loads: True if :meth:`load` costs less than reading a file, since payloads lie in
            memory or are made up: then the runner never keeps what it returned for a second use.
    """

    name: str
    ids: Sequence[str]
    streams: Mapping[str, Stream]
    columns: Mapping[str, Sequence[Any]]
    auxiliary: bool = False
    parallel_loads: bool = False
    cheap_loads: ClassVar[bool] = False

    def __len__(self) -> int:
        return len(self.ids)

    @abstractmethod
    def load(self, row: int, stream: str) -> Payload:
        """Decode one stream of one item.

        Raises:
            ItemError: The item is corrupt; the runner drops it and lists it in the record.
        """

    @abstractmethod
    def content_keys(self, stream: str) -> Sequence[str | None]:
        """One key a row that names exactly what :meth:`load` would return, without loading it.

        Source bytes, decode options and reader version belong in it; the folder's place does
        not. ``None`` where the item lacks this stream (a missing modality).
        """

    def fingerprint(self) -> str:
        """Hash of ids, content keys and columns: changes when any of them does."""
        digest = blake2b(digest_size=16)
        digest.update(json.dumps([self.name, list(self.ids)]).encode())
        for name in sorted(self.streams):
            stream = self.streams[name]
            described = [name, stream.modality, stream.kind, stream.provenance]
            digest.update(json.dumps(described).encode())
            digest.update(json.dumps(list(self.content_keys(name))).encode())
        for name in sorted(self.columns):
            digest.update(json.dumps([name, _plain(self.columns[name])]).encode())
        return digest.hexdigest()


def _plain(values: Any) -> Any:
    """Nested lists of Python scalars, from lists and numpy arrays alike."""
    if hasattr(values, "tolist"):
        return values.tolist()
    if isinstance(values, (list, tuple)):
        return [_plain(value) for value in values]
    return values


@dataclass(frozen=True)
class MemoryCollection(Collection):
    """A collection whose payloads are already in memory, such as a task's prompts.

    Args:
        payloads: Stream name to one payload a row (``None`` where the item lacks it).

    Raises:
        DataError: Ids that repeat, or payloads or columns of another length.
    """

    name: str
    ids: Sequence[str]
    streams: Mapping[str, Stream]
    payloads: Mapping[str, Sequence[Payload | None]]
    columns: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    auxiliary: bool = False
    cheap_loads = True

    def __post_init__(self) -> None:
        if len(set(self.ids)) < len(self.ids):
            twice = next(item for item in self.ids if list(self.ids).count(item) > 1)
            raise DataError(f"the id {twice!r} occurs more than once", where=self.name)
        if missing := [name for name in self.streams if name not in self.payloads]:
            raise DataError(f"the stream {missing[0]!r} has no payloads", where=self.name)
        for name, values in (*self.payloads.items(), *self.columns.items()):
            if len(values) != len(self.ids):
                raise DataError(
                    f"{name!r} has {len(values)} values for {len(self.ids)} items", where=self.name
                )

    def load(self, row: int, stream: str) -> Payload:
        """The payload itself."""
        payload = self.payloads[stream][row]
        if payload is None:
            raise ItemError(f"has no {stream!r}", where=f"{self.name}[{self.ids[row]}]")
        return payload

    def content_keys(self, stream: str) -> Sequence[str | None]:
        """Digests of the payloads."""
        return [
            None if payload is None else payload_digest(payload).hex()
            for payload in self.payloads[stream]
        ]


@dataclass(frozen=True)
class BoundCollection:
    """A collection seen through a representation's slots: what ``fit`` is handed.

    Attributes:
        collection: The items.
        binding: Slot name to stream name.
        loader: ``loader(collection, row, stream)`` decodes in place of ``collection.load``: the
            runner's remembers what it decoded. None = the collection itself.
    """

    collection: Collection
    binding: Binding
    loader: Callable[[Collection, int, str], Payload] | None = field(
        default=None, repr=False, compare=False
    )

    def __len__(self) -> int:
        return len(self.collection)

    def complete_rows(self) -> list[int]:
        """The rows that have a payload for every slot, without loading any."""
        keys = [self.collection.content_keys(stream) for stream in self.binding.values()]
        return [row for row in range(len(self)) if all(each[row] is not None for each in keys)]

    def batch(
        self, rows: Sequence[int], slots: Sequence[str] | None = None
    ) -> dict[str, list[Payload]]:
        """Payloads of ``rows`` by slot: what :meth:`Representation.encode` takes.

        In a run an item is decoded once, however often it is asked for.
        """
        return {
            slot: [self._load(row, self.binding[slot]) for row in rows]
            for slot in (self.binding if slots is None else slots)
        }

    def _load(self, row: int, stream: str) -> Payload:
        if self.loader is None:
            return self.collection.load(row, stream)
        return self.loader(self.collection, row, stream)

    def column(self, name: str) -> Sequence[Any]:
        """A row-aligned column, such as the target of a supervised fit."""
        return self.collection.columns[name]
