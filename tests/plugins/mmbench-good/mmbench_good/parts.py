"""Pairs of vectors in memory, a task on them, and a representation that solves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import (
    Array,
    Dataset,
    DatasetInfo,
    DataStatus,
    MemoryCollection,
    Offer,
    Representation,
    RepresentationInfo,
    Slot,
    Stream,
)
from mmbench.protocols.retrieval import RetrievalTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.api import Batch, Collection, Datasets, DataSource

SIDES = ("left", "right")
WIDTH = 8


class Coordinates(Representation):
    """Vectors as they are."""

    @property
    def info(self) -> RepresentationInfo:
        """Either side gives a vector."""
        return RepresentationInfo(
            name="a-good",
            version="1",
            slots=tuple(Slot(side, side, ("Array",)) for side in SIDES),
            offers=frozenset(Offer("global", frozenset({side}), WIDTH) for side in SIDES),
        )

    def encode(self, batch: Batch) -> Any:
        """Stack them."""
        (side,) = batch
        return np.stack([array.values for array in batch[side]])


class Pairs(Dataset):
    """Twenty vectors, each with a noisy copy of itself."""

    @property
    def info(self) -> DatasetInfo:
        """What it is."""
        return DatasetInfo(name="a-good-dataset", version="1", bundled=True)

    def collections(self, source: DataSource) -> Mapping[str, Collection]:
        """The pairs."""
        rng = np.random.default_rng(0)
        left = rng.standard_normal((20, WIDTH)).astype(np.float32)
        right = left + 0.5 * rng.standard_normal(left.shape).astype(np.float32)
        rows = {"left": left, "right": right}
        pairs = MemoryCollection(
            name="test",
            ids=[f"pair-{row:02d}" for row in range(len(left))],
            streams={
                side: Stream(side, side, "Array", shape=(WIDTH,), provenance="generated")
                for side in SIDES
            },
            payloads={side: [Array(row) for row in rows[side]] for side in SIDES},
        )
        return {"test": pairs}

    def status(self, source: DataSource) -> DataStatus:
        """Always there."""
        return DataStatus(present=True)


class PairsRetrieval(RetrievalTask):
    """Left and right retrieve each other."""

    name = "a-good-task"

    def __init__(self, *, query: str = "left", gallery: str = "right") -> None:
        super().__init__(query=query, gallery=gallery)

    def collections(self, datasets: Datasets) -> Mapping[str, Collection]:
        """The pairs."""
        return {"pairs": datasets.open("a-good-dataset")["test"]}
