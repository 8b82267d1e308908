"""The embedding store: vectors by content, in checksummed shards, written once and mapped.

Layout: ``<root>/vectors/<space>/<shard>.{npy,keys.npy,json}``. A *space* is everything that
makes a vector but the item: representation fingerprint, kind, slots, precision. An item's key is
the digest of its content keys. The ``.json`` file is published last and names both checksums, so
a shard that was cut off, truncated or altered is a miss and never a wrong hit.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from mmbench.api.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Damage", "Price", "Space", "SpaceWriter", "VectorStore", "storage_error"]

log = logging.getLogger("mmbench.store")

FORMAT = 1


def storage_error(error: OSError, place: Path) -> StoreError:
    """A full disk or an unwritable folder, as one clear message."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreError(
            "the disk is full",
            where=str(place),
            fix="free some space (`mmbench cache prune` helps) and run again: "
            "what is finished is kept",
        )
    return StoreError(
        f"can't write: {error.strerror or error}",
        where=str(place),
        fix="choose a folder you may write to (--cache or MMBENCH_CACHE; --results)",
    )


@dataclass(frozen=True)
class Damage:
    """A shard that can't be used, and why.

    Attributes:
        shard: Its description, the ``.json`` file.
        reason: What is wrong with it.
        unreadable: Whether it may be whole, only out of reach (permissions, a network drive).
    """

    shard: Path
    reason: str
    unreadable: bool = False

    def remove(self) -> bool:
        """Remove the shard, so that its vectors are misses; whether it is gone.

        What is only out of reach stays.
        """
        if self.unreadable:
            return False
        try:
            for suffix in (".json", ".npy", ".keys.npy"):
                self.shard.with_suffix(suffix).unlink(missing_ok=True)
        except OSError:
            return False
        return True


@dataclass(frozen=True)
class Price:
    """What vectors cost to compute, as measured when they were.

    Attributes:
        seconds: Spent on those that were timed.
        items: How many were timed; fused and precomputed vectors are not.
        devices: Where they were made, sorted; of all of them.
    """

    seconds: float = 0.0
    items: int = 0
    devices: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Shard:
    """One published shard: what its ``.json`` says."""

    path: Path
    rows: int
    shape: tuple[int, ...]
    seconds: float
    checksum: int
    keys_checksum: int
    device: str = ""

    @property
    def vectors(self) -> Path:
        return self.path.with_suffix(".npy")

    @property
    def keys(self) -> Path:
        return self.path.with_suffix(".keys.npy")


class VectorStore:
    """All spaces under one root folder."""

    def __init__(self, root: Path) -> None:
        self.root = root / "vectors"

    def space(self, key: str) -> Space:
        """The space of this key; it need not exist yet."""
        return Space(self.root / key[:2] / key)

    def spaces(self) -> list[Space]:
        """Every space there is."""
        return [Space(path) for path in sorted(self.root.glob("??/*")) if path.is_dir()]


class Space:
    """Vectors of one representation, kind, slots and precision, by item digest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.damage: list[Damage] = []
        self._shards: list[_Shard] = []
        self._seen: set[str] = set()
        self._keys: NDArray[np.uint64] = np.empty((0, 2), dtype=np.uint64)
        self._places: NDArray[np.int64] = np.empty((0, 2), dtype=np.int64)
        self._maps: dict[int, NDArray[np.float32]] = {}

    def describe(self, meta: dict[str, Any]) -> None:
        """Leave a note about what this space is, for `mmbench cache` and people."""
        path = self.folder / "space.json"
        if not path.exists():
            _publish(path, json.dumps(meta, sort_keys=True, indent=1).encode())

    def refresh(self) -> None:
        """Read the index of shards published since the last look; verify their checksums."""
        found = [p for p in sorted(self.folder.glob("*.json")) if p.name != "space.json"]
        keys, places = [self._keys], [self._places]
        for path in found:
            if path.name in self._seen:
                continue
            self._seen.add(path.name)
            loaded = self._open(path)
            if loaded is None:
                continue
            shard, shard_keys = loaded
            index = len(self._shards)
            self._shards.append(shard)
            keys.append(shard_keys)
            rows = np.arange(shard.rows, dtype=np.int64)
            places.append(np.stack([np.full_like(rows, index), rows], axis=1))
        if len(keys) > 1:
            joined = np.concatenate(keys)
            order = np.argsort(joined[:, 0], kind="stable")
            self._keys = joined[order]
            self._places = np.concatenate(places)[order]

    def _open(self, path: Path) -> tuple[_Shard, NDArray[np.uint64]] | None:
        """Load one shard's description and keys, or note what is wrong with it."""
        try:
            said = json.loads(path.read_text())
            shard = _Shard(
                path.with_suffix(""),
                int(said["rows"]),
                tuple(said["shape"]),
                float(said["seconds"]),
                int(said["checksum"]),
                int(said["keys_checksum"]),
                str(said.get("device", "")),
            )
            vectors = np.load(shard.vectors, mmap_mode="r", allow_pickle=False)
            keys = np.load(shard.keys, allow_pickle=False)
            whole = (
                _is_array(vectors, np.float32, (shard.rows, *shard.shape))
                and _is_array(keys, np.uint64, (shard.rows, 2))
                and zlib.crc32(keys.data) == shard.keys_checksum
                and zlib.crc32(vectors.data) == shard.checksum
            )
        except Exception as error:  # noqa: BLE001 - a damaged header raises whatever it likes
            unreadable = isinstance(error, OSError) and error.errno not in (None, errno.ENOENT)
            self._damaged(path, f"{type(error).__name__}: {error}", unreadable=unreadable)
            return None
        if not whole:
            self._damaged(path, "its checksum does not match")
            return None
        self._maps[len(self._shards)] = vectors
        return shard, keys

    def _damaged(self, path: Path, reason: str, *, unreadable: bool = False) -> None:
        self.damage.append(Damage(path, reason, unreadable))
        log.info("damaged shard %s (%s): its vectors are computed again", path, reason)

    def discard_damaged(self) -> None:
        """Remove the damaged shards: what is needed of them has been computed again."""
        for damage in self.damage:
            damage.remove()

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, digests: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Place of each item in the index, -1 where it is not stored.

        Args:
            digests: uint64 [n, 2], from :func:`mmbench.runner.keys.digest_rows`.
        """
        if not len(self._keys):
            return np.full(len(digests), -1, dtype=np.int64)
        first = self._keys[:, 0]
        places = np.searchsorted(first, digests[:, 0])
        places = np.minimum(places, len(first) - 1)
        same = self._keys[places] == digests
        # Two items that share 64 bits of digest lie next to each other: look at the neighbour too.
        following = np.minimum(places + 1, len(first) - 1)
        next_same = self._keys[following] == digests
        hit, next_hit = same.all(axis=1), next_same.all(axis=1)
        return np.where(hit, places, np.where(next_hit, following, -1)).astype(np.int64)

    def gather(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Vectors at places of :meth:`find` (none of them -1), float32 [n, ...] in that order.

        Raises:
            StoreError: The rows have different shapes.
        """
        shards, rows = self._places[places, 0], self._places[places, 1]
        used = np.unique(shards)
        shapes = {self._shards[int(index)].shape for index in used}
        if len(shapes) > 1:
            raise StoreError(
                f"vectors of different shapes lie in one space: {sorted(shapes)}",
                where=str(self.folder),
                fix="the representation's output depends on the item's size; it must not",
            )
        shape = shapes.pop() if shapes else (0,)
        out = np.empty((len(places), *shape), dtype=np.float32)
        for index in used:
            mine = shards == index
            out[mine] = self._maps[int(index)][rows[mine]]
        return out

    def price(self, places: NDArray[np.int64]) -> Price:
        """What the vectors at these places cost to compute; each place counts once."""
        shards, counts = np.unique(self._places[np.unique(places), 0], return_counts=True)
        seconds, items, devices = 0.0, 0, set()
        for index, count in zip(shards, counts, strict=True):
            shard = self._shards[int(index)]
            if shard.device:
                devices.add(shard.device)
            if shard.seconds > 0:
                seconds += shard.seconds * int(count) / shard.rows
                items += int(count)
        return Price(seconds, items, tuple(sorted(devices)))


class SpaceWriter:
    """Collects vectors and publishes them shard by shard.

    A kill loses at most the rows since the last :meth:`flush`.
    """

    def __init__(self, space: Space, *, rows: int = 8192, device: str = "") -> None:
        self.folder = space.folder
        self.rows = rows
        self.device = device
        self._digests: list[NDArray[np.uint64]] = []
        self._vectors: list[NDArray[np.float32]] = []
        self._pending = 0
        self._seconds = 0.0

    def add(
        self, digests: NDArray[np.uint64], vectors: NDArray[np.float32], seconds: float
    ) -> None:
        """Add a batch and what it cost; publishes when a shard is full."""
        self._digests.append(digests)
        self._vectors.append(vectors)
        self._pending += len(digests)
        self._seconds += seconds
        if self._pending >= self.rows:
            self.flush()

    def flush(self) -> None:
        """Publish what is pending.

        Raises:
            StoreError: The disk is full or the folder can't be written.
        """
        if not self._pending:
            return
        vectors = np.ascontiguousarray(np.concatenate(self._vectors), dtype=np.float32)
        keys = np.ascontiguousarray(np.concatenate(self._digests))
        name = self.folder / uuid4().hex
        said = {
            "format": FORMAT,
            "rows": len(keys),
            "shape": list(vectors.shape[1:]),
            "seconds": self._seconds,
            "device": self.device,
            "checksum": zlib.crc32(vectors.data),
            "keys_checksum": zlib.crc32(keys.data),
        }
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for suffix, array in ((".npy", vectors), (".keys.npy", keys)):
                with name.with_suffix(suffix).open("wb") as file:
                    np.save(file, array, allow_pickle=False)
            _publish(name.with_suffix(".json"), json.dumps(said).encode())
        except OSError as error:
            for suffix in (".npy", ".keys.npy"):
                with contextlib.suppress(OSError):
                    name.with_suffix(suffix).unlink(missing_ok=True)
            raise storage_error(error, self.folder) from error
        self._digests, self._vectors, self._pending, self._seconds = [], [], 0, 0.0


def _is_array(array: NDArray[Any], dtype: type, shape: tuple[int, ...]) -> bool:
    """Whether the header, which no checksum covers, says what it must."""
    return array.dtype == dtype and array.shape == shape and array.flags.c_contiguous


def _publish(path: Path, content: bytes) -> None:
    """Write a file so that it appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
