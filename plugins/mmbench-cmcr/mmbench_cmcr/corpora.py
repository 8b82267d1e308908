"""Corpora: which vectors are asked for, and whether those that came can be learnt from."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import CorpusRequest, DataError, PluginError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from mmbench_cmcr.junction import Junction

__all__ = ["Rows", "collect", "collect_pairs", "corpus_requests", "pair_requests"]

#: Rows that are read at once where all are read.
_BLOCK = 16384


@dataclass(frozen=True)
class Rows:
    """The vectors of one corpus or of several, as if they lay in one array.

    The parts may be memory-mapped and of any float type: rows are read when they are asked for.

    Attributes:
        name: What they are, for messages.
        parts: [n, d] each, all of one width.
    """

    name: str
    parts: tuple[NDArray[Any], ...]

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    @property
    def width(self) -> int:
        """Length of a vector."""
        return int(self.parts[0].shape[1])

    def block(self, start: int, stop: int, dtype: Any = np.float32) -> NDArray[Any]:
        """A copy of rows start..stop."""
        return self.take(np.arange(start, min(stop, len(self))), dtype)

    def take(self, rows: NDArray[np.int64], dtype: Any = np.float32) -> NDArray[Any]:
        """A copy [n, d] of these rows, which ascend."""
        found = np.empty((len(rows), self.width), dtype=dtype)
        first = 0
        for part in self.parts:
            begin, end = np.searchsorted(rows, (first, first + len(part)))
            if end > begin:
                inside = rows[begin:end] - first
                straight = inside[-1] - inside[0] == end - begin - 1
                # A slice is read in one go; an index array row by row.
                found[begin:end] = part[inside[0] : inside[-1] + 1] if straight else part[inside]
            first += len(part)
        return found

    def digest(self) -> str:
        """Hash of the values, in whatever parts they come."""
        made = blake2b(digest_size=16)
        made.update(f"{self.width}".encode())
        for part in self.parts:
            made.update(f"{len(part)} {part.dtype.str}".encode())
            for start in range(0, len(part), _BLOCK):
                made.update(np.ascontiguousarray(part[start : start + _BLOCK]).data)
        return made.hexdigest()

    def check(self) -> None:
        """See that there are rows, and that each has a direction.

        Raises:
            DataError: There are none, or one is NaN, infinite or zero.
        """
        if not len(self):
            raise DataError("the corpus is empty", where=self.name, fix="name one that has items")
        for start in range(0, len(self), _BLOCK):
            block = self.block(start, start + _BLOCK)
            finite = np.isfinite(block).all(axis=1)
            bad = ~(finite & block.any(axis=1))
            if bad.any():
                row = int(bad.argmax())
                what = "is zero" if finite[row] else "has a value that is NaN or infinite"
                raise DataError(
                    f"the vector of row {start + row} {what}", where=self.name,
                    fix="look at the item that it was made of, and at the space",
                )  # fmt: skip


def corpus_requests(base: str, slot: str, corpora: Sequence[str]) -> list[CorpusRequest]:
    """A request for each corpus, under the name ``"BASE SLOT DATASET/COLLECTION/STREAM"``.

    Raises:
        UsageError: A corpus is not of that form, or is named twice.
    """
    found = []
    for corpus in corpora:
        names = corpus.split("/")
        if len(names) != 3 or not all(names):
            raise UsageError(
                f"{corpus!r} names no corpus", where=f"the corpora of {slot}",
                fix="write DATASET/COLLECTION/STREAM, such as numbers/train/text",
            )  # fmt: skip
        if corpora.count(corpus) > 1:
            raise UsageError(f"{corpus!r} is named twice", where=f"the corpora of {slot}")
        dataset, collection, stream = names
        name = f"{base} {slot} {corpus}"
        found.append(CorpusRequest(name, base, slot, dataset, collection, stream))
    return found


def pair_requests(junction: Junction, collections: Sequence[str]) -> dict[str, list[CorpusRequest]]:
    """Requests for both leaves of paired collections, by space; row for row of the same items.

    A collection is ``DATASET/COLLECTION`` where its streams are called as the leaves, or else
    ``DATASET/COLLECTION/STREAM/STREAM``, the first leaf's before the second's.

    Raises:
        UsageError: One is not of that form, or is named twice.
    """
    leaves = {"first": junction.first_leaf, "second": junction.second_leaf}
    where = f"the pairs of {leaves['first']} and {leaves['second']}"
    found: dict[str, list[CorpusRequest]] = {"first": [], "second": []}
    for collection in collections:
        names = collection.split("/")
        if len(names) not in (2, 4) or not all(names):
            raise UsageError(
                f"{collection!r} names no paired collection", where=where,
                fix="write DATASET/COLLECTION, such as numbers/train, or with the streams of both "
                "leaves: DATASET/COLLECTION/STREAM/STREAM",
            )  # fmt: skip
        if list(collections).count(collection) > 1:
            raise UsageError(f"{collection!r} is named twice", where=where)
        streams = names[2:] or list(leaves.values())
        for (base, leaf), stream in zip(leaves.items(), streams, strict=True):
            found[base].append(
                CorpusRequest(
                    f"{base} {leaf} {collection}", base, leaf, names[0], names[1], stream,
                    paired=True,
                )
            )  # fmt: skip
    return found


def collect_pairs(
    arrays: Mapping[str, NDArray[Any]], requests: Mapping[str, Sequence[CorpusRequest]],
    spaces: Mapping[str, str],
) -> dict[str, Rows]:  # fmt: skip
    """The vectors of both leaves, by space, row by row of the same items.

    Args:
        arrays: By request name.
        requests: Of ``pair_requests``.
        spaces: What the spaces are called, for messages.

    Raises:
        DataError: There are none, the leaves differ in their number, or one has no direction.
    """
    found = {base: collect(arrays, asked, spaces[base]) for base, asked in requests.items()}
    for number, request in enumerate(requests["first"]):
        first, second = (len(found[base].parts[number]) for base in ("first", "second"))
        if first != second:
            raise DataError(
                f"the pairs of {request.dataset}/{request.collection} are not pairs: there are "
                f"{first} vectors of {request.slot}, and {second} of "
                f"{requests['second'][number].slot}",
                where=f"{found['first'].name}; {found['second'].name}",
                fix="both must be of the same items, in one order",
            )  # fmt: skip
    for rows in found.values():
        rows.check()
    return found


def collect(
    arrays: Mapping[str, NDArray[Any]], requests: Sequence[CorpusRequest], space: str
) -> Rows:
    """The vectors of these requests, which are all of one space and slot.

    Args:
        arrays: By request name.
        requests: At least one.
        space: What the space is called, for messages.

    Raises:
        PluginError: One did not come, or is no matrix of floats.
        DataError: They differ in width.
    """
    name = f"{space}, {requests[0].slot}"
    parts: list[NDArray[Any]] = []
    for request in requests:
        found = arrays.get(request.name)
        if found is None:
            raise PluginError(
                f"there are no vectors of {request.name!r}", where=name,
                fix="hand over an array for each request of needs()",
            )  # fmt: skip
        if found.ndim != 2 or found.dtype.kind != "f":
            raise PluginError(
                f"the vectors of {request.name!r} are {found.dtype} of shape {found.shape}, "
                "and should be floats [items, width]", where=name,
            )  # fmt: skip
        parts.append(found)
    widths = {part.shape[1] for part in parts}
    if len(widths) > 1:
        raise DataError(f"its corpora have vectors of {sorted(widths)} numbers", where=name)
    return Rows(name, tuple(parts))
