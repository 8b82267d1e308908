"""Encodes what the store lacks: decodes ahead, checks every batch, publishes shard by shard."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import (
    DataError,
    ItemError,
    MmbenchError,
    PluginError,
    PrecomputedRepresentation,
    Representation,
    StoreError,
)
from mmbench.api.representation import METHODS
from mmbench.runner.decoding import Loader, decoded_batches
from mmbench.runner.vectors import SpaceWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mmbench.api import Binding, Collection, EmbeddingKind, Payload
    from mmbench.runner.matching import Group
    from mmbench.runner.vectors import Space

__all__ = ["Encoded", "Encoder", "checked", "first_of_each", "to_numpy"]

log = logging.getLogger("mmbench.encode")

#: Axes that an array of each kind has.
_AXES: dict[str, int] = {"global": 2, "dense": 4, "tokens": 3}
#: Threads that decode, for collections that say they can bear it.
_DECODE_THREADS = min(os.cpu_count() or 1, 8)
#: Seconds after which pending vectors are published, so that a kill loses little.
_FLUSH_SECONDS = 5.0
#: Batched and single vectors of one item may differ by rounding (a GPU's TF32 included), not by
#: more than this share of the largest value.
_BATCH_TOLERANCE = {"fp32": 1e-2, "bf16": 1e-1, "fp16": 5e-2}


@dataclass
class Encoded:
    """What an encode job did.

    Attributes:
        encoded: Items that were computed.
        reused: Items that were in the store.
        dropped: Item id to the reason it could not be decoded.
    """

    encoded: int = 0
    reused: int = 0
    dropped: dict[str, str] = field(default_factory=dict)

    def add(self, other: Encoded) -> None:
        """Count another part of the same job."""
        self.encoded += other.encoded
        self.reused += other.reused
        self.dropped.update(other.dropped)


@dataclass
class Encoder:
    """One loaded representation, ready to encode groups of rows.

    Attributes:
        representation: Bound, loaded and (if trained) fitted.
        label: Its name in messages.
        kind: What is asked of it.
        batch_size: Where to start; halved when memory runs out.
        progress: ``progress(done, total, what)``.
        precision: What it computes in; rounding is judged by it.
        device: Where it computes, for the store's notes.
        loader: Decodes.
    """

    representation: Representation
    label: str
    kind: EmbeddingKind
    batch_size: int
    progress: Callable[[int, int, str], None]
    precision: str = "fp32"
    device: str = ""
    loader: Loader = field(default_factory=Loader)
    _checked: bool = False
    _shape: tuple[int, ...] | None = None

    def fill(self, space: Space, collection: Collection, binding: Binding, group: Group) -> Encoded:
        """Encode the rows of a group that ``space`` lacks, and publish them."""
        space.refresh()
        missing = first_of_each(group.digests, np.flatnonzero(space.find(group.digests) < 0))
        done = Encoded(reused=len(group.rows) - len(missing))
        if not len(missing):
            return done
        writer = SpaceWriter(space, device=self.device)
        try:
            if isinstance(self.representation, PrecomputedRepresentation):
                self._look_up(writer, collection, group, missing, done)
            else:
                self._encode(writer, collection, binding, group, missing, done)
        except Exception:
            with contextlib.suppress(StoreError):
                writer.flush()  # what was encoded before is good, and kept
            raise
        writer.flush()
        space.discard_damaged()
        space.refresh()
        _tell_twins(collection, group, missing, done)
        return done

    def _look_up(
        self,
        writer: SpaceWriter,
        collection: Collection,
        group: Group,
        missing: NDArray[np.int64],
        done: Encoded,
    ) -> None:
        """Copy vectors that exist already, by item id."""
        assert isinstance(self.representation, PrecomputedRepresentation)
        ids = [collection.ids[int(row)] for row in group.rows[missing]]
        found, known = self.representation.lookup(
            collection.name, ids, self.kind, frozenset(group.slots)
        )
        if known.any():
            vectors = self.validated(found, int(known.sum()))
            writer.add(group.digests[missing[known]], vectors, 0.0)
            done.encoded += len(vectors)
        elif len(missing) == len(group.rows):  # the store has none of them either
            raise DataError(
                self.representation.unknown_ids(collection.name, ids),
                where=f"representation {self.label}",
            )
        for item, has in zip(ids, known, strict=True):
            if not has:
                done.dropped[item] = f"{self.label} has no vector for it"

    def _encode(
        self,
        writer: SpaceWriter,
        collection: Collection,
        binding: Binding,
        group: Group,
        missing: NDArray[np.int64],
        done: Encoded,
    ) -> None:
        """Decode, encode, check, publish."""
        last_flush = time.monotonic()
        threads = _DECODE_THREADS if collection.parallel_loads else 1
        for decoded in decoded_batches(
            self.loader, collection, binding, group, missing, self.batch_size, threads
        ):
            done.dropped.update(decoded.dropped)
            rows, batch = decoded.kept, decoded.batch
            if not len(rows):
                continue
            start = time.perf_counter()
            ids = [collection.ids[int(group.rows[row])] for row in rows]
            taken, vectors = self._taken(batch, ids, done)
            seconds = time.perf_counter() - start
            if not len(taken):
                continue
            if not self._checked and len(taken) == len(rows):
                self._check_batch_invariance(batch, vectors)
            writer.add(group.digests[rows[taken]], vectors, seconds)
            done.encoded += len(taken)
            self.progress(
                done.encoded + len(done.dropped), len(missing), f"{collection.name} {self.kind}"
            )
            if time.monotonic() - last_flush > _FLUSH_SECONDS:
                writer.flush()
                last_flush = time.monotonic()

    def _taken(
        self, batch: dict[str, list[Payload]], ids: list[str], done: Encoded
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Encode a batch; items that the representation refuses are dropped and named.

        An ``ItemError`` does not say which item of a batch it is about, so then each is encoded
        alone.

        Returns:
            The rows of the batch that were taken, and their vectors.
        """
        rows = np.arange(len(ids))
        try:
            return rows, self._vectors(batch, len(ids))
        except ItemError as error:
            if len(ids) == 1:
                done.dropped[ids[0]] = f"{self.label} refuses it: {error}"
                return rows[:0], np.empty((0, 0), dtype=np.float32)
        taken: list[int] = []
        vectors = []
        for row in range(len(ids)):
            alone = {slot: [payloads[row]] for slot, payloads in batch.items()}
            kept, found = self._taken(alone, [ids[row]], done)
            if len(kept):
                taken.append(row)
                vectors.append(found)
        together = np.concatenate(vectors) if vectors else np.empty((0, 0), dtype=np.float32)
        return np.array(taken, dtype=np.int64), together

    def _vectors(self, batch: dict[str, list[Payload]], count: int) -> NDArray[np.float32]:
        """Encode a batch; when memory runs out, halve it and remember the smaller size."""
        pieces: list[NDArray[np.float32]] = []
        start = 0
        while start < count:
            size = min(self.batch_size, count - start)
            part = {slot: payloads[start : start + size] for slot, payloads in batch.items()}
            try:
                pieces.append(self._call(part, size))
            except (MemoryError, RuntimeError) as error:
                if not _is_out_of_memory(error) or size == 1:
                    raise self._failure(error) from error
                self.batch_size = max(size // 2, 1)
                log.warning("%s ran out of memory: batches of %d", self.label, self.batch_size)
                _release_memory()
                continue
            start += size
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def _call(self, batch: dict[str, list[Payload]], count: int) -> NDArray[np.float32]:
        """One call of the plugin's method, its result checked."""
        method = getattr(self.representation, METHODS[self.kind])
        try:
            raw = method(batch)
        except (MmbenchError, MemoryError, RuntimeError):
            raise
        except Exception as error:
            raise self._failure(error) from error
        return self.validated(raw, count)

    def _failure(self, error: Exception) -> PluginError:
        return PluginError(
            f"{METHODS[self.kind]}() raised {type(error).__name__}: {error}",
            where=f"representation {self.label}",
        )

    def live(self, batch: dict[str, list[Payload]], count: int) -> NDArray[np.float32]:
        """Vectors of payloads in memory, checked as all are; nothing goes into the store."""
        vectors = self._vectors(batch, count)
        if not self._checked and count > 1:
            self._check_batch_invariance(batch, vectors)
        return vectors

    def validated(self, raw: Any, count: int) -> NDArray[np.float32]:
        """The plugin's array as float32 [count, ...]; refuses a wrong shape and non-finite values.

        Raises:
            PluginError: Says what was expected and what was seen.
        """
        where = f"representation {self.label}"
        vectors = checked(raw, count, self.kind, METHODS[self.kind], where, self._shape)
        self._shape = vectors.shape[1:]
        return vectors

    def _check_batch_invariance(
        self, batch: dict[str, list[Payload]], vectors: NDArray[np.float32]
    ) -> None:
        """Encode the first item once more, alone: it must not depend on its batch."""
        self._checked = True
        if len(vectors) < 2:
            return
        alone = self._vectors({slot: payloads[:1] for slot, payloads in batch.items()}, 1)
        scale = float(np.abs(vectors[0]).max()) or 1.0
        difference = float(np.abs(alone[0] - vectors[0]).max()) / scale
        if difference > _BATCH_TOLERANCE[self.precision]:
            raise PluginError(
                f"gave different vectors for one item alone and in a batch of {len(vectors)} "
                f"(they differ by {difference:.1%} of the largest value)",
                where=f"representation {self.label}",
                fix="is batch normalisation in training mode, or is noise drawn per batch?",
            )


def checked(
    raw: Any, count: int, kind: EmbeddingKind, method: str, where: str,
    shape: tuple[int, ...] | None = None,
) -> NDArray[np.float32]:  # fmt: skip
    """A plugin's array as float32 [count, ...].

    Args:
        raw: What it returned.
        count: Rows that it should have.
        kind: What was asked for.
        method: Who returned it, for messages.
        where: The plugin, for messages.
        shape: Of a row, where it is known from an earlier batch.

    Raises:
        PluginError: A wrong shape or non-finite values; says what was expected and what was seen.
    """
    try:
        vectors = to_numpy(raw)
    except (PluginError, TypeError, ValueError) as error:
        what = error.what if isinstance(error, PluginError) else f"returned no array: {error}"
        raise PluginError(f"{method}() {what}", where=where) from error
    axes = _AXES.get(kind)
    if vectors.ndim == 0 or len(vectors) != count or (axes and vectors.ndim != axes):
        expected = {2: "[B, D]", 3: "[B, T, D]", 4: "[B, h, w, D]"}.get(axes or 0, "[B, ...]")
        raise PluginError(
            f"{method}() returned shape {tuple(vectors.shape)} for a batch of {count}; "
            f"expected {expected} with B = {count}",
            where=where,
            fix="return one row for each item of the batch, in order",
        )
    bad = ~np.isfinite(vectors).all(axis=tuple(range(1, vectors.ndim)))
    if bad.any():
        raise PluginError(
            f"{method}() returned NaN or infinite values for {int(bad.sum())} of {count} items "
            f"(the first is row {int(np.argmax(bad))} of the batch)",
            where=where,
        )
    if shape is not None and vectors.shape[1:] != shape:
        raise PluginError(
            f"{method}() returned vectors of shape {vectors.shape[1:]} after some of shape {shape}",
            where=where,
            fix="one kind of vector has one shape, whatever the item",
        )
    return vectors


def to_numpy(raw: Any) -> NDArray[np.float32]:
    """Any array that speaks DLPack or the array protocol, on any device, as float32 numpy."""
    if hasattr(raw, "detach"):  # torch: leave the graph and the device first
        raw = raw.detach().float().cpu().numpy()
    elif hasattr(raw, "__dlpack__") and not hasattr(raw, "__array__"):
        raw = np.from_dlpack(raw)
    array = np.asarray(raw)
    if array.dtype.kind not in "fiub":
        raise PluginError(f"returned an array of dtype {array.dtype}; expected floats")
    with np.errstate(over="ignore"):  # what is too large for float32 is infinite, and refused
        return np.ascontiguousarray(array, dtype=np.float32)


def first_of_each(digests: NDArray[np.uint64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of rows with equal content (a caption that repeats), only the first."""
    whole = np.ascontiguousarray(digests[rows]).view(np.dtype((np.void, 16))).reshape(-1)
    _, first = np.unique(whole, return_index=True)
    kept: NDArray[np.int64] = rows[np.sort(first)]
    return kept


def _tell_twins(
    collection: Collection, group: Group, tried: NDArray[np.int64], done: Encoded
) -> None:
    """Give items with the content of a dropped one, which were not tried, its reason."""
    if not done.dropped:
        return
    reasons = {}
    for position in tried:
        reason = done.dropped.get(collection.ids[int(group.rows[position])])
        if reason is not None:
            reasons[group.digests[position].tobytes()] = reason
    for position, row in enumerate(group.rows):
        reason = reasons.get(group.digests[position].tobytes())
        if reason is not None:
            done.dropped.setdefault(collection.ids[int(row)], reason)


def _is_out_of_memory(error: BaseException) -> bool:
    """Numpy's MemoryError, torch's OutOfMemoryError, and runtimes that only say so in words."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "out of memory" in str(error).lower()
    )


def _release_memory() -> None:
    """Give cached device memory back, if torch is what holds it."""
    import sys

    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
