"""Decodes batches ahead, in threads; asks the run's spool first for what other jobs share."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mmbench.api import DerivedCollection, ItemError
from mmbench.api.viewed import ViewedCollection
from mmbench.runner.limit import Subset
from mmbench.runner.sharing import worth_keeping
from mmbench.runner.spool import BROKEN, Busy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from mmbench.api import Binding, Collection, Payload
    from mmbench.runner.matching import Group
    from mmbench.runner.spool import Spool

__all__ = ["Decoded", "Loader", "decoded_batches"]

#: How often an item is loaded where Python itself failed.
_TRIES = 10


@dataclass(frozen=True)
class Decoded:
    """Part of a batch.

    Attributes:
        kept: The positions in the group that decoded.
        batch: Their payloads by slot.
        dropped: Item id to the reason why it could not be decoded.
    """

    kept: NDArray[np.int64]
    batch: dict[str, list[Payload]]
    dropped: dict[str, str]


@dataclass(frozen=True)
class _Parent:
    """The parent that was decoded last, or why it could not be."""

    collection: Collection
    row: int
    stream: str
    payload: Payload | Exception


class Loader:
    """Loads items for one worker, through the run's spool.

    Views (crops, zero-filled streams, the first rows of ``--limit``) are followed to the
    collection that reads the files; its payload is what is kept, and each view is applied anew.

    Args:
        keys: Content keys of a collection's stream.
        spool: The run's; None where nothing is shared.
    """

    def __init__(
        self,
        keys: Callable[[Collection, str], Sequence[str | None]] = lambda c, s: c.content_keys(s),
        spool: Spool | None = None,
    ) -> None:
        self._keys = keys
        self._spool = spool
        self._parent: _Parent | None = None

    def begin(self) -> None:
        """A new job begins."""
        self._parent = None
        if self._spool is not None:
            self._spool.try_again()

    def load(self, collection: Collection, row: int, stream: str, *, wait: bool = True) -> Payload:
        """What ``collection.load(row, stream)`` returns or raises.

        Raises:
            Busy: Another worker decodes it just now, and ``wait`` is False.
        """
        loads = type(collection).load
        if loads is Subset.load:
            assert isinstance(collection, Subset)
            return self.load(collection.parent, collection.rows[row], stream, wait=wait)
        if loads is ViewedCollection.load:
            assert isinstance(collection, ViewedCollection)
            payload = self.load(collection.parent, row, stream, wait=wait)
            return collection.seen(row, stream, payload)
        if loads is DerivedCollection.load and stream in collection.streams:
            assert isinstance(collection, DerivedCollection)
            payload = self._last(collection.parent, collection.parent_row(row), stream, wait=wait)
            return collection.seen(row, payload)
        if self._spool is None or not worth_keeping(collection, stream):
            return _loaded(collection, row, stream)
        key = self._keys(collection, stream)[row]
        if key is None:
            return _loaded(collection, row, stream)
        item = f"{collection.name}\x1f{collection.ids[row]}\x1f{stream}"
        return self._spool.load(key, item, lambda: _loaded(collection, row, stream), wait=wait)

    def _last(self, collection: Collection, row: int, stream: str, *, wait: bool) -> Payload:
        """A parent's payload: its children follow one another, and share it."""
        last = self._parent
        same = last is not None and last.collection is collection
        if last is None or not same or (last.row, last.stream) != (row, stream):
            payload: Payload | Exception
            try:
                payload = self.load(collection, row, stream, wait=wait)
            except BROKEN as error:
                payload = error
            last = self._parent = _Parent(collection, row, stream, payload)
        if isinstance(last.payload, ItemError):
            raise ItemError(last.payload.what, where=last.payload.where, fix=last.payload.fix)
        if isinstance(last.payload, Exception):
            raise last.payload
        return last.payload


def _loaded(collection: Collection, row: int, stream: str) -> Payload:
    """What the collection's own ``load`` returns or raises.

    Python before 3.11.8 may raise a SystemError of its own where two threads parse literals at
    once, as ``np.load`` does with a file's header (github.com/python/cpython/issues/106905). It is
    no fault of the item's: it is loaded again.
    """
    for _ in range(_TRIES - 1):
        try:
            return collection.load(row, stream)
        except SystemError as error:
            if "recursion depth mismatch" not in str(error):
                raise
    return collection.load(row, stream)


def decoded_batches(
    loader: Loader,
    collection: Collection,
    binding: Binding,
    group: Group,
    missing: NDArray[np.int64],
    size: int,
    threads: int,
) -> Iterator[Decoded]:
    """Decoded batches, one decoded ahead in threads while the last is encoded.

    A batch is a fixed block of the group's rows: what a kill left over is encoded in the very
    batches that an uninterrupted run makes, so that vectors agree to the last bit.
    """
    blocks = np.flatnonzero(np.diff(missing // size)) + 1
    chunks = np.split(missing, blocks)
    with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="decode") as pool:

        def ahead_of(chunk: NDArray[np.int64]) -> list[Future[Decoded]]:
            parts = [part for part in np.array_split(chunk, threads) if len(part)]
            return [pool.submit(_decode, loader, collection, binding, group, p) for p in parts]

        ahead = ahead_of(chunks[0])
        for number in range(len(chunks)):
            parts = [future.result() for future in ahead]
            if number + 1 < len(chunks):
                ahead = ahead_of(chunks[number + 1])
            yield Decoded(
                np.concatenate([part.kept for part in parts]),
                {slot: [p for part in parts for p in part.batch[slot]] for slot in group.slots},
                {item: why for part in parts for item, why in part.dropped.items()},
            )


@dataclass
class _Item:
    """An item of a batch: its payloads so far, and why it has to be dropped."""

    payloads: dict[str, Payload] = field(default_factory=dict)
    reason: str | None = None


def _decode(
    loader: Loader,
    collection: Collection,
    binding: Binding,
    group: Group,
    chunk: NDArray[np.int64],
) -> Decoded:
    """Decode the rows of a chunk; broken items are left out and named.

    What another worker decodes just now comes last: meanwhile there is other work.
    """
    items = {int(position): _Item() for position in chunk}
    waiting = list(items)
    for wait in (False, True):
        for position in [*waiting]:
            row, item = int(group.rows[position]), items[position]
            try:
                for slot in group.slots:
                    if slot not in item.payloads:
                        stream = binding[slot]
                        item.payloads[slot] = loader.load(collection, row, stream, wait=wait)
            except Busy:
                continue
            except BROKEN as error:
                item.reason = f"{type(error).__name__}: {error}"
            waiting.remove(position)
    kept = [position for position, item in items.items() if item.reason is None]
    return Decoded(
        np.array(kept, dtype=np.int64),
        {slot: [items[position].payloads[slot] for position in kept] for slot in group.slots},
        {
            collection.ids[int(group.rows[position])]: item.reason
            for position, item in items.items()
            if item.reason is not None
        },
    )
