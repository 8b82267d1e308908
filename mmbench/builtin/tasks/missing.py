"""Missing modalities on the numbers world: what one stream alone says of an unseen number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmbench.protocols.missing import MissingModalitiesTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.api import Collection, Datasets

__all__ = ["NumbersMissing"]


class NumbersMissing(MissingModalitiesTask):
    """Predict a digit or the size of 400 unseen numbers from every subset of their streams."""

    name = "numbers-missing"
    description = "a digit or the size of 400 unseen numbers, from every subset of their streams"

    def splits(self, datasets: Datasets) -> Mapping[str, Collection]:
        """Training, validation and test numbers; they share no number and no handwriting."""
        numbers = datasets.open("numbers")
        return {split: numbers[split] for split in ("train", "valid", "test")}
