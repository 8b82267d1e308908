"""Which items a run would decode more than once, and which jobs ask for them.

Views are followed to the collection that reads the files: a crop, a first part (``--limit``) and a
zero-filled stream ask for the item that they are made of. What counts is an item's content key, so
collections that hold the same files share them too. An item that is asked for once only is nobody's
business here: it is decoded where it is needed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from mmbench.api import DerivedCollection, PrecomputedRepresentation, Representation
from mmbench.api.viewed import ViewedCollection
from mmbench.runner.keys import digest_rows
from mmbench.runner.limit import Subset

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from mmbench.api import Binding, Collection
    from mmbench.runner.catalog import Catalog
    from mmbench.runner.matching import Group, Match

    Digests = NDArray[np.uint64]

__all__ = ["Demands", "SharedItems", "origin", "worth_keeping"]


@dataclass(frozen=True)
class SharedItems:
    """Items that are asked for more than once.

    Attributes:
        digests: Of their content keys, uint64 [n, 2], sorted by the first column.
        sources: int64 [n]. Items that the same jobs ask for are of one source.
        consumers: Of each source, the keys of those jobs.
    """

    digests: Digests = field(default_factory=lambda: np.empty((0, 2), dtype=np.uint64))
    sources: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    consumers: tuple[frozenset[str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.consumers)


@dataclass
class Demands:
    """Collects what the jobs of a plan will decode.

    Attributes:
        catalog: Where content keys are.
    """

    catalog: Catalog
    _uses: list[tuple[str, Digests]] = field(default_factory=list)
    _asked: dict[str, list[Digests]] = field(default_factory=dict)

    def encode(
        self, job: str, space: str, found: Match, collection: Collection, binding: Binding,
        group: Group, missing: NDArray[np.int64],
    ) -> None:  # fmt: skip
        """Note that a job encodes these positions of a group, for a space of the store.

        What an earlier job of the plan computes for the same space is found there.
        """
        if isinstance(found.representation, PrecomputedRepresentation) or not len(missing):
            return
        missing = self._not_asked_before(space, group.digests, missing)
        rows = group.rows[missing]
        # What can't be fused after all is decoded again.
        fuses = type(found.representation).fuse is not Representation.fuse
        times = 2 if fuses and len(group.slots) > 1 else 1
        for slot in group.slots:
            self._add(job, collection, binding[slot], rows, times)

    def fit(self, job: str, found: Match) -> None:
        """Note that a job trains; it may pass over its items any number of times."""
        assert found.fit is not None
        spec, collections = found.fit.spec, found.fit.collections
        for name in filter(None, (spec.train, spec.valid)):
            collection = collections[name]
            for stream in found.fit_binding.values():
                if stream in collection.streams:
                    keys = self.catalog.content_keys(collection, stream)
                    rows = np.flatnonzero([key is not None for key in keys])
                    self._add(job, collection, stream, rows, 2)

    def shared(self) -> SharedItems:
        """The items that are asked for more than once."""
        uses = [(job, digests) for job, digests in self._uses if len(digests)]
        if not uses:
            return SharedItems()
        jobs = list(dict.fromkeys(job for job, _ in uses))
        digests = np.concatenate([each for _, each in uses])
        numbers = np.repeat([jobs.index(job) for job, _ in uses], [len(each) for _, each in uses])
        order = np.lexsort((numbers, digests[:, 1], digests[:, 0]))
        digests, numbers = digests[order], numbers[order]
        new = np.ones(len(digests), dtype=np.bool_)
        new[1:] = (digests[1:] != digests[:-1]).any(axis=1)
        starts = np.flatnonzero(new)
        kept = np.diff(np.append(starts, len(digests))) > 1
        if not kept.any():
            return SharedItems()
        # A key's jobs as one number: the sum of a number for each of them.
        marks = np.array([_mark(job) for job in jobs], dtype=np.uint64)[numbers]
        again = ~new
        again[1:] &= numbers[1:] == numbers[:-1]
        marks[again] = 0
        together, first, sources = np.unique(
            np.add.reduceat(marks, starts)[kept], return_index=True, return_inverse=True
        )
        ends = np.append(starts, len(digests))[1:][kept]
        starts = starts[kept]
        consumers = tuple(
            frozenset(jobs[number] for number in numbers[starts[key] : ends[key]]) for key in first
        )
        assert len(together) == len(consumers)
        return SharedItems(digests[starts], sources.reshape(-1).astype(np.int64), consumers)

    def _add(
        self, job: str, collection: Collection, stream: str, rows: NDArray[np.int64], times: int
    ) -> None:
        root, root_rows = origin(collection, rows)
        if not worth_keeping(root, stream):
            return
        # Children of one parent follow each other, and their parent is at hand.
        follows = np.zeros(len(root_rows), dtype=np.bool_)
        follows[1:] = root_rows[1:] == root_rows[:-1]
        keys = self.catalog.content_keys(root, stream)
        digests, _ = digest_rows([[keys[int(row)] for row in root_rows[~follows]]])
        self._uses += [(job, digests)] * times

    def _not_asked_before(
        self, space: str, digests: Digests, missing: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Of the missing positions, the first of each content that no other job encodes."""
        before = self._asked.setdefault(space, [])
        known = sum(map(len, before))
        wanted = np.ascontiguousarray(np.concatenate([*before, digests[missing]]))
        whole = wanted.view(np.dtype((np.void, 16))).reshape(-1)
        _, first = np.unique(whole, return_index=True)
        fresh: NDArray[np.int64] = missing[np.sort(first[first >= known] - known)]
        before.append(digests[fresh])
        return fresh


def origin(collection: Collection, rows: NDArray[np.int64]) -> tuple[Collection, NDArray[np.int64]]:
    """The collection that reads the files, and its rows that these rows are made of."""
    while True:
        loads: Any = type(collection).load
        if loads is Subset.load:
            assert isinstance(collection, Subset)
            rows = np.asarray(collection.rows, dtype=np.int64)[rows]
        elif loads is DerivedCollection.load:
            assert isinstance(collection, DerivedCollection)
            parents = [collection.parent_row(int(row)) for row in rows]
            rows = np.asarray(parents, dtype=np.int64)
        elif loads is not ViewedCollection.load:
            return collection, rows
        assert isinstance(collection, (Subset, DerivedCollection, ViewedCollection))
        collection = collection.parent


def worth_keeping(root: Collection, stream: str) -> bool:
    """Whether decoding costs more than reading what was decoded; words never do."""
    return not root.cheap_loads and root.streams[stream].kind != "Text"


def _mark(job: str) -> int:
    return int.from_bytes(blake2b(job.encode(), digest_size=8).digest(), "little")
