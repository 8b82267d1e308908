"""What the kit puts around a task: datasets, a representation's offers, arrays, fewer items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mmbench.api import DataMissing, Dataset
from mmbench.runner.limit import Subset
from mmbench.testing.datasets import SAMPLE_ITEMS, write_marked_sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mmbench.api import Collection, EmbeddingKind
    from mmbench.runner.catalog import Catalog

__all__ = ["SCORED_ITEMS", "Everything", "Nothing", "Recorded", "SampleFirst", "thinned"]

#: Items of a collection that are scored; samples have fewer.
SCORED_ITEMS = 64


@dataclass(frozen=True)
class Everything:
    """:class:`mmbench.api.Offers` of a representation that takes every stream and offers all."""

    collections: Mapping[str, Collection]

    def streams(self, collection: str) -> tuple[str, ...]:
        """All streams of the collection."""
        return tuple(self.collections[collection].streams)

    def offered(self, collection: str, streams: Sequence[str], kind: EmbeddingKind) -> bool:
        """Whether the collection has these streams."""
        return set(streams) <= set(self.collections[collection].streams)


class Nothing:
    """:class:`mmbench.api.Offers` of a representation that fits no stream."""

    def streams(self, collection: str) -> tuple[str, ...]:
        """None of them."""
        return ()

    def offered(self, collection: str, streams: Sequence[str], kind: EmbeddingKind) -> bool:
        """Never."""
        return False


class Recorded(Mapping[str, Any]):
    """Arrays that remember which of them were read."""

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        self.arrays = arrays
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return self.arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)


@dataclass(frozen=True)
class SampleFirst:
    """Opens datasets, and writes a sample of those that are not there."""

    catalog: Catalog

    def open(self, name: str, **options: Any) -> Mapping[str, Collection]:
        """Collections of a registered dataset.

        Raises:
            DataMissing: It is not there, and writes no sample.
        """
        try:
            return self.catalog.dataset_collections(name, options)
        except DataMissing:
            dataset = self.catalog.dataset(name, options).object
            root = self.catalog.data_root / name
            if root.exists() or type(dataset).write_sample is Dataset.write_sample:
                raise
            write_marked_sample(dataset, root, items=SAMPLE_ITEMS, seed=0)
            return self.catalog.dataset_collections(name, options)


def thinned(collection: Collection) -> Collection:
    """The items of a collection that are scored."""
    rows = _rows(collection)
    return collection if len(rows) == len(collection) else Subset(collection, rows)


def _rows(collection: Collection) -> Sequence[int]:
    """The rows that are scored."""
    parent, count = getattr(collection, "parent", None), len(collection)
    if parent is not None and "parent" in collection.columns:
        alive = {parent.ids[row] for row in _rows(parent)}
        return [row for row, each in enumerate(collection.columns["parent"]) if each in alive]
    if collection.auxiliary or count <= SCORED_ITEMS:
        return range(count)
    return [row * count // SCORED_ITEMS for row in range(SCORED_ITEMS)]
