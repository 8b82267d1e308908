"""The collection that a task's option ``split`` names, or why it is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmbench.api import DataMissing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.api import Collection

__all__ = ["split_of"]


def split_of(collections: Mapping[str, Collection], split: str, dataset: str) -> Collection:
    """A dataset's collection by name.

    Raises:
        DataMissing: The list that makes it is not there; the others may be.
    """
    if split not in collections:
        there = ", ".join(collections)
        raise DataMissing(
            f"the list of {split!r} is not there, only those of {there}",
            where=f"dataset {dataset}",
            fix=f"`mmbench show {dataset}` says where to get it; or choose another split",
        )
    return collections[split]
