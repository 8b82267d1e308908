"""A small world in memory: pairs of vectors, some of them broken or missing if asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import (
    Array,
    Collection,
    DataMissing,
    Dataset,
    DatasetInfo,
    DataStatus,
    ItemError,
    MemoryCollection,
    Stream,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.api import DataSource, Payload

WIDTH = 6


def pairs(
    name: str, items: int, *, seed: int, broken: tuple[str, ...] = (), missing: int = 0
) -> Collection:
    """Items whose two sides are one vector and a noisy copy of it.

    Every ``missing``-th item lacks its right side, and the item after it its left one.
    """
    rng = np.random.default_rng(seed)
    left = rng.standard_normal((items, WIDTH)).astype(np.float32)
    right = left + 0.3 * rng.standard_normal((items, WIDTH)).astype(np.float32)
    payloads: dict[str, list[Any]] = {
        "left": [Array(row) for row in left],
        "right": [Array(row) for row in right],
    }
    if missing:
        for row in range(0, items, missing):
            payloads["right"][row] = None
            if row + 1 < items:
                payloads["left"][row + 1] = None
    streams = {
        side: Stream(side, side, "Array", shape=(WIDTH,), provenance="generated")
        for side in payloads
    }
    return BreakableCollection(
        name=name,
        ids=[f"{name}-{row:03d}" for row in range(items)],
        streams=streams,
        payloads=payloads,
        columns={"label": [row % 3 for row in range(items)]},
        broken=broken,
    )


class BreakableCollection(MemoryCollection):
    """Some of its items can't be decoded."""

    def __init__(self, *, broken: tuple[str, ...] = (), **fields: Any) -> None:
        super().__init__(**fields)
        object.__setattr__(self, "broken", broken)

    def load(self, row: int, stream: str) -> Payload:
        """The payload, or the error of a corrupt file."""
        if self.ids[row] in self.broken:
            raise ItemError("is corrupt", where=self.ids[row])
        return super().load(row, stream)


class Pairs(Dataset):
    """Pairs of vectors, in memory."""

    def __init__(
        self, *, items: int = 12, seed: int = 0, broken: tuple[str, ...] = (), missing: int = 0
    ) -> None:
        self.items = items
        self.seed = seed
        self.broken = broken
        self.missing = missing

    @property
    def info(self) -> DatasetInfo:
        """What it is."""
        return DatasetInfo(name="faulty-pairs", version="1", bundled=True)

    def collections(self, source: DataSource) -> Mapping[str, Collection]:
        """Test and training pairs."""
        return {
            "test": pairs(
                "test", self.items, seed=self.seed, broken=self.broken, missing=self.missing
            ),
            "train": pairs("train", 2 * self.items, seed=self.seed + 1),
        }

    def status(self, source: DataSource) -> DataStatus:
        """Always there."""
        return DataStatus(present=True)


class Absent(Dataset):
    """Data that nobody has."""

    @property
    def info(self) -> DatasetInfo:
        """What it is."""
        return DatasetInfo(name="faulty-absent", version="1", url="https://example.org/absent")

    def collections(self, source: DataSource) -> Mapping[str, Collection]:
        """Never there."""
        raise DataMissing(
            f"looked for {source.root}/list.csv and found nothing",
            fix="get it from https://example.org/absent",
        )

    def status(self, source: DataSource) -> DataStatus:
        """Never there."""
        return DataStatus(present=False, missing=(str(source.root),))
